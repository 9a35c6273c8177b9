"""A network with one hidden layer: its parameters, its forward pass and its backward pass.

    hidden     = σ(X W1 + b1)              [rows, features] -> [rows, hidden]
    prediction = output(hidden W2 + b2)    [rows, hidden]   -> [rows, outputs]

X may be a NumPy array or a SciPy CSR matrix: all that is asked of it is `X @ W` and `X.T @ D`.
"""

import math

import numpy as np

from nn.functions import LOSSES, OUTPUTS, output_delta, sigmoid, sigmoid_derivative


class TwoLayerNetwork:
    """A sigmoid hidden layer under a linear or sigmoid output layer.

    W1 (n_features, hidden_units), b1 (hidden_units,), W2 (hidden_units, n_outputs) and b2 (n_outputs,) are views of
    one vector, `parameters`; db1, dW2 and db2 of another, `gradient_after_W1`. dW1, often large, is never copied there.

    Weights start as N(0, weight_scale² / fan-in), biases at 0 (LeCun et al., "Efficient BackProp", 1998).
    At weight_scale 0 the hidden units would stay copies of one another; far above 1 they would saturate.

    output: "linear" (loss: "squared_error") or "sigmoid" (loss: "log_loss", or "squared_error" on request).
    """

    def __init__(self, n_features, hidden_units, n_outputs=1, output="linear", loss=None,
                 weight_scale=1.0, dtype="float64", random_state=0):  # fmt: skip
        self.output, self.loss = output, loss or {"linear": "squared_error", "sigmoid": "log_loss"}[output]
        if self.loss not in LOSSES or (self.output, self.loss) == ("linear", "log_loss"):
            raise ValueError(f"no {self.loss!r} for a {self.output} output")
        self.shapes = (n_features, hidden_units), (hidden_units,), (hidden_units, n_outputs), (n_outputs,)
        self.parameters = np.zeros(sum(map(math.prod, self.shapes)), dtype)
        gradient, self.ones = np.empty_like(self.parameters), self.parameters[:0]
        self.W1, self.b1, self.W2, self.b2 = self.split(self.parameters)
        self.dW1, self.db1, self.dW2, self.db2 = self.split(gradient)
        self.gradient_after_W1 = gradient[self.W1.size :]
        rng = np.random.default_rng(random_state)
        for W in (self.W1, self.W2) if weight_scale else ():
            W[...] = rng.standard_normal(W.shape) * weight_scale / np.sqrt(len(W))

    def split(self, flat):
        """The views W1, b1, W2, b2 of a vector laid out like `parameters`."""
        parts = np.split(flat, np.cumsum([math.prod(shape) for shape in self.shapes[:-1]]))
        return [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]

    @classmethod
    def from_arrays(cls, W1, b1, W2, b2, output="linear", loss=None):
        """The network with copies of these parameters."""
        network = cls(*W1.shape, W2.shape[1], output, loss, weight_scale=0, dtype=W1.dtype)
        network.W1[...], network.b1[...], network.W2[...], network.b2[...] = W1, b1, W2, b2
        return network

    @property
    def gradient(self):  # one new vector, laid out like `parameters`
        return np.concatenate([self.dW1.ravel(), self.gradient_after_W1])

    def __reduce__(self):  # for copy and pickle, which would otherwise tear the views from their vector
        return self.from_arrays, (self.W1, self.b1, self.W2, self.b2, self.output, self.loss)

    def forward(self, X, mask=None):
        """hidden and prediction for X; mask [rows, hidden]: factors of the hidden units on their way up (dropout)."""
        hidden = X @ self.W1  # [rows, features] @ [features, hidden] -> [rows, hidden]
        hidden += self.b1
        sigmoid(hidden, out=hidden)
        kept = hidden if mask is None else hidden * mask
        z = kept @ self.W2  # [rows, hidden] @ [hidden, outputs] -> [rows, outputs]
        z += self.b2
        return hidden, OUTPUTS[self.output][0](z, out=z)

    def backward(self, X, y, hidden, prediction, mask=None, weight=1.0):
        """Set dW1, db1, dW2, db2 to the derivative of the loss, summed over rows, from what `forward` gave.

        y [rows, outputs]; weight: how much each row counts, or a column [rows, 1] of that.
        """
        delta2 = output_delta(prediction, y, self.output, self.loss)  # [rows, outputs]
        delta2 *= weight
        delta1 = np.dot(delta2, self.W2.T)  # [rows, outputs] @ [outputs, hidden] -> [rows, hidden]
        delta1 *= sigmoid_derivative(hidden)
        if mask is not None:
            delta1 *= mask
            hidden = hidden * mask
        if len(self.ones) != len(y):  # their product with a matrix is its sum over rows, and faster
            self.ones = np.ones(len(y), delta1.dtype)
        np.dot(hidden.T, delta2, out=self.dW2)  # [hidden, rows] @ [rows, outputs] -> [hidden, outputs]
        np.dot(self.ones, delta2, out=self.db2)
        self.dW1 = X.T @ delta1  # [features, rows] @ [rows, hidden] -> [features, hidden]
        np.dot(self.ones, delta1, out=self.db1)

    def predict(self, X):
        """X [rows, features] to predictions [rows, outputs]."""
        return self.forward(X)[1]

    def mean_loss(self, X, y, weight=1):
        """The loss as a mean over rows, each counted `weight` times."""
        return float(LOSSES[self.loss][0](self.predict(X), y, weight) / (len(y) * np.mean(weight)))
