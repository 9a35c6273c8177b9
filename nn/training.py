"""Mini-batch gradient descent with momentum: an epoch at a time, to be stopped and continued.

    velocity   ← momentum · velocity - rate · gradient of the batch's mean loss
    parameters ← parameters + velocity

The gradient is a mean over rows, so a learning rate means the same for every batch size.
"""

import math
from dataclasses import dataclass

import numpy as np

from nn.functions import LOSSES
from nn.network import TwoLayerNetwork

SCHEDULES = {  # the learning rate's factor once a fraction t of the epochs is done
    "constant": lambda t: 1.0,
    "linear": lambda t: 1 - t,
    "cosine": lambda t: (1 + math.cos(math.pi * t)) / 2,
}
BLOCK = 16_384  # numbers updated at a time: few enough to stay in the processor's cache through all passes


@dataclass(eq=False)
class Training:
    """One network's training: `run_epoch` until `finished`, then `restore_best` if the best epoch is wanted.

    The monitored loss is the validation loss where there are validation rows, else the training loss.
    """

    network: TwoLayerNetwork
    epochs: float  # times through the rows; math.inf: no end, and a rate that does not fall
    learning_rate: float
    batch_size: int  # rows a step: 1 is one by one, more than there are is full batch
    momentum: float = 0.9  # share of the last step's velocity that is kept
    schedule: str = "linear"  # how the learning rate falls from epoch to epoch: a name in SCHEDULES
    l1: float = 0.0  # adds l1·Σ|W| to the mean loss, weights only; sets weights to exactly 0
    l2: float = 0.0  # adds l2/2·ΣW² to the mean loss, weights only
    dropout: float = 0.0  # probability that an input is 0 in a training row; those kept are scaled to make up for it
    hidden_dropout: float = 0.0  # the same for hidden units
    clip_norm: float | None = None  # a longer gradient is shortened to this
    patience: int | None = None  # epochs without a lower monitored loss before stopping; None: never stop early
    random_state: int | np.random.Generator | None = 0  # for the order of the rows and for dropout

    def __post_init__(self):
        self.rng = np.random.default_rng(self.random_state)
        self.velocity = np.zeros_like(self.network.parameters)
        self.best_parameters = self.network.parameters.copy()
        self.best_loss, self.best_epoch = math.inf, 0
        self.history = []  # a row an epoch: epoch, learning_rate, training_loss and, where measured, validation_loss

    @property
    def finished(self):
        """Whether epochs or patience are used up, or the loss is no longer a number."""
        done = len(self.history)
        out_of_patience = self.patience is not None and done - self.best_epoch > self.patience
        return done >= self.epochs or out_of_patience or self.diverged

    @property
    def diverged(self):
        """Whether the last monitored loss was infinite or not a number."""
        return bool(self.history) and not math.isfinite(monitored(self.history[-1]))

    def run_epoch(self, X, y, weight=None, validation=None):
        """Go once over X [rows, features] and y [rows, outputs] in random order; return the history's new row.

        weight [rows, 1]: how often each row counts. validation: (X, y, weight) to measure the loss on.
        The training loss is the mean over the epoch's batches as each was met, dropout included.
        """
        order = self.rng.permutation(X.shape[0])
        y = y[order]
        weight = None if weight is None else weight[order]
        rate = self.learning_rate * SCHEDULES[self.schedule](len(self.history) / self.epochs)
        total_loss = 0.0
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is told by the loss, once
            for start in range(0, len(order), self.batch_size):
                batch = slice(start, start + self.batch_size)
                total_loss += self.step(X[order[batch]], y[batch], None if weight is None else weight[batch], rate)
            row = {"epoch": len(self.history) + 1, "learning_rate": rate}
            row["training_loss"] = float(total_loss / (len(order) if weight is None else weight.sum()))
            if validation is not None:
                row["validation_loss"] = self.network.mean_loss(*validation)
        self.history.append(row)
        if monitored(row) < self.best_loss:
            self.best_loss, self.best_epoch = monitored(row), row["epoch"]
            self.best_parameters[...] = self.network.parameters
        return row

    def step(self, X, y, weight, rate):
        """Update the network by one batch; return the batch's summed loss before the update."""
        network, mask = self.network, None
        if self.dropout:
            X = drop(X, self.dropout, self.rng)
        if self.hidden_dropout:
            mask = drop(np.ones((len(y), len(network.b1)), y.dtype), self.hidden_dropout, self.rng)
        hidden, prediction = network.forward(X, mask)
        network.backward(X, y, hidden, prediction, mask, weight)
        self.update(rate, len(y) if weight is None else weight.sum())
        return LOSSES[network.loss][0](prediction, y, 1 if weight is None else weight)

    def update(self, rate, count):
        """Move the parameters by the network's gradient, a sum over `count` rows."""
        parameters, gradient = self.network.parameters, self.network.gradient
        weights = slice(self.network.n_weights)
        if not count:
            return
        if self.l2:
            gradient[weights] += self.l2 * count * parameters[weights]
        if self.clip_norm:
            length = np.linalg.norm(gradient) / count
            count *= max(1, length / self.clip_norm)
        for start in range(0, len(parameters), BLOCK):
            block = slice(start, start + BLOCK)
            p, v, g = parameters[block], self.velocity[block], gradient[block]
            v *= self.momentum
            g *= rate / count
            v -= g
            p += v
        if self.l1:
            W = parameters[weights]
            W[...] = np.sign(W) * np.maximum(np.abs(W) - rate * self.l1, 0)

    def state(self):
        """All that is needed to go on, as ({name: array}, {name: plain value}); the arrays are the live ones."""
        arrays = {name: getattr(self, name) for name in ("velocity", "best_parameters")}
        values = {name: getattr(self, name) for name in ("best_loss", "best_epoch", "history")}
        return arrays | {"parameters": self.network.parameters}, values | {"generator": self.rng.bit_generator.state}

    def restore(self, arrays, values):
        """Go back to a `state`: what follows equals, bit for bit, what would have followed there."""
        for name, array in self.state()[0].items():
            array[...] = arrays[name]
        self.best_loss, self.best_epoch = values["best_loss"], values["best_epoch"]
        self.history = [dict(row) for row in values["history"]]
        self.rng.bit_generator.state = values["generator"]

    def restore_best(self):
        """Give the network the parameters of the epoch with the lowest monitored loss."""
        self.network.parameters[...] = self.best_parameters


def monitored(row):
    """The loss of a history row that says how good the epoch was."""
    return row.get("validation_loss", row["training_loss"])


def drop(X, rate, rng):
    """X, overwritten: each value (each stored value, where X is sparse) is 0 with probability `rate`, else scaled."""
    values = X if isinstance(X, np.ndarray) else X.data
    values *= rng.random(values.shape, np.float32) >= rate
    values /= 1 - rate
    return X
