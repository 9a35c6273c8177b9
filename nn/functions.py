"""The functions a network is made of: activations beside their derivatives, then losses.

An activation is applied element by element (softmax: row by row). Its derivative is written in
its own value `a`, which the forward pass has computed already. Like a NumPy function, each
activation takes an array `out` to write to, which may be its argument.

A loss is summed over rows and outputs, so that sums over parts of the data can be added up.
`weight` [rows, 1] says how often each row counts; None: once.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


# Activations


def sigmoid(z: npt.ArrayLike, out: Array | None = None) -> Array:
    """1 / (1 + e⁻ᶻ), exact in both tails and without a warning."""
    with np.errstate(over="ignore"):  # e⁻ᶻ may become infinite; 1 / (1 + infinity) = 0 is right
        exponential = np.exp(np.negative(z, out=out), out=out)
    denominator = np.add(1, exponential, out=out)
    result: Array = np.reciprocal(denominator, out=out)
    return result


def sigmoid_derivative(a: Array) -> Array:
    """σ'(z) = σ(z) (1 - σ(z))."""
    slope: Array = a * (1 - a)
    return slope


def tanh(z: npt.ArrayLike, out: Array | None = None) -> Array:
    """(eᶻ - e⁻ᶻ) / (eᶻ + e⁻ᶻ): a sigmoid from -1 to 1, four times as steep at 0."""
    return np.tanh(z, out=out)


def tanh_derivative(a: Array) -> Array:
    """tanh'(z) = 1 - tanh²(z)."""
    return 1 - a * a


def relu(z: npt.ArrayLike, out: Array | None = None) -> Array:
    """max(z, 0): its slope does not vanish for large z."""
    return np.maximum(z, 0, out=out)


def relu_derivative(a: Array) -> Array:
    """1 where z > 0, else 0 (at 0 there is no derivative; 0 will do)."""
    return np.greater(a, 0).astype(a.dtype)


def identity(z: npt.ArrayLike, out: Array | None = None) -> Array:
    """z itself, for a network that predicts a quantity."""
    if out is None:
        return np.asarray(z)
    if out is not z:
        out[...] = z
    return out


def identity_derivative(a: Array) -> Array:
    """1."""
    return np.ones_like(a)


def softmax(z: npt.ArrayLike, out: Array | None = None) -> Array:
    """e^zₖ / Σⱼ e^zⱼ along the last axis: probabilities that add up to 1.

    The largest z of each row is taken from all first. It cancels, and no power overflows.
    """
    shifted = np.subtract(z, np.max(z, axis=-1, keepdims=True), out=out)
    exponential = np.exp(shifted, out=out)
    total = np.sum(exponential, axis=-1, keepdims=True)
    result: Array = np.divide(exponential, total, out=out)
    return result


# Losses. In training `output_delta`, below, stands for their derivatives, most of which cancel; the
# derivatives themselves are what it is held to


def squared_error(prediction: Array, target: Array, weight: Array | None = None) -> float:
    """Σ weight · (prediction - target)² / 2. The half makes the derivative a plain difference."""
    error = prediction - target
    weighted = error if weight is None else weight * error
    return 0.5 * float(np.vdot(weighted, error))


def squared_error_derivative(prediction: Array, target: Array) -> Array:
    """d squared_error / d prediction, for weight 1."""
    return prediction - target


def log_loss(prediction: Array, target: Array, weight: Array | None = None) -> float:
    """-Σ weight · (t log p + (1 - t) log(1 - p)) for probabilities p and targets t in 0…1."""
    p = away_from_0_and_1(prediction)
    terms = target * np.log(p) + (1 - target) * np.log1p(-p)
    return -float(np.sum(terms if weight is None else weight * terms))


def log_loss_derivative(prediction: Array, target: Array) -> Array:
    """d log_loss / d prediction, for weight 1 and 0 < prediction < 1."""
    slope: Array = (prediction - target) / (prediction * (1 - prediction))
    return slope


def cross_entropy(prediction: Array, target: Array, weight: Array | None = None) -> float:
    """-Σ weight · Σₖ tₖ log pₖ for rows of probabilities p and of targets t that add up to 1."""
    terms = target * np.log(away_from_0_and_1(prediction))
    return -float(np.sum(terms if weight is None else weight * terms))


def cross_entropy_derivative(prediction: Array, target: Array) -> Array:
    """d cross_entropy / d prediction, for weight 1 and prediction > 0."""
    return -target / prediction


def away_from_0_and_1(p: Array) -> Array:
    """Probabilities that rounding has made 0 or 1, moved off them: their logarithms stay finite."""
    epsilon = np.finfo(p.dtype).eps
    moved: Array = np.minimum(np.maximum(p, epsilon), 1 - epsilon)
    return moved


# What a network finds by name


class Activation(NamedTuple):
    """A function that the hidden layer may have, and its derivative."""

    function: Callable[..., Array]
    derivative: Callable[[Array], Array]


ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, sigmoid_derivative),
    "tanh": Activation(tanh, tanh_derivative),
    "relu": Activation(relu, relu_derivative),
}
OUTPUTS = {"linear": identity, "sigmoid": sigmoid, "softmax": softmax}
LOSSES = {"squared_error": squared_error, "log_loss": log_loss, "cross_entropy": cross_entropy}
LOSSES_OF = {  # the losses that go with an output; the first is taken where none is named
    "linear": ("squared_error",),
    "sigmoid": ("log_loss", "squared_error"),
    "softmax": ("cross_entropy",),
}


def output_delta(prediction: Array, target: Array, output: str, loss: str) -> Array:
    """d loss / dz [rows, outputs], where prediction = output(z): the first factors of the chain
    rule.

    For each output with its usual loss this is prediction - target. The derivative of the output
    cancels against the denominator of the loss's: p (1 - p) for the sigmoid and the log loss; for
    softmax and cross-entropy see docs/learn/5-softmax.md, or Bishop, "Pattern Recognition and
    Machine Learning", 2006, equation 4.109.
    """
    if loss == LOSSES_OF[output][0]:
        return prediction - target
    assert (output, loss) == ("sigmoid", "squared_error"), "the one pair that is left"
    return squared_error_derivative(prediction, target) * sigmoid_derivative(prediction)
