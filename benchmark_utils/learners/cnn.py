"""Small convolutional networks, trained together."""

import numpy as np
import torch
from ConfigSpace import ConfigurationSpace, Float
from torch.nn.functional import conv2d, max_pool2d

from benchmark_utils.learners.together import Together

# Channels and pixels of the kernel, layer by layer. With so many channels (multiples of
# 16 in the middle), a convolution in groups gives bit for bit what each group alone
# does, measured with oneDNN on AVX2 and AVX-512; with 8, one alone differed.
LAYERS = [(16, 5), (32, 3), (32, 3)]
SMALLEST = 15  # pixels: one is left of it after all layers


class CNN(Together):
    """Three convolutions, each with max pooling and ReLU, and a dense layer.

    Takes images, (n, channels, height, width), of at least 15 x 15 pixels, of which
    each channel is standardised. Every second pixel is a centre of the first kernel;
    the members' first layers are one convolution, as they share the minibatch, and the
    others convolutions in groups. Weights and biases start as torch's own: uniform in
    ± 1 / sqrt(inputs of a unit). See `Together` for the parameters.
    """

    def inputs(self, parts):
        images = (parts.X_train, parts.X_valid, parts.X_test)
        images = [np.asarray(X, np.float32) for X in images]
        height, width = images[0].shape[2:]
        if min(height, width) < SMALLEST:
            raise ValueError(f"images of {height} x {width} pixels are too small")
        mean = images[0].mean((0, 2, 3), keepdims=True)
        deviation = images[0].std((0, 2, 3), keepdims=True)
        deviation[deviation == 0] = 1
        return tuple((X - mean) / deviation for X in images)

    def initial(self, settings, data, generator):
        _, channels, *pixels = data.train.shape
        shapes = []
        for n, width in LAYERS:
            shapes.append((n, channels, width, width))
            channels = n
        height, width = ((side + 1) // 2 >> len(LAYERS) for side in pixels)
        shapes.append((data.parts.n_classes or 1, channels * height * width))
        parameters = {}
        for layer, (n, *inputs) in enumerate(shapes):
            for name, shape in [("weight", (n, *inputs)), ("bias", (n,))]:
                uniform = torch.rand(shape, generator=generator) * 2 - 1
                parameters[f"{name}{layer}"] = uniform / np.prod(inputs) ** 0.5
        return parameters

    def forward(self, parameters, inputs):
        n_members, values = len(parameters["bias0"]), inputs
        for layer in range(len(LAYERS)):
            weight = parameters[f"weight{layer}"].flatten(0, 1)
            if weight.device.type == "cpu":  # pooling takes a seventh of the time
                weight = weight.clone(memory_format=torch.channels_last)
            values = conv2d(
                values,
                weight,
                parameters[f"bias{layer}"].flatten(),
                stride=1 if layer else 2,
                padding=weight.shape[-1] // 2,
                groups=n_members if layer else 1,
            )
            values = max_pool2d(values, 2).relu()
        # (B, K * channels, height, width) to (K, B, inputs of the dense layer)
        values = values.unflatten(1, (n_members, -1)).transpose(0, 1).flatten(2)
        weight, bias = (parameters[f"{n}{len(LAYERS)}"] for n in ("weight", "bias"))
        return torch.baddbmm(bias[:, None], values, weight.transpose(1, 2))


def rate_and_decay() -> CNN:
    """Learning rate of Adam and its decay, as the Copenhagen study tuned them.

    Folklore: Adam's default rate without decay; then quicker, with a decay that leaves
    a tenth of the rate at the end, or less; slower.
    """
    space = ConfigurationSpace(
        space=[
            Float("learning_rate", (1e-4, 1e-1), log=True, default=1e-3),
            Float("learning_rate_decay", (0.5, 1.0), default=1.0),
        ]
    )
    defaults = [
        {"learning_rate": rate, "learning_rate_decay": decay}
        for rate, decay in [(1e-3, 1.0), (1e-3, 0.9), (3e-3, 0.9), (1e-2, 0.8)]
    ]
    return CNN(space, defaults, n_together=8, fixed={"epochs": 20})
