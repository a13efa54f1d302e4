"""`benchopt run` as a user runs it: rows, caches, errors."""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
from conftest import ROOT, same_rows

COLUMNS = [
    *["value", "incumbent_test_loss", "trial", "trial_id", "valid_loss", "test_loss"],
    *["regret", "fidelity", "cost", "fit_seconds", "predict_seconds", "size"],
    *["status", "suggest_seconds", "afterwards", "config", "point", "metric", "split"],
    *["search_seed", "training_seed", "extensible"],
]

SMALL = [
    *["-d", "simulated[noise=0.1]", "-d", "recorded", "-d", "tabular[table=wine]"],
    *["-s", "random", "-s", "lhs", "-s", "grid", "-s", "folklore"],
    *["-o", "hpo[n_trials=4]", "-r", "3"],
]


@pytest.fixture
def copy(tmp_path):
    """Return a copy of the benchmark that a test may edit."""
    root = tmp_path / "benchmark_hpo"
    ignore = shutil.ignore_patterns(".git", "__cache__", "outputs", "data", ".*cache")
    shutil.copytree(ROOT, root, ignore=ignore)
    return root


def test_rows_are_identical_sequential_parallel_and_without_cache(benchopt):
    code, output, rows = benchopt(*SMALL)
    assert code == 0, output
    for option in ("-j 2 --no-cache", "--no-cache"):
        code, output, again = benchopt(*SMALL, *option.split())
        assert code == 0, output
        assert same_rows(rows, again)
    code, output, cached = benchopt(*SMALL)
    assert output.count("(cached)") == 12
    assert same_rows(rows, cached)


def test_the_rows_of_a_search(benchopt):
    _, _, rows = benchopt(*SMALL)
    assert [
        c for c in rows if c.startswith("objective_") and c != "objective_name"
    ] == [f"objective_{name}" for name in COLUMNS]
    for (_, solver, _), search in rows.groupby(
        ["dataset_name", "solver_name", "idx_rep"]
    ):
        n = len(search)
        assert n == 4 or (solver == "folklore" and n < 4)
        assert search["objective_trial"].tolist() == list(range(1, n + 1))
        assert search["objective_value"].tolist() == (
            np.minimum.accumulate(search["objective_valid_loss"]).tolist()
        )
    # strategies share splits and seeds: they compare in pairs
    shared = ["objective_split", "objective_search_seed", "objective_training_seed"]
    for column in shared:
        assert (rows.groupby("idx_rep")[column].nunique() == 1).all()
        assert rows[column].nunique() == 3
    # the same configuration in the same repetition has the same loss, whoever asks
    same = rows.groupby(["dataset_name", "idx_rep", "objective_config"])
    assert (same["objective_valid_loss"].nunique() == 1).all()


@pytest.mark.parametrize("vary", ["search", "data", "training"])
def test_vary_says_what_changes_between_repetitions(benchopt, vary):
    _, _, rows = benchopt(
        *["-d", "tabular[table=wine,learner=random-forest]", "-s", "random"],
        *["-o", f"hpo[n_trials=3,vary={vary}]", "-r", "3"],
    )
    columns = {
        "search": "objective_search_seed",
        "data": "objective_split",
        "training": "objective_training_seed",
    }
    for source, column in columns.items():
        assert rows[column].nunique() == (3 if source == vary else 1)
    configs = rows.groupby("idx_rep")["objective_config"].apply(tuple)
    losses = rows.groupby("idx_rep")["objective_valid_loss"].apply(tuple)
    assert configs.nunique() == (3 if vary == "search" else 1)
    assert losses.nunique() == 3


def test_the_seed_of_the_command_changes_everything(benchopt):
    results = [
        benchopt("-d", "simulated", "-s", "random", "--seed", seed)[2]
        for seed in ("1", "2")
    ]
    for column in ("objective_config", "objective_search_seed", "objective_value"):
        assert not set(results[0][column]) & set(results[1][column])


def test_a_search_is_not_cut_short(benchopt):
    code, _, rows = benchopt(
        *["-d", "simulated", "-s", "random", "-o", "hpo[n_trials=300]"],
        *["--max-runs", "7", "--timeout", "0"],
    )
    assert code == 0
    assert len(rows) == 300


def test_strategies_make_the_same_trials_in_whatever_order(benchopt):
    names = ["random", "sobol", "grid"]
    orders = [[f for name in o for f in ("-s", name)] for o in (names, names[::-1])]
    a, b = (
        benchopt("-d", "simulated[noise=0.2]", *order, "--no-cache")[2]
        for order in orders
    )
    assert same_rows(a, b)


def test_strategies_that_learn_make_the_same_trials_in_parallel_too(benchopt):
    names = [
        *("tpe", "gp", "random-forest", "bayesian-nn", "cma-es", "genetic", "nsga-ii"),
        *("differential-evolution", "pso", "ant-colony", "nelder-mead", "bobyqa"),
    ]
    options = ("-d", "simulated", "-d", "recorded", "-o", "hpo[n_trials=13]", "-r", "2")
    orders = [[f for name in o for f in ("-s", name)] for o in (names, names[::-1])]
    a, b = (
        benchopt(*options, *order, "--no-cache", *parallel)[2]
        for order, parallel in zip(orders, [(), ("-j", "2")], strict=True)
    )
    n_strategies = a["solver_name"].nunique()  # fewer where packages are missing
    assert n_strategies >= 4
    assert len(a) == 13 * 2 * 2 * n_strategies
    assert same_rows(a, b)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-d", "tabular[learner=xgboost]"], "unknown learner 'xgboost': choose from"),
        (["-d", "tabular[table=moon]"], "unknown table 'moon': choose from diabetes"),
        (["-d", "tabular[table=moon.csv]"], "no file 'moon.csv'"),
        (["-d", "housing[market=mars]"], "unknown market 'mars': choose from"),
        (["-d", "housing[split_size=3]"], "split_size=3: must be a whole number"),
        (["-d", "recorded[table=moon]"], "unknown hpolib table 'moon': choose from"),
        (["-d", "recorded[benchmark=moon]"], "unknown benchmark 'moon'"),
        (["-d", "simulated[n_dims=0]"], "n_dims=0: must be a whole number"),
        (["-d", "simulated[effective_dims=3]"], "effective_dims=3 is more than"),
        (["-d", "simulated[landscape=moon]"], "unknown landscape 'moon'"),
        (["-d", "simulated[noise=-1]"], "noise=-1 must be a number"),
        (["-o", "hpo[n_trials=0]"], "n_trials=0: must be a whole number, at least 1"),
        (["-o", "hpo[n_trials=[2,1.5]]"], "n_trials=1.5: must be a whole number"),
        (["-o", "hpo[n_folds=0]"], "n_folds=0: must be a whole number"),
        (["-o", "hpo[vary=moon]"], "unknown vary 'moon'"),
        (["-o", "hpo[metric=moon]"], "unknown metric 'moon'"),
        (["-s", "manual"], "no list: give one"),
        (["-s", "manual[configurations=moon.yml]"], "no file 'moon.yml'"),
        (["-s", "grid[values=moon.yml]"], "no file 'moon.yml'"),
        (
            ["-s", "manual[configurations=configs/lists/quick.yml]"],
            "names are: x0, x1",
        ),
    ],
)
def test_bad_input_is_one_clear_line_before_any_training(benchopt, arguments, says):
    # What is wrong comes last: all of it is looked at before the first training.
    code, output, rows = benchopt(
        "-d", "simulated", *([] if "-s" in arguments else ["-s", "random"]), *arguments
    )
    assert code == 2
    [line] = [line for line in output.splitlines() if line.startswith("Error:")]
    assert says in line
    assert "Traceback" not in output
    assert "reps)" not in output  # nothing has begun
    assert rows is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n3,4\n", "missing columns target; the file has a, b"),
        ("a,target\n1,2\n3,2\n", "the target 'target' is constant"),
        ("a,target\n1,\n3,\n", "the target 'target' is missing in every row"),
        ("target\n1\n2\n", "no column besides its target"),
        ("a,target\n1,2\n3,4\n", "2 rows with a target, at least 10 needed"),
        ("a,target\n" + "1,2\ninf,3\n" * 9, "the table has infinite values"),
        (
            "a,target\n" + "".join(f'{i},"{i},5"\n' for i in range(20)),
            "the target has 20 classes in 20 rows, such as '0,5'",
        ),
        ("", "not a CSV file in UTF-8"),
        ("a,target\n1,2\n1,2,3,4\n", "not a CSV file in UTF-8"),
    ],
)
def test_tables_that_cannot_be_learned_from(benchopt, tmp_path, text, says):
    (tmp_path / "table.csv").write_text(text)
    code, output, _ = benchopt("-d", "tabular[table=table.csv]", "-s", "random")
    assert code == 2
    assert says in output
    assert "Traceback" not in output


def test_a_table_of_ones_own(benchopt, tmp_path):
    rng = np.random.default_rng(0)
    a, kind = rng.random(100), rng.choice(["x", "y"], 100)
    lines = [f"{u},{k},{u + (k == 'x')}" for u, k in zip(a, kind, strict=True)]
    lines[3] = ",x,1"
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,kind,target", *lines]))
    arguments = ["-d", "tabular[table=table.csv]", "-s", "random"]
    code, output, rows = benchopt(*arguments)
    assert code == 0, output
    assert (rows["objective_metric"] == "rmse").all()
    path.write_text("\n".join(["a,kind,target", *lines[::2]]))
    _, output, other = benchopt(*arguments)
    assert "(cached)" not in output  # the file is another
    assert (rows["objective_valid_loss"] != other["objective_valid_loss"]).any()


def test_whole_numbers_are_classes_only_if_few_and_fractions_never(benchopt, tmp_path):
    rng = np.random.default_rng(0)
    for target, task, metric in [
        ([0.5, 1.5, 2.5], "auto", "rmse"),
        ([3, 4, 5], "auto", "cross-entropy"),
        ([3, 4, 5], "regression", "rmse"),
        (range(60), "auto", "rmse"),
    ]:
        lines = [f"{rng.random()},{list(target)[i % len(target)]}" for i in range(60)]
        (tmp_path / "table.csv").write_text("\n".join(["a,target", *lines]))
        code, output, rows = benchopt(
            "-d", f"tabular[table=table.csv,task={task}]", "-s", "random"
        )
        assert code == 0, output
        assert set(rows["objective_metric"]) == {metric}


def test_too_many_folds(benchopt, tmp_path):
    lines = [f"{i},{i / 2}" for i in range(30)]
    (tmp_path / "table.csv").write_text("\n".join(["a,target", *lines]))
    code, output, _ = benchopt(
        *["-d", "tabular[table=table.csv]", "-s", "random", "-o", "hpo[n_folds=20]"]
    )
    assert code == 1
    assert "n_folds=20 is too many: a split has 24 rows to cut" in output


def test_a_list_in_the_cache_is_known_by_its_content(benchopt, tmp_path):
    arguments = ["-d", "simulated", "-s", "manual[configurations=list.yml]"]
    for x0 in (0.25, 0.75):
        (tmp_path / "list.yml").write_text(f"- {{x0: {x0}, x1: 0.5}}")
        code, _, rows = benchopt(*arguments)
        assert code == 0
        assert rows["objective_point"].tolist() == [f"[{x0}, 0.5]"]


def test_a_row_misspelt_throughout_is_an_error(benchopt, tmp_path):
    (tmp_path / "list.yml").write_text("- {x0: 0.1, x1: 0.2}\n- {X0: 0.1, X1: 0.2}\n")
    code, output, _ = benchopt(
        "-d", "simulated", "-s", "manual[configurations=list.yml]"
    )
    assert code == 2
    assert "number 2: no hyperparameter is called 'X0', 'X1'; names are: x0" in output


def test_a_large_grid_of_ones_own_is_refused_at_once(benchopt, tmp_path):
    values = ", ".join(str(i / 2000) for i in range(2000))
    (tmp_path / "values.yml").write_text(f"x0: [{values}]\nx1: [{values}]\n")
    code, output, _ = benchopt("-d", "simulated", "-s", "grid[values=values.yml]")
    assert code == 2
    assert "the grid has 4000000 points, n_trials=25" in output


OPENML = Path(sklearn.datasets.__file__).parent / "tests" / "data" / "openml"


@pytest.mark.skipif(not OPENML.is_dir(), reason="scikit-learn came without its tests")
def test_openml_tables_from_a_local_copy(benchopt, tmp_path):
    """Lay scikit-learn's own recorded answers of OpenML out as its cache has them."""
    home = tmp_path / "sk"
    cache = home / "openml" / "openml.org"
    for number, file in [(61, 61), (40945, 16826755)]:
        source = OPENML / f"id_{number}"
        data = (source / f"data-v1-dl-{file}.arff.gz").read_bytes()
        about = json.loads(
            gzip.decompress((source / f"api-v1-jd-{number}.json.gz").read_bytes())
        )
        # the recorded table is an excerpt, so the recorded checksum is not its own
        description = about["data_set_description"]
        description["md5_checksum"] = hashlib.md5(gzip.decompress(data)).hexdigest()
        for path, content in {
            f"api/v1/json/data/{number}": gzip.compress(json.dumps(about).encode()),
            f"api/v1/json/data/features/{number}": (
                source / f"api-v1-jdf-{number}.json.gz"
            ).read_bytes(),
            f"api/v1/json/data/qualities/{number}": (
                source / f"api-v1-jdq-{number}.json.gz"
            ).read_bytes(),
            description["url"].split("/", 3)[3]: data,
        }.items():
            target = cache / f"{path}.gz"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    environment = {"SCIKIT_LEARN_DATA": str(home), **NO_NETWORK}
    for table in (61, 40945):
        code, output, rows = benchopt(
            *["-d", f"tabular[table={table},learner=[lightgbm,random-forest]]"],
            *["-s", "random", "-o", "hpo[n_trials=2]"],
            environment=environment,
        )
        assert code == 0, output
        assert (rows["objective_metric"] == "cross-entropy").all()
        assert (rows["objective_status"] == "ok").all()


def test_a_space_without_hyperparameters(benchopt, copy):
    (copy / "datasets" / "empty.py").write_text(
        "from ConfigSpace import ConfigurationSpace\n"
        "from benchmark_utils.components import ProblemDataset\n"
        "from benchmark_utils.problems.simulated import Simulated\n"
        "class Dataset(ProblemDataset):\n"
        "    name = 'empty'\n"
        "    def problem(self):\n"
        "        problem = Simulated(1, 1, 0, 'bowl')\n"
        "        problem.space = ConfigurationSpace()\n"
        "        return problem\n"
    )
    arguments = ["-d", "simulated", "-d", "empty", "-s", "random"]
    code, output, _ = benchopt(*arguments, root=copy)
    assert code == 2
    assert "Error: empty: the search space has no hyperparameter to tune" in output


NO_NETWORK = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        ("housing[market=california]", "put cal_housing_py3.pkz into {home}/sk"),
        ("housing[market=denmark]", "and put it into {home}/data/housing"),
        ("aleph-bjet", "and put it into {home}/data/aleph_bjet"),
        ("icecube", "and put it into {home}/data/icecube"),
        ("icecube[source=prometheus]", "and put it into {home}/data/icecube"),
        ("tabular[table=31]", "put a copy of its cache under {home}/sk/openml"),
    ],
)
def test_no_network_and_no_copy(benchopt, tmp_path, dataset, says):
    environment = {
        "SCIKIT_LEARN_DATA": str(tmp_path / "sk"),
        "BENCHOPT_DATA_HOME": str(tmp_path / "data"),
        **NO_NETWORK,
    }
    code, output, _ = benchopt(
        "-d", "simulated", "-d", dataset, "-s", "random", environment=environment
    )
    assert code == 2
    [line] = [line for line in output.splitlines() if line.startswith("Error:")]
    assert says.format(home=tmp_path) in line
    assert "Traceback" not in output


def test_a_wrong_copy_of_the_danish_sales(benchopt, tmp_path):
    folder = tmp_path / "data" / "housing"
    folder.mkdir(parents=True)
    environment = {"BENCHOPT_DATA_HOME": str(tmp_path / "data"), **NO_NETWORK}
    arguments = ["-d", "housing[market=denmark]", "-s", "random"]
    header = "Postnummer,Husnummer,Kvadratmeter,Grundareal,Byggeår,Afstand_skole"
    for text, says in [
        (f"{header}\n1,2,3,4,5,6\n", "missing columns Afstand_supermarked, Salgspris"),
        (
            f"{header},Afstand_supermarked,Salgspris,Etage,Type\n",
            "is not the published file",
        ),
    ]:
        (folder / "HousingPrices_selected.csv").write_text(text)
        code, output, _ = benchopt(*arguments, environment=environment)
        assert code == 2
        assert says in output


def test_everything_runs_without_network_and_says_what_was_skipped(benchopt, tmp_path):
    environment = {
        "SCIKIT_LEARN_DATA": str(tmp_path / "sk"),
        "BENCHOPT_DATA_HOME": str(tmp_path / "data"),
        **NO_NETWORK,
    }
    code, output, rows = benchopt("-j", "2", environment=environment)
    assert code == 0, output
    assert "Traceback" not in output
    assert set(rows["dataset_name"].str.split("[").str[0]) == {
        "simulated",
        "recorded",
        "tabular",
    }
    assert output.count("could not be downloaded") == 5
    assert output.count("no list: give one as manual") == len(
        rows["dataset_name"].unique()
    )


@pytest.mark.usefixtures("real_data")
def test_real_housing(benchopt):
    code, output, rows = benchopt(
        *["-d", "housing[market=[california,denmark]]", "-s", "random"],
        *["-o", "hpo[n_trials=3]", "-r", "2"],
    )
    assert code == 0, output
    assert np.isfinite(rows["objective_test_loss"]).all()
    assert rows["objective_value"].between(0.1, 1).all()


def test_an_edit_in_benchmark_utils_makes_cached_results_stale(benchopt, copy):
    arguments = ["-d", "simulated", "-s", "random", "-s", "lhs"]
    _, _, before = benchopt(*arguments, root=copy)
    for name in ("plots/tuning_curve.py", "benchmark_utils/results.py"):
        path = copy / name
        path.write_text(path.read_text() + "\n# an edit that no trial depends on\n")
    _, output, again = benchopt(*arguments, root=copy)
    assert output.count("(cached)") == 2
    assert same_rows(before, again)
    path = copy / "benchmark_utils" / "problems" / "simulated.py"
    text = path.read_text()
    assert "return np.mean(z**2, axis=-1)" in text
    path.write_text(text.replace("return np.mean(z**2, axis=-1)", "return 42.0"))
    _, output, after = benchopt(*arguments, root=copy)
    assert "(cached)" not in output
    assert (after["objective_value"] == 42).all()


def test_a_run_that_fails_ends_the_command_with_an_error(benchopt, copy):
    (copy / "solvers" / "broken.py").write_text(
        "from benchmark_utils.strategies import Design\n"
        "class Solver(Design):\n"
        "    name = 'broken'\n"
        "    def sample(self, n, d, rng):\n"
        "        raise RuntimeError('it broke')\n"
    )
    code, output, _ = benchopt("-d", "simulated", "-s", "broken", root=copy)
    assert code != 0
    assert "it broke" in output


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_the_strategies_shown_in_the_pages_run_as_they_are(benchopt, copy, page):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    [code] = [block for block in blocks if "class Solver" in block]
    [name] = re.findall(r'name = "(.*?)"', code)
    (copy / "solvers" / "shown.py").write_text(code)
    exit_code, output, rows = benchopt("-d", "simulated", "-s", name, root=copy)
    assert exit_code == 0, output
    assert len(rows) == 25


def test_the_curve_of_a_csv_file_is_shown_as_it_works(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    [code] = [block for block in blocks if "pool_curve" in block]
    losses = np.random.default_rng(0).random((120, 2))
    trials = pd.DataFrame(losses, columns=["valid_loss", "test_loss"])
    trials.to_csv(tmp_path / "trials.csv")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^3 +25 +0\.[0-9]+", done.stdout, flags=re.M)


PDFS = [  # benchopt draws none of tables
    *["tuning_curve", "final_losses", "ranks", "worth", "sources_of_variance"],
    *["optimism", "landscape", "learning_curves", "pareto"],
]


def test_the_quick_configuration_leaves_results_page_and_pdfs(copy):
    def command(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "benchopt", *arguments],
            capture_output=True,
            text=True,
            cwd=copy,
        )

    done = command(
        *["run", ".", "--config", "configs/quick.yml", "-o", "hpo[n_trials=2]"],
        *["-r", "2", "--output", "quick"],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warning" not in done.stderr
    assert "Reason" not in done.stdout  # nothing was skipped
    rows = pd.read_parquet(copy / "outputs" / "quick.parquet")
    assert rows["solver_name"].nunique() == 10
    assert rows["dataset_name"].nunique() == 4
    page = (copy / "outputs" / "benchmark_hpo_quick.html").read_text()
    assert "tuning_curve" in page
    done = command("plot", ".", "-f", "outputs/quick", "--no-html", "--no-display")
    assert done.returncode == 0, done.stdout + done.stderr
    pdfs = [path.name for path in (copy / "outputs").glob("*.pdf")]
    drawn = {plot: sum(name.startswith(f"{plot}_") for name in pdfs) for plot in PDFS}
    assert min(drawn.values()) > 0
    # 4 problems: 3 losses by 3 horizontal axes by 2 ribbons; once each; 3 losses
    assert drawn["tuning_curve"] == 4 * 3 * 3 * 2
    assert drawn["landscape"] == drawn["learning_curves"] == 4
    assert drawn["final_losses"] == 4 * 3


def test_benchopts_own_tests_pass(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "benchopt", "test", str(ROOT), "--skip-install"],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            **NO_NETWORK,
            "SCIKIT_LEARN_DATA": str(tmp_path),
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_missing_package_skips_its_strategy_and_nothing_else(benchopt, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda n, *p: None if n == 'cmaes' else find(n, *p)\n"
    )
    code, output, rows = benchopt(
        *("-d", "simulated", "-s", "cma-es", "-s", "random", "-o", "hpo[n_trials=4]"),
        environment={"PYTHONPATH": str(tmp_path)},
    )
    assert code == 0
    assert output.count("needs the package cmaes: pip install cmaes") == 1
    assert rows["solver_name"].tolist() == ["random"] * 4


def test_training_in_parts_is_skipped_where_it_means_nothing(benchopt):
    code, output, rows = benchopt(
        *("-d", "recorded", "-s", "asha", "-s", "grid[stopping=median]"),
        *("-s", "random", "-o", "hpo[n_trials=4]"),
    )
    assert code == 0
    assert output.count("this problem has no partial trainings") == 2
    assert rows["solver_name"].tolist() == ["random"] * 4
