"""An array that is computed once, piece by piece, and kept on disk."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pooch

from benchmark_utils.errors import fail

PIECE = 64  # rows computed at a time


def kept_array(
    path: Path,
    about: dict,
    n_rows: int,
    start: Callable[[], Callable[[range], np.ndarray]],
) -> np.ndarray:
    """Return the array in a .npy file, memory-mapped; compute it where need be.

    Beside it lies a .json with what it is about and its checksum: an array about
    something else, truncated or altered is computed anew, with a line that says so.
    Whatever was computed before an interruption is kept; of several processes one
    computes, the others wait.

    Parameters
    ----------
    path : Path
        the .npy file; `.json`, `.part`, `.progress` and `.lock` are made beside it.
    about : dict
        what determines the array; for JSON.
    n_rows : int
    start : callable
        called if there is something to compute, returns what computes the rows with
        the numbers it is given: ndarray (len(rows), ...).
    """
    from filelock import FileLock
    from tqdm import tqdm

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            wrong = _what_is_wrong(path, about)
            if wrong:
                print(f"{path} {wrong}: computing {n_rows} rows")
                compute = start()
                with tqdm(total=n_rows, desc=path.stem, unit="row") as bar:
                    _compute(path, about, n_rows, compute, bar)
    except OSError as error:
        fail(f"{path} cannot be written ({error})")
    return np.load(path, mmap_mode="r")


def checksum(path: Path) -> str | None:
    """Return what the sum of an array should be, None if it is not there as a whole."""
    kept = _read_json(path.with_suffix(".json"))
    whole = path.is_file() and path.stat().st_size == kept.get("bytes")
    return kept.get("sha256") if whole else None


def _what_is_wrong(path, about):
    if not path.is_file():
        return "is not there yet (`benchopt prepare` makes it before a run)"
    if _read_json(path.with_suffix(".json")).get("about") != about:
        return "is of other data"
    if pooch.file_hash(str(path)) != checksum(path):
        return "is damaged"
    return None


def _compute(path, about, n_rows, compute, bar):
    part, progress = path.with_suffix(".part"), path.with_suffix(".progress")
    done = _read_json(progress)
    size = part.stat().st_size if part.is_file() else -1
    if done.get("about") != about or size < done["bytes"]:
        done = {"about": about, "rows": 0, "bytes": 0}
    bar.update(done["rows"])
    with part.open("r+b" if done["rows"] else "w+b") as file:
        file.truncate(done["bytes"])
        file.seek(done["bytes"])
        for first in range(done["rows"], n_rows, PIECE):
            rows = range(first, min(first + PIECE, n_rows))
            array = compute(rows)
            if first == 0:
                header = np.lib.format.header_data_from_array_1_0(array)
                header["shape"] = (n_rows, *array.shape[1:])
                np.lib.format.write_array_header_1_0(file, header)
            file.write(array.tobytes())
            file.flush()
            os.fsync(file.fileno())
            done |= {"rows": rows.stop, "bytes": file.tell()}
            _write_json(progress, done)
            bar.update(len(rows))
    # First what it is about: then an interruption here leaves nothing to compute.
    sha256 = pooch.file_hash(str(part))
    kept = {"about": about, "bytes": part.stat().st_size, "sha256": sha256}
    _write_json(path.with_suffix(".json"), kept)
    part.replace(path)
    progress.unlink()


def _read_json(path):
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write_json(path, content):
    whole = path.with_name(f"{path.name}.new")
    whole.write_text(json.dumps(content))
    whole.replace(path)
