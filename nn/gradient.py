"""The gradient of a network: a derivative for each parameter, laid out like the parameters."""

import math
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from nn.functions import Array

Shapes = tuple[tuple[int, ...], ...]


class Matrix(Protocol):
    """What the network asks of X [rows, features], dense or sparse."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def T(self) -> Any: ...
    def __matmul__(self, other: Any, /) -> Any: ...


class Gradient:
    """The derivative of the loss by each parameter: W1, b1, W2 and b2, shaped like the network's.

    They are views of one vector laid out like `TwoLayerNetwork.parameters`. Where X is sparse, W1
    is an array of its own: SciPy's product makes a new one, and to copy what may be millions of
    numbers into the vector would cost a tenth of the step.
    """

    def __init__(self, shapes: Shapes, dtype: npt.DTypeLike) -> None:
        self.shapes = shapes
        self._vector = np.zeros(count(shapes), dtype)
        self._W1, self.b1, self.W2, self.b2 = split(self._vector, shapes)
        self.W1 = self._W1

    @classmethod
    def from_vector(cls, shapes: Shapes, vector: Array) -> "Gradient":
        """The gradient with a copy of this vector, which is laid out like `parameters`."""
        gradient = cls(shapes, vector.dtype)
        gradient._vector[...] = vector
        return gradient

    def __reduce__(self) -> tuple[Any, ...]:
        """For copy and pickle, as for the network."""
        return self.from_vector, (self.shapes, self.vector())

    def set_W1(self, X: Matrix, delta1: Array) -> None:
        """W1 = Xᵀ δ1, written into the vector where NumPy makes the product."""
        if isinstance(X, np.ndarray):
            np.dot(X.T, delta1, out=self._W1)
            self.W1 = self._W1
        else:
            self.W1 = X.T @ delta1

    def pieces(self) -> list[Array]:
        """The numbers in the order of `parameters`, as vectors that follow one another; not
        copies.
        """
        if self.W1 is self._W1:
            return [self._vector]
        return [self.W1.reshape(-1), self._vector[self.W1.size :]]

    def vector(self) -> Array:
        """A new vector laid out like `parameters`."""
        return np.concatenate(self.pieces())


def count(shapes: Shapes) -> int:
    """How many numbers arrays of these shapes have together."""
    return sum(math.prod(shape) for shape in shapes)


def split(vector: Array, shapes: Shapes) -> list[Array]:
    """The views of a vector that have these shapes, one after the other."""
    views = []
    start = 0
    for shape in shapes:
        stop = start + math.prod(shape)
        views.append(vector[start:stop].reshape(shape))
        start = stop
    return views
