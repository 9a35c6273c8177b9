"""Mini-batch gradient descent with momentum: an epoch at a time, to be stopped and continued.

    velocity   ← momentum · velocity + gradient of the batch's mean loss
    parameters ← parameters - rate · velocity
"""

import copy
import math
from dataclasses import dataclass

import numpy as np

from nn.functions import LOSSES

SCHEDULES = {  # the learning rate's factor once a fraction t of the epochs is done
    "constant": lambda t: 1.0,
    "linear": lambda t: 1 - t,
    "cosine": lambda t: (1 + math.cos(math.pi * t)) / 2,
}
REMEMBERED = "velocity", "best_parameters", "best_loss", "best_epoch", "history", "diverged"  # by a checkpoint
BLOCK = 16_384  # numbers updated at a time: few enough to stay in the processor's cache through all passes


@dataclass(eq=False)
class TrainingSettings:
    """How to train."""

    epochs: float = 60  # times through the rows; math.inf: no end, and a rate that does not fall
    learning_rate: float = 0.1
    batch_size: int = 64  # rows a step: 1 is one by one, more than there are is full batch
    momentum: float = 0.9  # share of the last step's velocity that is kept
    schedule: str = "linear"  # how the learning rate falls from epoch to epoch: a name in SCHEDULES
    l1: float = 0.0  # adds l1·Σ|W| to the mean loss, weights only; sets weights to exactly 0
    l2: float = 0.0  # adds l2/2·ΣW² to the mean loss, weights only
    dropout: float = 0.0  # probability that an input is 0 in a training row; those kept are scaled to make up for it
    hidden_dropout: float = 0.0  # the same for hidden units
    clip_norm: float | None = None  # a longer gradient is shortened to this
    early_stopping: bool = False  # stop after `patience` epochs without a lower monitored loss
    patience: int = 10


class Training:
    """One network's training: `run_epoch` until `finished`. random_state orders the rows and drives dropout.

    history: a row an epoch. best_parameters: those of the lowest validation (or else training) loss so far.
    """

    def __init__(self, network, settings, random_state=0):
        self.network, self.settings, self.rng = network, settings, np.random.default_rng(random_state)
        self.velocity, self.scratch = np.zeros_like(network.parameters), np.empty_like(network.parameters[:BLOCK])
        self.best_parameters = network.parameters.copy()
        self.best_loss, self.best_epoch, self.diverged, self.history = math.inf, 0, False, []

    @property
    def finished(self):
        """Whether epochs or patience are used up, or the loss is no longer a number."""
        done, settings = len(self.history), self.settings
        impatient = settings.early_stopping and done - self.best_epoch >= settings.patience
        return done >= settings.epochs or impatient or self.diverged

    def run_epoch(self, X, y, weight=None, validation=None):
        """Go once over X [rows, features] and y [rows, outputs] in random order; return the history's new row.

        weight [rows, 1]: how much each row counts, 1 on average. validation: (X, y) or (X, y, weight) to measure on.
        The training loss is the mean of what each batch had before its update, dropout included.
        """
        order, settings = self.rng.permutation(X.shape[0]), self.settings
        rate = settings.learning_rate * SCHEDULES[settings.schedule](len(self.history) / settings.epochs)
        y, weight = y[order], 1 if weight is None else weight[order]
        predictions = np.empty(y.shape, self.network.parameters.dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is told by the loss, once
            for start in range(0, len(order), settings.batch_size):
                batch = slice(start, start + settings.batch_size)
                rows, counted = order[batch], weight if np.isscalar(weight) else weight[batch]
                X_batch = X.take(rows, axis=0) if isinstance(X, np.ndarray) else X[rows]  # the same; take is faster
                predictions[batch] = self.step(X_batch, y[batch], counted / len(rows), rate)
            loss = float(LOSSES[self.network.loss][0](predictions, y, weight) / (len(y) * np.mean(weight)))
            row = {"epoch": len(self.history) + 1, "learning_rate": rate, "training_loss": loss}
            if validation is not None:
                loss = row["validation_loss"] = self.network.mean_loss(*validation)
        self.history.append(row)
        self.diverged = not math.isfinite(loss)
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, row["epoch"]
            self.best_parameters[...] = self.network.parameters
        return row

    def step(self, X, y, weight, rate):
        """Update the network by a batch whose rows count `weight`; return the predictions it had before."""
        network, settings, mask = self.network, self.settings, None
        if settings.dropout:
            X = drop(X, settings.dropout, self.rng)
        if settings.hidden_dropout:
            mask = drop(np.ones((len(y), len(network.b1)), y.dtype), settings.hidden_dropout, self.rng)
        hidden, prediction = network.forward(X, mask)
        network.backward(X, y, hidden, prediction, mask, weight)
        self.update(rate)
        return prediction

    def update(self, rate):
        """Move the parameters by the network's gradient."""
        network, settings = self.network, self.settings
        if settings.l2:
            network.dW1 += settings.l2 * network.W1
            network.dW2 += settings.l2 * network.W2
        if settings.clip_norm:
            shorten = min(1, settings.clip_norm / (np.linalg.norm(network.gradient) or 1))
            network.dW1, network.gradient_after_W1[...] = network.dW1 * shorten, network.gradient_after_W1 * shorten
        n = network.W1.size  # a small copy is quicker than two rounds of small steps, a large one would be dear
        pieces = {0: network.gradient} if n < BLOCK else {0: network.dW1.reshape(-1), n: network.gradient_after_W1}
        for start, gradient in pieces.items():
            for offset in range(0, len(gradient), BLOCK):
                self.descend(start + offset, gradient[offset : offset + BLOCK], rate)
        for W in (network.W1, network.W2) if settings.l1 else ():  # divided because momentum adds up
            W[...] = np.sign(W) * np.maximum(np.abs(W) - rate * settings.l1 / (1 - settings.momentum), 0)

    def descend(self, start, g, rate):  # the two equations at the top, for a block: its start and its gradient
        block = slice(start, start + len(g))
        p, v = self.network.parameters[block], self.velocity[block]
        if self.settings.momentum:
            v *= self.settings.momentum
            g = np.add(v, g, out=v)
        p -= np.multiply(g, rate, out=self.scratch[: len(g)])

    def state(self):
        """A copy of all that is needed to go on: arrays and plain values by name."""
        state = {"parameters": self.network.parameters, "generator": self.rng.bit_generator.state}
        return copy.deepcopy(state | {name: getattr(self, name) for name in REMEMBERED})

    def restore(self, state):
        """Go back to a `state`: what follows equals, bit for bit, what would have followed there."""
        self.network.parameters[...], self.rng.bit_generator.state = state["parameters"], state["generator"]
        (self.velocity[...], self.best_parameters[...], self.best_loss, self.best_epoch, self.history[:],
         self.diverged) = (state[name] for name in REMEMBERED)  # fmt: skip


def drop(X, rate, rng):
    """X, overwritten: each value (each stored value, where X is sparse) is 0 with probability `rate`, else scaled."""
    values = X if isinstance(X, np.ndarray) else X.data
    values *= rng.random(values.shape, np.float32) >= rate
    values /= 1 - rate
    return X
