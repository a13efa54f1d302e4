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
                    "objective_test_loss": own,
                    "objective_trial_id": np.arange(1, n + 1),
                    "objective_fidelity": 1.0,
                    "objective_status": np.where(np.isinf(own), "failed", "ok"),
                    "objective_afterwards": False,
                    "objective_predict_seconds": 0.1,
                    "objective_config": '{"x0": 0.25, "x1": 0.5}',
                    "objective_point": "[0.25, 0.5]",
                    "objective_split": repetition,
                    "objective_training_seed": repetition,
                    "objective_search_seed": repetition,
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
        *["learning_curves", "pareto", "over_pruning"],
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
            if plot.name in ("learning_curves", "over_pruning", "optimism"):
                assert not labels  # nothing in parts, no test losses
                continue
            if plot.name == "sources_of_variance":
                assert labels == {"all"}
            elif plot.name == "pairs":
                assert labels == {"random"}  # and grid in the second column
            else:
                assert labels - {"not dominated"} == {"random", "grid"}
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


def in_parts():
    """Return a search of three configurations: stopped, failed, incumbent; and late."""
    trials = [
        # trial_id, fidelity, loss, seconds to fit, to predict, afterwards
        (1, 1 / 3, 5.0, 1.0, 0.1, False),
        (2, 1 / 3, np.inf, 1.0, np.nan, False),
        (3, 1 / 3, 4.0, 1.0, 0.2, False),
        (3, 1.0, 3.0, 2.0, 0.4, False),
        (1, 1.0, 2.5, 2.0, 0.3, True),
    ]
    ids, fidelity, losses, fit, predict, late = zip(*trials, strict=True)
    return rows([list(losses)], solver="asha[eta=3]").assign(
        objective_trial_id=ids,
        objective_fidelity=fidelity,
        objective_fit_seconds=fit,
        objective_predict_seconds=predict,
        objective_afterwards=late,
        objective_test_loss=[loss + 1 for loss in losses],
        objective_value=[5.0, 5.0, 4.0, 3.0, 3.0],
        objective_cost=[1 / 3, 2 / 3, 1.0, 5 / 3, 5 / 3],
    )


OPTIONS = {"dataset": "simulated[noise=0·1]", "objective": "hpo"}


def test_learning_curves_show_the_search_and_not_what_came_after():
    both = pd.concat([in_parts(), rows([[3.0]])])
    [image] = plots()["learning_curves"].plot(both, **OPTIONS)
    assert image["label"] == "asha: 2 of 3 stopped"
    again = in_parts()
    shown = plots()["learning_curves"].plot(again[:4], **OPTIONS)[0]["image"]
    assert np.array_equal(shown, image["image"])
    bold = (np.abs(shown - [0xD6 / 255, 0x20 / 255, 0x4E / 255]) < 0.01).all(axis=2)
    assert bold.sum() > 100  # the incumbent


def test_the_pareto_plot_has_the_incumbents_loss_and_seconds():
    dear = rows([[9.0]], solver="lhs", seconds=7.0)
    cheap = rows([[4.0]], solver="grid", seconds=0.5)
    both = pd.concat([in_parts(), dear, cheap])
    found = {}
    for seconds in ("fit_seconds", "predict_seconds"):
        traces = plots()["pareto"].plot(
            both, **OPTIONS, loss="validation", seconds=seconds
        )
        found[seconds] = {t["label"]: (t["x"], t["y"]) for t in traces}
    assert found["fit_seconds"]["asha"] == ([3.0], [3.0])  # both rungs
    assert found["predict_seconds"]["asha"] == ([0.4], [3.0])
    assert found["fit_seconds"]["not dominated"] == ([0.5, 3.0], [4.0, 3.0])
    assert found["predict_seconds"]["not dominated"] == ([0.1, 0.4], [4.0, 3.0])


def test_over_pruning_is_counted_from_what_was_finished_afterwards():
    both = pd.concat([in_parts(), rows([[3.0]])])
    table = plots()["over_pruning"].plot(both, **OPTIONS)
    assert table == [["asha", "1.0", "1 of 1", "0.5", "0.5", "0.5"]]


def test_curves_end_with_the_search():
    x, y = results.step_curves(
        results.rows_of(in_parts(), **OPTIONS), "objective_value", "cost"
    )
    assert x == pytest.approx([1 / 3, 2 / 3, 1, 5 / 3])
    assert y.tolist() == [[5, 5, 4, 3]]
    x, _ = results.step_curves(
        results.rows_of(in_parts(), **OPTIONS), "objective_value", "seconds"
    )
    assert x[-1] == pytest.approx(1 + 1 + 1 + 2 + 4 * 0.5)


def test_a_configuration_trained_in_parts_is_one_point():
    kept = results.one_row_each(in_parts()[:4])
    assert kept["objective_trial_id"].tolist() == [1, 2, 3]
    assert kept["objective_fidelity"].tolist() == pytest.approx([1 / 3, 1 / 3, 1])
    plot = plots()["geometry"]
    [line] = plot.plot(in_parts(), **OPTIONS, loss="validation")
    assert line[1] == 3


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
