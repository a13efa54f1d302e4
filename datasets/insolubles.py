import os
from functools import lru_cache
from pathlib import Path

import pandas as pd
from benchopt.config import get_data_path

from benchmark_utils.components import ProblemDataset, need_neural, one_of, whole_number
from benchmark_utils.downloads import published_table
from benchmark_utils.errors import Unavailable
from benchmark_utils.images import TREE, grey_table
from benchmark_utils.learners.by_name import LEARNERS
from benchmark_utils.problems.trained import Trained
from benchmark_utils.tables import Table, make_table

ADDRESS = (
    "https://raw.githubusercontent.com/AppliedMachineLearningNBI/AppliedML2023/"
    "a68ddb4e5fd488740767aa58a2d7a75d55fd3f58/Week4/supervised_{}.csv"
)
SHA256 = {
    "train": "6e3ee7a1ce640d1542ea2bb2fe7c0bb08b13a2bbb98e2674eb8f51de5d14f5e9",
    "test": "5d3d744196463c1c41325b575421e1d0b2488baff269d2e0357af22cce909c91",
}
# What the course that published the table learns from: shape, size and grey values of
# a particle. The others say when, where and in which file it was photographed: each of
# the two kinds has days, runs and files of its own.
FEATURES = [
    "Area (ABD)", "Area (Filled)", "Aspect Ratio", "Biovolume (Cylinder)",
    "Biovolume (P. Spheroid)", "Circle Fit", "Circularity", "Circularity (Hu)",
    "Compactness", "Convex Perimeter", "Convexity", "Diameter (ABD)",
    "Diameter (ESD)", "Edge Gradient", "Elongation", "Feret Angle Max",
    "Feret Angle Min", "Fiber Curl", "Fiber Straightness", "Geodesic Aspect Ratio",
    "Geodesic Length", "Geodesic Thickness", "Intensity", "Length",
    "Particles Per Chain", "Perimeter", "Roughness", "Sigma Intensity",
    "Sum Intensity", "Symmetry", "Transparency", "Volume (ABD)", "Volume (ESD)",
    "Width",
]  # fmt: skip
MOST_IMAGES, PARTICLES = 1000, 1200  # of a split: ten of particles are disjoint


@lru_cache
def flowcam() -> Table:
    """12,000 particles of tephra, half Campanian (class 0), half Grímsvötn (1)."""
    folder = get_data_path("insolubles")
    frames = [
        published_table(ADDRESS.format(part), sha256, folder, [*FEATURES, "class"])
        for part, sha256 in SHA256.items()
    ]
    frame = pd.concat(frames, ignore_index=True)
    return make_table("flowcam", frame[FEATURES], frame["class"], "classification")


def images(folder: Path, image_size: int) -> Table:
    """The images of whichever particles lie there."""
    if not folder.is_dir():
        raise Unavailable(
            f"there is no folder {folder}: get the ice-core images from "
            f"https://doi.org/10.5281/zenodo.7591282 and put them there as {TREE}"
        )
    return grey_table(folder, image_size)


class Dataset(ProblemDataset):
    """Insoluble particles of ice cores: which kind is it?

    `source=images` is a tree of images, one folder for each kind, in the folder
    `insolubles/images` of benchopt's data_home (`insolubles` in data_paths is the
    folder around `images`). The ice-core images of the Copenhagen study (2023) are
    those of Maffezzoli et al. 2023, "Detection of ice core particles via deep neural
    networks", The Cryosphere 17, 539-565; they have to be fetched by hand, from
    https://doi.org/10.5281/zenodo.7591282. Any other tree serves; that of our
    measurements is a stand-in, 977 images of volcanic ash in four shapes (Shoji et al.
    2018, from github.com/ieferreira/DigitalPetrography). A convolutional network is
    tuned as in the study: learning rate and its decay. Images of another size than
    `image_size` are scaled and padded to it. A split is all images, dealt anew, or
    1,000 where there are more.

    `source=flowcam` is the table of 34 numbers that the imaging microscope measured of
    12,000 particles of two kinds, in disjoint splits of 1,200, with the `learner` mlp
    or lightgbm. The kinds were photographed on different days: part of what separates
    them may be the light.
    """

    name = "insolubles"
    requirements = ["pip::torch", "pip::torchvision", "pip::lightgbm", "pip::pooch"]

    parameters = {"source": ["images"], "learner": ["mlp"], "image_size": [50]}

    def check(self):
        one_of("source", self.source, ["images", "flowcam"])
        one_of("learner", self.learner, ["mlp", "lightgbm"])
        whole_number("insolubles: image_size", self.image_size, low=15)
        # Now, for `files` is also called while benchopt rebuilds what it asks for this.
        self.images = get_data_path("insolubles") / "images"

    def files(self):
        # They have no checksum: what was learned depends on them as they are.
        if self.source != "images":
            return []
        walk = os.walk(self.images, followlinks=True)  # as torchvision looks for them
        paths = (Path(folder, name) for folder, _, names in walk for name in names)
        return sorted(path for path in paths if path.is_file())

    def problem(self):
        if self.source == "flowcam":
            table = flowcam()
            return Trained(table, LEARNERS[self.learner](table), PARTICLES)
        need_neural("torch", "torchvision")
        from benchmark_utils.learners import cnn  # optional, and slow to import

        table = images(self.images, self.image_size)
        return Trained(table, cnn.rate_and_decay(), min(len(table.y), MOST_IMAGES))
