"""A person's own configurations and values, read from YAML or CSV files."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pandas as pd
import yaml
from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.hyperparameters import Hyperparameter

from benchmark_utils.errors import fail
from benchmark_utils.tables import read_csv
from benchmark_utils.unit_cube import active


def read_configurations(path: Path) -> list[dict]:
    """Return the configurations in a file: YAML list of mappings, or CSV with names.

    An empty cell of a CSV is a hyperparameter without a value.
    """
    if path.suffix.lower() == ".csv":
        rows = read_csv(path).to_dict("records")
        return [{k: v for k, v in row.items() if pd.notna(v)} for row in rows]
    rows = _read_yaml(path)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        fail(f"{path}: must be a list of configurations, `- {{name: value, ...}}` each")
    return rows


def read_values(path: Path) -> dict[str, list]:
    """Return the values per hyperparameter in a YAML file: `name: [value, ...]`."""
    values = _read_yaml(path)
    if not isinstance(values, dict) or not all(
        isinstance(v, list) and v for v in values.values()
    ):
        fail(f"{path}: must have `name: [value, ...]` for each hyperparameter")
    return values


def _read_yaml(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        fail(f"{path}: not a YAML file ({str(error).splitlines()[0]})")


def to_configuration(
    where: str, values: dict, space: ConfigurationSpace
) -> Configuration:
    """Return the configuration with these values; fail with one clear line.

    Values of hyperparameters that the others make inactive are left out.
    """
    check_names(where, values, space)
    legal = {name: _legal(where, space[name], v) for name, v in values.items()}
    wanted = {hp.name: hp.default_value for hp in space.values()} | legal
    needed = set(active(space, wanted))
    if missing := sorted(needed - set(legal)):
        fail(f"{where}: missing {', '.join(missing)}; names are: {_names(space)}")
    return Configuration(space, values={k: v for k, v in legal.items() if k in needed})


def check_names(where: str, names: Iterable[str], space: ConfigurationSpace) -> None:
    """Fail, saying the right names, unless all are hyperparameters of the space."""
    if unknown := [name for name in names if name not in space]:
        fail(
            f"{where}: no hyperparameter is called {', '.join(map(repr, unknown))}; "
            f"names are: {_names(space)}"
        )


def legal_values(where: str, hp: Hyperparameter, values: list) -> list:
    """Return values in the hyperparameter's own type; fail if one is not legal."""
    return [_legal(where, hp, value) for value in values]


def _legal(where, hp, value):
    choices = getattr(hp, "choices", None) or getattr(hp, "sequence", None)
    if choices is not None:
        # In a CSV, choices such as 1 or True come as text or floats.
        for choice in choices:
            if value == choice or str(value) == str(choice):
                return choice
        listed = ", ".join(map(str, choices))
        fail(f"{where}: {hp.name}={value!r} is not one of {listed}")
    if isinstance(value, str):  # YAML reads 1e-8 as text
        with suppress(ValueError):
            value = float(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    whole = isinstance(hp.default_value, int)
    if not is_number or (whole and value % 1 != 0):
        fail(f"{where}: {hp.name}={value!r} is not a {'whole ' * whole}number")
    if not hp.lower <= value <= hp.upper:
        fail(f"{where}: {hp.name}={value!r} is outside [{hp.lower}, {hp.upper}]")
    return int(value) if whole else float(value)


def _names(space):
    return ", ".join(space)
