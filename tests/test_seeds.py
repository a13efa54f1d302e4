from hypothesis import given
from hypothesis import strategies as st

from benchmark_utils.seeds import VARY, derive, seeds_of


@given(st.integers(0, 2**32), st.sampled_from(VARY), st.integers(1, 50))
def test_only_what_varies_changes_from_repetition_to_repetition(base, vary, repetition):
    first, later = seeds_of(base, 0, vary), seeds_of(base, repetition, vary)
    assert (first.search != later.search) == (vary in ("all", "search"))
    assert (first.split != later.split) == (vary in ("all", "data"))
    assert (first.training != later.training) == (vary in ("all", "training"))
    assert first.data == later.data
    assert later == seeds_of(base, repetition, vary)


def test_repetitions_of_all_are_those_of_each_source():
    alone = {vary: seeds_of(1, 3, vary) for vary in VARY}
    assert alone["all"].search == alone["search"].search
    assert alone["all"].training == alone["training"].training


def test_derived_seeds_depend_on_every_part():
    assert len({derive(1, "a"), derive(2, "a"), derive(1, "b"), derive(1)}) == 4
    assert all(0 <= derive(i) < 2**31 for i in range(1000))
