"""Networks trained together are those trained alone, and torch's own."""

import math
import warnings
from itertools import chain, pairwise

import numpy as np
import pytest
from ConfigSpace import Configuration, ConfigurationSpace, Float, Integer

torch = pytest.importorskip("torch", reason="needs the package torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from benchmark_utils.learners import Fit, together  # noqa: E402
from benchmark_utils.learners.mlp import MLP  # noqa: E402
from benchmark_utils.metrics import METRICS  # noqa: E402
from benchmark_utils.problems import Setting  # noqa: E402
from benchmark_utils.splits import cut  # noqa: E402
from benchmark_utils.tables import bundled_table  # noqa: E402
from benchmark_utils.trials import Request  # noqa: E402

SETTING = Setting("default", 1, split=0, data_seed=0, training_seed=11)
TABLES = ["diabetes", "wine", "breast_cancer"]


@pytest.fixture(autouse=True, scope="module")
def whatever_their_widths():
    """Train narrow and wide in one batch, as on a GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(together, "MOST_PADDING", math.inf)
        yield


def small(name, n=120):
    table = bundled_table(name)
    rows = np.random.default_rng(0).permutation(len(table.y))[:n]
    [parts] = cut(table, rows)
    return parts


def network(n_together=16, layers=("units", 24), **fixed):
    space = ConfigurationSpace(
        space=[
            Float("learning_rate", (1e-4, 1e-1), log=True),
            Integer("units", (3, 70), log=True),
            Integer("epochs", (3, 20)),
            Float("weight_decay", (1e-4, 1.0), log=True),
            Float("learning_rate_decay", (0.8, 1.0)),
        ]
    )
    return MLP(layers, space, [], n_together, batch_size=16, fixed=fixed)


def configurations(learner, n, seed=0, **values):
    learner.space.seed(seed)
    some = learner.space.sample_configuration(n + 1)[:n]  # of 1 it warns
    return [Configuration(learner.space, {**dict(c), **values}) for c in some]


def train(learner, parts, configurations, fidelity=1.0, kept=None, ids=None):
    """Return fits by trial id; the seeds follow the ids."""
    ids = range(len(configurations)) if ids is None else ids
    requests = [
        Request(i, c, fidelity) for i, c in zip(ids, configurations, strict=True)
    ]
    seeds = {i: 50 + i for i in ids}
    kept = {} if kept is None else kept
    data = learner.prepare(parts)
    answers = list(learner.fit(requests, data, seeds, SETTING, kept))
    assert [i for i, _ in answers] == list(ids)
    return dict(answers)


def loss(parts, fit):
    metric = next(iter(METRICS[parts.task].values()))
    return metric(parts.y_valid, fit.valid_prediction)


def same(a, b):
    return (
        np.array_equal(a.valid_prediction, b.valid_prediction)
        and np.array_equal(a.test_prediction, b.test_prediction)
        and a.size == b.size
    )


@pytest.mark.parametrize("table", TABLES)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 1000))
def test_together_is_one_at_a_time(table, seed):
    parts = small(table)
    some = configurations(network(), 12, seed)
    at_once = train(network(), parts, some)
    alone = train(network(n_together=1), parts, some)
    losses = [[loss(parts, f[i]) for i in range(12)] for f in (at_once, alone)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert np.argmin(losses[0]) == np.argmin(losses[1])
    assert [at_once[i].size for i in range(12)] == [alone[i].size for i in range(12)]
    assert len({round(x, 9) for x in losses[0]}) == 12


def test_the_number_trained_together_changes_nothing_either():
    parts = small("diabetes")
    some = configurations(network(), 10)
    fits = [train(network(n_together=n), parts, some) for n in (10, 4, 3)]
    for other in fits[1:]:
        for i in range(10):
            assert loss(parts, other[i]) == pytest.approx(
                loss(parts, fits[0][i]), rel=1e-4
            )


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU takes all widths")
def test_on_the_processor_those_of_like_width_train_together(monkeypatch):
    class Noting(MLP):
        def _train(self, members, data, training_seed):
            batches.append([member.settings["units"] for member in members])
            return super()._train(members, data, training_seed)

    parts, usual, batches = small("diabetes"), network(), []
    some = configurations(usual, 16)
    whole = train(usual, parts, some)
    monkeypatch.setattr(together, "MOST_PADDING", 1.5)
    learner = Noting(usual.layers, usual.space, [], 16, 16)
    learner.width = lambda settings: settings["units"]  # of the first layer
    fits = train(learner, parts, some)  # asserts that they come in the order asked for
    assert sorted(chain(*batches)) == sorted(c["units"] for c in some)
    assert all(max(batch) <= 1.5 * min(batch) for batch in batches)
    for first, second in pairwise(batches):
        assert max(second) > 1.5 * min(first)
    assert max(map(len, batches)) > 2
    for i in range(16):
        assert loss(parts, fits[i]) == pytest.approx(loss(parts, whole[i]), rel=1e-4)


@pytest.mark.skipif(torch.cuda.is_available(), reason="exact on the processor only")
def test_two_runs_are_the_same_bit_for_bit():
    parts = small("wine")
    some = configurations(network(), 8)
    first, second = (train(network(), parts, some) for _ in range(2))
    assert all(same(first[i], second[i]) for i in range(8))


def plain_torch(learner, parts, configuration, seed):
    """Train one network as everybody does; return its loss on the validation part."""
    data = learner.prepare(parts)
    values = dict(configuration)
    generator = torch.Generator().manual_seed(seed)
    start = learner.initial({**learner.fixed, **values}, data, generator)
    widths = [data.train.shape[1], values["units"], 24, parts.n_classes or 1]
    modules = []
    for layer, (fan_in, fan_out) in enumerate(pairwise(widths)):
        linear = torch.nn.Linear(fan_in, fan_out)
        with torch.no_grad():
            linear.weight.copy_(start[f"weight{layer}"])
            linear.bias.copy_(start[f"bias{layer}"][:, 0])
        modules += [linear, torch.nn.ReLU()]
    net = torch.nn.Sequential(*modules[:-1])
    rate = values["learning_rate"]
    if "weight_decay" in values:
        decay = values["weight_decay"]
        optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=decay)
    else:
        optimiser = torch.optim.Adam(net.parameters(), rate)
    gamma = values.get("learning_rate_decay", 1.0)
    slower = torch.optim.lr_scheduler.ExponentialLR(optimiser, gamma)
    classes = parts.n_classes > 0
    criterion = torch.nn.CrossEntropyLoss() if classes else torch.nn.MSELoss()
    inputs, targets = data.train.cpu(), data.targets.cpu()
    for epoch in range(values["epochs"]):
        order = np.random.default_rng([SETTING.training_seed, epoch])
        for rows in torch.from_numpy(order.permutation(len(targets))).split(16):
            optimiser.zero_grad()
            criterion(net(inputs[rows]), targets[rows]).backward()
            optimiser.step()
        slower.step()
    with torch.no_grad():
        outputs = net(data.valid.cpu())
    if classes:
        valid = torch.from_numpy(parts.y_valid)
        return torch.nn.functional.cross_entropy(outputs, valid).item()
    mean, std = parts.y_train.mean(), parts.y_train.std()
    error = outputs[:, 0].numpy() * std + mean - parts.y_valid
    return np.sqrt(np.mean(error**2))


@pytest.mark.parametrize("table", TABLES)
def test_a_member_is_a_sequential_under_adamw(table):
    parts, learner = small(table), network()
    some = configurations(learner, 6, learning_rate=2e-3)
    fits = train(learner, parts, some)
    for i, configuration in enumerate(some):
        expected = plain_torch(learner, parts, configuration, 50 + i)
        assert loss(parts, fits[i]) == pytest.approx(expected, rel=1e-4)


def test_without_weight_decay_it_is_adam():
    parts, learner = small("diabetes"), network()
    space = ConfigurationSpace(
        space=[learner.space[name] for name in ("learning_rate", "units", "epochs")]
    )
    learner = MLP(("units", 24), space, [], 16, batch_size=16)
    some = configurations(learner, 4, learning_rate=2e-3)
    fits = train(learner, parts, some)
    for i, configuration in enumerate(some):
        expected = plain_torch(learner, parts, configuration, 50 + i)
        assert loss(parts, fits[i]) == pytest.approx(expected, rel=1e-4)


def test_a_layer_starts_as_torchs_does():
    learner = network(layers=(40, 30))
    data = learner.prepare(small("diabetes"))
    start = learner.initial({}, data, torch.Generator().manual_seed(1))
    for layer, (fan_in, fan_out) in enumerate(pairwise([10, 40, 30, 1])):
        torchs = torch.nn.Linear(fan_in, fan_out).state_dict()
        for name, tensor in torchs.items():
            ours = start[f"{name}{layer}"]
            assert ours.squeeze().shape == tensor.squeeze().shape
            assert ours.abs().max() <= fan_in**-0.5
            if tensor.numel() > 300:
                assert ours.std().item() == pytest.approx(tensor.std().item(), rel=0.1)


@pytest.mark.parametrize("rate", [1e3, 1e30])
def test_a_diverging_member_disturbs_nobody(rate):
    space = ConfigurationSpace(
        space=[
            Float("learning_rate", (1e-4, 1e35), log=True),
            Integer("units", (3, 70)),
            Integer("epochs", (3, 20)),
        ]
    )
    learner = MLP(("units", 24), space, [], n_together=16, batch_size=16)
    sane = [
        {"learning_rate": 10**-k, "units": u, "epochs": e}
        for k, u, e in [(1, 8, 6), (2, 64, 20), (3, 33, 11)]
    ]
    wild = {"learning_rate": rate, "units": 70, "epochs": 20}
    parts = small("diabetes")
    some = [Configuration(space, values) for values in [*sane, wild]]
    fits = train(learner, parts, some)
    without = train(learner, parts, some[:3])
    for i in range(3):
        assert loss(parts, fits[i]) == pytest.approx(loss(parts, without[i]), rel=1e-4)
    if rate == 1e30:
        assert isinstance(fits[3], FloatingPointError)
        assert "diverged in epoch 1" in str(fits[3])
    else:
        assert loss(parts, fits[3]) > 1e6 * max(loss(parts, fits[i]) for i in range(3))


@pytest.mark.parametrize("table", ["diabetes", "wine"])
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 1000), data=st.data())
def test_trainings_in_parts_are_one_training(table, seed, data):
    parts, learner = small(table), network()
    some = configurations(learner, 6, seed)
    cuts = data.draw(st.lists(st.floats(0.1, 0.99), max_size=3, unique=True))
    whole = train(learner, parts, some)
    kept = {}
    for fidelity in [*sorted(cuts), 1.0]:
        fits = train(learner, parts, some, fidelity, kept)
        assert set(kept) == (set() if fidelity == 1 else set(range(6)))
    for i in range(6):
        assert loss(parts, fits[i]) == pytest.approx(loss(parts, whole[i]), rel=1e-4)
        assert fits[i].size == whole[i].size


def test_those_trained_before_join_those_that_were_not():
    parts, learner = small("diabetes"), network()
    some = configurations(learner, 6)
    whole, kept = train(learner, parts, some), {}
    for i, fidelity in [(1, 0.3), (4, 0.8)]:
        train(learner, parts, [some[i]], fidelity, kept, ids=[i])
    fits = train(learner, parts, some, 1.0, kept)
    for i in range(6):
        assert loss(parts, fits[i]) == pytest.approx(loss(parts, whole[i]), rel=1e-4)


def test_a_fidelity_is_a_share_of_the_epochs_of_the_configuration():
    learner, parts = network(), small("diabetes")
    [five] = configurations(learner, 1, epochs=5)
    [fifteen] = configurations(learner, 1, epochs=15)
    part = train(learner, parts, [five, fifteen], fidelity=1 / 4)
    whole = train(learner, parts, [five, fifteen])
    assert part[0].size / whole[0].size == 2 / 5  # rounded up
    assert part[1].size / whole[1].size == 4 / 15
    units, n = five["units"], 10
    assert whole[0].size == 5 * ((n + 1) * units + (units + 1) * 24 + 24 + 1)


class Forgetful(MLP):
    """Does not fit into memory above so many members, from some step on."""

    def __init__(self, most, error, **options):
        base = network(**options)
        super().__init__(base.layers, base.space, [], base.n_together, 16)
        self.most, self.error, self.calls, self.tried = most, error, 0, []

    def forward(self, parameters, inputs):
        n_members = len(parameters["bias0"])
        self.tried.append(n_members)
        self.calls += 1
        if n_members > self.most and self.calls > 30:
            raise self.error
        return super().forward(parameters, inputs)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried"),  # Windows
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublas`"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
    ],
)
def test_a_batch_that_does_not_fit_is_halved_not_lost(error):
    parts = small("diabetes")
    some = configurations(network(), 11)
    usual = train(network(), parts, some)
    learner = Forgetful(3, error)
    with pytest.warns(RuntimeWarning, match="do not fit into memory") as notes:
        fits = train(learner, parts, some)
    assert "trainings together do not fit into memory: trying" in str(notes[0].message)
    assert learner.tried[0] == 11
    for i in range(11):
        assert loss(parts, fits[i]) == pytest.approx(loss(parts, usual[i]), rel=1e-4)


def test_one_that_does_not_fit_alone_fails():
    parts, learner = small("diabetes"), Forgetful(0, MemoryError("too large"))
    with pytest.warns(RuntimeWarning, match="2 trainings"):
        fits = train(learner, parts, configurations(learner, 2))
    assert all(isinstance(fit, MemoryError) for fit in fits.values())


def test_another_error_is_each_members_and_nobody_is_tried_again():
    parts, learner = small("diabetes"), Forgetful(0, ValueError("no such shape"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fits = train(learner, parts, configurations(learner, 3, epochs=20))
    assert all(isinstance(fit, ValueError) for fit in fits.values())
    assert learner.calls == 31


def test_one_that_cannot_even_begin_fails_alone(monkeypatch):
    parts, learner = small("diabetes"), network()
    some = configurations(learner, 3)
    usual, begin = train(learner, parts, some), learner._begin

    def all_but_one(trial_id, *rest):
        if trial_id == 1:
            raise RuntimeError("CUDA out of memory")
        return begin(trial_id, *rest)

    monkeypatch.setattr(learner, "_begin", all_but_one)
    fits = train(learner, parts, some)
    assert isinstance(fits[1], RuntimeError)
    for i in (0, 2):
        assert loss(parts, fits[i]) == pytest.approx(loss(parts, usual[i]), rel=1e-4)


def test_the_seconds_of_a_batch_are_shared_out():
    parts, learner = small("diabetes"), network()
    few, many = configurations(learner, 2, epochs=3, units=20)
    many = Configuration(learner.space, {**dict(many), "epochs": 20})
    fits = train(learner, parts, [few, many])
    assert 0 < fits[0].fit_seconds < fits[1].fit_seconds
    assert all(isinstance(f, Fit) and f.predict_seconds > 0 for f in fits.values())


def test_missing_values_and_constant_columns_do_no_harm():
    parts = small("diabetes")
    parts.X_train[::3, 2] = np.nan
    parts.X_valid[0, 2] = np.nan
    parts.X_train[:, 5] = 7.0
    fits = train(network(), parts, configurations(network(), 2))
    assert all(np.isfinite(fit.valid_prediction).all() for fit in fits.values())
