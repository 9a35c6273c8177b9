"""How good predictions are. Arguments come as (target, prediction), a value or a row of values a
row.

Every function raises ValueError for arguments whose shapes do not fit. 0/0 counts as 0: the
precision of a class that is never predicted, say.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from nn import functions
from nn.functions import Array

# Quantities


def r2_score(target: npt.ArrayLike, prediction: npt.ArrayLike, weight: Any = None) -> float:
    """R²: the share of the target's variance that is explained; the mean over outputs.

    target and prediction [rows] or [rows, outputs]; weight [rows]. For a target that never
    changes: 1 if it is met, else 0.
    """
    actual, predicted = same_shape(target, prediction)
    unexplained = np.average((actual - predicted) ** 2, axis=0, weights=weight)
    mean = np.average(actual, axis=0, weights=weight)
    variance = np.average((actual - mean) ** 2, axis=0, weights=weight)
    constant = variance == 0
    share = 1 - unexplained / np.where(constant, 1, variance)
    return float(np.mean(np.where(constant, unexplained == 0, share)))


def regression_scores(target: npt.ArrayLike, prediction: npt.ArrayLike) -> dict[str, float]:
    """MSE (in the target's unit squared), RMSE, MAE (in its unit), RMSLE (RMSE of log(1 + value))
    and R².

    target and prediction [rows], for RMSLE above -1.
    """
    actual, predicted = same_shape(target, prediction)
    error = predicted - actual
    log_error = np.log1p(predicted) - np.log1p(actual)
    mse = float(np.mean(error**2))
    return {
        "mse": mse,
        "rmse": mse**0.5,
        "mae": float(np.mean(np.abs(error))),
        "rmsle": float(np.mean(log_error**2)) ** 0.5,
        "r2": r2_score(actual, predicted),
    }


# Classes


def accuracy(target: npt.ArrayLike, prediction: npt.ArrayLike, weight: Any = None) -> float:
    """Share of the rows [rows] whose class is right, each counted by its weight [rows]."""
    actual, predicted = np.asarray(target), np.asarray(prediction)
    require_same_shape(actual, predicted)
    return float(np.average(actual == predicted, weights=weight))


def confusion_matrix(target: npt.ArrayLike, prediction: npt.ArrayLike, n_classes: int) -> Array:
    """How many rows of each class (row) are taken for each class (column) [classes, classes].

    target and prediction [rows] are numbers of classes, from 0 to n_classes - 1.
    """
    actual, predicted = np.asarray(target), np.asarray(prediction)
    require_same_shape(actual, predicted)
    for classes in (actual, predicted):
        check_classes(classes, n_classes)
    pairs = np.bincount(n_classes * actual + predicted, minlength=n_classes**2)
    return pairs.reshape(n_classes, n_classes)


def class_scores(confusion: Array) -> dict[str, Array]:
    """Precision, recall, F1 and number of rows (support) of each class [classes], from a
    confusion matrix.

    Precision: share of the rows taken for the class that are of it. Recall: share of the rows of
    the class that are taken for it. F1: their harmonic mean.
    """
    right = np.diagonal(confusion).astype(float)
    predicted = confusion.sum(axis=0)
    actual = confusion.sum(axis=1)
    return {
        "precision": right / np.maximum(predicted, 1),
        "recall": right / np.maximum(actual, 1),
        "f1": 2 * right / np.maximum(predicted + actual, 1),
        "support": actual,
    }


def mean_class_scores(confusion: Array) -> dict[str, dict[str, float]]:
    """Means of precision, recall and F1 over the classes: "macro", all alike, and "weighted" by
    rows.

    Classes that neither occur nor are predicted do not count, as in scikit-learn.
    """
    scores = class_scores(confusion)
    rows = scores.pop("support")
    seen = (rows + confusion.sum(axis=0)) > 0
    means = {}
    for name, weight in (("macro", seen.astype(float)), ("weighted", rows)):
        means[name] = {
            score: float(np.average(values, weights=weight)) for score, values in scores.items()
        }
    return means


def log_loss(target: npt.ArrayLike, probability: npt.ArrayLike) -> float:
    """-mean(log p) of the probability p given to the right class: 0 for certainty that is right.

    target [rows]: numbers of classes; probability [rows, classes], or [rows] of class 1 of two.
    """
    classes, probabilities = classes_and_probabilities(target, probability)
    rows = np.arange(len(classes))
    p = functions.away_from_0_and_1(probabilities[rows, classes])
    return float(-np.mean(np.log(p)))


def top_k_accuracy(target: npt.ArrayLike, probability: npt.ArrayLike, k: int) -> float:
    """Share of the rows whose class is among the k most probable ones. Arguments as for
    `log_loss`.
    """
    classes, probabilities = classes_and_probabilities(target, probability)
    if not 1 <= k <= probabilities.shape[1]:
        raise ValueError(f"k must be from 1 to {probabilities.shape[1]}, not {k}")
    most_probable = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return float(np.mean((most_probable == classes[:, np.newaxis]).any(axis=1)))


def classification_scores(target: npt.ArrayLike, probability: npt.ArrayLike) -> dict[str, Any]:
    """Accuracy, precision, recall, F1, log loss and confusion matrix, as plain numbers.

    Arguments as for `log_loss`. Of two classes, precision, recall and F1 are those of class 1; of
    more, they are macro means.
    """
    classes, probabilities = classes_and_probabilities(target, probability)
    n_classes = probabilities.shape[1]
    prediction = np.argmax(probabilities, axis=1)
    confusion = confusion_matrix(classes, prediction, n_classes)
    if n_classes == 2:
        scores = {name: float(values[1]) for name, values in class_scores(confusion).items()}
        del scores["support"]
    else:
        scores = mean_class_scores(confusion)["macro"]
    return {
        "accuracy": accuracy(classes, prediction),
        **scores,
        "log_loss": log_loss(classes, probabilities),
        "confusion": confusion.tolist(),
    }


# Shapes


def same_shape(target: npt.ArrayLike, prediction: npt.ArrayLike) -> tuple[Array, Array]:
    """Both as float64 arrays of one shape."""
    actual, predicted = np.asarray(target, float), np.asarray(prediction, float)
    require_same_shape(actual, predicted)
    return actual, predicted


def require_same_shape(target: Array, prediction: Array) -> None:
    """Raise ValueError unless there are rows, and as many of them in both."""
    if target.shape != prediction.shape or target.size == 0:
        raise ValueError(
            "target and prediction must have one shape and at least one row, "
            f"not {target.shape} and {prediction.shape}"
        )


def check_classes(classes: Array, n_classes: int) -> None:
    """Raise ValueError unless these [rows] are whole numbers from 0 to n_classes - 1."""
    if classes.ndim != 1 or classes.dtype.kind not in "iub":
        raise ValueError(
            f"classes must be whole numbers [rows], not {classes.dtype} {classes.shape}"
        )
    if classes.min() < 0 or classes.max() >= n_classes:
        raise ValueError(f"classes must be from 0 to {n_classes - 1}")


def classes_and_probabilities(
    target: npt.ArrayLike, probability: npt.ArrayLike
) -> tuple[Array, Array]:
    """Numbers of classes [rows] and probabilities [rows, classes], float64."""
    classes, probabilities = np.asarray(target), np.asarray(probability, float)
    if probabilities.ndim == 1:
        probabilities = np.column_stack([1 - probabilities, probabilities])
    if probabilities.ndim != 2 or classes.shape != probabilities.shape[:1] or classes.size == 0:
        raise ValueError(
            "target must be [rows] and probability [rows] or [rows, classes], "
            f"not {classes.shape} and {np.shape(probability)}"
        )
    check_classes(classes, probabilities.shape[1])
    return classes.astype(int), probabilities
