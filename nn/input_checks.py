"""What is checked before data are trusted: a clear ValueError for all that is wrong."""

import datetime
import sys
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from nn.functions import Array
from nn.setting_checks import require


class DataConversionWarning(UserWarning):
    """A column of labels was taken for a plain sequence."""


def warn_caller(message: str, category: type[Warning]) -> None:
    """A warning that names the user's line: the first one outside of this package."""
    level = 1
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals["__name__"].startswith(f"{__package__}."):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)


def check_array(values: Any, dtype: npt.DTypeLike, name: str) -> Array:
    """The values as a finite row-major array of `dtype`, copied only if need be.

    Raises ValueError for complex numbers, dates, text, and where a value is masked, NaN or
    infinite; TypeError for objects that are no numbers at all, as NumPy does.
    """
    array: Array = np.asarray(values)
    require(array.dtype.kind != "c", f"Complex data not supported: {name} has dtype {array.dtype}")
    require(array.dtype.kind not in "mM", f"{name} must hold numbers, not dates: {array.dtype}")
    try:
        with np.errstate(over="ignore"):  # what overflows is found, and told, below
            array = np.asarray(array, dtype, order="C")
    except TypeError:
        has_dates = any(isinstance(value, datetime.date) for value in array.flat)
        require(not has_dates, f"{name} must hold numbers, not dates")
        raise
    if np.ma.is_masked(values) or not np.isfinite(array).all():
        bad = np.ma.getmaskarray(values) | ~np.isfinite(array)
        position = np.argwhere(bad)[0].tolist()
        raise ValueError(
            f"{name} is masked, NaN, infinity or too large for {array.dtype} at {position}"
        )
    return array


def check_matrix(X: Any, dtype: npt.DTypeLike) -> Any:
    """X [rows, features] as a finite array or CSR matrix of `dtype`.

    Raises ValueError for other dimensions, no rows, no features, and a damaged CSR matrix.
    """
    if hasattr(X, "tocsr"):
        X = X.tocsr()
        X.check_format(full_check=True)  # a column out of range would be read from foreign memory
        values = check_array(X.data, dtype, "X")
        X = type(X)((values, X.indices, X.indptr), shape=X.shape)
    else:
        X = check_array(X, dtype, "X")
    require(
        X.ndim == 2,
        f"X must be [rows, features], not of shape {X.shape}. Reshape your data: X.reshape(-1, 1)",
    )
    for size, thing in zip(X.shape, ("sample", "feature"), strict=True):
        require(size, f"X has 0 {thing}(s) (shape={X.shape}) while a minimum of 1 is required.")
    return X


def check_labels(y: Any, warn: bool = True) -> Array:
    """y as an array of labels [rows]; a column [rows, 1] will do, with a warning."""
    labels: Array = np.asarray(y)
    require(labels.dtype.kind not in "mM", f"y must hold labels, not dates: {labels.dtype}")
    if labels.ndim == 2 and labels.shape[1] == 1:
        message = "A column-vector y was passed when a 1d array was expected"
        if warn:
            warn_caller(message, DataConversionWarning)
        labels = labels[:, 0]
    require(labels.ndim == 1, f"y must be [rows], not of shape {labels.shape}")
    return labels


def check_targets(y: Any, dtype: npt.DTypeLike) -> Array:
    """y as finite numbers [rows, outputs]; [rows] becomes a column."""
    targets = check_array(y, dtype, "y")
    shape = targets.shape
    require(len(shape) in (1, 2), f"y must be [rows] or [rows, outputs], not of shape {shape}")
    if len(shape) == 1:
        return targets[:, np.newaxis]
    require(shape[1], f"y has 0 outputs (shape={shape}) while a minimum of 1 is required.")
    return targets


def check_weight(weight: Any, rows: int, dtype: npt.DTypeLike) -> Array | None:
    """sample_weight as a column [rows, 1] of mean 1; None stays None."""
    if weight is None:
        return None
    weight = check_array(weight, dtype, "sample_weight")
    good = weight.shape == (rows,) and weight.min() >= 0 and weight.any()
    require(good, f"sample_weight must be {rows} numbers, none negative and not all zero")
    return with_mean_1(weight[:, np.newaxis])


def with_mean_1(weight: Array) -> Array:
    """The weights [rows, 1], scaled so that a learning rate means what it does without them."""
    scaled: Array = weight * (len(weight) / weight.sum())
    return scaled


# Names of features


def feature_names(X: Any) -> Array | None:
    """The names of a table's columns if all are strings, None if there are none.

    Raises TypeError where only some of them are, as scikit-learn does.
    """
    columns = getattr(X, "columns", None)
    if columns is None:
        return None
    names = np.asarray(columns, dtype=object)
    are_strings = [isinstance(name, str) for name in names]
    if any(are_strings) and not all(are_strings):
        raise TypeError(
            "Feature names are only supported if all input features have string names, but the "
            f"table has {sorted({type(name).__name__ for name in names})} as names of columns"
        )
    return names if are_strings and all(are_strings) else None


def check_feature_names(names: Array | None, known: Array | None, estimator: str) -> None:
    """Raise ValueError where both have names and these differ; warn where only one of them has."""
    if names is None and known is None:
        return
    if known is None:
        message = f"X has feature names, but {estimator} was fitted without feature names"
        warn_caller(message, UserWarning)
    elif names is None:
        message = (
            f"X does not have valid feature names, but {estimator} was fitted with feature names"
        )
        warn_caller(message, UserWarning)
    elif names.tolist() != known.tolist():
        raise ValueError(different_names(names.tolist(), known.tolist()))


def different_names(names: list[str], known: list[str]) -> str:
    """What is wrong with these names, in words that scikit-learn's users know."""
    lines = ["The feature names should match those that were passed during fit."]
    unexpected = sorted(set(names) - set(known))
    missing = sorted(set(known) - set(names))
    if unexpected:
        lines += ["Feature names unseen at fit time:", *(f"- {name}" for name in unexpected[:5])]
    if missing:
        lines += ["Feature names seen at fit time, yet now missing:"]
        lines += [f"- {name}" for name in missing[:5]]
    if not unexpected and not missing:
        lines += ["Feature names must be in the same order as they were in fit."]
    return "\n".join(lines) + "\n"
