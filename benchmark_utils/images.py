"""Images and their classes, from torchvision or from folders of files."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchopt.benchmark import get_running_benchmark

from benchmark_utils.errors import Unavailable, fail
from benchmark_utils.tables import Table

BATCHES = "cifar-10-batches-py"  # torchvision's copy of the published files
FEWEST = 50  # images of a tree to learn from
TREE = "<class>/*.png, or as <train|test>/<class>/*.jpg"


@dataclass(frozen=True, eq=False)
class Images:
    """Images that are read when they are needed.

    Attributes
    ----------
    fingerprint : str
        another wherever an image was added, removed or replaced by one of another
        size in bytes.
    labels : ndarray (n,)
        classes, numbered from 0 in the order of their names.
    read : callable
        gives the image with a number, 0 to n - 1, as PIL.Image in RGB.
    """

    fingerprint: str
    labels: np.ndarray
    read: Callable[[int], object]


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in one, without hidden ones."""
    return [p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")]


def cifar10_source(folder: Path) -> str:
    """Return "tree" if the folder has folders of images, else "published"."""
    inside = {p.name for p in folders_in(folder)} if folder.is_dir() else ()
    return "tree" if inside and BATCHES not in inside else "published"


def cifar10(folder: Path) -> Images:
    """Return CIFAR-10 (Krizhevsky 2009), train and test images as one pool.

    From a tree of images (see `cifar10_source`), else as torchvision downloads it
    (170 MB, checksum verified) into the same folder: data_paths' or `cifar10` in
    benchopt's data_home.
    """
    if cifar10_source(folder) == "tree":
        return image_tree(folder, n_classes=10)
    named = "cifar10" in get_running_benchmark().get_setting("data_paths")
    if named and not folder.is_dir():
        raise Unavailable(
            f"the images should be in {folder}, as data_paths says, but there is no "
            f"such folder: put them there as {TREE}"
        )
    return _published(folder)


def _published(folder: Path) -> Images:
    from filelock import FileLock
    from PIL import Image
    from torchvision.datasets import CIFAR10

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "download.lock"):
            halves = [CIFAR10(folder, train, download=True) for train in (True, False)]
    except (OSError, RuntimeError) as error:  # RuntimeError: a damaged download
        raise Unavailable(
            f"CIFAR-10 could not be downloaded ({error}): connect to the network, or "
            f"put {CIFAR10.url} into {folder}, or its images as {folder}/{TREE}"
        ) from error
    pixels = np.concatenate([half.data for half in halves])
    labels = np.concatenate([half.targets for half in halves])
    read = lambda i: Image.fromarray(pixels[i])  # noqa: E731
    return Images(CIFAR10.tgz_md5, labels, read)


def image_tree(folder: Path, n_classes: int | None = None) -> Images:
    """Return the images of a tree, one folder for each class.

    Where it has `train` and `test`, with the same classes in both, these are pooled.
    Fails with one clear line where there are not ``n_classes`` classes, or, if that is
    None, fewer than two.
    """
    from torchvision.datasets import ImageFolder

    halves = [folder / "train", folder / "test"]
    roots = halves if all(half.is_dir() for half in halves) else [folder]
    for root in roots:
        classes = sorted(path.name for path in folders_in(root))
        if len(classes) != (n_classes or max(len(classes), 2)):
            wanted = n_classes or "at least 2"
            found = f"{len(classes)} ({', '.join(classes[:12])})" if classes else "none"
            fail(
                f"{root}: {wanted} classes wanted, as folders {folder}/{TREE}; "
                f"found {found}"
            )
    try:
        trees = [ImageFolder(str(root)) for root in roots]
    except FileNotFoundError as error:  # a class without any image
        fail(f"{folder}: {error}")
    if any(tree.classes != trees[0].classes for tree in trees):
        fail(f"{folder}: train and test have different classes")
    paths, labels = zip(*(pair for tree in trees for pair in tree.samples), strict=True)
    text = "\n".join(
        f"{Path(path).relative_to(folder)} {Path(path).stat().st_size}"
        for path in paths
    )
    return Images(
        hashlib.sha256(text.encode()).hexdigest(),
        np.array(labels),
        lambda i: _read(paths[i]),
    )


def grey_table(folder: Path, size: int) -> Table:
    """Return the images of a tree in grey, (n, 1, size, size), and their classes."""
    found = image_tree(folder)
    n = len(found.labels)
    if n < FEWEST:
        fail(f"{folder}: {n} images, at least {FEWEST} needed")
    X = np.stack([grey_square(found.read(i), size) for i in range(n)])
    return Table("classification", X[:, None], found.labels)


def grey_square(image, size: int) -> np.ndarray:
    """Return a PIL image in grey, (size, size), uint8.

    One of another size is scaled until its longer side fits, which keeps its shape,
    and centred on its own median grey: the background, where that is most of it.
    """
    from PIL import ImageOps

    image = image.convert("L")
    if image.size != (size, size):
        background = int(np.median(image))
        image = ImageOps.pad(image, (size, size), color=background)
    return np.array(image)


def _read(path: str):
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode.startswith("I;16"):  # 16 bits: convert would clip at 255
                grey = (np.asarray(image) // 256).astype(np.uint8)
                return Image.fromarray(grey).convert("RGB")
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's three ways to say so
        reason = "not an image" if "cannot identify" in str(error) else error
        fail(f"{path} is not readable: {reason}")
