"""Where randomness comes from: three seeds per repetition, never the clock."""

import hashlib
from dataclasses import dataclass

SOURCES = ("search", "data", "training")
VARY = ("all", *SOURCES)


def derive(*parts: object) -> int:
    """Return a seed in [0, 2^31) that depends on all parts and nothing else."""
    text = "|".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest(), "big") >> 1


@dataclass(frozen=True)
class Seeds:
    """The three sources of variance of one repetition.

    ``search`` seeds the strategy; ``split`` numbers the draw of data, made with
    ``data``, which all repetitions share so that splits can be disjoint;
    ``training`` seeds the trainings, each together with its configuration.
    """

    search: int
    split: int
    data: int
    training: int


def seeds_of(base: int, repetition: int, vary: str) -> Seeds:
    """Return the seeds of a repetition, counted from 0.

    ``vary`` says which source changes from one repetition to the next; the others
    keep their value of repetition 0. ``base`` is benchopt's own seed.
    """

    def index(source):
        return repetition if vary in ("all", source) else 0

    return Seeds(
        search=derive(base, "search", index("search")),
        split=index("data"),
        data=derive(base, "data"),
        training=derive(base, "training", index("training")),
    )
