"""The backward pass against central differences: the definition of a derivative, one parameter at a time."""

import numpy as np


def gradient_check(network, X, y, step=1e-5):
    """Largest difference of the two, relative to the largest derivative; of a float64 network, below 1e-7."""
    network.backward(X, y, *network.forward(X))
    numeric = np.zeros_like(network.parameters)
    for i, value in enumerate(network.parameters.copy()):
        for sign in (1, -1):
            network.parameters[i] = value + sign * step
            numeric[i] += sign * network.mean_loss(X, y) * len(y) / (2 * step)  # backward sums over rows
        network.parameters[i] = value
    return np.max(np.abs(network.gradient - numeric)) / np.max(np.abs(numeric))
