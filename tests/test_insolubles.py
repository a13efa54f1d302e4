"""Insoluble particles: images from a tree, FlowCam's table, and what can be wrong."""

import shutil

import click
import numpy as np
import pandas as pd
import pytest
from conftest import SHARED, new_search, run_search

from benchmark_utils.images import grey_square
from benchmark_utils.problems import Setting

Image = pytest.importorskip("PIL.Image", reason="needs the package pillow")

TABLES = [
    SHARED / "insolubles" / f"supervised_{part}.csv" for part in ("train", "test")
]
ASH = SHARED / "insolubles" / "volcanic_ash_shoji2018_50x50.npz"
NO_NETWORK = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return an empty data_home that the loaders look into, in and out of process."""
    (tmp_path / "home" / "insolubles").mkdir(parents=True)
    monkeypatch.setenv("BENCHOPT_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def save_tree(home, n=20, kinds=("dust", "pollen", "tephra"), size=(20, 20)):
    """Save n images of each kind, each kind darker than the one before."""
    rng = np.random.default_rng(0)
    root = home / "insolubles" / "images"
    for k, kind in enumerate(kinds):
        (root / kind).mkdir(parents=True)
        for i in range(n):
            pixels = rng.normal(200 - 50 * k, 20, size[::-1]).clip(0, 255)
            image = Image.fromarray(pixels.astype(np.uint8))
            image.save(root / kind / f"{i:03}.png")
    return root


@pytest.fixture
def torchvision():
    pytest.importorskip("torch", reason="needs the package torch")
    pytest.importorskip("torchvision", reason="needs the package torchvision")


@pytest.fixture
def real_images(home, torchvision):
    """Lay out the volcanic ash as it is meant to lie."""
    if not ASH.is_file():
        pytest.skip("the volcanic ash is not in ../shared/data")
    pack = np.load(ASH)
    root = home / "insolubles" / "images"
    for i, (pixels, label) in enumerate(zip(pack["x"], pack["y"], strict=True)):
        folder = root / str(pack["classes"][label])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{i:04}.png")
    return pack


@pytest.fixture
def particles(home):
    """Put FlowCam's published table where it is looked for; return it."""
    if not all(table.is_file() for table in TABLES):
        pytest.skip("FlowCam's table is not in ../shared/data")
    for table in TABLES:
        shutil.copy(table, home / "insolubles")
    return pd.concat(map(pd.read_csv, TABLES), ignore_index=True)


def everything(parts):
    """Return features and targets of a split, its three parts together."""
    X = np.concatenate([parts.X_train, parts.X_valid, parts.X_test])
    return X, np.concatenate([parts.y_train, parts.y_valid, parts.y_test])


# Images


def test_the_ash_is_read_pixel_by_pixel_and_dealt_anew_for_every_split(
    real_images, problem
):
    tuned = problem("insolubles")
    assert set(tuned.space) == {"learning_rate", "learning_rate_decay"}
    expected = sorted(
        (int(label), pixels.tobytes())
        for pixels, label in zip(real_images["x"], real_images["y"], strict=True)
    )
    orders = []
    for split in (0, 1):
        [parts] = tuned.parts(Setting("default", 1, split, data_seed=3))
        X, y = everything(parts)
        assert X.shape == (977, 1, 50, 50)
        found = [(int(k), x.tobytes()) for k, x in zip(y, X, strict=True)]
        assert sorted(found) == expected  # classes are in the order of their names
        assert len(parts.y_train) == pytest.approx(3 * len(parts.y_valid), abs=6)
        orders.append(found)
    assert orders[0] != orders[1]


def test_the_ash_on_the_command_line(real_images, benchopt):
    code, output, rows = benchopt(
        "-d", "insolubles", "-s", "random", "-o", "hpo[n_trials=2]"
    )
    assert code == 0, output
    assert "Warning" not in output
    assert (rows["objective_status"] == "ok").all()
    chance = np.log(4)
    assert rows["objective_incumbent_test_loss"].iloc[-1] < 0.8 * chance


@pytest.mark.usefixtures("torchvision")
def test_any_tree_serves(home, problem, solver):
    save_tree(home, size=(30, 18))
    tuned = problem("insolubles", image_size=24)
    [parts] = tuned.parts(Setting("default", 1, split=0, data_seed=3))
    X, y = everything(parts)
    assert X.shape == (60, 1, 24, 24)
    assert np.bincount(y).tolist() == [20, 20, 20]
    means = [X[y == k].mean() for k in range(3)]
    assert means == sorted(means, reverse=True)
    rows, again = (
        run_search(solver("random"), new_search(tuned, 3, metric="error-rate"))
        for _ in range(2)
    )
    assert rows["incumbent_test_loss"].iloc[-1] < 0.2
    assert rows["valid_loss"].tolist() == again["valid_loss"].tolist()


@pytest.mark.usefixtures("torchvision")
def test_of_many_images_a_split_is_some(home, problem, monkeypatch, benchmark_classes):
    save_tree(home, n=30)
    module = benchmark_classes["dataset"]["insolubles"].problem.__globals__
    monkeypatch.setitem(module, "MOST_IMAGES", 60)
    tuned = problem("insolubles", image_size=17)
    assert len(tuned.parts(Setting("default", 1, 0, 3))[0].y_train) == 36


def test_an_image_keeps_its_shape_and_lies_on_its_background():
    pixels = np.full((10, 40), 200, np.uint8)
    pixels[4:6, 10:30] = 20  # a long dark particle
    square = grey_square(Image.fromarray(pixels), 20)
    assert square.shape == (20, 20)
    assert square.dtype == np.uint8
    assert (square[:7] == 200).all()
    assert (square[13:] == 200).all()
    dark = np.argwhere(square < 100)
    height, width = np.ptp(dark, axis=0) + 1
    assert (height, width) == (1, 10)
    assert abs(dark.mean(axis=0) - 9.5).max() <= 1


def test_an_image_of_the_right_size_is_left_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)
    grey = Image.fromarray(pixels)
    for image in (grey, grey.convert("RGB")):
        assert np.array_equal(grey_square(image, 20), pixels)


@pytest.mark.usefixtures("torchvision")
def test_another_image_makes_cached_results_stale(home, benchmark_classes):
    root = save_tree(home, n=3)
    states = []
    for change in (
        lambda: None,
        lambda: shutil.copy(root / "dust" / "000.png", root / "dust" / "001.png"),
        lambda: (root / "tephra" / "002.png").unlink(),
    ):
        change()
        dataset = benchmark_classes["dataset"]["insolubles"].get_instance()
        states.append(str(dataset._get_state()))
    assert len(set(states)) == 3


@pytest.mark.usefixtures("torchvision")
def test_folders_of_images_may_be_links(home, tmp_path, benchmark_classes):
    root = save_tree(home, n=3)
    (root / "dust").rename(tmp_path / "elsewhere")
    (root / "dust").symlink_to(tmp_path / "elsewhere")
    dataset = benchmark_classes["dataset"]["insolubles"].get_instance()
    assert root / "dust" / "000.png" in dataset.files()


def no_folders(root):
    for folder in root.iterdir():
        shutil.rmtree(folder)


def one_kind(root):
    for kind in ("pollen", "tephra"):
        shutil.rmtree(root / kind)


def an_empty_kind(root):
    for path in (root / "pollen").iterdir():
        path.unlink()


def too_few(root):
    for path in root.glob("*/01*.png"):
        path.unlink()


def unreadable(root):
    (root / "dust" / "007.png").write_text("not an image")


def cut_short(root):
    path = root / "dust" / "007.png"
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.usefixtures("torchvision")
@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (no_folders, "at least 2 classes wanted"),
        (one_kind, "at least 2 classes wanted, as folders {root}/<class>/*.png"),
        (an_empty_kind, "pollen"),
        (too_few, "{root}: 30 images, at least 50 needed"),
        (unreadable, "{root}/dust/007.png is not readable: not an image"),
        (cut_short, "{root}/dust/007.png is not readable"),
    ],
)
def test_a_wrong_tree_is_one_clear_line(home, benchmark_classes, harm, says):
    root = save_tree(home)
    harm(root)
    with pytest.raises(click.UsageError) as error:
        benchmark_classes["dataset"]["insolubles"].get_instance().get_data()
    assert says.format(root=root) in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.usefixtures("torchvision")
def test_without_images_it_is_said_where_to_get_them(home, benchopt):
    code, output, _ = benchopt("-d", "insolubles", "-s", "random")
    assert code == 2
    [line] = [line for line in output.splitlines() if line.startswith("Error:")]
    assert f"there is no folder {home}/insolubles/images: get the ice-core" in line
    assert "https://doi.org/10.5281/zenodo.7591282" in line
    assert "Traceback" not in output


# FlowCam


def test_particles_are_the_published_ones_in_ten_disjoint_splits(particles, problem):
    tuned = problem("insolubles", source="flowcam", learner="lightgbm")
    rows, targets = [], []
    for split in range(10):
        [parts] = tuned.parts(Setting("default", 1, split, data_seed=3))
        X, y = everything(parts)
        assert X.shape == (1200, 34)
        rows.append(X)
        targets.append(y)
    rows, targets = np.concatenate(rows), np.concatenate(targets)
    assert len(np.unique(rows, axis=0)) == len(rows) == len(particles)
    assert np.bincount(targets).tolist() == [6000, 6000]
    # every one as it was published, with its class
    area, volume = rows[:, 0], rows[:, 32]
    found = pd.DataFrame({"area": area, "volume": volume, "class": targets})
    wanted = particles[["Area (ABD)", "Volume (ESD)", "class"]]
    found = found.sort_values(["area", "volume"]).to_numpy()
    wanted = wanted.sort_values(["Area (ABD)", "Volume (ESD)"]).to_numpy()
    assert np.array_equal(found, wanted)


def test_nothing_that_says_when_or_where_is_learned_from(particles, benchmark_classes):
    features = benchmark_classes["dataset"]["insolubles"].problem.__globals__[
        "FEATURES"
    ]
    dropped = set(particles) - set(features)
    for name in ("Date", "Time", "Timestamp", "Elapsed Time", "Image File", "imgpaths"):
        assert name in dropped
    for name in ("Particle ID", "Source Image", "Calibration Image", "class"):
        assert name in dropped
    assert (particles.groupby("Date")["class"].nunique() == 1).all()  # why


@pytest.mark.parametrize("learner", ["lightgbm", "mlp"])
def test_particles_on_the_command_line(particles, benchopt, learner):
    if learner == "mlp":
        pytest.importorskip("torch", reason="needs the package torch")
    code, output, rows = benchopt(
        *["-d", f"insolubles[source=flowcam,learner={learner}]", "-s", "random"],
        *["-o", "hpo[n_trials=3]"],
    )
    assert code == 0, output
    assert (rows["objective_status"] == "ok").all()
    assert rows["objective_incumbent_test_loss"].iloc[-1] < 0.5 * np.log(2)


def test_a_table_with_missing_columns_or_another_content(particles, home, benchopt):
    arguments = ["-d", "insolubles[source=flowcam,learner=lightgbm]", "-s", "random"]
    path = home / "insolubles" / TABLES[1].name
    frame = pd.read_csv(path)
    frame.drop(columns=["Circularity", "Width"]).to_csv(path, index=False)
    code, output, _ = benchopt(*arguments, environment=NO_NETWORK)
    assert code == 2
    assert f"{path}: missing columns Circularity, Width; the file has" in output
    frame.iloc[::-1].to_csv(path, index=False)
    code, output, _ = benchopt(*arguments, environment=NO_NETWORK)
    assert code == 2
    assert f"{path} is not the published file" in output


# Parameters and packages


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"source": "photos"}, "unknown source 'photos': choose from images, flowcam"),
        ({"learner": "svm"}, "unknown learner 'svm': choose from mlp, lightgbm"),
        ({"image_size": 14}, "image_size=14: must be a whole number, at least 15"),
        ({"image_size": 50.0}, "image_size=50.0: must be a whole number"),
    ],
)
def test_wrong_parameters_are_one_line(benchmark_classes, parameters, says):
    with pytest.raises(click.UsageError, match=says):
        benchmark_classes["dataset"]["insolubles"].get_instance(**parameters)


def test_without_the_neural_packages_the_table_can_be_searched(
    particles, problem, benchmark_classes, monkeypatch
):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *p: None if name.startswith("torch") else find(name, *p),
    )
    dataset = benchmark_classes["dataset"]["insolubles"]
    for parameters in ({}, {"source": "flowcam"}):
        answer = dataset.get_instance(**parameters).get_data()
        says = "needs the package torch: pip install -r requirements-neural.txt"
        assert answer == {"problem": None, "unavailable": says}
    assert problem("insolubles", source="flowcam", learner="lightgbm") is not None


def test_the_cache_key_needs_no_settings(home, benchmark_classes, monkeypatch):
    # Benchopt rebuilds itself in one thread while joblib pickles in another.
    root = save_tree(home, n=2)
    dataset = benchmark_classes["dataset"]["insolubles"].get_instance()
    monkeypatch.setattr("benchopt.benchmark._RUNNING_BENCHMARK", None)
    before = dataset._get_state()
    assert len(before["files"]) == 6
    (root / "dust" / "000.png").unlink()
    assert dataset._get_state() != before
