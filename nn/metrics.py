"""How good predictions are. Arguments come as (target, prediction); both have one value a row.

Errors of a regression are in the target's unit; rates of a classification lie in 0…1, and 0/0 counts as 0.
"""

import numpy as np

from nn.functions import log_loss as summed_log_loss


def mean_squared_error(target, prediction, weight=None):
    """Mean of (prediction - target)²."""
    return float(np.average(np.square(np.subtract(prediction, target, dtype=float)), weights=weight))


def root_mean_squared_error(target, prediction):
    """RMSE: the square root of the mean squared error, in the target's unit."""
    return mean_squared_error(target, prediction) ** 0.5


def mean_absolute_error(target, prediction):
    """MAE: mean of |prediction - target|."""
    return float(np.mean(np.abs(np.subtract(prediction, target, dtype=float))))


def root_mean_squared_log_error(target, prediction):
    """RMSLE: RMSE of log(1 + value); all values must be above -1."""
    return root_mean_squared_error(np.log1p(target), np.log1p(prediction))


def r2_score(target, prediction, weight=None):
    """R²: the share of the target's variance that the prediction explains; for several outputs, their mean.

    1 for a constant target that is met exactly, 0 for one that is missed.
    """
    target, prediction = np.asarray(target, float), np.asarray(prediction, float)
    left = np.average((target - prediction) ** 2, axis=0, weights=weight)
    variance = np.average((target - np.average(target, axis=0, weights=weight)) ** 2, axis=0, weights=weight)
    constant = np.where(left == 0, 1.0, 0.0)
    return float(np.mean(np.where(variance == 0, constant, 1 - left / np.where(variance == 0, 1, variance))))


def accuracy(target, prediction, weight=None):
    """Share of the rows whose class is right."""
    return float(np.average(np.equal(target, prediction), weights=weight))


def confusion_matrix(target, prediction):
    """[[true negatives, false positives], [false negatives, true positives]] of 0/1 classes: rows are the target's."""
    pairs = 2 * np.asarray(target, int) + np.asarray(prediction, int)
    return np.bincount(pairs, minlength=4).reshape(2, 2)


def precision(target, prediction):
    """Of the rows called positive, the share that is."""
    (_, false_positives), (_, true_positives) = confusion_matrix(target, prediction)
    return float(true_positives / max(1, true_positives + false_positives))


def recall(target, prediction):
    """Of the positive rows, the share that is called so."""
    _, (false_negatives, true_positives) = confusion_matrix(target, prediction)
    return float(true_positives / max(1, true_positives + false_negatives))


def f1_score(target, prediction):
    """The harmonic mean of precision and recall."""
    (_, false_positives), (false_negatives, true_positives) = confusion_matrix(target, prediction)
    return float(2 * true_positives / max(1, 2 * true_positives + false_positives + false_negatives))


def log_loss(target, probability):
    """Mean of -log(the probability given to the class that is right)."""
    return float(summed_log_loss(np.asarray(probability, float), np.asarray(target, float)) / len(target))
