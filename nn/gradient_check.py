"""The backward pass against central differences: the definition of a derivative, one parameter at
a time.
"""

import numpy as np

from nn.functions import LOSSES, Array
from nn.gradient import Matrix
from nn.network import TwoLayerNetwork


def gradient_check(network: TwoLayerNetwork, X: Matrix, y: Array, step: float = 1e-5) -> float:
    """Largest difference of the two, relative to the largest derivative; in float64 below 1e-7 if
    all is right.

    X [rows, features], y [rows, outputs]. A gradient that is 0 everywhere, by both, gives 0.
    """
    analytic = network.backward(X, y, *network.forward(X)).vector()
    numeric = central_differences(network, X, y, step)
    largest = np.max(np.abs(numeric))
    difference = np.max(np.abs(analytic - numeric))
    if difference == 0:
        return 0.0
    return float(difference / largest)


def central_differences(network: TwoLayerNetwork, X: Matrix, y: Array, step: float) -> Array:
    """(loss(p + step) - loss(p - step)) / (2 step) for each parameter p, laid out like
    `parameters`.
    """
    loss = LOSSES[network.loss]
    numeric = np.zeros_like(network.parameters)
    for i, value in enumerate(network.parameters.copy()):
        network.parameters[i] = value + step
        above = loss(network.predict(X), y)
        network.parameters[i] = value - step
        below = loss(network.predict(X), y)
        network.parameters[i] = value
        numeric[i] = (above - below) / (2 * step)
    return numeric
