"""Neural networks trained together: K configurations as one batched computation.

Every parameter of the members is a slice of one tensor (K, ...). They share the order
of the minibatches, which is seeded by the repetition's training seed; what differs is
each member's own: initialisation, learning rate, its decay, weight decay, number of
epochs, and widths, by zeros where a member has no units.
"""

import time
import warnings
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from ConfigSpace import ConfigurationSpace

from benchmark_utils.learners import Fit, Learner, n_of
from benchmark_utils.one_thread import one_thread
from benchmark_utils.splits import Parts

Parameters = dict[str, torch.Tensor]
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # of Adam: torch's defaults
GRAIN = 64  # numbers: blocks begin where vector instructions do, whatever K is
ROWS_AT_ONCE = 512  # in prediction
MOST_PADDING = 1.5  # widest of a batch by its narrowest; measured: see benchmarks


@dataclass(frozen=True, eq=False)
class Tensors:
    """The parts of a split, ready to train on: inputs, and targets of training.

    Targets of regression are standardised: ``mean`` and ``scale`` bring them back.
    """

    parts: Parts
    train: torch.Tensor
    valid: torch.Tensor
    test: torch.Tensor
    targets: torch.Tensor
    mean: np.ndarray
    scale: np.ndarray


@dataclass(eq=False)
class Member:
    """A training under way: what it was asked for, what it has become.

    ``state`` holds its parameters and Adam's two moments of them; ``epoch`` is how
    many it was trained, ``end`` how many it shall be.
    """

    trial_id: int
    settings: dict
    state: tuple[Parameters, Parameters, Parameters]
    size: int
    epoch: int = 0
    end: int = 0
    seconds: float = field(default=0.0, repr=False)


class Together(Learner):
    """Trains ``n_together`` requests at a time; the fidelity is a share of epochs.

    A member that diverges fails alone. A batch that does not fit into memory is halved
    and tried again. Computes on cuda, else mps, else in one thread of the processor.

    Implement ``inputs``, ``initial`` and ``forward``; the optimiser is AdamW
    (Loshchilov & Hutter 2019, "Decoupled weight decay regularization", ICLR), which
    without weight decay is Adam.

    Parameters
    ----------
    space, defaults
        what is tuned. Known names are learning_rate, epochs, weight_decay and
        learning_rate_decay (the factor from one epoch to the next); an architecture
        has further ones.
    n_together : int
        fixed with the problem, so that results do not depend on the machine.
    batch_size : int
        rows of a minibatch; the last one of an epoch has what is left.
    fixed : dict
        values of those that are not tuned; weight_decay is else 0 and
        learning_rate_decay 1.
    """

    def __init__(
        self,
        space: ConfigurationSpace,
        defaults: list[dict],
        n_together: int,
        batch_size: int = 32,
        fixed: dict | None = None,
    ):
        self.space, self.defaults = space, defaults
        self.n_together, self.batch_size = n_together, batch_size
        self.fixed = {"weight_decay": 0.0, "learning_rate_decay": 1.0, **(fixed or {})}
        fewest = space["epochs"].lower if "epochs" in space else self.fixed["epochs"]
        self.min_fidelity = 1 / fewest

    @abstractmethod
    def inputs(self, parts: Parts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the inputs, (n, ...), of train, validation and test part."""

    @abstractmethod
    def initial(
        self, settings: dict, data: Tensors, generator: torch.Generator
    ) -> Parameters:
        """Draw the parameters of one member, on the processor."""

    @abstractmethod
    def forward(self, parameters: Parameters, inputs: torch.Tensor) -> torch.Tensor:
        """Return outputs (K, B, n_outputs) of K members on one minibatch, (B, ...).

        Parameters are (K, ...). Members narrower than the widest have zeros behind
        their own numbers: these must not change their outputs and have no gradient.
        """

    def padded(self, parameters: Parameters) -> Parameters:
        """Widen a member's parameters by zeros, if that helps to compute."""
        return parameters

    def losses(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return each member's mean loss, (K,), on a minibatch."""
        if targets.is_floating_point():
            return (outputs - targets).square().mean((1, 2))
        every = targets.expand(outputs.shape[:2])
        return torch.nn.functional.cross_entropy(
            outputs.transpose(1, 2), every, reduction="none"
        ).mean(1)

    def prepare(self, parts):
        train, valid, test = map(on_device, self.inputs(parts))
        targets, mean, scale = parts.y_train, np.zeros(1), np.ones(1)
        if parts.task == "regression":
            targets = targets.reshape(len(targets), -1)
            mean, scale = targets.mean(0), targets.std(0)
            scale = np.where(scale > 0, scale, 1)
            targets = (targets - mean) / scale
        targets = on_device(targets)
        return Tensors(parts, train, valid, test, targets, mean, scale)

    def width(self, settings: dict) -> float:
        """Return what the arithmetic of a member grows with.

        On the processor, members much narrower than the widest are computed without it.
        """
        return 1

    def fit(self, requests, data, seeds, setting, kept):
        requests = list(requests)
        for first in range(0, len(requests), self.n_together):
            some = requests[first : first + self.n_together]
            # In the order asked for, not as they finish: the rows of a random search
            # must not be sorted by epochs or width.
            turns, done = [request.trial_id for request in some], {}
            alike = data.train.device.type == "cpu"
            for batch in self._alike(some) if alike else [some]:
                done |= self._fit_batch(batch, data, seeds, setting, kept)
                while turns and turns[0] in done:
                    yield turns[0], done.pop(turns.pop(0))

    def _alike(self, requests):
        def width(request):
            return self.width({**self.fixed, **dict(request.configuration)})

        batches = []
        for request in sorted(requests, key=width):
            if batches and width(request) <= MOST_PADDING * width(batches[-1][0]):
                batches[-1].append(request)
            else:
                batches.append([request])
        return batches

    def _fit_batch(self, requests, data, seeds, setting, kept):
        members, stay, fits = [], set(), {}
        for trial_id, configuration, fidelity in requests:
            member = kept.pop(trial_id, None)
            if member is None:
                seed = seeds[trial_id]
                try:
                    member = self._begin(trial_id, configuration, data, seed)
                except Exception as error:  # any: the search goes on without it
                    fits[trial_id] = error
                    continue
            end = max(member.epoch, n_of(fidelity, member.settings["epochs"]))
            members.append(replace(member, end=end))
            if fidelity < 1:
                stay.add(trial_id)
        for member, fit in self._train_or_halve(members, data, setting):
            if member.trial_id in stay and isinstance(fit, Fit):
                kept[member.trial_id] = set_aside(member)
            fits[member.trial_id] = fit
        return fits

    def _begin(self, trial_id, configuration, data, seed):
        settings = {**self.fixed, **dict(configuration)}
        generator = torch.Generator().manual_seed(seed)
        parameters = self.initial(settings, data, generator)
        size = sum(p.numel() for p in parameters.values())
        parameters = self.padded(parameters)
        parameters = {k: p.to(data.train.device) for k, p in parameters.items()}
        zeros = {name: torch.zeros_like(p) for name, p in parameters.items()}
        return Member(trial_id, settings, (parameters, zeros, zeros), size)

    def _train_or_halve(self, members, data, setting):
        todo = {member.trial_id: member for member in members}
        try:
            for member, fit in self._train(members, data, setting.training_seed):
                del todo[member.trial_id]
                yield member, fit
            return
        except Exception as error:  # any: the search goes on without these
            reason = error.with_traceback(None)  # lets go of what filled the memory
        members = list(todo.values())
        if len(members) == 1 or not out_of_memory(reason):
            for member in members:
                yield member, reason
            return
        half = (len(members) + 1) // 2
        warnings.warn(
            f"{len(members)} trainings together do not fit into memory: trying {half}",
            RuntimeWarning,
            stacklevel=2,
        )
        for some in (members[:half], members[half:]):
            yield from self._train_or_halve(some, data, setting)

    def _train(
        self, members: list[Member], data: Tensors, training_seed: int
    ) -> Iterator[tuple[Member, Fit | Exception]]:
        # Copies: those of a batch that does not fit are started again as they were.
        members = [replace(member, seconds=0.0) for member in members]
        batch, epoch = Batch([]), 0
        while members:
            epoch = max(epoch, min(member.epoch for member in members))
            if ended := [member for member in members if member.end <= epoch]:
                batch.hand_back()
                yield from zip(ended, self._fits(ended, data), strict=True)
                members = [member for member in members if member.end > epoch]
                continue
            # One that was trained before joins when the others have come as far.
            active = [member for member in members if member.epoch <= epoch]
            if active != batch.members:
                batch.hand_back()
                batch = Batch(active)
            diverged = self._train_epoch(batch, data, epoch, training_seed)
            epoch += 1
            for member in diverged:
                members.remove(member)
                yield (
                    member,
                    FloatingPointError(f"the training diverged in epoch {epoch}"),
                )

    def _train_epoch(self, batch, data, epoch, training_seed):
        """Train one epoch; return the members that are no longer finite."""
        start = time.perf_counter()
        order = np.random.default_rng([training_seed, epoch])
        order = torch.from_numpy(order.permutation(len(data.targets)))
        minibatches = order.to(data.targets.device).split(self.batch_size)
        steps_before = epoch * len(minibatches)
        batch.set_rates(epoch)
        with one_thread():
            for n, rows in enumerate(minibatches, start=steps_before + 1):
                outputs = self.forward(batch.parameters, data.train[rows])
                batch.gradients.zero_()
                # No member's loss depends on another's parameters.
                self.losses(outputs, data.targets[rows]).sum().backward()
                batch.step(n)
            diverged = batch.diverged()
        for member in batch.members:
            member.epoch = epoch + 1
            member.seconds += (time.perf_counter() - start) / len(batch.members)
        return diverged

    def _fits(self, members, data):
        parameters = {
            name: stacked([member.state[0][name] for member in members])
            for name in members[0].state[0]
        }
        start = time.perf_counter()
        test = self._predictions(parameters, data.test, data)
        seconds = (time.perf_counter() - start) / len(members)
        valid = self._predictions(parameters, data.valid, data)
        for k, member in enumerate(members):
            size = float(member.size * member.epoch)
            yield Fit(valid[k], test[k], member.seconds, seconds, size)

    @torch.no_grad()
    def _predictions(self, parameters, inputs, data):
        with one_thread():
            outputs = [
                self.forward(parameters, some).cpu()
                for some in inputs.split(ROWS_AT_ONCE)
            ]
        outputs = torch.cat(outputs, dim=1).double()
        if data.parts.task == "classification":
            return outputs.softmax(-1).numpy()
        outputs = outputs.numpy() * data.scale + data.mean
        return outputs[..., 0] if data.parts.y_train.ndim == 1 else outputs


class Batch:
    """Members as one: each parameter, (K, ...), is a piece of one flat tensor."""

    def __init__(self, members: list[Member]):
        self.members = members
        self.parameters: Parameters = {}
        if not members:
            return
        names = list(members[0].state[0])
        stacks = [
            [stacked([member.state[i][name] for member in members]) for name in names]
            for i in range(3)
        ]
        self._shapes = {n: s.shape for n, s in zip(names, stacks[0], strict=True)}
        self._flat, self._mean, self._square = map(joined, stacks)
        self.gradients, self._rates, self._shrink, self._change = (
            torch.zeros_like(self._flat) for _ in range(4)
        )
        gradients = self._pieces(self.gradients)
        for name, piece in self._pieces(self._flat).items():
            self.parameters[name] = piece.detach().requires_grad_()
            self.parameters[name].grad = gradients[name]  # backward adds to it

    def _pieces(self, flat: torch.Tensor) -> Parameters:
        pieces, start = {}, 0
        for name, shape in self._shapes.items():
            pieces[name] = flat[start : start + shape.numel()].view(shape)
            start += rounded_up(shape.numel())
        return pieces

    def set_rates(self, epoch: int) -> None:
        """Set each member's learning rate and weight decay for this epoch."""
        settings = [member.settings for member in self.members]
        rates = [
            s["learning_rate"] * s["learning_rate_decay"] ** epoch for s in settings
        ]
        shrink = [
            1 - rate * s["weight_decay"]
            for rate, s in zip(rates, settings, strict=True)
        ]
        self._decays = any(s["weight_decay"] for s in settings)
        for flat, values in [(self._rates, rates), (self._shrink, shrink)]:
            values = torch.tensor(values, dtype=flat.dtype, device=flat.device)
            for piece in self._pieces(flat).values():
                piece.copy_(values.view(-1, *[1] * (piece.dim() - 1)).expand_as(piece))

    @torch.no_grad()
    def step(self, n: int) -> None:
        """Take step n, counted from 1, of AdamW."""
        if self._decays:
            self._flat.mul_(self._shrink)
        self._mean.lerp_(self.gradients, 1 - BETA1)
        self._square.mul_(BETA2)
        self._square.addcmul_(self.gradients, self.gradients, value=1 - BETA2)
        bias = (1 - BETA2**n) ** 0.5
        torch.sqrt(self._square, out=self._change).add_(EPSILON * bias)
        torch.div(self._mean, self._change, out=self._change)
        self._flat.addcmul_(self._rates, self._change, value=-bias / (1 - BETA1**n))

    def diverged(self) -> list[Member]:
        """Return the members with a parameter that is not finite."""
        pieces = self._pieces(self._flat).values()
        finite = [piece.flatten(1).isfinite().all(1) for piece in pieces]
        finite = torch.stack(finite).all(0).tolist()
        return [m for m, fine in zip(self.members, finite, strict=True) if not fine]

    def hand_back(self) -> None:
        """Let the members have their state, each in its own shapes."""
        if not self.members:
            return
        states = [self._pieces(f) for f in (self._flat, self._mean, self._square)]
        for k, member in enumerate(self.members):
            member.state = tuple(
                {
                    name: state[name][k][tuple(map(slice, own.shape))]
                    for name, own in member.state[0].items()
                }
                for state in states
            )


def stacked(tensors: list[torch.Tensor]) -> torch.Tensor:
    """Stack tensors, (K, ...), with zeros behind those smaller than the largest."""
    shape = [max(sizes) for sizes in zip(*(t.shape for t in tensors), strict=True)]
    if all(list(tensor.shape) == shape for tensor in tensors):
        return torch.stack(tensors)
    stack = tensors[0].new_zeros([len(tensors), *shape])
    for whole, tensor in zip(stack, tensors, strict=True):
        whole[tuple(map(slice, tensor.shape))] = tensor
    return stack


def joined(stacks: list[torch.Tensor]) -> torch.Tensor:
    """Lay tensors one behind the other in one flat tensor, in whole grains."""
    flat = stacks[0].new_zeros(sum(rounded_up(stack.numel()) for stack in stacks))
    start = 0
    for stack in stacks:
        flat[start : start + stack.numel()] = stack.flatten()
        start += rounded_up(stack.numel())
    return flat


def rounded_up(n: int) -> int:
    return -(-n // GRAIN) * GRAIN


def set_aside(member: Member) -> Member:
    """Return a member that does not hold on to the batch it was trained in."""
    copies = ({name: t.clone() for name, t in s.items()} for s in member.state)
    return replace(member, state=tuple(copies))


def device() -> torch.device:
    """Return where to compute: cuda, else mps, else the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def on_device(array: np.ndarray) -> torch.Tensor:
    """Return an array as tensor; numbers that are not whole in single precision."""
    if np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float32, copy=False)
    return torch.from_numpy(np.ascontiguousarray(array)).to(device())


def out_of_memory(error: Exception) -> bool:
    """Whether that is why: torch says so in words."""
    text = str(error).lower()
    words = ("out of memory", "allocate memory", "not enough memory", "alloc_failed")
    return isinstance(error, MemoryError) or any(said in text for said in words)
