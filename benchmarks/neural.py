"""How many trials per second: networks trained together against one at a time.

    python benchmarks/neural.py [name ...]

One at a time is the loop that everybody writes: a torch.nn.Module, a torch.optim
optimiser, the same minibatches and epochs, one thread. Both sides of a ratio are
measured in one run, after a warm-up, one at a time before and after together, in
half each, so that both meet the same noise; eight of the configurations
are trained alone. Where there is a GPU both sides compute on it, with 256 at once.

Rows named head are a dense layer on frozen features, images a small convolutional
network, graphs a graph network; their numbers are random, for arithmetic takes as long
on these.
"""

import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from benchopt.benchmark import Benchmark

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark_utils.learners import mlp  # noqa: E402
from benchmark_utils.learners.cnn import CNN, LAYERS, rate_and_decay  # noqa: E402
from benchmark_utils.learners.gnn import GNN, neighbours  # noqa: E402
from benchmark_utils.problems import Setting  # noqa: E402
from benchmark_utils.splits import cut  # noqa: E402
from benchmark_utils.tables import Table  # noqa: E402
from benchmark_utils.trials import Request  # noqa: E402

SETTING = Setting("default", 1, split=0, data_seed=0, training_seed=0)
N_AT_ONCE = 256 if torch.cuda.is_available() else 64
FEWEST = 32  # configurations, so that there are alike ones to train together
N_ALONE = 8  # of them trained one at a time, to know how fast that is


def one_minus_cosine():
    return lambda outputs, targets: (1 - (outputs * targets).sum(-1)).mean()


CRITERIA = {
    "classification": torch.nn.CrossEntropyLoss,
    "regression": torch.nn.MSELoss,
    "direction": one_minus_cosine,
}


def synchronised() -> float:
    """Return the time when the device has done what it was told."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def train_alone(net, learner, data, settings, n_epochs) -> None:
    """Train one network as everybody does."""
    net = net.to(data.train.device)
    optimiser = torch.optim.Adam(net.parameters(), settings["learning_rate"])
    criterion = CRITERIA[data.parts.task]()
    for epoch in range(n_epochs):
        order = np.random.default_rng([SETTING.training_seed, epoch])
        order = torch.from_numpy(order.permutation(len(data.targets)))
        for rows in order.to(data.train.device).split(learner.batch_size):
            optimiser.zero_grad()
            criterion(net(data.train[rows]), data.targets[rows]).backward()
            optimiser.step()


def compare(name, learner, parts, module, n_at_once) -> None:
    """Print trials per second, together and alone, and their ratio.

    ``module(learner, settings, data)`` returns the network of one configuration.
    """
    data = learner.prepare(parts)
    learner.space.seed(0)
    learner.n_together = n_at_once
    configurations = learner.space.sample_configuration(max(n_at_once, FEWEST))
    every = [{**learner.fixed, **dict(c)} for c in configurations]

    def together(fidelity=1.0):
        requests = [Request(i, c, fidelity) for i, c in enumerate(configurations)]
        seeds = {request.trial_id: request.trial_id for request in requests}
        start = synchronised()
        for _, fit in learner.fit(requests, data, seeds, SETTING, {}):
            if isinstance(fit, Exception):
                raise fit
        epochs = sum(settings["epochs"] for settings in every)
        return epochs, synchronised() - start

    def alone(some, most_epochs=1000):
        start, epochs = synchronised(), 0
        for settings in some:
            n_epochs = min(settings["epochs"], most_epochs)
            net = module(learner, settings, data)
            train_alone(net, learner, data, settings, n_epochs)
            epochs += n_epochs
        return epochs, synchronised() - start

    alone(every[:2], most_epochs=1)
    together(learner.min_fidelity)
    chosen = sorted(every, key=learner.width)  # of all widths
    chosen = chosen[len(every) // N_ALONE // 2 :: len(every) // N_ALONE]
    before, at_once, after = alone(chosen[::2]), together(), alone(chosen[1::2])
    epochs, seconds = map(sum, zip(before, after, strict=True))
    per_trial = np.mean([settings["epochs"] for settings in every])
    one = epochs / seconds / per_trial
    all_ = at_once[0] / at_once[1] / per_trial
    print(
        f"{name:28} {data.train.device.type:5} {n_at_once:4} at once "
        f"{all_:8.2f} trials/s, alone {one:8.3f}, ratio {all_ / one:5.1f}",
        flush=True,
    )


def sequential(learner, settings, data) -> torch.nn.Module:
    n_outputs = data.parts.n_classes or 1
    widths = [data.train.shape[1], *learner.hidden(settings), n_outputs]
    modules = []
    for fan_in, fan_out in pairwise(widths):
        modules += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def aleph() -> None:
    datasets = {cls.name: cls for cls in Benchmark(ROOT).get_datasets()}
    answer = datasets["aleph-bjet"].get_instance().get_data()
    if answer["problem"] is None:
        print(f"aleph-bjet: {answer['unavailable']}")
        return
    problem = answer["problem"]
    [parts] = problem.parts(SETTING)
    compare("aleph-bjet", problem._learner, parts, sequential, N_AT_ONCE)


def head(n_features: int) -> None:
    rng = np.random.default_rng(0)
    X = rng.random((5000, n_features), dtype=np.float32)  # 3,000 to train on
    table = Table("classification", X, rng.integers(0, 10, len(X)))
    [parts] = cut(table, np.arange(len(X)))
    for n_at_once in [256] if torch.cuda.is_available() else [1, 8, 32]:
        learner = mlp.head()
        learner.fixed["epochs"] = 5
        compare(f"head of {n_features} features", learner, parts, sequential, n_at_once)


def convolutional(learner, settings, data) -> torch.nn.Module:
    modules, channels = [], data.train.shape[1]
    for layer, (n, width) in enumerate(LAYERS):
        stride = 1 if layer else 2
        modules += [
            torch.nn.Conv2d(channels, n, width, stride, width // 2),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
        ]
        channels = n
    net = torch.nn.Sequential(*modules, torch.nn.Flatten())
    n_inputs = net(data.train[:1].cpu()).shape[1]
    return net.append(torch.nn.Linear(n_inputs, data.parts.n_classes))


def images() -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (977, 1, 50, 50), dtype=np.uint8)  # like volcanic ash
    [parts] = cut(Table("classification", X, rng.integers(0, 4, 977)), np.arange(977))
    space = rate_and_decay().space
    for n_at_once in [256] if torch.cuda.is_available() else [1, 2, 4, 8, 16]:
        learner = CNN(space, [], n_at_once, fixed={"epochs": 5})
        compare("images of 50 x 50", learner, parts, convolutional, n_at_once)


class Graphs(torch.nn.Module):
    """One `gnn`: two EdgeConv layers on neighbours that are known, and a readout."""

    def __init__(self, n_features: int, width: int):
        super().__init__()
        linear, self.n_features = torch.nn.Linear, n_features
        sizes = (n_features, width)
        self.own = torch.nn.ModuleList([linear(n, width) for n in sizes])
        self.other = torch.nn.ModuleList([linear(n, width, bias=False) for n in sizes])
        self.node = torch.nn.ModuleList([linear(width, width) for _ in sizes])
        self.all = linear(n_features + 2 * width, width)
        self.read, self.out = linear(2 * width, width), linear(width, 3)

    def forward(self, inputs):
        B, P, _ = inputs.shape
        values = inputs[..., : self.n_features].flatten(0, 1)
        seen = inputs[..., self.n_features, None]
        nodes = neighbours(inputs[..., self.n_features + 1 :], 1)
        outputs = [values]
        for own, other, node in zip(self.own, self.other, self.node, strict=True):
            largest = torch.nn.functional.embedding_bag(
                nodes, other(values), mode="max"
            )
            values = node((own(values) + largest).relu()).relu()
            outputs.append(values)
        values = self.all(torch.cat(outputs, -1)).relu().view(B, P, -1) * seen
        pooled = torch.cat([values.sum(1) / seen.sum(1), values.amax(1)], -1)
        return torch.nn.functional.normalize(self.out(self.read(pooled).relu()), dim=-1)


def graphs() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1000, 24, 5)), rng.normal(size=(1000, 3))
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    [parts] = cut(Table("direction", X, y), np.arange(len(X)))
    for n_at_once in [256] if torch.cuda.is_available() else [1, 4, 8]:
        learner = GNN(n_at_once, n_epochs=4)

        def module(learner, settings, data):
            return Graphs(X.shape[2], settings["width"])

        compare("graphs of 24 pulses", learner, parts, module, n_at_once)


MEASURES = {
    "aleph-bjet": aleph,
    "head-512": lambda: head(512),
    "head-1000": lambda: head(1000),
    "images": images,
    "graphs": graphs,
}


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:] or MEASURES:
        MEASURES[name]()
