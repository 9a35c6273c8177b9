"""Mini-batch gradient descent with momentum: an epoch at a time, to be stopped and continued.

    velocity   ← momentum · velocity + gradient of the batch's mean loss
    parameters ← parameters - rate · velocity
"""

import math
from dataclasses import dataclass

import numpy as np

from nn.functions import LOSSES

SCHEDULES = {  # the learning rate's factor once a fraction t of the epochs is done
    "constant": lambda t: 1.0,
    "linear": lambda t: 1 - t,
    "cosine": lambda t: (1 + math.cos(math.pi * t)) / 2,
}
REMEMBERED = "velocity", "best_parameters", "best_loss", "best_epoch", "history"  # by a checkpoint
BLOCK = 16_384  # numbers updated at a time: few enough to stay in the processor's cache through all passes


@dataclass(eq=False)
class TrainingSettings:
    """How to train; every setting is named as in the field's textbooks."""

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
    """One network's training: `run_epoch` until `finished`.

    history has a row an epoch. best_parameters are those after the epoch with the lowest monitored loss: the
    validation loss, where there is one, else the training loss. random_state orders the rows and drives dropout.
    """

    def __init__(self, network, settings, random_state=0):
        self.network, self.settings, self.rng = network, settings, np.random.default_rng(random_state)
        self.velocity = np.zeros_like(network.parameters)
        self.best_parameters = network.parameters.copy()
        self.best_loss, self.best_epoch, self.diverged = math.inf, 0, False
        self.history = []

    @property
    def finished(self):
        """Whether epochs or patience are used up, or the loss is no longer a number."""
        waited = len(self.history) - self.best_epoch
        impatient = self.settings.early_stopping and waited > self.settings.patience
        return len(self.history) >= self.settings.epochs or impatient or self.diverged

    def run_epoch(self, X, y, weight=None, validation=None):
        """Go once over X [rows, features] and y [rows, outputs] in random order; return the history's new row.

        weight [rows, 1], of mean 1: how much each row counts. validation: (X, y) to measure the loss on.
        The training loss is the mean of what each batch had before its update, dropout included.
        """
        order = self.rng.permutation(X.shape[0])
        y = y[order]
        weight = None if weight is None else weight[order]
        settings, total_loss = self.settings, 0.0
        rate = settings.learning_rate * SCHEDULES[settings.schedule](len(self.history) / settings.epochs)
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is told by the loss, once
            for start in range(0, len(order), settings.batch_size):
                batch = slice(start, start + settings.batch_size)
                total_loss += self.step(X[order[batch]], y[batch], None if weight is None else weight[batch], rate)
            loss = float(total_loss / len(order))
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
        """Update the network by one batch; return the summed loss it had before."""
        network, settings, mask = self.network, self.settings, None
        if settings.dropout:
            X = drop(X, settings.dropout, self.rng)
        if settings.hidden_dropout:
            mask = drop(np.ones((len(y), len(network.b1)), y.dtype), settings.hidden_dropout, self.rng)
        hidden, prediction = network.forward(X, mask)
        network.backward(X, y, hidden, prediction, mask, weight)
        self.update(rate, len(y))
        return LOSSES[network.loss][0](prediction, y, 1 if weight is None else weight)

    def update(self, rate, count):
        """Move the parameters by the network's gradient, a sum over `count` rows."""
        parameters, gradient, settings = self.network.parameters, self.network.gradient, self.settings
        weights = slice(self.network.n_weights)
        if settings.l2:
            gradient[weights] += settings.l2 * count * parameters[weights]
        if settings.clip_norm:
            count *= max(1, np.linalg.norm(gradient) / count / settings.clip_norm)
        for start in range(0, len(parameters), BLOCK):
            block = slice(start, start + BLOCK)
            p, v, g = parameters[block], self.velocity[block], gradient[block]
            g /= count
            v *= settings.momentum
            v += g
            p -= np.multiply(v, rate, out=g)
        if settings.l1:
            W, shrink = parameters[weights], rate * settings.l1 / (1 - settings.momentum)  # as momentum adds up
            W[...] = np.sign(W) * np.maximum(np.abs(W) - shrink, 0)

    def state(self):
        """All that is needed to go on: arrays (the live ones) and plain values, by name."""
        state = {"parameters": self.network.parameters, "generator": self.rng.bit_generator.state}
        return state | {name: getattr(self, name) for name in REMEMBERED}

    def restore(self, state):
        """Go back to a `state`: what follows equals, bit for bit, what would have followed there."""
        self.network.parameters[...], self.rng.bit_generator.state = state["parameters"], state["generator"]
        self.velocity[...], self.best_parameters[...], self.best_loss, self.best_epoch, self.history[:] = (
            state[name] for name in REMEMBERED
        )


def drop(X, rate, rng):
    """X, overwritten: each value (each stored value, where X is sparse) is 0 with probability `rate`, else scaled."""
    values = X if isinstance(X, np.ndarray) else X.data
    values *= rng.random(values.shape, np.float32) >= rate
    values /= 1 - rate
    return X
