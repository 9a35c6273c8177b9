"""Output functions and losses (sums over rows and outputs), each beside its derivative."""

import numpy as np


def sigmoid(z, out=None):
    """1 / (1 + e⁻ᶻ) of a float array, no warning, no digits lost in either tail; `out` may be `z` itself."""
    with np.errstate(over="ignore"):  # e⁻ᶻ may overflow to infinity, whose reciprocal, 0, is the right limit
        out = np.exp(np.negative(z, out=out), out=out)
    out += 1
    return np.reciprocal(out, out=out)


def sigmoid_derivative(a):
    """dσ/dz, written in the sigmoid's own value a = σ(z)."""
    return a * (1 - a)


def identity(z, out=None):
    """z itself, for a network that predicts a quantity."""
    return z


def identity_derivative(a):
    return np.ones_like(a)


def squared_error(prediction, target, weight=1):
    """Σ weight · (prediction - target)² / 2. The half makes the derivative a plain difference."""
    return 0.5 * np.sum(weight * (prediction - target) ** 2)


def squared_error_derivative(prediction, target):
    """d squared_error / d prediction, for weight 1."""
    return prediction - target


def log_loss(prediction, target, weight=1):
    """-Σ weight · (target · log p + (1 - target) · log(1 - p)) for probabilities p and targets in 0…1."""
    epsilon = np.finfo(prediction.dtype).eps  # a p that rounding has made 0 or 1 is moved off it: the loss stays finite
    p = np.clip(prediction, epsilon, 1 - epsilon)
    return -np.sum(weight * (target * np.log(p) + (1 - target) * np.log1p(-p)))


def log_loss_derivative(prediction, target):
    """d log_loss / d prediction, for weight 1 and 0 < prediction < 1."""
    return (prediction - target) / sigmoid_derivative(prediction)


def output_delta(prediction, target, output, loss):
    """d loss / dz at the output layer, where prediction = output(z): the chain rule's first two factors.

    The sigmoid's p(1 - p) cancels against the log loss's 1 / p(1 - p), also where p has been rounded to 0 or 1.
    """
    if (output, loss) in {("linear", "squared_error"), ("sigmoid", "log_loss")}:
        return prediction - target
    return LOSSES[loss][1](prediction, target) * OUTPUTS[output][1](prediction)


OUTPUTS = {"linear": (identity, identity_derivative), "sigmoid": (sigmoid, sigmoid_derivative)}
LOSSES = {"squared_error": (squared_error, squared_error_derivative), "log_loss": (log_loss, log_loss_derivative)}
