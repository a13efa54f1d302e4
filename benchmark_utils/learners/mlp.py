"""Dense networks (multi-layer perceptrons), trained together."""

from itertools import pairwise

import torch
from ConfigSpace import ConfigurationSpace
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmark_utils.learners.together import Together

UNITS_AT_ONCE = 16  # of a vector instruction; so K give bit for bit what one alone does


class MLP(Together):
    """Dense layers with ReLU between them, on standardised columns.

    A missing value is its column's mean. Regression minimises the mean squared error
    of the standardised target, classification the cross-entropy. Weights and biases
    start as torch.nn.Linear's: uniform in ± 1 / sqrt(inputs of the layer).

    Parameters
    ----------
    layers : tuple of int or str
        widths of the hidden layers, each a number or the name of the hyperparameter
        that has it.
    space, defaults, n_together, batch_size, fixed
        see `Together`.
    """

    def __init__(
        self,
        layers: tuple[int | str, ...],
        space: ConfigurationSpace,
        defaults: list[dict],
        n_together: int,
        batch_size: int = 32,
        fixed: dict | None = None,
    ):
        super().__init__(space, defaults, n_together, batch_size, fixed)
        self.layers = layers

    def inputs(self, parts):
        scale = make_pipeline(
            SimpleImputer(keep_empty_features=True), StandardScaler()
        ).fit(parts.X_train)
        return tuple(map(scale.transform, (parts.X_train, parts.X_valid, parts.X_test)))

    def initial(self, settings, data, generator):
        n_outputs = data.parts.n_classes or 1
        hidden = [settings.get(width, width) for width in self.layers]
        parameters = {}
        widths = [data.train.shape[1], *hidden, n_outputs]
        for layer, (fan_in, fan_out) in enumerate(pairwise(widths)):
            for name, columns in [("weight", fan_in), ("bias", 1)]:
                uniform = torch.rand(fan_out, columns, generator=generator) * 2 - 1
                parameters[f"{name}{layer}"] = uniform / fan_in**0.5
        return parameters

    def padded(self, parameters):
        # A unit with zeros before and behind it stays so: its gradients are zero.
        wider = {}
        for name, tensor in parameters.items():
            layer, (rows, columns) = int(name[-1]), tensor.shape
            if layer < len(self.layers):
                rows = -(-rows // UNITS_AT_ONCE) * UNITS_AT_ONCE
            if layer > 0 and name.startswith("weight"):
                columns = -(-columns // UNITS_AT_ONCE) * UNITS_AT_ONCE
            wider[name] = torch.zeros(rows, columns)
            wider[name][: tensor.shape[0], : tensor.shape[1]] = tensor
        return wider

    def forward(self, parameters, inputs):
        weight, bias = parameters["weight0"], parameters["bias0"]
        # The first layer of all members is one product: they share the minibatch.
        values = torch.addmm(bias.view(-1, 1), weight.flatten(0, 1), inputs.T)
        values = values.view(*weight.shape[:2], -1)  # (K, units, B)
        for layer in range(1, len(self.layers) + 1):
            bias, weight = parameters[f"bias{layer}"], parameters[f"weight{layer}"]
            values = torch.baddbmm(bias, weight, values.relu())
        return values.transpose(1, 2)
