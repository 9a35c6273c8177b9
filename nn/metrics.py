"""How good predictions are. Arguments come as (target, prediction), one value a row."""

import numpy as np

from nn import functions


def r2_score(target, prediction, weight=None):
    """R²: the share of the target's variance explained (a constant's: 1 if met, else 0); over outputs, the mean."""
    target, prediction = np.asarray(target, float).reshape(np.shape(prediction)), np.asarray(prediction, float)
    unexplained = np.average((target - prediction) ** 2, axis=0, weights=weight)
    variance = np.average((target - np.average(target, axis=0, weights=weight)) ** 2, axis=0, weights=weight)
    constant = variance == 0
    return float(np.mean(np.where(constant, unexplained == 0, 1 - unexplained / np.where(constant, 1, variance))))


def accuracy(target, prediction, weight=None):
    """Share of the rows whose class is right."""
    return float(np.average(np.equal(np.reshape(target, np.shape(prediction)), prediction), weights=weight))


def regression_scores(target, prediction):
    """MSE (in the target's unit squared), RMSE, MAE (in its unit), RMSLE (RMSE of log(1 + value)) and R²."""
    error = np.subtract(prediction, target, dtype=float)
    mse, log_error = np.mean(error**2), np.log1p(prediction) - np.log1p(target)
    scores = {"mse": mse, "rmse": mse**0.5, "mae": np.mean(np.abs(error)), "rmsle": np.mean(log_error**2) ** 0.5}
    return {name: float(score) for name, score in scores.items()} | {"r2": r2_score(target, prediction)}


def classification_scores(target, probability):
    """Scores of the probability of class 1 for targets 0 and 1; 0/0 counts as 0.

    Precision: share of the rows called 1 that are 1. Recall: share of the 1s that are called 1. F1: harmonic mean.
    """
    target, probability = np.asarray(target, int), np.asarray(probability, float)
    called = (probability > 0.5).astype(int)
    true_0, false_1, false_0, true_1 = np.bincount(2 * target + called, minlength=4).tolist()
    return {
        "accuracy": accuracy(target, called),
        "precision": true_1 / max(1, true_1 + false_1),
        "recall": true_1 / max(1, true_1 + false_0),
        "f1": 2 * true_1 / max(1, 2 * true_1 + false_1 + false_0),
        "log_loss": float(functions.log_loss(probability, target) / len(target)),
        "confusion": [[true_0, false_1], [false_0, true_1]],
    }
