"""Training: epochs over a source of steps, to be stopped and continued.

For each batch: forward, loss, backward (by the source), step (by the optimizer). Around that: a
learning rate that falls, a history, the best parameters so far, early stopping, and a state to go
on from.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nn.batches import StepSource
from nn.functions import Array
from nn.network import Seed, TwoLayerNetwork
from nn.optimizer import SGD
from nn.setting_checks import (
    Constraint,
    check_settings,
    one_of,
    optional,
    real_number,
    true_or_false,
    whole_number,
)

Schedule = Callable[[float], float]  # share of the epochs done -> factor of the learning rate
SCHEDULES: dict[str, Schedule] = {
    "constant": lambda t: 1.0,
    "linear": lambda t: 1 - t,
    "cosine": lambda t: (1 + math.cos(math.pi * t)) / 2,
}
CONSTRAINTS: dict[str, Constraint] = {
    "epochs": whole_number(1),
    "learning_rate": real_number(above=0),
    "batch_size": whole_number(1),
    "momentum": real_number(0, below=1),
    "schedule": one_of(SCHEDULES),
    "l1": real_number(0),
    "l2": real_number(0),
    "dropout": real_number(0, below=1),
    "hidden_dropout": real_number(0, below=1),
    "clip_norm": optional(real_number(above=0)),
    "early_stopping": true_or_false,
    "patience": whole_number(1),
}


@dataclass(frozen=True)
class TrainingSettings:
    """How to train. Raises ValueError for a value of the wrong type or out of range."""

    epochs: int = 60  # times through the rows
    learning_rate: float = 0.1  # of the first epoch
    batch_size: int = 64  # rows a step: 1 is one by one, more than there are is full batch
    momentum: float = 0.9  # share of the last step's velocity that the next one has
    schedule: str = "linear"  # how the learning rate falls from epoch to epoch: a name in SCHEDULES
    l1: float = 0.0  # adds l1·Σ|W| to the mean loss, weights only; sets weights to exactly 0
    l2: float = 0.0  # adds l2/2·ΣW² to the mean loss, weights only
    dropout: float = 0.0  # probability that an input is 0 in a training row
    hidden_dropout: float = 0.0  # the same for hidden units
    clip_norm: float | None = None  # a gradient longer than this is shortened to it
    early_stopping: bool = False  # stop after `patience` epochs without a lower monitored loss
    patience: int = 10

    def __post_init__(self) -> None:
        check_settings(asdict(self), CONSTRAINTS)
        for name, value in asdict(self).items():
            if isinstance(value, np.generic):  # or a float64 rate would make float32 steps slow
                object.__setattr__(self, name, value.item())


class Training:
    """The training of one network: call `run_epoch` until `finished`.

    history: a row (a dict) for each epoch. best_parameters: those with the lowest monitored loss,
    which is the validation loss or, without one, the training loss. The validation loss is
    measured after the epoch, so the parameters after it are kept; the training loss is summed
    during it, each batch before its step, so those before it are kept. diverged: the last loss was
    infinite or no number. random_state: for the order of the rows and for dropout.

    >>> from nn.batches import ArrayBatches
    >>> X = np.linspace(-1, 1, 50)[:, np.newaxis]
    >>> training = Training(TwoLayerNetwork(1, 4), TrainingSettings(epochs=3))
    >>> while not training.finished:
    ...     row = training.run_epoch(ArrayBatches(X, X**2, batch_size=10))
    >>> len(training.history), row["epoch"], training.history[0]["learning_rate"]
    (3, 3, 0.1)
    """

    def __init__(
        self, network: TwoLayerNetwork, settings: TrainingSettings, random_state: Seed = 0
    ) -> None:
        self.network = network
        self.rng = np.random.default_rng(random_state)
        self.optimizer = SGD(network)
        self.use(settings)
        self.history: list[dict[str, float]] = []
        self.best_parameters = network.parameters.copy()
        self.best_loss = math.inf
        self.best_epoch = 0
        self.diverged = False
        self.stopped = False

    def use(self, settings: TrainingSettings) -> None:
        """Train by these settings from now on; batch size and dropout are the source's own."""
        self.settings = settings
        if not settings.momentum:
            self.optimizer.velocity[...] = 0  # or a later momentum would go on from an old one
        self.optimizer.momentum = settings.momentum
        self.optimizer.l1 = settings.l1
        self.optimizer.l2 = settings.l2
        self.optimizer.clip_norm = settings.clip_norm

    def run_epoch(
        self, source: StepSource, validation_loss: Callable[[], float] | None = None
    ) -> dict[str, float]:
        """Take every step of the source once; return the history's new row.

        validation_loss: gives the network's mean loss on rows that it is not trained on. The
        training loss is the mean of what each batch had before its step, dropout included.
        """
        rate = self.learning_rate()
        loss = weight = 0.0
        before = self.network.parameters.copy() if validation_loss is None else None
        # the loss tells of overflow, without a warning a step
        with np.errstate(over="ignore", invalid="ignore"):
            for step in source.steps(self.network, self.rng):
                self.optimizer.step(self.network, step.gradient, rate)
                loss += step.loss
                weight += step.weight
            if not weight:
                raise ValueError("the source gave no row of a weight above 0: nothing to train on")
            row = {
                "epoch": len(self.history) + 1,
                "learning_rate": rate,
                "training_loss": loss / weight,
            }
            if validation_loss is not None:
                row["validation_loss"] = validation_loss()
        self._record(row, self.network.parameters if before is None else before)
        return row

    def learning_rate(self) -> float:
        """The rate of the next epoch."""
        share_done = min(1.0, len(self.history) / self.settings.epochs)
        return self.settings.learning_rate * SCHEDULES[self.settings.schedule](share_done)

    def _record(self, row: dict[str, float], parameters: Array) -> None:
        """Add the row to the history; keep the parameters if its loss is the lowest so far."""
        self.history.append(row)
        monitored = row.get("validation_loss", row["training_loss"])
        self.diverged = not (math.isfinite(row["training_loss"]) and math.isfinite(monitored))
        if monitored < self.best_loss:
            self.best_loss = monitored
            self.best_epoch = len(self.history)
            self.best_parameters[...] = parameters

    @property
    def finished(self) -> bool:
        """Whether the epochs or the patience are used up, the loss diverged, or `stop` was
        called.
        """
        return self.stopped or self.diverged or self._out_of_epochs() or self._out_of_patience()

    def _out_of_epochs(self) -> bool:
        return len(self.history) >= self.settings.epochs

    def _out_of_patience(self) -> bool:
        epochs_without_progress = len(self.history) - self.best_epoch
        return self.settings.early_stopping and epochs_without_progress >= self.settings.patience

    def stop(self) -> None:
        """Let `finished` be True from now on, and go back to the best parameters."""
        self.stopped = True
        self.restore_best()

    def restore_best(self) -> None:
        """Give the network the best parameters so far, at rest."""
        self.network.parameters[...] = self.best_parameters
        self.optimizer.velocity[...] = 0

    def state(self) -> dict[str, Any]:
        """A copy of all that is needed to go on: arrays and plain values by name."""
        state = {
            "parameters": self.network.parameters,
            "velocity": self.optimizer.velocity,
            "best_parameters": self.best_parameters,
            "best_loss": self.best_loss,
            "best_epoch": self.best_epoch,
            "history": self.history,
            "diverged": self.diverged,
            "generator": self.rng.bit_generator.state,
        }
        return copy.deepcopy(state)

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a `state`: under the same settings, what follows equals what would have
        followed there, bit for bit.

        Raises ValueError, and changes nothing, where the state lacks a part, or has arrays of
        other sizes than this network's.
        """
        self._check_state(state)
        state = copy.deepcopy(state)
        self.rng.bit_generator.state = state["generator"]
        self.network.parameters[...] = state["parameters"]
        self.optimizer.velocity[...] = state["velocity"]
        self.best_parameters[...] = state["best_parameters"]
        self.best_loss = state["best_loss"]
        self.best_epoch = state["best_epoch"]
        self.history[:] = state["history"]  # in place: others may look at this list
        self.diverged = state["diverged"]
        self.stopped = False

    def _check_state(self, state: dict[str, Any]) -> None:
        own = self.state()
        if missing := sorted(own.keys() - state.keys()):
            raise ValueError(f"the state to go on from lacks {', '.join(missing)}")
        for name in ("parameters", "velocity", "best_parameters"):
            shape = np.shape(state[name])
            if shape != own[name].shape:
                raise ValueError(
                    f"{name} of the state to go on from has shape {shape}: "
                    f"this network needs {own[name].shape}"
                )
