"""What datasets and solvers share: parameters checked early, caches kept honest."""

import ast
import hashlib
import importlib.util
import re
from abc import abstractmethod
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from benchopt import BaseDataset

from benchmark_utils.errors import Unavailable, fail
from benchmark_utils.problems import Problem
from benchmark_utils.unit_cube import UnitCube

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = {"ConfigSpace", "numpy", "scikit-learn", "scipy", "torch"}  # of any trial


def one_of(what: str, value: object, choices) -> None:
    """Fail unless the value is among the choices."""
    if value not in choices:
        fail(f"unknown {what} {value!r}: choose from {', '.join(map(str, choices))}")


def whole_number(what: str, value: object, low: int) -> None:
    """Fail unless the value is a whole number of at least ``low``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        fail(f"{what}={value!r}: must be a whole number, at least {low}")


def number_between(what: str, value: object, low: float, high: float) -> None:
    """Fail unless the value is a number with low < value <= high."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low < value <= high:
        fail(f"{what}={value!r}: must be a number above {low:g}, at most {high:g}")


def missing(module: str, package: str) -> str | None:
    """Say in one line which package to install if it cannot be imported, or None."""
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        return f"needs the package {package}: pip install {package}"
    return None


def need_neural(*modules: str) -> None:
    """Raise Unavailable where a library of the neural problems is missing."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise Unavailable(
                f"needs the package {module}: pip install -r requirements-neural.txt"
            )


def file_named(what: str, name: str) -> Path:
    """Return the path of a file given by a person; fail if there is none.

    Relative names are looked for where the command runs, then in the benchmark.
    """
    for path in (Path(str(name)).expanduser(), ROOT / str(name)):
        if path.is_file():
            return path.resolve()
    fail(f"{what}: there is no file {name!r} (looked in {Path.cwd()} and {ROOT})")


@lru_cache
def code_hash(file: Path) -> str:
    """Hash a source file together with all of benchmark_utils that it imports.

    Benchopt's cache knows the files of objective, datasets and solvers, but not
    what they import: without this it would serve results from before an edit.
    """
    sources, waiting = {}, [file]
    while waiting:
        path = waiting.pop()
        if path in sources or not path.is_file():
            continue
        sources[path] = path.read_bytes()
        for node in ast.walk(ast.parse(sources[path])):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
                names += [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                if name.split(".")[0] == "benchmark_utils":
                    stem = ROOT.joinpath(*name.split("."))
                    waiting += [stem.with_suffix(".py"), stem / "__init__.py"]
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(sources[path])
    return digest.hexdigest()


@lru_cache
def version(package: str) -> str | None:
    """Return the version of an installed package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@lru_cache(maxsize=100_000)
def content_hash(path: Path, modified: int) -> str:
    """Hash a file's content; again only if it was modified since."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Component:
    """A benchopt class whose cached results depend on all that determines them."""

    def take_parameters(self, parameters: dict) -> None:
        """Make every parameter an attribute, defaults for those not given."""
        self.save_parameters(**parameters)
        # Benchopt leaves out those whose name the class already has.
        self.__dict__.update(self._parameters)

    def files(self) -> list[Path]:
        """Return a person's files whose content decides what comes out."""
        return []

    def _get_state(self) -> dict:
        # Part of benchopt's cache key, through the object's pickle.
        contents = [content_hash(p, p.stat().st_mtime_ns) for p in self.files()]
        needs = [name.removeprefix("pip::") for name in self.requirements or []]
        packages = {re.split("[<>=]", name)[0] for name in needs}
        return {
            "code": code_hash(Path(self._module_filename)),
            "files": contents,
            "versions": {name: version(name) for name in sorted(packages | LIBRARIES)},
        }

    def __setstate__(self, state: dict) -> None:
        pass


class ProblemDataset(Component, BaseDataset):
    """A benchopt dataset that is a tuning problem.

    A family implements ``check`` and ``problem``; parameters are attributes in both.
    """

    def __init__(self, **parameters):
        super().__init__()
        self.take_parameters(parameters)
        self.check()

    def check(self) -> None:
        """Fail if a parameter is wrong: before anything is loaded."""

    @abstractmethod
    def problem(self) -> Problem:
        """Return the problem; raises Unavailable if it needs what is not here."""

    prepare_cache_ignore = ("base_seed",)

    def prepare(self) -> None:
        """Download and compute, once, what the problem needs: `benchopt prepare`.

        What is unavailable is a failure then, and has to be: benchopt would call it
        prepared, and remember that.
        """
        self.problem()

    def get_data(self) -> dict:
        try:
            problem = self.problem()
            UnitCube(problem.space)
        except Unavailable as error:
            return {"problem": None, "unavailable": str(error)}
        except (ValueError, TypeError) as error:
            fail(f"{self}: {error}")
        return {"problem": problem}
