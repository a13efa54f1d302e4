"""ALEPH's jets: as the study had them, and what is said where something is missing."""

import importlib.util
import json

import numpy as np
import pandas as pd
import pytest
from conftest import SHARED, new_search, run_search

from benchmark_utils.problems import Setting

FILE = SHARED / "aleph_bjet" / "AlephBtag_MC_small_v2.csv"


@pytest.fixture
def jets(real_data, problem):
    pytest.importorskip("torch", reason="needs the package torch")
    return problem("aleph-bjet")


def test_the_space_is_the_studys(jets):
    rate, epochs = jets.space["learning_rate"], jets.space["epochs"]
    assert set(jets.space) == {"learning_rate", "epochs"}
    assert (rate.lower, rate.upper, rate.log) == (0.001, 0.1, True)
    assert (epochs.lower, epochs.upper, epochs.log) == (35, 66, False)


def test_ten_equal_disjoint_splits_of_the_published_numbers(jets):
    published = pd.read_csv(FILE, sep=r"\s+").to_numpy()
    rows = []
    for split in range(10):
        [parts] = jets.parts(Setting("rmse", 1, split, data_seed=3))
        X = np.concatenate([parts.X_train, parts.X_valid, parts.X_test])
        y = np.concatenate([parts.y_train, parts.y_valid, parts.y_test])
        assert X.shape == (3396, 10)
        rows += map(tuple, np.column_stack([y, X]))
    # no jet twice, but for those that are twice in the file
    count = pd.Series(rows).value_counts()
    in_file = pd.Series(list(map(tuple, published))).value_counts()
    assert (count <= in_file[count.index]).all()
    assert len(rows) == 33960


def test_a_search_learns_something(jets, solver):
    rows = run_search(solver("random"), new_search(jets, 4))
    [parts] = jets.parts(Setting("rmse", 1, split=0, data_seed=7))
    constant = np.std(parts.y_test)
    assert (rows["status"] == "ok").all()
    assert rows["incumbent_test_loss"].iloc[-1] < 0.95 * constant
    epochs = [json.loads(config)["epochs"] for config in rows["config"]]
    assert (rows["size"] / epochs).nunique() == 1
    assert (rows["fit_seconds"] > 0).all()


def test_two_searches_are_the_same_bit_for_bit(jets, solver):
    first, again = (
        run_search(solver("random"), new_search(jets, 3, seed=4)) for _ in range(2)
    )
    assert first["valid_loss"].tolist() == again["valid_loss"].tolist()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("aleph-bjet", {}), ("tabular", {"table": "wine", "learner": "mlp"})],
)
def test_without_torch_it_is_skipped_with_one_line(
    name, parameters, benchmark_classes, monkeypatch
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda m: None if m == "torch" else find(m)
    )
    dataset = benchmark_classes["dataset"][name].get_instance(**parameters)
    answer = dataset.get_data()
    assert answer["problem"] is None
    says = "needs the package torch: pip install -r requirements-neural.txt"
    assert answer["unavailable"] == says
