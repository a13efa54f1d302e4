"""Torchvision's classification models without their classifier, weights frozen."""

import difflib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmark_utils.components import one_of
from benchmark_utils.errors import Unavailable, fail

RANDOM = "random"  # in place of the name of some weights


def check_backbone(backbone: str, weights: str) -> None:
    """Fail unless torchvision has this model, and these weights of it."""
    from torchvision import models

    names = models.list_models(module=models)
    if backbone not in names:
        near = difflib.get_close_matches(str(backbone), names, n=5, cutoff=0.5)
        near = f"did you mean {', '.join(near)}? " if near else ""
        fail(
            f"unknown backbone {backbone!r}: {near}All of torchvision's are on "
            "https://docs.pytorch.org/vision/stable/models.html#classification"
        )
    one_of(
        f"weights of {backbone}",
        weights,
        [*models.get_model_weights(backbone).__members__, RANDOM],
    )


def published_weights(backbone: str, weights: str):
    """Return torchvision's entry for weights: its name, url and preprocessing.

    Random weights have the preprocessing of the default ones.
    """
    from torchvision import models

    name = "DEFAULT" if weights == RANDOM else weights
    return models.get_model_weights(backbone)[name]


def preprocessing(backbone: str, weights: str, image_size: int | None):
    """Return torchvision's preprocessing for weights, or resizing to image_size."""
    entry = published_weights(backbone, weights)
    if image_size is None:
        return entry.transforms()
    return entry.transforms(crop_size=image_size, resize_size=image_size)


def full_name(backbone: str, weights: str, image_size: int | None) -> str:
    """Name backbone, weights and image size, as one word for a file's name."""
    if weights != RANDOM:
        weights = published_weights(backbone, weights).name  # of DEFAULT
    if image_size is not None:
        return f"{backbone}-{weights}-{image_size}px"
    [size] = preprocessing(backbone, weights, None).crop_size
    return f"{backbone}-{weights}-own{size}px"


def without_classifier(model):
    """Cut the last linear layer off, or in its place the last 1x1 convolution.

    It is the classifier in all of torchvision's families; pooled features come out,
    (n, p): of VGG and its like those after their other dense layers.
    """
    from torch import nn

    layers = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    ]
    parent, _, last = layers[-1].rpartition(".")
    setattr(model.get_submodule(parent), last, nn.Identity())
    return model


def frozen(
    backbone: str, weights: str, image_size: int | None
) -> Callable[[list], np.ndarray]:
    """Return what takes images, in PIL, to their features: ndarray (n, p), float32.

    Raises
    ------
    Unavailable
        if the weights are not here and cannot be downloaded.
    """
    import torch

    model = without_classifier(_load(backbone, weights)).eval()
    prepare = preprocessing(backbone, weights, image_size)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if torch.backends.mps.is_available():
        device = "mps"
    model.to(device)

    @torch.inference_mode()
    def features(images):
        batch = torch.stack([prepare(image) for image in images])
        return model(batch.to(device)).float().cpu().numpy()

    try:
        model(torch.zeros(1, 3, *prepare.crop_size * 2, device=device))
    except (RuntimeError, AssertionError, ValueError) as error:
        reason = str(error).splitlines()[0]
        fail(f"{backbone} cannot take image_size={image_size} ({reason})")
    return features


def _load(backbone, weights):
    import torch
    from torchvision import models

    if weights == RANDOM:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return models.get_model(backbone, weights=None)
    entry = published_weights(backbone, weights)
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    file = folder / Path(entry.url).name
    try:
        return models.get_model(backbone, weights=entry)
    except Exception as error:  # network, disk, or whatever torch says of bad files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if file.is_file():
            fail(f"{file} cannot be read ({reason}): replace it by {entry.url}")
        raise Unavailable(
            f"the weights of {backbone} could not be downloaded ({reason}): connect to "
            f"the network, or get {entry.url} and put it into {folder}"
        ) from error
