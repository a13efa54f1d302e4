"""Graph networks: graphs, layers against torch_geometric, together and alone."""

import warnings

import numpy as np
import pandas as pd
import pytest
from ConfigSpace import Configuration
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors
from test_icecube import lattice

torch = pytest.importorskip("torch", reason="needs the package torch")

from benchmark_utils import cherenkov, icecube  # noqa: E402
from benchmark_utils.learners.gnn import (  # noqa: E402
    GNN,
    N_NEIGHBOURS,
    C,
    edge_conv,
    graphs,
    neighbours,
)
from benchmark_utils.metrics import mean_angle  # noqa: E402
from benchmark_utils.problems import Setting  # noqa: E402
from benchmark_utils.splits import cut  # noqa: E402
from benchmark_utils.tables import Table  # noqa: E402
from benchmark_utils.trials import Request  # noqa: E402

SETTING = Setting("angle", 1, split=0, data_seed=0, training_seed=11)


def events(n, seed=0):
    """Return events in the small detector as a table."""
    pulses, truth = (
        pd.concat(frames)
        for frames in zip(*cherenkov.events(lattice(), n, seed), strict=True)
    )
    X = icecube.features(pulses, truth["event_no"])
    return Table("direction", X, icecube.direction(truth))


@pytest.fixture(scope="module")
def parts():
    [parts] = cut(events(200), np.arange(200))
    return parts


def train(learner, parts, configurations, fidelity=1.0, kept=None):
    """Return fits by number."""
    requests = [Request(i, c, fidelity) for i, c in enumerate(configurations)]
    seeds = {i: 50 + i for i in range(len(requests))}
    data, kept = learner.prepare(parts), {} if kept is None else kept
    return dict(learner.fit(requests, data, seeds, SETTING, kept))


def sample(n, seed):
    space = GNN().space
    space.seed(seed)
    return space.sample_configuration(n)


def loss(parts, fit):
    return mean_angle(parts.y_valid, fit.valid_prediction)


def random_pulses(rng, n_events, n_pulses=icecube.N_PULSES):
    X = rng.normal(size=(n_events, n_pulses, 5))
    for i, event in enumerate(X):
        event[1 + (i * 7) % n_pulses :] = np.nan  # events of every size
    return X


# Graphs


def test_neighbours_are_the_nearest_in_space_and_time():
    X = random_pulses(np.random.default_rng(0), 30)
    graph = graphs(X)
    assert graph.shape == (30, icecube.N_PULSES, 5 + 1 + N_NEIGHBOURS)
    for event, columns in zip(X, graph, strict=True):
        n = int((~np.isnan(event[:, 0])).sum())
        assert np.allclose(columns[:n, :5], event[:n])
        assert (columns[:n, 5] == 1).all()
        assert (columns[n:, :6] == 0).all()
        found = columns[:, 6:].astype(int)
        k = min(N_NEIGHBOURS, n - 1)
        if k:
            search = NearestNeighbors(n_neighbors=k).fit(event[:n, :4])
            expected = search.kneighbors(return_distance=False)  # without itself
            assert np.array_equal(found[:n, :k], expected)
            assert (found[:n, k:] == expected[:, :1]).all()


def test_space_is_not_stretched_and_time_is_as_far_as_light_goes(parts):
    data = GNN().prepare(parts)
    X = parts.X_train
    seen = ~np.isnan(X[..., 0])
    scaled = data.train.cpu().numpy()[seen][:, :5].astype(float)
    metres = X[seen][:, :4].astype(float) * [1, 1, 1, C]
    ratio = scaled[:, :4].std(axis=0) / metres.std(axis=0)
    assert ratio == pytest.approx(ratio[0], rel=1e-4)
    assert np.abs(scaled.mean(axis=0)).max() < 1e-3
    assert np.sqrt((scaled[:, :3] ** 2).mean()) == pytest.approx(1, rel=1e-3)


# Layers


def plain_edge_conv(linear, x, columns):
    """Return an EdgeConv layer edge by edge, (B, P, width)."""
    out = torch.zeros(*x.shape[:2], linear.out_features)
    for event in range(len(x)):
        near = x[event][columns[event].long()]  # (P, k, n)
        itself = x[event][:, None].expand_as(near)
        out[event] = linear(torch.cat([itself, near - itself], 2)).amax(1)
    return out


class Plain(torch.nn.Module):
    """The network as one would write it for one configuration."""

    def __init__(self, start):
        super().__init__()
        for name in {name.partition(".")[0] for name in start}:
            pieces = [start[f"{name}.{i}"] for i in range(4) if f"{name}.{i}" in start]
            weight = torch.cat(pieces)
            linear = torch.nn.Linear(*weight.shape)
            with torch.no_grad():
                linear.weight.copy_(weight.T)
                linear.bias.copy_(start[f"{name}.bias"][0])
            setattr(self, name, linear)

    def forward(self, inputs):
        x, seen, columns = inputs[..., :5], inputs[..., 5] > 0, inputs[..., 6:]
        first = self.node0(plain_edge_conv(self.edge0, x, columns).relu()).relu()
        second = self.node1(plain_edge_conv(self.edge1, first, columns).relu()).relu()
        values = self.all(torch.cat([x, first, second], 2)).relu()
        pooled = [
            torch.cat([v[s].mean(0), v[s].amax(0)])
            for v, s in zip(values, seen, strict=True)
        ]
        out = self.out(self.read(torch.stack(pooled)).relu())
        return out / out.norm(dim=1, keepdim=True)


def test_a_member_is_a_plain_module_under_adam(parts):
    learner = GNN(n_epochs=3)
    some = [{"learning_rate": 2e-3, "width": width} for width in (9, 16, 30)]
    fits = train(learner, parts, some)
    data = learner.prepare(parts)
    inputs, targets = data.train.cpu(), data.targets.cpu()
    for i, configuration in enumerate(some):
        generator = torch.Generator().manual_seed(50 + i)
        net = Plain(learner.initial(configuration, data, generator))
        optimiser = torch.optim.Adam(net.parameters(), configuration["learning_rate"])
        gamma = learner.fixed["learning_rate_decay"]
        slower = torch.optim.lr_scheduler.ExponentialLR(optimiser, gamma)
        for epoch in range(3):
            order = np.random.default_rng([SETTING.training_seed, epoch])
            order = torch.from_numpy(order.permutation(len(targets)))
            for rows in order.split(learner.batch_size):
                optimiser.zero_grad()
                similarity = torch.cosine_similarity(net(inputs[rows]), targets[rows])
                (1 - similarity).mean().backward()
                optimiser.step()
            slower.step()
        with torch.no_grad():
            valid = net(data.valid.cpu()).numpy()
        assert np.allclose(fits[i].valid_prediction, valid, atol=1e-4)
        size = sum(p.numel() for p in net.parameters())
        assert fits[i].size == 3 * size


def test_a_layer_is_torch_geometrics():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses what torch has deprecated
        pyg = pytest.importorskip(
            "torch_geometric.nn", reason="needs the package torch_geometric"
        )
    rng, width = np.random.default_rng(1), 12
    inputs = torch.from_numpy(graphs(random_pulses(rng, 20)[1:]))  # two pulses at least
    B, P, _ = inputs.shape
    linears = [torch.nn.Linear(10, width) for _ in range(2)]
    theirs = [pyg.EdgeConv(linear, aggr="max") for linear in linears]  # draws anew
    A, B_ = (
        torch.stack([linear.weight.T[rows] for linear in linears])
        for rows in (slice(0, 5), slice(5, 10))
    )
    bias = torch.stack([linear.bias[None] for linear in linears])
    x = inputs[..., :5].flatten(0, 1)
    one = inputs[..., 5:6].flatten(0, 1)
    ours = edge_conv(x, neighbours(inputs[..., 6:], 2), A, B_, bias, one)
    # Every edge once, from neighbour to node, between pulses that there are.
    edges = {
        (event * P + int(j), event * P + i)
        for event in range(B)
        for i in range(P)
        for j in inputs[event, i, 6:]
        if inputs[event, i, 5] > 0
    }
    edges = torch.tensor(sorted(edges)).T
    seen = one[:, 0] > 0
    for k in range(2):
        assert torch.allclose(ours[k][seen], theirs[k](x, edges)[seen], atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_pulses_makes_no_difference(seed):
    rng = np.random.default_rng(seed)
    X = random_pulses(rng, 24)
    shuffled = np.stack([event[rng.permutation(len(event))] for event in X])
    learner = GNN()
    inputs = [torch.from_numpy(graphs(some)) for some in (X, shuffled)]
    start = initial(learner, 20, inputs[0], seed)
    one, other = (learner.forward(start, some) for some in inputs)
    assert torch.allclose(one, other, atol=1e-5)
    assert torch.allclose(one.norm(dim=2), torch.ones(1, 24))
    assert one.std() > 1e-3


def initial(learner, width, inputs, seed):
    """Return the parameters that one member starts with, (1, ...)."""
    data = type("Data", (), {"train": inputs})
    generator = torch.Generator().manual_seed(seed)
    start = learner.initial({"width": width}, data, generator)
    return {name: tensor[None] for name, tensor in learner.padded(start).items()}


def test_pulses_that_are_not_there_do_not_count():
    X = random_pulses(np.random.default_rng(0), 10)
    wider = np.full((10, icecube.N_PULSES + 9, 5), np.nan)
    wider[:, : icecube.N_PULSES] = X
    inputs = [torch.from_numpy(graphs(some)) for some in (X, wider)]
    start = initial(GNN(), 30, inputs[0], 0)
    one, other = (GNN().forward(start, some) for some in inputs)
    assert torch.allclose(one, other, atol=1e-6)


# Together


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 1000))
def test_together_is_one_at_a_time(parts, seed):
    some = sample(7, seed)
    fits = [train(GNN(n, n_epochs=4), parts, some) for n in (1, 4, 7)]
    alone, *others = ([loss(parts, f[i]) for i in range(7)] for f in fits)
    for together in others:
        assert together == pytest.approx(alone, rel=1e-4)
        assert np.argmin(together) == np.argmin(alone)
    sizes = [[f[i].size for i in range(7)] for f in fits]
    assert sizes[0] == sizes[1] == sizes[2]
    assert len({round(x, 6) for x in alone}) == 7


@pytest.mark.skipif(torch.cuda.is_available(), reason="exact on the processor only")
def test_two_runs_are_the_same_bit_for_bit(parts):
    some = sample(5, 1)
    first, again = (train(GNN(n_epochs=3), parts, some) for _ in range(2))
    for i in range(5):
        assert np.array_equal(first[i].test_prediction, again[i].test_prediction)


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 1000), cuts=st.sets(st.floats(0.17, 0.99), max_size=3))
def test_trainings_in_parts_are_one_training(parts, seed, cuts):
    some, learner, kept = sample(5, seed), GNN(n_epochs=6), {}
    whole = train(learner, parts, some)
    for fidelity in [*sorted(cuts), 1.0]:
        fits = train(learner, parts, some, fidelity, kept)
    for i in range(5):
        assert loss(parts, fits[i]) == pytest.approx(loss(parts, whole[i]), rel=1e-4)
        assert fits[i].size == whole[i].size


def test_a_diverging_member_fails_alone(parts):
    sane = [{"learning_rate": 3e-3, "width": width} for width in (8, 40, 17)]
    wild = {"learning_rate": 1e30, "width": 20}
    learner = GNN(n_epochs=3)
    fits, without = (train(learner, parts, c) for c in ([*sane, wild], sane))
    assert isinstance(fits[3], FloatingPointError)
    assert "diverged in epoch 1" in str(fits[3])
    for i in range(3):
        assert loss(parts, fits[i]) == pytest.approx(loss(parts, without[i]), rel=1e-4)


def test_layers_start_as_torchs_do(parts):
    learner, width = GNN(), 40
    data = learner.prepare(parts)
    generator = torch.Generator().manual_seed(0)
    start = learner.initial({"width": width}, data, generator)
    fan_ins = {"edge0": 10, "edge1": 80, "all": 85, "read": 80, "out": 40}
    for name, fan_in in {**fan_ins, "node0": 40, "node1": 40}.items():
        torchs = torch.nn.Linear(fan_in, width).weight
        pieces = [start[f"{name}.{i}"] for i in range(4) if f"{name}.{i}" in start]
        ours = torch.cat(pieces)
        assert len(ours) == fan_in
        assert ours.std().item() == pytest.approx(torchs.std().item(), rel=0.15)
        assert torch.cat([ours, start[f"{name}.bias"]]).abs().max() <= fan_in**-0.5


def test_it_learns_directions():
    table = events(1000, seed=1)
    [parts] = cut(table, np.arange(1000))
    [fit] = train(GNN(), parts, [{"learning_rate": 1e-2, "width": 32}]).values()
    assert fit.test_prediction.shape == parts.y_test.shape
    assert np.allclose(np.linalg.norm(fit.test_prediction, axis=1), 1)
    constant = parts.y_train.mean(axis=0) / np.linalg.norm(parts.y_train.mean(axis=0))
    by_chance = mean_angle(parts.y_test, np.tile(constant, (len(parts.y_test), 1)))
    assert by_chance > 80
    assert mean_angle(parts.y_test, fit.test_prediction) < 30


def test_one_pulse_and_equal_charges_do_no_harm():
    rng = np.random.default_rng(0)
    X = random_pulses(rng, 60)
    X[..., 4] = np.where(np.isnan(X[..., 4]), np.nan, 0)
    y = rng.normal(size=(60, 3))
    table = Table("direction", X, y / np.linalg.norm(y, axis=1, keepdims=True))
    [parts] = cut(table, np.arange(60))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fits = train(GNN(n_epochs=2), parts, sample(2, 0))
    assert all(np.isfinite(fit.test_prediction).all() for fit in fits.values())


def test_folklore_is_in_the_space():
    learner = GNN()
    for values in learner.defaults:
        Configuration(learner.space, values)  # raises where it is not
