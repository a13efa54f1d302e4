import importlib.util
from functools import lru_cache
from uuid import uuid4

import numpy as np
import pandas as pd
from benchopt.config import get_data_path

from benchmark_utils import backbones, images
from benchmark_utils.components import ProblemDataset, need_neural, whole_number
from benchmark_utils.errors import fail
from benchmark_utils.kept_array import checksum, kept_array
from benchmark_utils.problems.trained import Trained
from benchmark_utils.splits import random_subset
from benchmark_utils.tables import Table

FEWEST = 200  # images: splits of 25 to 41


def some_of_each(labels: np.ndarray, n: int) -> np.ndarray:
    """Return the numbers of n rows, as many of every class: always the same ones."""
    rows = np.random.default_rng(0).permutation(len(labels))
    turn = pd.Series(rows).groupby(labels[rows]).cumcount()
    return np.sort(rows[np.argsort(turn, kind="stable")][:n])


@lru_cache
def features(folder, path, backbone, image_size, weights, n_images) -> Table:
    """Return the features of the images and their classes; computed once."""
    pool = images.cifar10(folder)
    n_images = n_images or len(pool.labels)
    if n_images > len(pool.labels):
        fail(f"cifar10: n_images={n_images}, but there are {len(pool.labels)} images")
    rows = some_of_each(pool.labels, n_images)

    def start():
        compute = backbones.frozen(backbone, weights, image_size)
        return lambda piece: compute([pool.read(i) for i in rows[piece]])

    about = {"name": path.stem, "images": pool.fingerprint, "n_images": n_images}
    X = kept_array(path, about, n_images, start)
    return Table("classification", X, pool.labels[rows])


class Dataset(ProblemDataset):
    """A dense layer and ten classes on features of CIFAR-10 by a frozen backbone.

    As in the Copenhagen study (2023), splits are random subsets of 7,500 to 12,500 of
    the 60,000 images, so they overlap; the units of the dense layer are tuned together
    with the learning rate.
    """

    name = "cifar10"
    requirements = ["pip::torch", "pip::torchvision", "pip::tqdm"]

    # backbone: any classification model of torchvision. image_size: pixels that images
    # are resized to; None is as the weights were trained, often 224. weights: a name
    # that torchvision has for this backbone, or "random". n_images: of so many, the
    # same number of every class, instead of all; splits are then smaller as well.
    parameters = {
        "backbone": ["resnet50"],
        "image_size": [None],
        "weights": ["DEFAULT"],
        "n_images": [None],
    }
    test_config = {
        "backbone": "squeezenet1_1",
        "image_size": 32,
        "weights": "random",
        "n_images": FEWEST,
    }

    def check(self):
        if self.image_size is not None:
            whole_number("cifar10: image_size", self.image_size, low=8)
        if self.n_images is not None:
            whole_number("cifar10: n_images", self.n_images, low=FEWEST)
        if importlib.util.find_spec("torchvision"):
            backbones.check_backbone(self.backbone, self.weights)
        # Now, for `path` is also called while benchopt rebuilds what it asks for these.
        self.images, self.features = map(get_data_path, ("cifar10", "features"))

    def path(self):
        model = backbones.full_name(self.backbone, self.weights, self.image_size)
        source = images.cifar10_source(self.images)
        name = f"cifar10-{source}-{model}-{self.n_images or 'all'}"
        return self.features / f"{name}.npy"

    def _get_state(self):
        state = super()._get_state()
        if importlib.util.find_spec("torchvision") is None:
            return state  # it is skipped, but pickled for that
        # What was deleted since is not prepared, whatever benchopt remembers.
        return state | {"X": checksum(self.path()) or uuid4().hex}

    def problem(self):
        need_neural("torch", "torchvision", "tqdm")
        from benchmark_utils.learners import mlp  # optional, and slow to import

        table = features(self.images, self.path(), **self._parameters)
        n = len(table.y)
        return Trained(table, mlp.head(), n // 6, spread=n / 24, draw=random_subset)
