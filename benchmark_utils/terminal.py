"""Benchopt's terminal, made safe to send to workers while it is written to."""

from benchopt.utils.terminal_output import TerminalOutput


def _state(terminal: TerminalOutput) -> dict:
    # Copies of built-in dicts: nothing else runs while one is made.
    return {
        name: value.copy() if isinstance(value, dict) else value
        for name, value in terminal.__dict__.copy().items()
    }


def make_safe_to_pickle() -> None:
    """Pickle copies of the terminal's dicts instead of the dicts themselves.

    Under `-j`, benchopt 1.10 pickles it for the next task in one thread while another
    notes the end of the last: now and then a run ended in "dictionary changed size
    during iteration".
    """
    TerminalOutput.__getstate__ = _state
