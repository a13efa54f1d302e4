"""How things go wrong: one clear line, or a reason to skip."""

from typing import NoReturn

import click


class Unavailable(Exception):
    """Something is not on this machine; the message says what to do about it."""


def fail(message: str) -> NoReturn:
    """End the command with one clear line and exit code 2."""
    raise click.UsageError(message)
