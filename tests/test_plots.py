"""What plots draw from the rows."""

import numpy as np
import pandas as pd
import pytest
from benchopt.benchmark import Benchmark
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark_utils import results


def rows(
    losses,
    solver="random",
    dataset="simulated[noise=0.1]",
    seconds=1.0,
    extensible=True,
):
    """Return rows of a results file: one list of losses for each repetition."""
    frames = []
    for repetition, own in enumerate(losses):
        n = len(own)
        frames.append(
            pd.DataFrame(
                {
                    "dataset_name": dataset,
                    "objective_name": "hpo",
                    "solver_name": solver,
                    "idx_rep": repetition,
                    "objective_trial": np.arange(1, n + 1),
                    "objective_cost": np.arange(1.0, n + 1),
                    "objective_value": np.minimum.accumulate(own),
                    "objective_incumbent_test_loss": np.nan,
                    "objective_regret": np.minimum.accumulate(own),
                    "objective_fit_seconds": seconds,
                    "objective_suggest_seconds": seconds / 2,
                    "objective_metric": "loss",
                    "objective_valid_loss": own,
                    "objective_config": '{"x0": 0.25, "x1": 0.5}',
                    "objective_point": "[0.25, 0.5]",
                    "objective_split": repetition,
                    "objective_training_seed": repetition,
                    "objective_search_seed": repetition,
                    "objective_test_loss": np.nan,
                    "objective_fidelity": 1.0,
                    "objective_extensible": extensible,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


LISTS = st.lists(
    st.lists(st.floats(0, 10), min_size=1, max_size=8), min_size=1, max_size=5
)


@settings(deadline=None)
@given(LISTS)
def test_curves_are_the_incumbents_loss_and_stay_after_the_end(losses):
    x, y = results.step_curves(rows(losses), "objective_value", "trials")
    assert x.tolist() == list(range(1, max(map(len, losses)) + 1))
    for own, curve in zip(losses, y, strict=True):
        assert curve.tolist() == [min(own[: int(n)]) for n in x]


@settings(deadline=None)
@given(LISTS)
def test_seconds_are_training_and_thinking(losses):
    x, y = results.step_curves(rows(losses), "objective_value", "seconds")
    assert x[0] == 1.5
    assert x[-1] == pytest.approx(1.5 * max(map(len, losses)))
    for own, curve in zip(losses, y, strict=True):
        assert curve[-1] == min(own)
        assert (np.diff(curve) <= 0).all()


def test_curves_begin_where_every_search_has_a_loss():
    losses = [[np.inf, np.inf, 3.0, 2.0], [5.0, 4.0, 4.0, 1.0]]
    x, y = results.step_curves(rows(losses), "objective_value", "trials")
    assert x.tolist() == [3, 4]
    assert y.tolist() == [[3, 2], [4, 1]]
    assert results.final_losses(rows(losses), "objective_value").tolist() == [2, 1]


def test_searches_in_which_everything_failed_make_no_curve_and_no_error():
    df = rows([[np.inf] * 3])
    df["objective_regret"] = np.nan
    for plot in plots().values():
        data, _ = plot._get_all_plots(df)
        assert data
        if plot.name in ("tuning_curve", "final_losses"):
            assert all(figure["data"] == [] for figure in data.values())


def plots():
    wanted = Benchmark(ROOT).get_setting("plots")
    return {p._get_name(): p for p in Benchmark(ROOT).get_plots() if p.name in wanted}


def test_every_plot_draws_every_option_with_names_that_make_file_names():
    df = pd.concat(
        [
            rows([[3.0, 1.0], [2.0, 2.0]]),
            rows([[4.0], [2.5]], solver="grid[values=None]"),
        ]
    )
    assert set(plots()) == {
        *["tuning_curve", "final_losses", "landscape", "geometry"],
        *["comparison", "pairs", "ranks", "worth", "sources_of_variance", "optimism"],
    }
    for plot in plots().values():
        data, options = plot._get_all_plots(df)
        assert len(data) == np.prod([len(values) for values in options.values()])
        for name, figure in data.items():
            assert "." not in name
            if plot.type == "table":
                labels = {row[0] for row in figure["data"]}
                assert all(len(r) == len(figure["columns"]) for r in figure["data"])
            else:
                labels = {trace["label"].split(":")[0] for trace in figure["data"]}
            if plot.name == "sources_of_variance":
                assert labels == {"all"}
            elif plot.name == "optimism":
                assert not labels  # without test losses
                continue
            elif plot.name == "pairs":
                assert labels == {"random"}  # and grid in the second column
            else:
                assert labels == {"random", "grid"}
            if plot.type != "image":
                assert "2 repetitions" in figure["title"].replace("\n", " ")


def test_the_best_box_is_first():
    losses = [[float(k), k / 2] for k in range(1, 6)]
    df = pd.concat([rows(losses), rows([[0.1, 0.1]] * 5, solver="lhs")])
    options = {"dataset": "simulated[noise=0·1]", "objective": "hpo"}
    boxes = plots()["final_losses"].plot(df, **options, loss="validation")
    assert [box["label"] for box in boxes] == ["lhs", "random"]
    assert boxes[1]["y"] == [[0.5, 1, 1.5, 2, 2.5]]


def test_the_landscape_shows_the_trials_of_one_split():
    df = pd.concat([rows([[3.0, 1.0], [2.0, 0.5]]), rows([[4.0]], solver="lhs")])
    data, _ = plots()["landscape"]._get_all_plots(df)
    [figure] = data.values()
    assert "interpolated from 3 trials" in figure["title"]
    labels = [image["label"] for image in figure["data"]]
    assert labels == ["random: best of 2 is 1", "lhs: best of 1 is 4"]


def test_the_landscape_of_other_spaces_is_empty():
    df = rows([[3.0, 1.0]]).assign(objective_point="[0.1, 0.2, 0.3]")
    data, _ = plots()["landscape"]._get_all_plots(df)
    [figure] = data.values()
    assert figure["data"] == []
    assert "has not two hyperparameters" in figure["title"]


def test_names_keep_their_parameters_only_where_needed():
    short = results.short_names(
        ["grid[values=None]", "lhs", "manual[c=a]", "manual[c=b]"]
    )
    assert list(short.values()) == ["grid", "lhs", "manual[c=a]", "manual[c=b]"]


def test_the_comparison_is_in_pairs_with_random_search():
    losses = [[4.0, 3.0, 2.0, 2.5]] * 6
    df = pd.concat([rows(losses), rows([[1.0]] * 6, solver="tpe")])
    data, _ = plots()["comparison"]._get_all_plots(df)
    [figure] = data.values()
    table = {
        row[0]: dict(zip(figure["columns"], row, strict=True)) for row in figure["data"]
    }
    assert table["tpe"]["P(beats random)"] == "1.00"
    assert table["tpe"]["p value"] == "0.031"
    assert table["tpe"]["worth in random trials"] == "> 4 (> 4 to > 4)"
    assert (table["tpe"]["mean rank"], table["random"]["mean rank"]) == (1, 2)
    assert table["random"]["worth in random trials"] == ""
