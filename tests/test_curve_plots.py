"""Mean curves, worth, optimism, sources of variance, ranks and pairs, as drawn."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import new_search, run_search
from scipy import stats
from test_plots import plots, rows

from benchmark_utils import mean_curves, paired
from benchmark_utils.comparison import random_trials_worth
from benchmark_utils.traces import title
from benchmark_utils.tuning_curves import pool_curve, splits_curve
from benchmark_utils.variance import optimism, sources_of_variance, split_share

PROBLEM = {"dataset": "simulated[noise=0·1]"}
ANY_BUDGET = {**PROBLEM, "objective": "hpo"}


def drawn(name, df, **options):
    return {trace["label"]: trace for trace in plots()[name].plot(df, **options)}


def tuning_curve(df, ribbon=mean_curves.INTERVAL, x_axis="trials"):
    options = {"loss": "validation", "x_axis": x_axis, "ribbon": ribbon}
    return drawn("tuning_curve", df, **ANY_BUDGET, **options)


def losses(repetitions, n, seed=0):
    return np.random.default_rng(seed).random((repetitions, n)) + 1


def with_objective(df, name):
    return df.assign(objective_name=name)


def numbers(traces):
    """Return every number of every trace, None as in JSON; fails on NaN."""
    return json.loads(json.dumps(list(traces), allow_nan=False, default=str))


def test_random_search_is_drawn_from_pools_one_for_each_split():
    own = losses(5, 12)
    expected = splits_curve(own, n=range(1, 13))
    traces = tuning_curve(rows(own))
    assert list(traces) == ["random"]
    assert traces["random"]["x"] == list(range(1, 13))
    for key, column in (("y", "mean"), ("y_low", "low"), ("y_high", "high")):
        assert traces["random"][key] == pytest.approx(expected[column].tolist())
    traces = tuning_curve(rows(own), mean_curves.SPREAD)
    assert list(traces) == ["random", "random: no band"]
    assert traces["random"]["x"] == list(range(1, 7))
    high = (expected["mean"] + expected["spread"])[:6].tolist()
    assert traces["random"]["y_high"] == pytest.approx(high)
    assert traces["random: no band"]["x"] == list(range(6, 13))
    numbers(traces.values())


def test_one_repetition_of_random_search_is_one_pool_and_its_interval_ends():
    own = losses(1, 40)
    traces = tuning_curve(rows(own))
    expected = pool_curve(own[0], n=range(1, 41))
    assert traces["random"]["x"] == list(range(1, 11))
    assert traces["random"]["y_low"] == pytest.approx(expected["low"][:10].tolist())
    rest = traces["random: no band"]
    assert rest["y"] == pytest.approx(expected["mean"][9:].tolist())
    assert "y_low" not in rest


def test_repetitions_on_one_split_are_one_pool():
    df = rows(losses(4, 10)).assign(objective_split=0)
    expected = pool_curve(losses(4, 10).ravel(), n=range(1, 11))
    trace = tuning_curve(df)["random"]
    assert trace["y"] == pytest.approx(expected["mean"].tolist())
    assert trace["y_low"] == pytest.approx(expected["low"].tolist())


def test_where_configurations_are_shared_random_search_is_what_it_did():
    own = losses(4, 10)
    df = rows(own).assign(objective_search_seed=0)
    best = np.minimum.accumulate(own, axis=1)
    trace = tuning_curve(df)["random"]
    assert trace["y"] == pytest.approx(best.mean(axis=0).tolist())


def test_what_is_stopped_early_is_no_pool():
    own = losses(4, 10)
    df = rows(own).assign(objective_fidelity=[1.0, 0.5] * 20)
    best = np.minimum.accumulate(own, axis=1)
    assert tuning_curve(df)["random"]["y"] == pytest.approx(best.mean(axis=0).tolist())


@pytest.mark.parametrize("x_axis", ["trials", "cost", "seconds"])
def test_other_strategies_have_mean_t_interval_and_standard_deviation(x_axis):
    own = losses(5, 12)
    best = np.minimum.accumulate(own, axis=1)
    df = rows(own, solver="tpe")
    trace = tuning_curve(df, x_axis=x_axis)["tpe"]
    assert trace["y"][-1] == pytest.approx(best[:, -1].mean())
    interval = stats.ttest_1samp(best[:, -1], 0).confidence_interval(0.95)
    assert (trace["y_low"][-1], trace["y_high"][-1]) == pytest.approx(interval)
    assert trace["x"][-1] == pytest.approx(12 * (1.5 if x_axis == "seconds" else 1))
    trace = tuning_curve(df, mean_curves.SPREAD, x_axis)["tpe"]
    assert trace["y_high"][-1] - trace["y"][-1] == pytest.approx(
        best[:, -1].std(ddof=1)
    )


def test_a_strategy_that_plans_for_its_budget_is_dots_one_for_each():
    short, long = losses(4, 3), losses(4, 9, seed=1)
    df = pd.concat(
        [
            with_objective(rows(own, "lhs", extensible=False), f"hpo[n_trials={n}]")
            for n, own in ((3, short), (9, long))
        ]
    )
    [trace] = tuning_curve(df).values()
    assert trace["x"] == [3, 3, 3, None, 9, 9, 9]
    assert trace["y"][1] == pytest.approx(short.min(axis=1).mean())
    assert trace["y"][5] == pytest.approx(long.min(axis=1).mean())
    assert trace["y"][0] < trace["y"][1] < trace["y"][2]
    assert trace["y"][3] is None
    alone = tuning_curve(df[df["idx_rep"] == 0])["lhs"]  # no interval
    assert alone["x"] == [3, None, 9]


def test_of_an_extensible_strategy_the_longest_searches_are_the_curve():
    df = pd.concat(
        [
            with_objective(rows(own, "tpe"), f"hpo[metric=mse,n_trials={n},vary=all]")
            for n, own in ((3, losses(4, 3)), (9, losses(4, 9, seed=1)))
        ]
    )
    assert mean_curves.objectives_of_any_budget(df) == ["hpo[metric=mse,vary=all]"]
    data, options = plots()["tuning_curve"]._get_all_plots(df)
    assert options["objective"] == ["hpo[metric=mse,vary=all]"]
    for key, figure in data.items():
        [trace] = figure["data"]
        if "_seconds_" not in key:
            assert trace["x"] == list(range(1, 10))


@pytest.mark.parametrize(
    ("name", "bare", "value"),
    [
        ("hpo[n_trials=25]", "hpo", "25"),
        ("hpo[n_trials=25,vary=all]", "hpo[vary=all]", "25"),
        ("hpo[metric=mse,n_trials=25]", "hpo[metric=mse]", "25"),
        ("hpo[a=1,n_trials=25,vary=all]", "hpo[a=1,vary=all]", "25"),
        ("hpo[max_n_trials=2]", "hpo[max_n_trials=2]", ""),
        ("hpo", "hpo", ""),
    ],
)
def test_a_parameter_is_taken_out_of_a_name(name, bare, value):
    assert mean_curves.without(name, "n_trials") == bare
    assert mean_curves.value_in(name, "n_trials") == value


def test_titles_say_what_the_ribbon_is_and_from_how_many_trainings():
    df = pd.concat([rows(losses(5, 12)), rows(losses(5, 9), solver="tpe")])
    data, _ = plots()["tuning_curve"]._get_all_plots(df)
    for key, figure in data.items():
        interval = mean_curves.INTERVAL in key
        shown = "its 95 % interval" if interval else "± standard deviation"
        assert f"{shown}; 5 repetitions of ≤ 12 trials" in figure["title"]
        pooled = "random: all subsets of its 60 trials" in figure["title"]
        assert pooled == ("regret" not in key)  # of the incumbent only: no pools


def test_optimism_is_that_of_the_pools_and_of_the_repetitions():
    valid, test = losses(6, 8), losses(6, 8, seed=1)

    def both(**options):
        first = np.argmin(valid, axis=1)
        df = rows(valid, **options).assign(objective_test_loss=test.ravel())
        chosen = [
            [own_test[np.argmin(own[: k + 1])] for k in range(8)]
            for own, own_test in zip(valid, test, strict=True)
        ]
        assert chosen[0][-1] == test[0][first[0]]
        return df.assign(objective_incumbent_test_loss=np.ravel(chosen))

    df = pd.concat([both(), both(solver="tpe"), both(solver="lhs", extensible=False)])
    traces = drawn("optimism", df, **ANY_BUDGET)
    expected = optimism(valid, test)
    assert traces["random"]["y"] == pytest.approx(expected["mean"].tolist())
    assert traces["random"]["y_high"] == pytest.approx(expected["high"].tolist())
    best = valid.argmin(axis=1)
    gap = (test - valid)[np.arange(6), best] - (test - valid)[:, 0]
    assert traces["tpe"]["y"][0] == 0
    assert traces["tpe"]["y"][-1] == pytest.approx(gap.mean())
    assert traces["lhs"]["x"] == [8, 8, 8]
    assert traces["lhs"]["y"][1] == pytest.approx(gap.mean())
    numbers(traces.values())


def test_worth_is_that_of_the_comparison_and_ends_at_the_pool():
    pool, own = losses(6, 40), losses(6, 10, seed=1)
    own[:, -1] = 1.01
    df = pd.concat(
        [
            with_objective(rows(pool), "hpo[n_trials=40]"),
            with_objective(rows(pool[:, :10]), "hpo[n_trials=10]"),
            with_objective(rows(own, "tpe"), "hpo[n_trials=10]"),
            with_objective(rows(own, "lhs", extensible=False), "hpo[n_trials=10]"),
        ]
    )
    traces = drawn("worth", df, **ANY_BUDGET, loss="validation")
    expected = random_trials_worth(own.min(axis=1), pool)
    assert traces["random"]["x"] == traces["random"]["y"] == [1, 40]
    limits = np.clip([expected.low, expected.worth, expected.high], 1, 40)
    assert [traces["tpe"][k][-1] for k in ("y_low", "y", "y_high")] == list(limits)
    assert traces["lhs"]["x"] == [10, 10, 10]
    assert traces["lhs"]["y"] == list(limits)
    numbers(traces.values())
    without_random = df[df["solver_name"] != "random"]
    assert drawn("worth", without_random, **ANY_BUDGET, loss="validation") == {}


def test_sources_of_variance_are_side_by_side():
    frames, finals, pools = [], {}, None
    for i, source in enumerate(["all", "search", "data", "training"]):
        own = losses(8, 3, seed=i)
        finals[source] = own.min(axis=1)
        pools = own if source == "all" else pools
        frames.append(with_objective(rows(own), f"hpo[n_trials=3,vary={source}]"))
    plot = plots()["sources_of_variance"]
    options = {**PROBLEM, "objective": "hpo[n_trials=3]", "loss": "validation"}
    boxes = plot.plot(pd.concat(frames), **options)
    order = ["search", "data", "training", "all"]
    *boxes, split = boxes
    assert [box["x"] for box in boxes] == [[f"random: {source}"] for source in order]
    [share] = split_share(pools, n=1).itertuples()
    assert split["x"] == ["random: split (pools, 1 trials)"]
    assert split["y"] == [pytest.approx([share.low, share.sd, share.high])]
    for box, source in zip(boxes, order, strict=True):
        [row] = sources_of_variance({source: finals[source]}).itertuples()
        assert box["y"] == [pytest.approx([row.low, row.sd, row.high])]
    title = plot.get_metadata(pd.concat(frames), **options)["title"]
    assert "over 8 repetitions" in title.replace("\n", " ")
    [nothing] = plot.plot(rows(losses(1, 3)), **options | {"objective": "hpo"})
    assert (nothing["x"], nothing["y"]) == (["needs 2 repetitions"], [[]])


def test_dots_with_the_same_budget_are_side_by_side():
    df = pd.concat(
        [rows(losses(3, 5), solver, extensible=False) for solver in ("lhs", "grid")]
    )
    traces = tuning_curve(df)
    assert [trace["x"][0] for trace in traces.values()] == pytest.approx(
        [5 / 1.03**0.5, 5 * 1.03**0.5]
    )
    assert traces["lhs"]["y"] == traces["grid"]["y"]


def test_on_a_logarithmic_axis_bands_end_above_0():
    df = rows([[1e-3, 1e-3], [9.0, 1e-3], [1.0, 1e-3]], "tpe")
    trace = tuning_curve(df)["tpe"]
    assert trace["y_low"] == pytest.approx([1e-3 / 3, 1e-3])


def test_titles_break_before_they_are_too_wide():
    name = "simulated[landscape=bowl,n_dims=2,noise=0·1,n_noise_dimensions=12]"
    lines = title(name, "mean").split("\n")
    assert "".join(lines[:-1]).replace(" ", "") == name
    assert max(map(len, lines)) <= 55
    assert lines[-1] == "mean"
    assert title("a[b=None,c=1,d=None]") == "a[c=1]"


def two_problems():
    return pd.concat(
        [
            rows(losses(3, 4, seed=i) + shift, solver=solver, dataset=f"p{i}")
            for i in range(6)
            for solver, shift in (("a", 0), ("b", 3), ("c", 1.5))
        ]
    )


def test_ranks_and_pairs_are_over_repetitions_or_problems():
    df = two_problems()
    assert paired.problems_and_all(df)[-1] == "all problems"
    options = {"objective": "hpo", "loss": "validation"}
    boxes = plots()["ranks"].plot(df, dataset="all problems", **options)
    assert [(b["label"], b["y"][0][1]) for b in boxes] == [("a", 1), ("c", 2), ("b", 3)]
    assert boxes[0]["y"][0][0] < 1 < boxes[0]["y"][0][2]
    table = plots()["pairs"].plot(df, dataset="all problems", **options)
    assert [row[:3] for row in table] == [
        ["a", "b", "1.00"],
        ["a", "c", "1.00"],
        ["b", "c", "0.00"],
    ]
    # 6 problems: 2 / 2^6 for both tests, and three pairs
    assert {tuple(row[4:]) for row in table} == {("0.031", "0.031", "0.094")}
    of_one = paired.final_table(df, "p0", **options)
    assert of_one["a"].tolist() == losses(3, 4, seed=0).min(axis=1).tolist()
    alone = plots()["ranks"].plot(df[df["idx_rep"] == 0], dataset="p0", **options)
    assert [b["y"] for b in alone] == [[[1.0]], [[3.0]], [[2.0]]]


def test_a_search_in_which_all_failed_is_last():
    df = pd.concat([rows([[1.0], [np.inf]]), rows([[2.0], [2.0]], solver="tpe")])
    table = paired.final_table(df, PROBLEM["dataset"], "hpo", "validation")
    assert table["random"].tolist() == [1, np.inf]


SLOW = {"gp", "bayesian-nn"}


def test_extensible_is_what_the_first_trials_of_a_longer_search_are(
    benchmark_classes, problem
):
    wrong = {}
    for name, strategy in benchmark_classes["solver"].items():
        if name in SLOW or name == "manual":
            continue
        solver = strategy.get_instance()
        searches = [new_search(problem("simulated"), n) for n in (11, 23)]
        if solver.skip(searches[0])[0]:
            continue
        short, long = (run_search(solver, search)["config"] for search in searches)
        if solver.in_parts:  # cheap trainings fill what is left of a budget
            short = short[: len(short) // 2]
        same = short.tolist() == long[: len(short)].tolist()
        if same != solver.extensible:
            wrong[name] = same
    # a list is one thing: its order says nothing
    assert wrong.pop("folklore", True)
    assert not wrong


def test_extensible_is_in_the_record(solver, problem):
    for name, extensible in (("random", True), ("lhs", False)):
        strategy = solver(name)
        run_search(strategy, new_search(problem("simulated"), 2))
        assert strategy.get_result()["record"]["extensible"] is extensible
