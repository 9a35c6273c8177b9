"""A network with one hidden layer: its parameters, its forward pass and its backward pass.

    hidden     = f(X W1 + b1)              [rows, features] -> [rows, hidden]
    prediction = output(hidden W2 + b2)    [rows, hidden]   -> [rows, outputs]

X may be a NumPy array or a SciPy CSR matrix: all that is asked of it is `X @ W` and `X.T @ D`.
"""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from nn.functions import ACTIVATIONS, LOSSES, LOSSES_OF, OUTPUTS, Array, output_delta
from nn.gradient import Gradient, Matrix, Shapes, count, split

PARAMETERS = ("W1", "b1", "W2", "b2")
Seed = int | np.random.Generator | None


class TwoLayerNetwork:
    """One hidden layer (sigmoid, tanh or relu) under an output layer (linear, sigmoid or softmax).

    W1 [features, hidden], b1 [hidden], W2 [hidden, outputs] and b2 [outputs] are views of one
    vector, `parameters`, so that a step, a copy or a file has one array to handle. An assignment
    to one of them writes into that vector.

    Weights start as N(0, weight_scale² / fan-in), W1 with twice that variance if a relu follows;
    biases start at 0. A weight_scale of 0 leaves all at 0 (LeCun et al., "Efficient BackProp",
    1998; He et al., "Delving Deep into Rectifiers", 2015).

    loss: "squared_error" for a linear output, "log_loss" (or "squared_error") for a sigmoid one,
    "cross_entropy" for softmax; None for the first of these. Raises ValueError for other names.

    >>> network = TwoLayerNetwork(n_features=3, hidden_units=2)
    >>> network.predict(np.zeros((5, 3))).shape
    (5, 1)
    """

    W1: Array
    b1: Array
    W2: Array
    b2: Array

    def __init__(  # two sizes, and settings of which few are ever given: all by name
        self,
        n_features: int,
        hidden_units: int,
        n_outputs: int = 1,
        *,
        hidden: str = "sigmoid",
        output: str = "linear",
        loss: str | None = None,
        weight_scale: float = 1.0,
        dtype: npt.DTypeLike = "float64",
        random_state: Seed = 0,
    ) -> None:
        self.hidden, self.output, self.loss = check_functions(hidden, output, loss)
        self.shapes: Shapes = (
            (n_features, hidden_units),
            (hidden_units,),
            (hidden_units, n_outputs),
            (n_outputs,),
        )
        self.parameters = np.zeros(count(self.shapes), dtype)
        for name, view in zip(PARAMETERS, split(self.parameters, self.shapes), strict=True):
            object.__setattr__(self, name, view)  # past our own, which would write into it
        if weight_scale:
            rng = np.random.default_rng(random_state)
            self.W1 = rng.standard_normal(self.W1.shape) * weight_scale / np.sqrt(n_features)
            self.W2 = rng.standard_normal(self.W2.shape) * weight_scale / np.sqrt(hidden_units)
            if hidden == "relu":
                self.W1 *= np.sqrt(2)  # a relu halves the mean square

    def __setattr__(self, name: str, value: Any) -> None:
        """Write into the vector where it, W1, b1, W2 or b2 is assigned to."""
        if name in PARAMETERS or (name == "parameters" and hasattr(self, name)):
            getattr(self, name)[...] = value
        else:
            object.__setattr__(self, name, value)

    @classmethod
    def from_arrays(
        cls,
        W1: Array,
        b1: Array,
        W2: Array,
        b2: Array,
        *,
        hidden: str = "sigmoid",
        output: str = "linear",
        loss: str | None = None,
    ) -> "TwoLayerNetwork":
        """The network with copies of these arrays. Raises ValueError where shapes do not fit."""
        n_features, hidden_units = W1.shape
        shapes = W1.shape, b1.shape, W2.shape, b2.shape
        if shapes != (W1.shape, (hidden_units,), (hidden_units, *W2.shape[1:]), W2.shape[1:]):
            raise ValueError(f"W1, b1, W2 and b2 do not fit one another: {shapes}")
        network = cls(
            n_features,
            hidden_units,
            W2.shape[1],
            hidden=hidden,
            output=output,
            loss=loss,
            weight_scale=0,
            dtype=W1.dtype,
        )
        network.W1, network.b1, network.W2, network.b2 = W1, b1, W2, b2
        return network

    def __reduce__(self) -> tuple[Any, ...]:
        """For copy and pickle, which would otherwise tear the views from their vector."""
        rebuild = functools.partial(
            type(self).from_arrays, hidden=self.hidden, output=self.output, loss=self.loss
        )
        return rebuild, (self.W1, self.b1, self.W2, self.b2)

    def forward(self, X: Matrix, mask: Array | None = None) -> tuple[Array, Array]:
        """The hidden layer [rows, hidden] and the prediction [rows, outputs] of these rows.

        X [rows, features], of the dtype of the parameters.
        mask [rows, hidden]: factors of the hidden units on their way to the output (dropout).
        """
        hidden = X @ self.W1  # [rows, features] @ [features, hidden]
        hidden += self.b1
        ACTIVATIONS[self.hidden].function(hidden, out=hidden)
        passed_on = hidden if mask is None else hidden * mask
        prediction = passed_on @ self.W2  # [rows, hidden] @ [hidden, outputs]
        prediction += self.b2
        OUTPUTS[self.output](prediction, out=prediction)
        return hidden, prediction

    def backward(
        self,
        X: Matrix,
        y: Array,
        hidden: Array,
        prediction: Array,
        weight: Array | float = 1.0,
        mask: Array | None = None,
        out: "Gradient | None" = None,
    ) -> "Gradient":
        """The derivative of the loss by each parameter, summed over rows, from what `forward` gave.

        y [rows, outputs]; weight: how much each row counts, a number or a column [rows, 1].
        mask: the one that `forward` was given. out: an earlier gradient, to be overwritten.
        """
        gradient = Gradient(self.shapes, self.parameters.dtype) if out is None else out
        delta2 = output_delta(prediction, y, self.output, self.loss)  # mostly prediction - y
        delta2 *= weight
        delta1 = np.dot(delta2, self.W2.T)  # [rows, outputs] @ [outputs, hidden]
        delta1 *= ACTIVATIONS[self.hidden].derivative(hidden)  # by its value: σ' = σ (1 - σ)
        passed_on = hidden
        if mask is not None:
            delta1 *= mask
            passed_on = hidden * mask
        gradient.set_W1(X, delta1)  # dW1 = Xᵀ δ1: [features, rows] @ [rows, hidden]
        np.dot(passed_on.T, delta2, out=gradient.W2)  # [hidden, rows] @ [rows, outputs]
        sum_over_rows(delta1, out=gradient.b1)
        sum_over_rows(delta2, out=gradient.b2)
        return gradient

    def predict(self, X: Matrix) -> Array:
        """The predictions [rows, outputs] for X [rows, features]."""
        return self.forward(X)[1]

    def mean_loss(self, X: Matrix, y: Array, weight: Array | None = None) -> float:
        """The loss for X and y [rows, outputs] as a mean over rows, counted by weight [rows, 1]
        if given.
        """
        prediction = self.predict(X)
        check_targets_fit(y, prediction.shape)
        rows = len(y) if weight is None else float(weight.sum())
        if not rows:
            raise ValueError("no row has a weight above 0: there is no mean loss")
        return LOSSES[self.loss](prediction, y, weight) / rows


def check_targets_fit(y: Array, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless y has this shape: NumPy would stretch y [rows] to [rows, rows]."""
    if np.shape(y) != shape:
        raise ValueError(f"y must be [rows, outputs], here {shape}, not of shape {np.shape(y)}")


def check_functions(hidden: str, output: str, loss: str | None) -> tuple[str, str, str]:
    """The three names, the loss filled in. Raises ValueError for one that is unknown or does not
    fit.
    """
    for value, known, role in ((hidden, ACTIVATIONS, "hidden layer"), (output, OUTPUTS, "output")):
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"no {role} is called {value!r}: there are {', '.join(known)}")
    losses = LOSSES_OF[output]
    if loss is None:
        return hidden, output, losses[0]
    if not isinstance(loss, str) or loss not in losses:
        raise ValueError(f"no loss {loss!r} for a {output} output: there is {' or '.join(losses)}")
    return hidden, output, loss


def sum_over_rows(delta: Array, out: Array) -> None:
    """Write Σ delta [rows, n] over rows into out [n], as a product with ones.

    The same as `delta.sum(axis=0, out=out)`; of 128 rows it takes a third of the time.
    """
    np.dot(ones(len(delta), delta.dtype), delta, out=out)


@functools.lru_cache(maxsize=16)
def ones(n: int, dtype: np.dtype[Any]) -> Array:
    """n ones that nobody may change."""
    array = np.ones(n, dtype)
    array.flags.writeable = False
    return array
