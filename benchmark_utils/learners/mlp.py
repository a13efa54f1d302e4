"""Dense networks (multi-layer perceptrons), trained together."""

from itertools import pairwise

import torch
from ConfigSpace import ConfigurationSpace, Float, Integer
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

    def hidden(self, settings: dict) -> list[int]:
        """Return the widths of one member's hidden layers."""
        return [settings.get(width, width) for width in self.layers]

    def width(self, settings):
        return sum(self.hidden(settings))

    def initial(self, settings, data, generator):
        n_outputs = data.parts.n_classes or 1
        parameters = {}
        widths = [data.train.shape[1], *self.hidden(settings), n_outputs]
        for layer, (fan_in, fan_out) in enumerate(pairwise(widths)):
            for name, columns in [("weight", fan_in), ("bias", 1)]:
                uniform = torch.rand(fan_out, columns, generator=generator) * 2 - 1
                parameters[f"{name}{layer}"] = uniform / fan_in**0.5
        return parameters

    def padded(self, parameters):
        # A unit with zeros before and behind it stays so: its gradients are zero.
        wider = {}
        for name, tensor in parameters.items():
            layer = int(name.removeprefix("weight").removeprefix("bias"))
            rows, columns = tensor.shape
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


def copenhagen(layers: tuple[int, ...]) -> MLP:
    """Learning rate and epochs, as the Copenhagen study tuned them on ALEPH's jets.

    Minibatches of 32, Adam, the widths of the layers fixed beforehand. Folklore is
    Adam's own learning rate (Kingma & Ba 2015), with the factors of about three above
    it that are tried next, for as long as there is.
    """
    space = ConfigurationSpace(
        space=[
            Float("learning_rate", (0.001, 0.1), log=True, default=0.001),
            Integer("epochs", (35, 66), default=50),
        ]
    )
    pairs = [(0.001, 50), (0.001, 66), (0.003, 50), (0.01, 50), (0.03, 35)]
    defaults = [{"learning_rate": rate, "epochs": epochs} for rate, epochs in pairs]
    return MLP(layers, space, defaults, n_together=64)


def practitioners() -> MLP:
    """Four hyperparameters of a network with two hidden layers, for any table.

    Learning rate, weight decay and units, on logarithmic scales, are what Gorishniy et
    al. 2021 tune ("Revisiting deep learning models for tabular data", NeurIPS); ranges
    lie around the defaults of torch's AdamW (rate and decay) and scikit-learn's
    MLPClassifier (100 units), which are folklore's first. Then: faster, longer, shorter
    and faster, smaller, wider, less decay.
    """
    space = ConfigurationSpace(
        space=[
            Float("learning_rate", (1e-4, 1e-1), log=True, default=1e-3),
            Integer("units", (16, 256), log=True, default=100),
            Integer("epochs", (10, 100), log=True, default=30),
            Float("weight_decay", (1e-5, 1.0), log=True, default=1e-2),
        ]
    )
    own = dict(space.get_default_configuration())
    changes = [
        {},
        {"learning_rate": 3e-3},
        {"epochs": 100},
        {"learning_rate": 1e-2, "epochs": 10},
        {"units": 32},
        {"units": 256},
        {"weight_decay": 1e-4},
    ]
    return MLP(
        ("units", "units"), space, [own | change for change in changes], n_together=16
    )


def head() -> MLP:
    """A dense layer on features of a frozen backbone, and the classes.

    Units and learning rate are tuned together, as the Copenhagen study (2023) did, in
    20 epochs of minibatches of 128; the ranges are wide enough for the best to lie
    inside, on a few hundred rows as on thousands. Folklore: Adam's default rate, with
    as many units as a minibatch has rows; slower; wider; narrower; Karpathy's 3e-4.
    """
    space = ConfigurationSpace(
        space=[
            Float("learning_rate", (1e-5, 1e-1), log=True, default=1e-3),
            Integer("units", (16, 512), log=True, default=128),
        ]
    )
    pairs = [(1e-3, 128), (1e-4, 128), (1e-3, 512), (1e-3, 32), (3e-4, 256)]
    defaults = [{"learning_rate": rate, "units": units} for rate, units in pairs]
    return MLP(("units",), space, defaults, 32, batch_size=128, fixed={"epochs": 20})
