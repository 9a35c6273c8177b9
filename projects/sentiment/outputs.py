"""Labels and the network's outputs: how many there are, and the probabilities that they give."""

from collections.abc import Sequence

import numpy as np

from nn.functions import away_from_0_and_1

PIECES_SHARE = 1 / 3  # of the second view in the log-odds
SMALLEST = 1e-16  # share of which log-odds are still told apart


def outputs_for(n_labels: int) -> int:
    """Outputs of a network for so many labels."""
    return 1 if n_labels == 2 else n_labels


def output_for(n_labels: int) -> str:
    """The output function of a network for so many labels."""
    return "sigmoid" if n_labels == 2 else "softmax"


def each_label(prediction: np.ndarray) -> np.ndarray:
    """The probability of each label [rows, labels] from the network's outputs [rows, outputs]."""
    if prediction.shape[1] == 1:
        return np.hstack([1 - prediction, prediction])
    return prediction


def log_odds(z: np.ndarray, label: int) -> np.ndarray:
    """log(p / (1 - p)) of a label [rows] from what goes into the output function [rows, outputs]."""
    if z.shape[1] == 1:
        return z[:, 0] if label == 1 else -z[:, 0]
    others = np.delete(z, label, axis=1)
    largest = others.max(axis=1)
    powers = np.exp(others - largest[:, np.newaxis])
    odds: np.ndarray = z[:, label] - largest - np.log(powers.sum(axis=1))
    return odds


def log_odds_of(probability: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)), finite where rounding has made p 0 or 1. As in `report.js`."""
    odds: np.ndarray = np.log(np.maximum(probability, SMALLEST) / np.maximum(1 - probability, SMALLEST))
    return odds


def put_together(views: Sequence[np.ndarray]) -> np.ndarray:
    """The probabilities of all views as one [texts, labels]: of words alone, or of words and of pieces.

    Of two, a mean of their logarithms, in which the pieces count less.
    """
    if len(views) == 1:
        return views[0]
    words, pieces = views
    logs = (1 - PIECES_SHARE) * np.log(away_from_0_and_1(words)) + PIECES_SHARE * np.log(away_from_0_and_1(pieces))
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    together: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return together
