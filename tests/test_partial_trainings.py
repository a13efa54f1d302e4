"""Trainings in parts: continuing is exact, and strategies buy what they should."""

import itertools
import json
import math
import warnings

import lightgbm
import numpy as np
import optuna
import pytest
from ConfigSpace import ConfigurationSpace, Float, Integer
from conftest import new_search, run_search
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark_utils import results
from benchmark_utils.learners import n_of
from benchmark_utils.learners.lightgbm import copenhagen, practitioners
from benchmark_utils.learners.random_forest import RandomForest
from benchmark_utils.problems import Problem, Setting
from benchmark_utils.problems.simulated import Simulated, still_to_learn
from benchmark_utils.problems.trained import Trained
from benchmark_utils.rungs import rungs
from benchmark_utils.splits import cut
from benchmark_utils.tables import bundled_table
from benchmark_utils.trials import Outcome, Request

RUNGS = [1 / 27, 1 / 9, 1 / 3, 1.0]
SOLVERS = ["median-pruning", "asha", "successive-halving", "hyperband", "bohb"]

# Continuing


def small(table, n=120):
    """Return the parts of the first rows of a bundled table, shuffled."""
    table = bundled_table(table)
    rows = np.random.default_rng(0).permutation(len(table.y))[:n]
    [parts] = cut(table, rows)
    return parts


def learner_of(name, parts):
    if name == "random-forest":
        return RandomForest(parts.task, parts.X_train.shape[1])
    return {"practitioners": practitioners, "copenhagen": copenhagen}[name]()


METRIC = {"regression": "rmse", "classification": "cross-entropy"}


@pytest.mark.parametrize("table", ["diabetes", "breast_cancer", "wine"])
@pytest.mark.parametrize("name", ["practitioners", "copenhagen", "random-forest"])
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 1000), data=st.data())
def test_trainings_in_parts_are_one_training_bit_for_bit(table, name, seed, data):
    parts = small(table)
    learner = learner_of(name, parts)
    prepared = learner.prepare(parts)
    cuts = st.lists(st.floats(learner.min_fidelity, 0.999), max_size=4, unique=True)
    ways = [RUNGS, [*sorted(data.draw(cuts)), 1.0]]
    learner.space.seed(seed)
    configurations = learner.space.sample_configuration(2)
    setting = Setting(METRIC[parts.task], 1, split=0, data_seed=0)
    seeds = {0: seed, 1: seed + 1}

    def train(fidelities):
        kept, fits = {}, {}
        for fidelity in fidelities:  # the two take turns
            requests = [Request(i, c, fidelity) for i, c in enumerate(configurations)]
            fits = dict(learner.fit(requests, prepared, seeds, setting, kept))
            assert set(kept) == (set() if fidelity == 1 else {0, 1})
        return fits

    whole = train([1.0])
    for fits in map(train, ways):
        for i, fit in fits.items():
            assert np.array_equal(fit.valid_prediction, whole[i].valid_prediction)
            assert np.array_equal(fit.test_prediction, whole[i].test_prediction)
            assert fit.size == whole[i].size


@pytest.mark.parametrize("table", ["diabetes", "breast_cancer", "wine"])
@pytest.mark.parametrize("name", ["practitioners", "copenhagen"])
def test_every_rung_is_a_bare_lightgbm_training_of_so_many_trees(table, name):
    parts = small(table)
    learner = learner_of(name, parts)
    data, kept, metric = learner.prepare(parts), {}, METRIC[parts.task]
    setting = Setting(metric, 1, split=0, data_seed=0)
    learner.space.seed(1)
    configuration = learner.space.sample_configuration()
    params = learner.parameters(configuration, parts.n_classes, 3, metric)
    for fidelity in RUNGS:
        request = Request(1, configuration, fidelity)
        [(_, fit)] = learner.fit([request], data, {1: 3}, setting, kept)
        train = lightgbm.Dataset(
            parts.X_train, parts.y_train, params={"feature_pre_filter": False}
        )
        stop = []
        if learner.patience:
            stop = [lightgbm.early_stopping(learner.patience, verbose=False)]
        booster = lightgbm.train(
            params,
            train,
            math.ceil(fidelity * learner.most_trees),
            valid_sets=[train.create_valid(parts.X_valid, parts.y_valid)],
            callbacks=stop,
        )
        prediction = booster.predict(parts.X_test, num_threads=1)
        if parts.n_classes == 2:
            prediction = np.column_stack([1 - prediction, prediction])
        assert np.array_equal(fit.test_prediction, prediction)


@given(st.integers(1, 3000), st.integers(0, 6), st.integers(2, 5))
def test_a_share_of_trees_is_rounded_up(most, k, eta):
    assert n_of(float(eta) ** -k, most) == -(-most // eta**k)


def trained(n_rows=120, table="breast_cancer", learner=None):
    learner = learner or practitioners()
    return Trained(bundled_table(table), learner, split_size=n_rows)


def climbing(problem, n_folds=1, released=()):
    """Return the rows of one configuration on all rungs, some models released."""
    search, rows = new_search(problem, 3, n_folds=n_folds), []
    [configuration] = search.cube.configurations([[0.7] * search.cube.d])
    request = search.request(configuration)
    for fidelity in RUNGS:
        list(search.evaluate([request._replace(fidelity=fidelity)]))
        rows.append(search.record)
        if fidelity in released:
            search.release([request.trial_id])
    return search, rows


@pytest.mark.parametrize("n_folds", [1, 3])
def test_a_released_model_is_trained_anew_with_the_same_result(n_folds):
    problem = trained()
    _, kept = climbing(problem, n_folds)
    for released in [RUNGS[:1], RUNGS[1:3], RUNGS]:
        search, anew = climbing(problem, n_folds, released)
        for a, b in zip(kept, anew, strict=True):
            for column in ("valid_loss", "test_loss", "size", "cost", "fidelity"):
                assert a[column] == b[column]
        assert search.cost == pytest.approx(1)
        assert not any(search._kept.values())


def test_continuing_trains_only_what_is_missing(monkeypatch):
    n_updates, update = 0, lightgbm.Booster.update

    def counted(*arguments, **options):
        nonlocal n_updates
        n_updates += 1
        return update(*arguments, **options)

    monkeypatch.setattr(lightgbm.Booster, "update", counted)
    climbing(trained())
    assert n_updates == 100
    n_updates = 0
    climbing(trained(), released=[1 / 3])
    assert n_updates == 134


def test_models_are_freed_when_they_are_finished_or_fail(solver):
    class Moody(type(practitioners())):
        def proceed(self, training, data, fidelity):
            if fidelity > 0.1 and training.params["num_leaves"] > 30:
                raise RuntimeError("diverged")
            return super().proceed(training, data, fidelity)

    usual = practitioners()
    problem = trained(learner=Moody(usual.space, usual.defaults))
    for name in ("asha", "hyperband"):
        search = new_search(problem, 4)
        with pytest.warns(RuntimeWarning, match="diverged"):
            rows = run_search(solver(name), search)
        failed = set(rows.loc[rows["status"] == "failed", "trial_id"])
        assert failed
        assert not failed & {i for fold in search._kept.values() for i in fold}
    assert not any(new_search(problem)._kept.values())


# Simulated learning curves


@pytest.mark.parametrize("landscape", ["bowl", "basins", "valley"])
def test_simulated_curves_fall_to_the_closed_form_and_cross(landscape):
    problem = Simulated(3, 2, 0, landscape)
    problem.space.seed(0)
    configurations = problem.space.sample_configuration(50)
    setting = Setting("loss", 1, 4, 7)
    seeds = dict.fromkeys(range(50), 0)

    def losses(fidelity):
        requests = [Request(i, c, fidelity) for i, c in enumerate(configurations)]
        outcomes = list(problem.evaluate(requests, seeds, setting))
        assert [o.regret for o in outcomes] == [o.valid_loss for o in outcomes]
        return np.array([o.valid_loss for o in outcomes])

    optimum, matter = problem.optimum(4, 7)
    z = np.array([[c[f"x{i}"] for i in matter] for c in configurations])
    final = [problem._landscape(row) for row in z - optimum[matter]]
    curves = np.array([losses(f) for f in (0.01, *RUNGS)])
    assert curves[-1].tolist() == final  # not a bit more
    assert (np.diff(curves, axis=0) < 0).all()
    early, late = np.argsort(curves[0]), np.argsort(curves[-1])
    assert (early != late).any()
    with pytest.raises(AssertionError):  # that is: they cross
        assert np.array_equal(np.sort(curves[-1][early]), curves[-1][early])


@given(st.floats(0, 1), st.floats(0, 1))
def test_quicker_configurations_have_less_to_learn(u, v):
    assert still_to_learn(1.0, u) == 0
    assert still_to_learn(0.0, u) == pytest.approx(0.3)
    slow, quick = sorted([u, v])
    assert still_to_learn(0.1, quick) <= still_to_learn(0.1, slow)
    assert quick - slow < 1e-3 or still_to_learn(0.1, quick) < still_to_learn(0.1, slow)


def test_simulated_noise_is_drawn_for_every_fidelity_and_is_the_same_again():
    problem = Simulated(1, 1, 0.5, "bowl")
    setting, [configuration] = (
        Setting("loss", 1, 0, 7),
        [problem.space.get_default_configuration()],
    )

    def noise(fidelity, seed=3):
        request = Request(1, configuration, fidelity)
        [outcome] = problem.evaluate([request], {1: seed}, setting)
        return outcome.valid_loss - outcome.test_loss

    draws = [noise(f) for f in RUNGS]
    assert len(set(draws)) == 4
    assert draws == [noise(f) for f in RUNGS]
    assert draws[-1] == pytest.approx(np.random.default_rng(3).normal(0, 0.5))
    many = [noise(1 / 3, seed) for seed in range(400)]
    assert np.std(many) == pytest.approx(0.5, rel=0.15)


# What strategies buy


@given(st.floats(0.001, 1), st.integers(2, 5), st.integers(2, 6))
def test_rungs_go_by_factors_to_the_end(lowest, eta, n_rungs):
    found = rungs(lowest, eta, n_rungs)
    assert found[-1] == 1
    assert len(found) <= n_rungs
    assert found[0] >= lowest - 1e-9
    assert len(found) == n_rungs or found[0] / eta < lowest
    for low, high in itertools.pairwise(found):
        assert high / low == pytest.approx(eta)


def curves_problem(n_dims=2, noise=0.02):
    return Simulated(n_dims, n_dims, noise, "bowl")


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("n_trials", [1, 2, 7])
def test_the_budget_is_used_up_and_no_rung_is_skipped(name, n_trials, solver):
    search = new_search(curves_problem(), n_trials, seed=n_trials)
    rows = run_search(solver(name), search)
    assert n_trials - 1 / 27 < search.cost <= n_trials + 1e-9
    rung = {f: k for k, f in enumerate(rungs(0.01))}
    lowest = rows.groupby("trial_id")["fidelity"].first()
    for trial_id, trial in rows.groupby("trial_id"):
        climbed = [rung[f] for f in trial["fidelity"]]
        first = rung[lowest[trial_id]]
        assert climbed == list(range(first, first + len(climbed)))
        if name not in ("hyperband", "bohb"):
            assert first == 0
    paid = rows["fidelity"] - rows.groupby("trial_id")["fidelity"].shift(fill_value=0)
    assert paid.sum() == pytest.approx(search.cost)


@pytest.mark.parametrize("name", SOLVERS)
def test_the_same_seed_makes_the_same_trials(name, solver):
    columns = ["config", "fidelity", "trial_id", "valid_loss"]

    def run(seed):
        return run_search(solver(name), new_search(curves_problem(), 6, seed=seed))

    assert run(1)[columns].equals(run(1)[columns])
    assert not run(1)[columns].equals(run(2)[columns])


@pytest.mark.parametrize("name", [n for n in SOLVERS if n != "bohb"])
def test_the_configurations_are_those_of_random_search(name, solver):
    rows = run_search(solver(name), new_search(curves_problem(), 5))
    tried = rows.groupby("trial_id", sort=True)["config"].first().tolist()
    n = len(tried)
    random = run_search(solver("random"), new_search(curves_problem(), n))
    assert tried == random["config"].tolist()


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_failures_do_not_end_the_search(name, share, solver):
    problem = Failing(share)
    search = new_search(problem, 6)
    rows = run_search(solver(name), search)
    assert search.cost > 6 - 1 / 27
    assert (rows["status"] == "failed").any()
    assert (rows["status"] == "ok").any() == (share < 1)
    if share < 1:
        assert math.isfinite(rows["value"].iloc[-1])


class Failing(Problem):
    """x is the loss; some trainings fail."""

    metrics = ("loss",)
    defaults = ()
    min_fidelity = 1 / 27

    def __init__(self, share):
        self.space = ConfigurationSpace(space=[Float("x", (0.0, 1.0))])
        self.share = share

    def evaluate(self, requests, seeds, setting, kept=None):
        for trial_id, configuration, fidelity in requests:
            rng = np.random.default_rng([seeds[trial_id], int(1e6 * fidelity)])
            failed = rng.random() < self.share
            yield Outcome(trial_id, math.inf if failed else configuration["x"])


@pytest.mark.parametrize("name", SOLVERS)
def test_the_lowest_rung_is_the_problems(name, solver):
    problem = curves_problem()
    problem.min_fidelity = 0.1
    search = new_search(problem, 5)
    rows = run_search(solver(name), search)
    assert rows["fidelity"].min() == pytest.approx(1 / 9)
    assert search.cost > 5 - 1 / 9
    rows = run_search(solver(name, eta=2, n_rungs=3), new_search(problem, 5))
    assert set(rows["fidelity"]) == {0.25, 0.5, 1.0}


@pytest.mark.parametrize("name", ["successive-halving", "hyperband", "bohb"])
def test_a_space_of_few_configurations_ends_the_search(name, solver):
    problem = Failing(0.0)
    problem.space = ConfigurationSpace(space=[Integer("x", (0, 30))])
    rows = run_search(solver(name), new_search(problem, 40))
    assert not rows.duplicated(["config", "fidelity"]).any()
    assert rows["config"].nunique() >= 27


def steps(trials):
    """Return how many rungs every configuration reached, in order."""
    return [(config, len(list(own))) for config, own in itertools.groupby(trials)]


@pytest.mark.parametrize("name", ["median-pruning", "asha"])
@pytest.mark.parametrize("eta", [2, 3])
def test_they_stop_what_optuna_called_directly_stops(name, eta, solver):
    problem, n = curves_problem(), 60
    seed = 5
    search = new_search(problem, 12, seed=seed)
    rows = run_search(solver(name, eta=eta), search)
    ours = steps(rows["config"])
    search = new_search(problem, 10_000, seed=seed)
    rng = np.random.default_rng(seed)
    configurations = search.cube.configurations(rng.random((n, 2)))

    def objective(trial):
        request = search.request(configurations[trial.number])
        for rung in range(4):
            request = request._replace(fidelity=float(eta) ** (rung - 3))
            [done] = search.evaluate([request])
            reached.append(search.record["config"])
            if rung == 3:
                return done.loss
            trial.report(done.loss, eta**rung)
            if trial.should_prune():
                raise optuna.TrialPruned

    pruner = {
        "median-pruning": optuna.pruners.MedianPruner(),
        "asha": optuna.pruners.SuccessiveHalvingPruner(1, eta, 0),
    }[name]
    reached = []
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    optuna.create_study(pruner=pruner).optimize(objective, n_trials=n)
    theirs = steps(reached)
    # The end of the budget cuts short what comes last.
    left = 12 - np.cumsum([float(eta) ** (k - 4) for _, k in theirs])
    n_whole = int(np.sum(left >= 1))
    assert n_whole > 10
    assert ours[:n_whole] == theirs[:n_whole]


@pytest.mark.parametrize("name", ["successive-halving", "hyperband"])
def test_they_train_what_smacs_facade_trains(name, solver, tmp_path):
    from smac import HyperbandFacade, MultiFidelityFacade, Scenario
    from smac.intensifier.successive_halving import SuccessiveHalving

    problem = curves_problem()
    rows = run_search(solver(name), new_search(problem, 14, seed=3))
    search = new_search(problem, 10_000, seed=3)
    rng = np.random.default_rng(3)
    configurations = search.cube.configurations(rng.random((100, 2)))
    ids, theirs = {}, []

    def target(config, seed, budget):
        request = search.request(config, budget)
        request = request._replace(trial_id=ids.setdefault(config, request.trial_id))
        [trial] = search.evaluate([request])
        theirs.append((search.record["config"], budget))
        return trial.loss

    scenario = Scenario(
        problem.space,
        output_directory=tmp_path,
        deterministic=True,
        min_budget=1,
        max_budget=27,
        n_trials=100,
    )

    def share(config, seed, budget):
        return target(config, seed, budget / 27)

    intensifier = HyperbandFacade.get_intensifier(scenario)
    if name == "successive-halving":
        intensifier = SuccessiveHalving(scenario)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        HyperbandFacade(
            scenario,
            share,
            initial_design=MultiFidelityFacade.get_initial_design(
                scenario, n_configs=0, additional_configs=configurations
            ),
            intensifier=intensifier,
            logging_level=False,
            overwrite=True,
        ).optimize()
    ours = list(zip(rows["config"], rows["fidelity"], strict=True))
    n = 53 if name == "hyperband" else 100  # the budget's end cuts short the rest
    assert len(ours) >= n
    assert [c for c, _ in ours[:n]] == [c for c, _ in theirs[:n]]
    assert [f for _, f in ours[:n]] == pytest.approx([f for _, f in theirs[:n]])


def test_bohb_learns_from_the_highest_rung_with_enough_trials(solver, monkeypatch):
    strategy, learnt = solver("bohb"), []
    study = type(strategy).study

    def spy(self, told, seed):
        counts = {f: len(trials) for f, trials in self.told.items()}
        learnt.append((counts, [f for f, t in self.told.items() if t is told]))
        return study(self, told, seed)

    monkeypatch.setattr(type(strategy), "study", spy)
    rows = run_search(strategy, new_search(curves_problem(), 27, seed=2))
    assert len(learnt) > 4  # once for each bracket but the first, which is random
    for counts, [used] in learnt:
        assert used == max(f for f, n in counts.items() if n >= 2 + 3)
    random = run_search(solver("random"), new_search(curves_problem(), 113, seed=2))
    assert rows["config"][:27].equals(random["config"][:27])
    tried = rows["config"].unique()
    share = np.mean([config in set(random["config"]) for config in tried[27:]])
    assert 0.15 < share < 0.55  # a third


def test_bohb_is_nearer_to_the_optimum_than_hyperband(solver):
    def regrets(name):
        return [
            run_search(
                solver(name), new_search(curves_problem(5, 0), 27, seed=s, split=s)
            )["regret"].iloc[-1]
            for s in range(12)
        ]

    assert np.median(regrets("bohb")) < 0.9 * np.median(regrets("hyperband"))


# Designs under a stopping rule


@pytest.mark.parametrize(
    "name", ["grid", "random", "lhs", "sobol", "rsa", "hypertiling"]
)
@pytest.mark.parametrize("rule", ["median", "asha"])
def test_designs_try_the_same_points_for_less(name, rule, solver):
    plain = run_search(solver(name), new_search(curves_problem(), 25))
    search = new_search(curves_problem(), 25)
    strategy = solver(name, stopping=rule)
    rows = run_search(strategy, search)
    tried = rows.groupby("trial_id", sort=True)["config"].first()
    assert tried.tolist() == plain["config"].tolist()
    assert search.cost < 0.8 * 25
    assert rows["fidelity"].max() == 1
    assert f"stopping={rule}" in str(strategy)
    assert "stopping" not in str(solver(name))


def test_a_design_under_the_median_rule_by_hand(solver):
    search = new_search(curves_problem(), 25, seed=1)
    rows = run_search(solver("random", stopping="median"), search)
    finished, expected = [], []
    search = new_search(curves_problem(), 10_000, seed=1)
    rng = np.random.default_rng(1)
    for configuration in search.cube.configurations(rng.random((25, 2))):
        request, best, losses = search.request(configuration), math.inf, []
        for fidelity in rungs(0.01):
            [trial] = search.evaluate([request._replace(fidelity=fidelity)])
            losses.append(trial.loss)
            best = min(best, trial.loss)
            at_this = [own[len(losses) - 1] for own in finished]
            if fidelity < 1 and len(finished) >= 5 and best > np.median(at_this):
                break
        expected += losses
        if len(losses) == 4:
            finished.append(losses)
    assert rows["valid_loss"].tolist() == expected


def test_problems_without_partial_trainings_are_skipped(solver, problem, monkeypatch):
    whole = new_search(problem("recorded"))
    strategies = [solver(name) for name in SOLVERS]
    for strategy in [*strategies, solver("grid", stopping="median")]:
        skipped, reason = strategy.skip(whole)
        assert skipped
        assert reason == "trains in parts, and this problem has no partial trainings"
        assert strategy.skip(new_search(curves_problem())) == (False, None)
    assert solver("grid").skip(whole) == (False, None)
    coarse = curves_problem()
    coarse.min_fidelity = 0.5
    assert "from 0.5 to 1" in solver("asha").skip(new_search(coarse))[1]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for strategy in [*strategies, solver("grid", stopping="median")]:
        assert "pip install" in strategy.skip(new_search(curves_problem()))[1]


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("asha", {"eta": 1}, "eta=1: must be a whole number, at least 2"),
        ("hyperband", {"n_rungs": 1}, "n_rungs=1: must be a whole number, at least 2"),
        ("grid", {"stopping": "mean"}, "unknown grid: stopping 'mean'"),
    ],
)
def test_wrong_parameters_are_said_at_once(name, parameters, message, solver):
    with pytest.raises(Exception, match=message):
        solver(name, **parameters)


# What stopping lost, and what is too slow


@pytest.mark.parametrize("name", ["median-pruning", "hyperband"])
def test_finishing_afterwards_disturbs_nothing_and_finds_the_best(name, solver):
    problem = curves_problem(noise=0.1)
    usual = run_search(solver(name), new_search(problem, 6))
    search = new_search(problem, 6, finish_stopped=True)
    rows = run_search(solver(name), search)
    late = rows["afterwards"]
    columns = ["trial_id", "fidelity", "cost", "valid_loss", "value", "regret"]
    assert rows.loc[~late, columns].equals(usual[columns])
    for column in ("cost", "value", "regret", "incumbent_test_loss"):
        assert (rows.loc[late, column] == usual[column].iloc[-1]).all()
    assert rows.loc[late, "trial_id"].is_monotonic_increasing
    full = rows[rows["fidelity"] == 1]
    assert sorted(full["trial_id"]) == sorted(rows["trial_id"].unique())

    named = rows.add_prefix("objective_").assign(
        dataset_name="d", objective_name="o", solver_name=name, idx_rep=0
    )
    [lost] = results.given_away(named, "d", "o").to_dict("records")
    losses = {}
    for row in full.itertuples():
        again = new_search(problem, 1)
        [configuration] = [
            type(problem.space.get_default_configuration())(
                problem.space, json.loads(row.config)
            )
        ]
        list(again.evaluate([again.request(configuration)]))
        losses[row.trial_id] = again.record["valid_loss"]
    best = min(losses, key=losses.get)
    assert lost["stopped"] == (best in set(rows.loc[late, "trial_id"]))
    highest = usual[usual["fidelity"] == usual["fidelity"].max()]
    incumbent = highest.loc[highest["valid_loss"].idxmin(), "trial_id"]
    assert lost["valid_loss"] == losses[incumbent] - losses[best]
    assert lost["n_stopped"] == late.sum()


def test_finishing_continues_real_trainings_exactly(solver):
    problem = trained()
    search = new_search(problem, 3, finish_stopped=True)
    rows = run_search(solver("successive-halving"), search)
    late = rows[rows["afterwards"]]
    assert len(late) == 26
    for row in late[::5].itertuples():
        again = new_search(problem, 1)
        values = json.loads(row.config)
        configuration = problem.space.get_default_configuration()
        configuration = type(configuration)(problem.space, values)
        list(again.evaluate([again.request(configuration)]))
        assert again.record["valid_loss"] == row.valid_loss


def test_what_is_too_slow_to_serve_loses(solver, problem):
    table = problem("recorded", benchmark="nasbench201", table="cifar10")
    free = run_search(solver("random"), new_search(table, 60))
    limit = float(free["predict_seconds"].median())
    rows = run_search(
        solver("random"), new_search(table, 60, max_predict_seconds=limit)
    )
    slow = free["predict_seconds"] > limit
    assert rows["valid_loss"].equals(free["valid_loss"])  # what was measured stays
    assert (rows["status"] == "too slow").equals(slow)
    best = free["valid_loss"].where(~slow, np.inf).cummin()
    assert rows["value"].tolist() == best.tolist()
    assert rows["value"].iloc[-1] > free["value"].iloc[-1]


def test_strategies_hear_of_too_slow_trials_as_the_worst_loss():
    class Timed(Problem):
        metrics, defaults, min_fidelity = ("loss",), (), 0.1
        space = ConfigurationSpace(space=[Float("x", (0.0, 1.0))])

        def evaluate(self, requests, seeds, setting, kept=None):
            for trial_id, configuration, _ in requests:
                x = configuration["x"]
                yield Outcome(trial_id, x, predict_seconds=1 - x)

    search = new_search(Timed(), 10, max_predict_seconds=0.5)
    points = [[0.2], [0.9], [0.6], [0.1]]
    requests = map(search.request, search.cube.configurations(points))
    told = [(t.loss, t.failed) for t in search.evaluate(requests)]
    assert told == [(math.inf, True), (0.9, False), (0.6, False), (0.9, True)]
    assert search.record["value"] == pytest.approx(0.6)
    [configuration] = search.cube.configurations([[0.3]])
    list(search.evaluate([search.request(configuration, 0.5)]))
    assert list(search.finish()) == []  # nor would it be trained to the end
