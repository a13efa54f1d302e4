"""Convolutional networks trained together are those trained alone, and torch's own."""

import numpy as np
import pytest
from ConfigSpace import Configuration, ConfigurationSpace, Float, Integer

torch = pytest.importorskip("torch", reason="needs the package torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from benchmark_utils.learners.cnn import CNN, LAYERS, rate_and_decay  # noqa: E402
from benchmark_utils.metrics import METRICS  # noqa: E402
from benchmark_utils.problems import Setting  # noqa: E402
from benchmark_utils.problems.trained import Trained  # noqa: E402
from benchmark_utils.splits import cut  # noqa: E402
from benchmark_utils.tables import Table  # noqa: E402
from benchmark_utils.trials import Request  # noqa: E402

SETTING = Setting("default", 1, split=0, data_seed=0, training_seed=11)
SHAPES = [(1, 20, 20), (3, 16, 27), (1, 15, 15)]


def bars(shape, n=90, task="classification", seed=0):
    """Return noisy images of bars: lying, standing or none."""
    rng = np.random.default_rng(seed)
    y, X = rng.integers(0, 3, n), rng.normal(100, 30, (n, *shape))
    for i, place in enumerate(rng.integers(2, min(shape[1:]) - 4, n)):
        if y[i] == 0:
            X[i, :, place : place + 2] += 60
        if y[i] == 1:
            X[i, :, :, place : place + 2] += 60
    table = Table(task, X.clip(0, 255).astype(np.uint8), y)
    [parts] = cut(table, np.arange(n))
    return parts


def network(n_together=8, high=1e-2):
    space = ConfigurationSpace(
        space=[
            Float("learning_rate", (1e-4, high), log=True),
            Float("learning_rate_decay", (0.5, 1.0)),
            Integer("epochs", (2, 6)),
        ]
    )
    return CNN(space, [], n_together, batch_size=16)


def configurations(learner, n, seed=0, **values):
    learner.space.seed(seed)
    some = learner.space.sample_configuration(n + 1)[:n]  # of 1 it warns
    return [Configuration(learner.space, {**dict(c), **values}) for c in some]


def train(learner, parts, configurations, fidelity=1.0, kept=None):
    requests = [Request(i, c, fidelity) for i, c in enumerate(configurations)]
    seeds = {i: 50 + i for i in range(len(requests))}
    kept, data = {} if kept is None else kept, learner.prepare(parts)
    answers = dict(learner.fit(requests, data, seeds, SETTING, kept))
    assert sorted(answers) == list(range(len(requests)))
    return answers


def loss(parts, fit):
    metric = next(iter(METRICS[parts.task].values()))
    return metric(parts.y_valid, fit.valid_prediction)


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 1000), n_together=st.integers(2, 8))
def test_together_is_one_at_a_time(shape, seed, n_together):
    parts, some = bars(shape, seed=seed), configurations(network(), 6, seed)
    at_once = train(network(n_together), parts, some)
    alone = train(network(1), parts, some)
    losses = [[loss(parts, f[i]) for i in range(6)] for f in (at_once, alone)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert np.argmin(losses[0]) == np.argmin(losses[1])
    assert [at_once[i].size for i in range(6)] == [alone[i].size for i in range(6)]
    assert len({round(x, 9) for x in losses[0]}) == 6


@pytest.mark.skipif(torch.cuda.is_available(), reason="exact on the processor only")
def test_two_runs_are_the_same_bit_for_bit():
    parts, some = bars(SHAPES[0]), configurations(network(), 5)
    first, second = (train(network(), parts, some) for _ in range(2))
    for i in range(5):
        for part in ("valid_prediction", "test_prediction"):
            assert np.array_equal(getattr(first[i], part), getattr(second[i], part))


def sequential(learner, data, configuration, seed):
    """Return torch's own layers with the weights that the learner starts with."""
    generator = torch.Generator().manual_seed(seed)
    start = learner.initial(dict(configuration), data, generator)
    modules, channels = [], data.train.shape[1]
    for layer, (n, width) in enumerate(LAYERS):
        stride, padding = (1 if layer else 2), width // 2
        modules += [
            torch.nn.Conv2d(channels, n, width, stride, padding),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
        ]
        channels = n
    n_inputs = start[f"weight{len(LAYERS)}"].shape[1]
    n_outputs = data.parts.n_classes or 1
    modules += [torch.nn.Flatten(), torch.nn.Linear(n_inputs, n_outputs)]
    layers = [m for m in modules if list(m.parameters())]
    for layer, module in enumerate(layers):
        for name, own in module.named_parameters():
            own.data.copy_(start[f"{name}{layer}"])
    return torch.nn.Sequential(*modules)


def plain_torch(learner, parts, configuration, seed):
    """Train one network as everybody does; return its validation loss."""
    data = learner.prepare(parts)
    net = sequential(learner, data, configuration, seed)
    optimiser = torch.optim.Adam(net.parameters(), configuration["learning_rate"])
    gamma = configuration["learning_rate_decay"]
    slower = torch.optim.lr_scheduler.ExponentialLR(optimiser, gamma)
    classes = parts.task == "classification"
    criterion = torch.nn.CrossEntropyLoss() if classes else torch.nn.MSELoss()
    inputs, targets = data.train.cpu(), data.targets.cpu()
    for epoch in range(configuration["epochs"]):
        order = np.random.default_rng([SETTING.training_seed, epoch])
        for rows in torch.from_numpy(order.permutation(len(targets))).split(16):
            optimiser.zero_grad()
            criterion(net(inputs[rows]), targets[rows]).backward()
            optimiser.step()
        slower.step()
    with torch.no_grad():
        outputs = net(data.valid.cpu())
    if classes:
        outputs = outputs.softmax(1)
        return METRICS[parts.task]["cross-entropy"](parts.y_valid, outputs.numpy())
    outputs = outputs[:, 0].numpy() * parts.y_train.std() + parts.y_train.mean()
    return METRICS[parts.task]["rmse"](parts.y_valid, outputs)


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_member_is_a_sequential_under_adam(shape, task):
    parts, learner = bars(shape, task=task), network()
    some = configurations(learner, 4, learning_rate=1e-3, epochs=3)
    fits = train(learner, parts, some)
    for i, configuration in enumerate(some):
        expected = plain_torch(learner, parts, configuration, 50 + i)
        assert loss(parts, fits[i]) == pytest.approx(expected, rel=1e-4)


def test_the_decay_is_that_of_every_epoch():
    # After the first epoch the rate is all but zero: nothing is learned any more.
    space = ConfigurationSpace(
        space=[
            Float("learning_rate", (1e-4, 1e-2), log=True),
            Float("learning_rate_decay", (1e-9, 1.0)),
            Integer("epochs", (1, 4)),
        ]
    )
    learner, parts = CNN(space, [], 8, batch_size=16), bars(SHAPES[0])
    values = {"learning_rate": 1e-3, "learning_rate_decay": 1e-9}
    once, often = (Configuration(space, {**values, "epochs": n}) for n in (1, 4))
    slow = Configuration(space, {**values, "learning_rate_decay": 1.0, "epochs": 4})
    fits = [train(learner, parts, [c])[0] for c in (once, often, slow)]
    losses = [loss(parts, fit) for fit in fits]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert abs(losses[2] - losses[0]) > 1e-2 * losses[0]


def test_a_layer_starts_as_torchs_does():
    learner, parts = network(), bars((3, 40, 40))
    data = learner.prepare(parts)
    start = learner.initial({}, data, torch.Generator().manual_seed(1))
    assert sum(p.numel() for p in start.values()) == sum(
        [3 * 25 * 16 + 16, 16 * 9 * 32 + 32, 32 * 9 * 32 + 32, 32 * 2 * 2 * 3 + 3]
    )
    channels = 3
    for layer, (n, width) in enumerate(LAYERS):
        torchs = torch.nn.Conv2d(channels, n, width).state_dict()
        for name, tensor in torchs.items():
            ours = start[f"{name}{layer}"]
            assert ours.shape == tensor.shape
            assert ours.abs().max() <= (channels * width**2) ** -0.5
            if tensor.numel() > 300:
                assert ours.std().item() == pytest.approx(tensor.std().item(), rel=0.1)
        channels = n


def test_a_diverging_member_fails_alone():
    learner, parts = network(high=1e35), bars(SHAPES[0])
    sane = configurations(learner, 3, learning_rate=1e-3)
    [wild] = configurations(learner, 1, learning_rate=1e30)
    fits = train(learner, parts, [*sane[:2], wild, sane[2]])
    assert isinstance(fits[2], FloatingPointError)
    assert "diverged in epoch" in str(fits[2])
    without = train(learner, parts, [*sane[:2], sane[2], sane[2]])
    for i in (0, 1):
        assert loss(parts, fits[i]) == pytest.approx(loss(parts, without[i]), rel=1e-4)
    assert loss(parts, fits[3]) == pytest.approx(loss(parts, without[3]), rel=1e-4)


@settings(max_examples=4, deadline=None)
@given(cuts=st.lists(st.floats(0.2, 0.99), min_size=1, max_size=3, unique=True))
def test_trainings_in_parts_are_one_training(cuts):
    parts, learner = bars(SHAPES[0]), network()
    some, kept = configurations(learner, 4), {}
    whole = train(learner, parts, some)
    for fidelity in [*sorted(cuts), 1.0]:
        fits = train(learner, parts, some, fidelity, kept)
        assert set(kept) == (set() if fidelity == 1 else set(range(4)))
    for i in range(4):
        assert loss(parts, fits[i]) == pytest.approx(loss(parts, whole[i]), rel=1e-4)
        assert fits[i].size == whole[i].size


def test_channels_are_standardised_and_a_constant_one_does_no_harm():
    parts = bars((3, 20, 20))
    parts.X_train[:, 1] = parts.X_valid[:, 1] = parts.X_test[:, 1] = 7
    train, valid, test = network().inputs(parts)
    assert train.dtype == np.float32
    for channel, deviation in [(0, 1), (1, 0), (2, 1)]:
        assert train[:, channel].mean() == pytest.approx(0, abs=1e-4)
        assert train[:, channel].std() == pytest.approx(deviation, abs=1e-4)
    raw = parts.X_train[:, 0].astype(float)
    for X, images in [(valid, parts.X_valid), (test, parts.X_test)]:
        expected = (images[:, 0] - raw.mean()) / raw.std()
        assert X[:, 0] == pytest.approx(expected, abs=1e-4)


def test_images_that_nothing_is_left_of_are_refused():
    with pytest.raises(ValueError, match="14 x 30 pixels are too small"):
        network().prepare(bars((1, 14, 30)))


def test_it_learns_to_tell_bars_apart():
    learner = rate_and_decay()
    rows = bars((1, 20, 20), n=300)
    table = Table("classification", rows.X_train, rows.y_train)
    problem = Trained(table, learner, len(table.y))
    values = {"learning_rate": 3e-3, "learning_rate_decay": 0.9}
    configuration = Configuration(learner.space, values)
    setting = Setting("error-rate", 1, split=0, data_seed=0)
    [outcome] = problem.evaluate([Request(0, configuration)], {0: 5}, setting)
    assert outcome.valid_loss < 0.1
    assert outcome.test_loss < 0.1
    assert outcome.size % 20 == 0  # epochs


def test_folklore_is_inside_the_space():
    learner = rate_and_decay()
    assert len(learner.defaults) > 1
    for values in learner.defaults:
        Configuration(learner.space, values).check_valid_configuration()
    assert learner.defaults[0] == dict(learner.space.get_default_configuration())
