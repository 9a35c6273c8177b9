"""What the estimators check before they trust settings and data: a clear ValueError for all that is wrong."""

import warnings

import numpy as np

from nn.training import SCHEDULES

RANGES = {  # settings: their range in words, and whether a value lies in it
    ("hidden_units", "epochs", "batch_size", "patience"): (
        "a whole number from 1", lambda v: isinstance(v, int | np.integer) and v >= 1),
    ("learning_rate",): ("above 0", lambda v: v is not None and 0 < v < np.inf),
    ("clip_norm",): ("above 0, or None", lambda v: v is None or 0 < v < np.inf),
    ("l1", "l2", "weight_scale"): ("0 or more", lambda v: 0 <= v < np.inf),
    ("momentum", "dropout", "hidden_dropout", "validation_fraction"): ("from 0 to below 1", lambda v: 0 <= v < 1),
    ("dtype",): ("'float32' or 'float64'", lambda v: v in ("float32", "float64")),
    ("schedule",): (f"one of {', '.join(SCHEDULES)}", lambda v: v in SCHEDULES),
}


class DataConversionWarning(UserWarning):
    """A column of labels was taken for a plain sequence."""


def require(holds, message):
    """Raise ValueError(message) unless it holds."""
    if not holds:
        raise ValueError(message)


def check_settings(settings):
    for names, (words, holds) in RANGES.items():
        for name in names:
            require(holds(settings[name]), f"{name} must be {words}, not {settings[name]!r}")


def check_array(values, dtype, name):
    """`values` as a finite row-major array of `dtype`, copied only if need be."""
    array = np.asarray(values)
    require(array.dtype.kind != "c", f"Complex data not supported: {name} has dtype {array.dtype}")
    with np.errstate(over="ignore"):  # what overflows is found, and told, below
        array = np.asarray(array, dtype, order="C")
    if np.ma.is_masked(values) or not np.isfinite(array).all():
        position = np.argwhere(np.ma.getmaskarray(values) | ~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name} is masked, NaN, infinity or too large for {array.dtype} at {position}")
    return array


def check_matrix(X, dtype, estimator):
    """X [rows, features] as a finite array or CSR matrix of `dtype`, with the features that the estimator knows."""
    if hasattr(X, "tocsr"):
        X = X.tocsr()
        X = type(X)((check_array(X.data, dtype, "X"), X.indices, X.indptr), shape=X.shape)
    else:
        X = check_array(X, dtype, "X")
    require(X.ndim == 2, f"X must be [rows, features], not of shape {X.shape}. Reshape your data: X.reshape(-1, 1)")
    thing = "feature" if X.shape[0] else "sample"
    require(0 not in X.shape, f"X has 0 {thing}(s) (shape={X.shape}) while a minimum of 1 is required.")
    known, name = getattr(estimator, "n_features_in_", X.shape[1]), type(estimator).__name__
    require(X.shape[1] == known, f"X has {X.shape[1]} features, but {name} is expecting {known} features as input")
    return X


def check_labels(y):
    """y as an array of labels [rows]; a column [rows, 1] will do, with a warning."""
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        warnings.warn("A column-vector y was passed when a 1d array was expected", DataConversionWarning, stacklevel=5)
        y = y[:, 0]
    require(y.ndim == 1, f"y must be [rows], not of shape {y.shape}")
    return y
