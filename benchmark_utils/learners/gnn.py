"""Graph neural networks on pulses of light, trained together."""

from collections.abc import Iterator

import numpy as np
import torch
from ConfigSpace import ConfigurationSpace, Float, Integer
from torch.nn.functional import embedding_bag, normalize

from benchmark_utils.learners.together import Together

C = 0.299792458  # speed of light, m/ns
N_NEIGHBOURS = 6
N_LAYERS = 2
UNITS_AT_ONCE = 16  # of a vector instruction; so K give bit for bit what one alone does


class GNN(Together):
    """EdgeConv layers on nearest neighbours, after GraphNeT's DynEdge.

    Abbasi et al. 2022, "Graph neural networks for low-energy event classification &
    reconstruction in IceCube", JINST 17 P11003 (arXiv:2209.03042); EdgeConv: Wang et
    al. 2019, "Dynamic graph CNN for learning on point clouds", ACM TOG 38. Nodes are
    pulses, each with edges from its nearest neighbours in x, y, z and c t. An EdgeConv
    layer is the largest of A x_i + B (x_j - x_i) over the neighbours j, then ReLU,
    then one dense layer. All layers' outputs together go through a dense layer, are
    pooled over the pulses (mean and maximum), and read out by another into a vector,
    whose length is made 1.

    Simpler than DynEdge, to train 25 in minutes: two layers of one `width` (its four
    have 256 to 336 units); neighbours are found once, not anew in each layer; an edge
    has one linear layer, not two, and the maximum, not the sum, is taken.

    The loss is 1 - cos(opening angle): bounded, and least where the angle is, which is
    what the metrics ask for. GraphNeT's von Mises-Fisher loss learns besides it how
    sure one can be, which nobody here asks for.

    Folklore: Adam's usual learning rates, and GraphNeT's 0.001, with much or little
    width.
    """

    def __init__(self, n_together: int = 4, n_epochs: int = 20):
        space = ConfigurationSpace(
            space=[
                Float("learning_rate", (1e-4, 1e-1), log=True, default=1e-3),
                Integer("width", (8, 64), log=True, default=32),
            ]
        )
        defaults = [
            {"learning_rate": rate, "width": width}
            for rate, width in [(1e-3, 64), (1e-3, 32), (3e-4, 64), (1e-2, 32)]
        ]
        # The learning rate falls to an eighth.
        fixed = {"epochs": n_epochs, "learning_rate_decay": 0.125 ** (1 / n_epochs)}
        super().__init__(space, defaults, n_together, batch_size=64, fixed=fixed)

    def width(self, settings):
        return settings["width"]

    def inputs(self, parts):
        seen = parts.X_train[~np.isnan(parts.X_train[..., 0])]
        mean, deviation = seen.mean(axis=0), seen.std(axis=0)
        length = np.sqrt((deviation[:3] ** 2).mean()) or 1  # one, or angles change
        scale = np.array([length, length, length, length / C, deviation[4] or 1])
        return tuple(
            graphs((X - mean) / scale)
            for X in (parts.X_train, parts.X_valid, parts.X_test)
        )

    def initial(self, settings, data, generator):
        n_features = data.train.shape[2] - 1 - N_NEIGHBOURS
        parameters = {}
        for name, shape, fan_in in layers(n_features, settings["width"]):
            uniform = torch.rand(shape, generator=generator) * 2 - 1
            parameters[name] = uniform / fan_in**0.5  # as torch.nn.Linear's
        return parameters

    def padded(self, parameters):
        # A unit with zeros before and behind it stays so: its gradients are zero.
        n_features, width = parameters["edge0.0"].shape
        width = -(-width // UNITS_AT_ONCE) * UNITS_AT_ONCE
        wider = {}
        for name, shape, _ in layers(n_features, width):
            rows, columns = parameters[name].shape
            wider[name] = torch.zeros(shape)
            wider[name][:rows, :columns] = parameters[name]
        return wider

    def forward(self, parameters, inputs):
        K, n_features, _ = parameters["edge0.0"].shape
        B, P, _ = inputs.shape
        features = inputs[..., :n_features].flatten(0, 1)
        seen = inputs[..., n_features, None]
        nodes = neighbours(inputs[..., n_features + 1 :], K)

        def layer(name, one, *values):
            # Products with 1, for they are bit for bit the same whatever the width;
            # sums, such as the gradient of a bias that is broadcast, are not.
            bias = one @ parameters[f"{name}.bias"]
            weights = (parameters[f"{name}.{i}"] for i in range(len(values)))
            return sum((v @ w for v, w in zip(values, weights, strict=True)), bias)

        one = seen.flatten(0, 1)
        values, outputs = features, [features]
        for k in range(N_LAYERS):
            edge = [parameters[f"edge{k}.{i}"] for i in (0, 1, "bias")]
            values = edge_conv(values, nodes, *edge, one).relu()
            values = layer(f"node{k}", one, values).relu()
            outputs.append(values)
        values = layer("all", one, *outputs).relu().view(K, B, P, -1)
        mean = (seen / seen.sum(1, keepdim=True)).mT @ values
        pooled = mean.squeeze(2), (values * seen).amax(2)
        one = torch.ones_like(inputs[:, :1, 0])
        values = layer("read", one, *pooled).relu()
        return normalize(layer("out", one, values), dim=-1)

    def losses(self, outputs, targets):
        return (1 - (outputs * targets).sum(-1)).mean(1)


def layers(n_features: int, width: int) -> Iterator[tuple[str, tuple[int, int], int]]:
    """Yield name, shape and fan-in of all weights and biases.

    What enters a layer in pieces has one matrix of weights for each, (rows, columns).
    """
    pieces = {"edge0": [n_features] * 2, "node0": [width]}
    for k in range(1, N_LAYERS):
        pieces |= {f"edge{k}": [width] * 2, f"node{k}": [width]}
    pieces["all"] = [n_features, *[width] * N_LAYERS]
    pieces |= {"read": [width] * 2, "out": [width]}
    for name, rows in pieces.items():
        columns = 3 if name == "out" else width
        for i, n in enumerate(rows):
            yield f"{name}.{i}", (n, columns), sum(rows)
        yield f"{name}.bias", (1, columns), sum(rows)


def edge_conv(
    values: torch.Tensor,
    nodes: torch.Tensor,
    A: torch.Tensor,
    B: torch.Tensor,
    bias: torch.Tensor,
    one: torch.Tensor,
) -> torch.Tensor:
    """Return the largest A x_i + B (x_j - x_i) + bias over the neighbours j of nodes i.

    Values are (K, N, n), or (N, n) where the members share them; weights (K, n, width).
    Products are taken node by node, not edge by edge: there are fewer nodes.
    """
    other = values @ B
    if values.device.type == "mps":  # has no largest of a bag, in older torch at least
        largest = other.flatten(0, 1)[nodes].amax(1)
    else:
        largest = embedding_bag(nodes, other.flatten(0, 1), mode="max")
    return values @ (A - B) + one @ bias + largest.view_as(other)


def neighbours(columns: torch.Tensor, K: int) -> torch.Tensor:
    """Return which of K x B x P nodes are each one's neighbours, from `graphs`."""
    B, P, k = columns.shape
    events = P * torch.arange(K * B, device=columns.device)
    nodes = columns.long() + events.view(K, B, 1, 1)
    return nodes.view(-1, k)


def graphs(X: np.ndarray) -> np.ndarray:
    """Return graphs of pulses, (n, P, p), NaN where there is none: columns added.

    The first p columns are the pulse's, then comes 1 or, where there is none, 0, then
    the numbers of its N_NEIGHBOURS nearest others (P is not less) in the first four
    columns. Where there are fewer, the nearest comes several times, which changes no
    maximum; a single pulse is its own neighbour.
    """
    seen = ~np.isnan(X[..., :1])
    X = np.where(seen, X, 0).astype(np.float32)
    distance = sum((x[:, :, None] - x[:, None]) ** 2 for x in np.moveaxis(X, -1, 0)[:4])
    others = np.swapaxes(seen, 1, 2) & ~np.eye(X.shape[1], dtype=bool)
    distance = np.where(others, distance, np.inf)
    nearest = np.argsort(distance, axis=2, kind="stable")[..., :N_NEIGHBOURS]
    exists = np.isfinite(np.take_along_axis(distance, nearest, axis=2))
    itself = np.arange(X.shape[1])[:, None]
    instead = np.where(exists[..., :1], nearest[..., :1], itself)
    nearest = np.where(exists, nearest, instead)
    return np.concatenate([X, seen, nearest], axis=2, dtype=np.float32)
