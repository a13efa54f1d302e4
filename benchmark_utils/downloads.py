"""Published files, fetched once, and known by their checksum."""

from pathlib import Path

import pandas as pd
import pooch

from benchmark_utils.errors import Unavailable, fail
from benchmark_utils.tables import require_columns


def published_file(address: str, sha256: str, folder: Path) -> Path:
    """Return the copy in a folder of the file that is published at an address.

    Fails if the copy is another file; raises Unavailable, saying what to do, if there
    is none and none can be fetched.
    """
    name = address.rpartition("/")[2]
    copy = folder / name
    if copy.is_file() and pooch.file_hash(str(copy)) != sha256:
        fail(f"{copy} is not the published file: delete it or replace it")
    try:
        return Path(pooch.retrieve(address, f"sha256:{sha256}", name, folder))
    except (OSError, ValueError) as error:  # no network, no right to write, bad file
        reason = str(error).split("(Caused by")[0]
        raise Unavailable(
            f"{name} could not be downloaded ({reason}): connect to the network, or "
            f"get {address} and put it into {folder}"
        ) from error


def published_table(
    address: str, sha256: str, folder: Path, columns: list[str], **options
) -> pd.DataFrame:
    """Return the table in a `published_file`; ``options`` are pandas.read_csv's."""
    copy = folder / address.rpartition("/")[2]
    if copy.is_file():
        # First the columns: of a wrong file, that is the better thing to be told.
        require_columns(str(copy), pd.read_csv(copy, nrows=0, **options), columns)
    return pd.read_csv(published_file(address, sha256, folder), **options)
