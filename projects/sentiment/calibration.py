"""Probabilities that mean what they say: a temperature for the output layer, chosen on the texts held out.

At temperature T all log-odds are divided by T: above 1 the probabilities come nearer to one another, below 1 they go
apart, and no answer changes. A network that knows a few hundred texts by heart is far too sure of others; where there
are thousands, it may not be sure enough. Guo et al., "On Calibration of Modern Neural Networks", 2017, section 4.2.
"""

import copy

import numpy as np

from nn import TwoLayerNetwork
from nn.functions import away_from_0_and_1

TEMPERATURES = np.geomspace(1 / 4, 4, 65)  # in steps of 4 %, from one to the next the loss hardly moves
SPREAD = 0.5  # standard deviation of log T over tables of 200 to 20,000 texts: of few texts held out T is near 1


def losses_at_temperatures(probability: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """The loss of each of TEMPERATURES, summed over texts [temperatures].

    probability [texts, labels]: at a temperature of 1. labels: the number of the right one [texts].
    weights: how much a text of each label counts [labels]; None: all alike.
    """
    logs = np.log(away_from_0_and_1(probability), dtype=float)  # [texts, labels]; what is left out, log Σ, cancels
    weight = np.ones(len(labels)) if weights is None else weights[labels]  # [texts]
    right = np.arange(len(labels)), labels
    losses = np.empty(len(TEMPERATURES))
    for number, temperature in enumerate(TEMPERATURES):
        z = logs / temperature
        z -= z.max(axis=1, keepdims=True)
        loss = np.log(np.exp(z).sum(axis=1)) - z[right]  # [texts]
        losses[number] = loss @ weight
    return losses


def best_temperature(losses: np.ndarray) -> float:
    """The most probable of TEMPERATURES, given the summed loss of each, and that log T is near 0: N(0, SPREAD²).

    >>> best_temperature(np.zeros(65))
    1.0
    """
    deviations = np.log(TEMPERATURES) / SPREAD
    return float(TEMPERATURES[np.argmin(losses + deviations**2 / 2)])


def at_temperature(network: TwoLayerNetwork, temperature: float) -> TwoLayerNetwork:
    """A copy of the network, of which all that goes into the output function is divided by the temperature."""
    tempered = copy.copy(network)
    tempered.W2 /= temperature
    tempered.b2 /= temperature
    return tempered
