"""CIFAR-10: images from anywhere, frozen backbones, features computed once."""

import json
import os
import pickle
import subprocess
import sys

import click
import numpy as np
import pytest
from benchopt.benchmark import Benchmark
from benchopt.config import get_data_path
from conftest import ROOT, SHARED, new_search, run_search, same_rows
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from benchmark_utils import kept_array as kept_array_module
from benchmark_utils.errors import Unavailable
from benchmark_utils.kept_array import PIECE, checksum, kept_array
from benchmark_utils.problems import Setting
from benchmark_utils.seeds import derive

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
from PIL import Image  # noqa: E402

from benchmark_utils import backbones, images  # noqa: E402

CLASSES = [
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
]
SMALL = "backbone=squeezenet1_1,image_size=32,weights=random,n_images=200"
NO_NETWORK = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}

# An array that is computed once


def rows_of(array):
    """Return what computes rows of an array, and the list of rows it was asked for."""
    asked = []

    def start():
        def compute(rows):
            asked.extend(rows)
            return array[rows.start : rows.stop]

        return compute

    return start, asked


@pytest.fixture
def array():
    return np.random.default_rng(0).normal(size=(3 * PIECE + 5, 7)).astype(np.float32)


def test_an_array_is_computed_once_and_mapped_from_disk(tmp_path, array, capsys):
    path, (start, asked) = tmp_path / "new" / "a.npy", rows_of(array)
    first = kept_array(path, {"a": 1}, len(array), start)
    assert "is not there yet" in capsys.readouterr().out
    again = kept_array(path, {"a": 1}, len(array), start)
    assert capsys.readouterr().out == ""
    assert asked == list(range(len(array)))
    for kept in (first, again):
        assert isinstance(kept, np.memmap)
        assert not kept.flags.writeable
        assert np.array_equal(kept, array)
    assert kept.dtype == array.dtype
    assert {p.suffix for p in path.parent.iterdir()} == {".npy", ".json", ".lock"}


def truncate(path):
    os.truncate(path, path.stat().st_size - 10)


def lengthen(path):
    path.write_bytes(path.read_bytes() + b"\0")


def alter(path):
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)


def replace_by_pickle(path):
    path.write_bytes(pickle.dumps([1, 2]))


def other_checksum(path):
    json_path = path.with_suffix(".json")
    json_path.write_text(json.dumps({**json.loads(json_path.read_text()), "sha256": 0}))


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (truncate, "is damaged"),
        (lengthen, "is damaged"),
        (alter, "is damaged"),
        (replace_by_pickle, "is damaged"),
        (other_checksum, "is damaged"),
        (lambda path: path.unlink(), "is not there yet"),
        (lambda path: path.with_suffix(".json").unlink(), "is of other data"),
        (lambda path: path.with_suffix(".json").write_text("{"), "is of other data"),
        (lambda path: path.with_suffix(".json").write_text("[1]"), "is of other data"),
    ],
)
def test_a_corrupt_array_is_rebuilt(tmp_path, array, capsys, harm, says):
    path, (start, asked) = tmp_path / "a.npy", rows_of(array)
    kept_array(path, {}, len(array), start)
    whole = path.read_bytes()
    harm(path)
    capsys.readouterr()
    assert np.array_equal(kept_array(path, {}, len(array), start), array)
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{path} {says}")
    assert len(asked) == 2 * len(array)
    assert path.read_bytes() == whole


def test_an_array_of_other_data_is_rebuilt(tmp_path, array):
    path, (start, _) = tmp_path / "a.npy", rows_of(array)
    kept_array(path, {"images": "these"}, len(array), start)
    start, asked = rows_of(-array)
    kept = kept_array(path, {"images": "those"}, len(array), start)
    assert np.array_equal(kept, -array)
    assert len(asked) == len(array)


class Interrupted(BaseException):
    pass


def interrupt(path, about, array, after):
    """Compute until ``after`` rows are on disk, then die."""
    start, asked = rows_of(array)

    def dying():
        compute = start()

        def dies(rows):
            if rows.start == after:
                raise Interrupted
            return compute(rows)

        return dies

    with pytest.raises(Interrupted):
        kept_array(path, about, len(array), dying)
    return asked


@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_what_was_interrupted_goes_on_where_it_stopped(tmp_path, array, pieces):
    path, done = tmp_path / "a.npy", pieces * PIECE
    assert interrupt(path, {}, array, done) == list(range(done))
    assert not path.exists()
    if pieces:  # half a piece more, that the note does not know of
        with path.with_suffix(".part").open("ab") as file:
            file.write(b"half a piece")
    start, asked = rows_of(array)
    assert np.array_equal(kept_array(path, {}, len(array), start), array)
    assert asked == list(range(done, len(array)))
    start, _ = rows_of(array)
    straight = tmp_path / "straight.npy"
    kept_array(straight, {}, len(array), start)
    assert straight.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("harm", ["truncated", "other data", "no note"])
def test_a_beginning_that_does_not_fit_is_not_continued(tmp_path, array, harm):
    path = tmp_path / "a.npy"
    interrupt(path, {"of": "this"}, array, 2 * PIECE)
    if harm == "truncated":
        truncate(path.with_suffix(".part"))
    if harm == "no note":
        path.with_suffix(".progress").unlink()
    about = {"of": "that" if harm == "other data" else "this"}
    start, asked = rows_of(-array)
    assert np.array_equal(kept_array(path, about, len(array), start), -array)
    assert len(asked) == len(array)


def test_dying_between_the_two_renames_loses_nothing(tmp_path, array, monkeypatch):
    path = tmp_path / "a.npy"
    real = kept_array_module.Path.replace

    def replace(self, target):
        if target == path:
            raise Interrupted
        return real(self, target)

    start, asked = rows_of(array)
    with monkeypatch.context() as patch:
        patch.setattr(kept_array_module.Path, "replace", replace)
        with pytest.raises(Interrupted):
            kept_array(path, {}, len(array), start)
    assert checksum(path) is None
    assert np.array_equal(kept_array(path, {}, len(array), start), array)
    assert len(asked) == len(array)


IN_A_PROCESS = """
import sys
import time
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
from benchmark_utils.kept_array import kept_array

def start():
    def compute(rows):
        time.sleep(0.02)  # long enough for the others to come
        print("computed", rows.start)
        return np.full((len(rows), 3), rows.start, dtype=np.float32)
    return compute

print("sum", kept_array(Path(sys.argv[2]), {}, 1000, start).sum())
"""


def test_of_several_processes_one_computes_and_the_others_wait(tmp_path):
    command = [sys.executable, "-c", IN_A_PROCESS, str(ROOT), str(tmp_path / "a.npy")]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = "".join(process.communicate()[0] for process in processes).splitlines()
    pieces = list(range(0, 1000, PIECE))
    assert sorted(line for line in said if line.startswith("computed")) == sorted(
        f"computed {first}" for first in pieces
    )
    lengths = [min(PIECE, 1000 - first) for first in pieces]
    [text] = {line for line in said if line.startswith("sum")}
    assert float(text.split()[1]) == 3 * np.dot(pieces, lengths)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root")
def test_a_folder_that_cannot_be_written(tmp_path, array):
    tmp_path.chmod(0o500)
    with pytest.raises(click.UsageError, match="cannot be written"):
        kept_array(tmp_path / "a.npy", {}, len(array), rows_of(array)[0])


# Images


def make_tree(root, n_each=20, classes=CLASSES, suffix="png", size=32):
    rng = np.random.default_rng(len(classes))
    for k, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for i in range(n_each):
            pixels = rng.integers(0, 128, (size, size, 3), dtype=np.uint8)
            pixels[..., k % 3] += np.uint8(12 * k)
            Image.fromarray(pixels).save(root / name / f"{i:03d}.{suffix}")
    return root


def test_a_tree_of_classes(tmp_path):
    make_tree(tmp_path, n_each=3)
    found = images.image_tree(tmp_path, 10)
    assert found.labels.tolist() == [k for k in range(10) for _ in range(3)]
    for i in (0, 4, 29):
        path = tmp_path / CLASSES[i // 3] / f"{i % 3:03d}.png"
        with Image.open(path) as image:
            assert np.array_equal(found.read(i), image)


def test_train_and_test_are_one_pool(tmp_path):
    make_tree(tmp_path / "train", n_each=3, suffix="jpg")
    make_tree(tmp_path / "test", n_each=2, suffix="jpg")
    found = images.image_tree(tmp_path, 10)
    assert np.bincount(found.labels).tolist() == [5] * 10
    assert found.labels.tolist() == [
        *(k for k in range(10) for _ in range(3)),
        *(k for k in range(10) for _ in range(2)),
    ]


def test_the_fingerprint_sees_what_changes(tmp_path):
    make_tree(tmp_path, n_each=2)
    prints = [images.image_tree(tmp_path, 10).fingerprint for _ in range(2)]
    extra = tmp_path / "cat" / "extra.png"
    Image.new("RGB", (32, 32)).save(extra)
    prints.append(images.image_tree(tmp_path, 10).fingerprint)
    Image.new("RGB", (64, 64)).save(extra)
    prints.append(images.image_tree(tmp_path, 10).fingerprint)
    extra.rename(tmp_path / "dog" / "extra.png")
    prints.append(images.image_tree(tmp_path, 10).fingerprint)
    assert prints[0] == prints[1]
    assert len(set(prints)) == 4


def test_grey_images_and_palettes_are_read_as_rgb(tmp_path):
    make_tree(tmp_path, n_each=1)
    Image.new("L", (40, 30), 7).save(tmp_path / "cat" / "grey.png")
    Image.new("P", (40, 30)).save(tmp_path / "dog" / "palette.png")
    found = images.image_tree(tmp_path, 10)
    assert {found.read(i).mode for i in range(len(found.labels))} == {"RGB"}


def test_images_of_16_bits_are_not_clipped(tmp_path):
    make_tree(tmp_path, n_each=1)
    grey = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    Image.fromarray(grey).save(tmp_path / "cat" / "000.png")
    image = images.image_tree(tmp_path, 10).read(sorted(CLASSES).index("cat"))
    assert np.array_equal(np.array(image)[..., 0], grey // 256)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda root: (root / "cat").rename(root / ".." / "cat"), "found 9 (airplane,"),
        (lambda root: (root / "yak").mkdir(), "found 11 (airplane,"),
        (lambda root: (root / "cat" / "000.png").unlink(), "classes cat"),
    ],
)
def test_a_tree_that_is_not_cifar10(tmp_path, spoil, says):
    root = make_tree(tmp_path / "tree", n_each=1)
    spoil(root)
    with pytest.raises(click.UsageError) as error:
        images.image_tree(root, 10)
    assert str(root) in str(error.value)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_train_and_test_of_different_classes(tmp_path):
    make_tree(tmp_path / "train", n_each=1)
    make_tree(tmp_path / "test", n_each=1, classes=[*CLASSES[:9], "yak"])
    with pytest.raises(click.UsageError, match="different classes"):
        images.image_tree(tmp_path, 10)


@pytest.mark.parametrize("content", [b"no image", b"", "truncated"])
def test_an_unreadable_image_is_named(tmp_path, content):
    make_tree(tmp_path, n_each=1)
    path = tmp_path / "cat" / "000.png"
    path.write_bytes(path.read_bytes()[:700] if content == "truncated" else content)
    found = images.image_tree(tmp_path, 10)
    with pytest.raises(click.UsageError) as error:
        found.read(3)
    assert str(error.value).startswith(f"{path} is not readable")


def published_batches(folder, monkeypatch, n=20):
    """Lay out a small CIFAR-10 as published; return its pixels and labels."""
    rng = np.random.default_rng(0)
    (folder / images.BATCHES).mkdir(parents=True)
    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    everything = []
    for name in [*names, "batches.meta"]:
        content = {"label_names": CLASSES}
        if name in names:
            data = rng.integers(0, 256, (n, 3 * 32 * 32), dtype=np.uint8)
            labels = rng.permutation(np.resize(np.arange(10), n)).tolist()
            content = {"data": data, "labels": labels}
            everything.append((data, labels))
        (folder / images.BATCHES / name).write_bytes(pickle.dumps(content))
    dataset = torchvision.datasets.CIFAR10
    monkeypatch.setattr(dataset, "_check_integrity", lambda self: True)
    md5 = torchvision.datasets.utils.calculate_md5
    monkeypatch.setitem(
        dataset.meta, "md5", md5(folder / images.BATCHES / "batches.meta")
    )
    pixels = np.concatenate([data for data, _ in everything])
    pixels = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return pixels, np.concatenate([labels for _, labels in everything])


def test_the_published_batches(tmp_path, monkeypatch, benchmark_classes):
    monkeypatch.setenv("BENCHOPT_DATA_HOME", str(tmp_path))
    pixels, labels = published_batches(tmp_path / "cifar10", monkeypatch)
    assert images.cifar10_source(get_data_path("cifar10")) == "published"
    found = images.cifar10(get_data_path("cifar10"))
    assert np.array_equal(found.labels, labels)
    for i in (0, 55, 119):
        assert np.array_equal(found.read(i), pixels[i])


# Backbones


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return [
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
        for _ in range(3)
    ]


def last_linear(model):
    kinds = (torch.nn.Linear, torch.nn.Conv2d)
    return [layer for layer in model.modules() if isinstance(layer, kinds)][-1]


@pytest.mark.parametrize(
    ("backbone", "size", "width"),
    [
        ("resnet18", 32, 512),
        ("squeezenet1_1", 32, 512),
        ("mobilenet_v2", 32, 1280),
        ("mobilenet_v3_small", 32, 1024),
        ("densenet121", 32, 1024),
        ("efficientnet_b0", 32, 1280),
        ("shufflenet_v2_x0_5", 32, 1024),
        ("mnasnet0_5", 32, 1280),
        ("regnet_y_400mf", 32, 440),
        ("convnext_tiny", 32, 768),
        ("swin_t", 32, 768),
        ("vit_b_16", None, 768),
        ("alexnet", 64, 4096),
        ("vgg11", 32, 4096),
        ("googlenet", 32, 1024),
    ],
)
@pytest.mark.filterwarnings("ignore:The default weight init")
def test_features_are_what_the_classifier_gets(backbone, size, width, pictures):
    compute = backbones.frozen(backbone, "random", size)
    features = compute(pictures)
    assert features.shape == (3, width)
    assert features.dtype == np.float32
    assert features.std(axis=0).max() > 0
    # the same pictures, one at a time
    one = compute(pictures[1:2])
    assert one == pytest.approx(features[1:2], rel=1e-4, abs=1e-5)
    # torchvision's own model, whole: what goes into its last linear layer
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = torchvision.models.get_model(backbone, weights=None).eval()
    seen = []
    last_linear(model).register_forward_pre_hook(lambda _, inputs: seen.append(*inputs))
    prepare = backbones.preprocessing(backbone, "random", size)
    with torch.inference_mode():
        model(torch.stack([prepare(picture) for picture in pictures]))
    [inputs] = seen
    if inputs.ndim == 4:
        inputs = inputs.mean(dim=(2, 3))
    assert features == pytest.approx(inputs.numpy(), rel=1e-4, abs=1e-5)


def test_the_preprocessing_is_that_of_the_weights(pictures):
    own = torchvision.models.SqueezeNet1_1_Weights.DEFAULT.transforms()
    for weights in ("DEFAULT", "IMAGENET1K_V1", "random"):
        prepare = backbones.preprocessing("squeezenet1_1", weights, None)
        assert torch.equal(prepare(pictures[0]), own(pictures[0]))
    prepared = backbones.preprocessing("squeezenet1_1", "DEFAULT", 48)(pictures[0])
    assert prepared.shape == (3, 48, 48)
    resized = torchvision.transforms.functional.resize(pictures[0], [48, 48])
    plain = torchvision.transforms.functional.to_tensor(resized)
    mean, std = (torch.tensor(x)[:, None, None] for x in (own.mean, own.std))
    assert torch.allclose(prepared, (plain - mean) / std)


def test_the_name_says_backbone_weights_and_size():
    assert backbones.full_name("resnet50", "DEFAULT", None) == (
        "resnet50-IMAGENET1K_V2-own224px"
    )
    assert backbones.full_name("resnet50", "IMAGENET1K_V1", 64) == (
        "resnet50-IMAGENET1K_V1-64px"
    )
    assert backbones.full_name("vit_b_16", "random", 224) == "vit_b_16-random-224px"


def test_every_model_of_torchvision_ends_in_its_classifier():
    # regnets cannot be made without memory, and end like resnets
    for name in torchvision.models.list_models(module=torchvision.models):
        if name.startswith("regnet"):
            continue
        options = {}
        if name in ("googlenet", "inception_v3"):
            options = {"init_weights": False}
        with torch.device("meta"):
            model = torchvision.models.get_model(name, weights=None, **options)
        last = last_linear(model)
        assert 1000 in last.weight.shape[:1], name


@pytest.mark.parametrize(
    ("backbone", "size"), [("vit_b_16", 64), ("alexnet", 32), ("inception_v3", 32)]
)
@pytest.mark.filterwarnings("ignore:The default weight init")
def test_images_that_a_backbone_cannot_take(backbone, size):
    with pytest.raises(click.UsageError, match=f"{backbone} cannot take image_size="):
        backbones.frozen(backbone, "random", size)


def test_weights_that_cannot_be_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name, value in NO_NETWORK.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Unavailable) as error:
        backbones.frozen("squeezenet1_1", "DEFAULT", 32)
    url = "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth"
    assert f"get {url} and put it into {tmp_path}/hub/checkpoints" in str(error.value)
    file = tmp_path / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    for content in (b"", b"not weights", pickle.dumps({"a": 1})):
        file.write_bytes(content)
        with pytest.raises(click.UsageError) as error:
            backbones.frozen("squeezenet1_1", "DEFAULT", 32)
        assert f"{file} cannot be read" in str(error.value)
        assert "\n" not in str(error.value)


# The problem


@pytest.fixture
def home(tmp_path, monkeypatch, benchmark_classes):
    """Return a data_home with a small tree of images."""
    monkeypatch.setenv("BENCHOPT_DATA_HOME", str(tmp_path / "home"))
    make_tree(tmp_path / "home" / "cifar10", n_each=25)
    return tmp_path / "home"


@pytest.fixture
def small(home, problem):
    parameters = dict(part.split("=") for part in SMALL.split(","))
    parameters |= {"image_size": 32, "n_images": 200}
    return lambda **others: problem("cifar10", **{**parameters, **others})


def test_the_table_is_the_features_of_some_of_each_class(home, small):
    table = small()._table
    assert np.bincount(table.y).tolist() == [20] * 10
    assert table.X.shape == (200, 512)
    [path] = (home / "features").glob("*.npy")
    assert path.name == "cifar10-tree-squeezenet1_1-random-32px-200.npy"
    everything = small(n_images=None)._table
    assert np.bincount(everything.y).tolist() == [25] * 10
    # each row of the small one is the same image's row in the large one
    compute = backbones.frozen("squeezenet1_1", "random", 32)
    found = images.cifar10(get_data_path("cifar10"))
    assert everything.y.tolist() == found.labels.tolist()
    for i in (0, 100, 249):
        expected = compute([found.read(i)])[0]
        assert everything.X[i] == pytest.approx(expected, rel=1e-4, abs=1e-5)
    distances = np.abs(table.X[:, None] - everything.X[None]).max(axis=2)
    nearest = distances.argmin(axis=1)
    assert distances.min(axis=1).max() < 1e-4
    assert len(set(nearest)) == 200
    assert everything.y[nearest].tolist() == table.y.tolist()


def test_splits_are_random_subsets_that_overlap(small):
    cifar10 = small(n_images=None)
    sizes = []
    for i in range(40):
        [parts] = cifar10.parts(Setting("cross-entropy", 1, i, 0))
        sizes.append(len(parts.y_train) + len(parts.y_valid) + len(parts.y_test))
    assert min(sizes) >= 250 // 8
    assert max(sizes) <= 250 * 5 / 24 + 1
    assert len(set(sizes)) > 10
    assert sum(sizes) > 2 * 250


def test_images_that_changed_are_computed_anew(home, small, capsys, benchmark_classes):
    before = small()._table.X[:]
    for path in (home / "cifar10" / "cat").iterdir():
        Image.new("RGB", (32, 32), (200, 10, 10)).save(path)
    capsys.readouterr()
    benchmark_classes["dataset"]["cifar10"].problem.__globals__[
        "features"
    ].cache_clear()
    after = small()._table
    assert "is of other data: computing 200 rows" in capsys.readouterr().out
    cats = after.y == CLASSES.index("cat")
    assert (before[cats] != after.X[cats]).any(axis=1).all()
    assert np.array_equal(before[~cats], after.X[~cats])


def test_a_trial_is_a_plain_torch_training_of_a_dense_layer(small, solver):
    cifar10 = small()
    search = new_search(cifar10, 3, seed=1)
    rows = run_search(solver("random"), search)
    [parts] = cifar10.parts(Setting("cross-entropy", 1, split=0, data_seed=7))
    scale = StandardScaler().fit(parts.X_train)
    X, X_valid = (
        torch.tensor(scale.transform(x)) for x in (parts.X_train, parts.X_valid)
    )
    y = torch.tensor(parts.y_train)
    for row in rows.itertuples():
        configuration = json.loads(row.config)
        units = configuration["units"]
        net = torch.nn.Sequential(
            torch.nn.Linear(512, units), torch.nn.ReLU(), torch.nn.Linear(units, 10)
        )
        seed = derive(row.training_seed, row.config)
        generator = torch.Generator().manual_seed(seed)
        for layer in (net[0], net[2]):
            bound = layer.in_features**-0.5
            for tensor, shape in [
                (layer.weight, layer.weight.shape),
                (layer.bias, layer.bias.shape),
            ]:
                uniform = torch.rand(shape, generator=generator) * 2 - 1
                tensor.data = uniform * bound
        optimiser = torch.optim.Adam(net.parameters(), configuration["learning_rate"])
        for epoch in range(20):
            rng = np.random.default_rng([row.training_seed, epoch])
            for minibatch in torch.from_numpy(rng.permutation(len(y))).split(128):
                optimiser.zero_grad()
                logits = net(X[minibatch])
                torch.nn.functional.cross_entropy(logits, y[minibatch]).backward()
                optimiser.step()
        with torch.no_grad():
            probabilities = net(X_valid).double().softmax(1).numpy()
        expected = log_loss(parts.y_valid, probabilities, labels=range(10))
        assert row.valid_loss == pytest.approx(expected, rel=1e-3)
        assert row.size == 20 * (513 * units + 10 * (units + 1))


def test_folklore_is_inside_the_space(small, solver):
    cifar10 = small()
    configurations = solver("folklore").propose(new_search(cifar10, 25))
    assert len(set(configurations)) == 5
    default = cifar10.space.get_default_configuration()
    assert configurations[0] == default


# The command line


def prepare(*arguments, **environment):
    """Run `benchopt prepare` as a user does; return its exit code and output."""
    done = subprocess.run(
        [sys.executable, "-m", "benchopt", "prepare", str(ROOT), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout + done.stderr


def test_prepared_once_and_never_computed_again(benchopt, home, cache):
    arguments = ["-d", f"cifar10[{SMALL}]"]
    run = [*arguments, "-s", "random", "-o", "hpo[n_trials=2]", "-r", "2"]
    environment = {"BENCHOPT_CACHE": str(cache)}
    code, output = prepare(*arguments, **environment)
    assert code == 0, output
    [path] = (home / "features").glob("*.npy")
    assert f"{path} is not there yet" in output
    assert "200/200" in output  # the bar of progress
    made = path.stat().st_mtime_ns
    code, output = prepare(*arguments, **environment)
    assert code == 0
    assert "computing" not in output
    results = []
    for options in ((), ("--no-cache", "-j", "2")):
        code, output, rows = benchopt(*run, *options)
        assert code == 0, output
        assert "computing" not in output
        assert "Warning" not in output
        results.append(rows)
    assert same_rows(*results)
    assert np.isfinite(results[0]["objective_test_loss"]).all()
    assert path.stat().st_mtime_ns == made
    path.unlink()  # then it is not prepared, although benchopt has done it before
    code, output = prepare(*arguments, **environment)
    assert code == 0
    assert f"{path} is not there yet" in output


def test_a_run_computes_what_was_not_prepared_and_rebuilds_what_is_damaged(
    benchopt, home
):
    arguments = ["-d", f"cifar10[{SMALL}]", "-s", "random", "-o", "hpo[n_trials=2]"]
    code, output, rows = benchopt(*arguments, "--no-cache", "-j", "2", "-r", "2")
    assert code == 0, output
    [path] = (home / "features").glob("*.npy")
    assert output.count(f"{path} is not there yet") == 1
    whole = path.read_bytes()
    alter(path)
    code, output, again = benchopt(*arguments, "--no-cache", "-r", "2")
    assert code == 0, output
    assert output.count(f"{path} is damaged: computing 200 rows") == 1
    assert path.read_bytes() == whole
    assert same_rows(rows, again)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"backbone": "resnet5"}, "unknown backbone 'resnet5': did you mean resnet50"),
        ({"backbone": "squeezenet"}, "did you mean squeezenet1_1, squeezenet1_0? All"),
        ({"backbone": "qqqq"}, "unknown backbone 'qqqq': All of torchvision's are on"),
        ({"backbone": 7}, "unknown backbone 7: All"),
        ({"weights": "moon"}, "unknown weights of squeezenet1_1 'moon': choose from"),
        ({"image_size": "big"}, "cifar10: image_size='big': must be a whole number"),
        ({"image_size": 4}, "cifar10: image_size=4: must be a whole number, at least"),
        ({"n_images": 7}, "cifar10: n_images=7: must be a whole number, at least 200"),
        ({"n_images": 260}, "n_images=260, but there are 250 images"),
        ({"backbone": "vit_b_16"}, "vit_b_16 cannot take image_size=32"),
    ],
)
def test_bad_parameters_are_one_clear_line(small, parameters, says):
    with pytest.raises(click.UsageError) as error:
        small(**parameters)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_misspelt_backbone_ends_the_command_in_one_line(benchopt):
    says = "unknown backbone 'resnet5': did you mean resnet50"
    check_line(benchopt, says, "backbone=resnet5")


def check_line(benchopt, says, parameters, **environment):
    code, output, rows = benchopt(
        *["-d", "simulated", "-d", f"cifar10[{parameters}]", "-s", "random"],
        environment=environment,
    )
    assert code == 2
    [line] = [line for line in output.splitlines() if line.startswith("Error:")]
    assert says in line
    assert "Traceback" not in output
    assert rows is None


def test_no_network_and_no_images(benchopt, tmp_path):
    home = tmp_path / "nothing"
    environment = {"BENCHOPT_DATA_HOME": str(home), **NO_NETWORK}
    says = f"cifar-10-python.tar.gz into {home}/cifar10, or its images as {home}"
    check_line(benchopt, says, SMALL, **environment)
    code, output = prepare("-d", f"cifar10[{SMALL}]", **environment)
    assert code == 1
    assert "CIFAR-10 could not be downloaded" in output


def test_images_that_are_not_where_the_configuration_says(
    benchmark_classes, tmp_path, monkeypatch
):
    usual = Benchmark.get_setting

    def get_setting(self, name, *others):
        if name == "data_paths":
            return {"cifar10": str(tmp_path / "moon")}
        return usual(self, name, *others)

    monkeypatch.setattr(Benchmark, "get_setting", get_setting)
    with pytest.raises(Unavailable) as error:
        images.cifar10(get_data_path("cifar10"))
    says = f"the images should be in {tmp_path}/moon, as data_paths says"
    assert str(error.value).startswith(says)
    make_tree(tmp_path / "moon", n_each=1)
    assert len(images.cifar10(get_data_path("cifar10")).labels) == 10


def test_an_unreadable_image_ends_the_command_in_one_line(benchopt, home):
    path = home / "cifar10" / "dog" / "003.png"
    path.write_bytes(b"no image")
    check_line(benchopt, f"{path} is not readable", f"{SMALL},n_images=250")


def test_weights_that_are_not_here(benchopt, home, tmp_path):
    parameters = SMALL.replace("random", "DEFAULT")
    environment = {"TORCH_HOME": str(tmp_path / "torch"), **NO_NETWORK}
    says = f"put it into {tmp_path}/torch/hub/checkpoints"
    check_line(benchopt, says, parameters, **environment)


def test_without_torchvision_it_is_skipped_in_one_line(benchopt, home, tmp_path):
    # a module that Python finds first and that says it is not there
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util\n"
        "find_spec = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: (\n"
        "    None if name == 'torchvision' else find_spec(name, *a))\n"
        "import sys\n"
        "sys.modules['torchvision'] = None\n"
    )
    says = "needs the package torchvision: pip install -r requirements-neural.txt"
    check_line(benchopt, says, SMALL, PYTHONPATH=str(tmp_path))


@pytest.mark.skipif(
    not (SHARED / "torch_home").is_dir(), reason="no ../shared/data/torch_home"
)
def test_real_weights_from_a_local_copy(home, small, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(SHARED / "torch_home"))
    table = small(weights="DEFAULT")._table
    [path] = (home / "features").glob("*.npy")
    assert path.name == "cifar10-tree-squeezenet1_1-IMAGENET1K_V1-32px-200.npy"
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    real = backbones.frozen("squeezenet1_1", "DEFAULT", 32)([picture])
    other = backbones.frozen("squeezenet1_1", "random", 32)([picture])
    assert np.abs(real - other).max() > 0.1
    assert np.isfinite(table.X).all()


def test_the_cache_key_needs_no_settings(benchmark_classes, monkeypatch):
    # Benchopt rebuilds itself in one thread while joblib pickles in another.
    dataset = benchmark_classes["dataset"]["cifar10"].get_instance()
    monkeypatch.setattr("benchopt.benchmark._RUNNING_BENCHMARK", None)
    assert dataset._get_state()["code"]


def test_the_cache_key_needs_no_torchvision(benchmark_classes, monkeypatch):
    # Other processes get the dataset pickled, which asks for its key.
    dataset = benchmark_classes["dataset"]["cifar10"].get_instance()
    monkeypatch.setitem(sys.modules, "torchvision", None)
    assert dataset._get_state()["code"]
