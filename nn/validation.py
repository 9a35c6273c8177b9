"""What an estimator checks before it trusts its input: a clear ValueError for everything that is not right."""

import math
import numbers

import numpy as np

RANGES = [  # settings, the range in words, and whether a number lies in it
    (("hidden_units", "epochs", "batch_size", "patience"), "a whole number from 1", lambda v: v >= 1 and v == int(v)),
    (("learning_rate", "clip_norm"), "above 0", lambda v: 0 < v < math.inf),
    (("l1", "l2", "weight_scale"), "0 or more", lambda v: 0 <= v < math.inf),
    (("momentum", "dropout", "hidden_dropout"), "at least 0 and below 1", lambda v: 0 <= v < 1),
    (("validation_fraction",), "between 0 and 1", lambda v: 0 < v < 1),
]


def check_settings(settings):
    """Refuse settings {name: value} that are no numbers or outside their range; clip_norm may be None."""
    for names, words, holds in RANGES:
        for name in names:
            value = settings[name]
            number = isinstance(value, numbers.Real) and not isinstance(value, bool)
            if not (number and holds(value) or (name, value) == ("clip_norm", None)):
                raise ValueError(f"{name} must be {words}, not {value!r}")
    if settings["dtype"] not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64', not {settings['dtype']!r}")


def check_array(values, dtype, name):
    """`values` as a finite row-major array of `dtype`, copied only if need be."""
    if np.ma.is_masked(values):
        raise ValueError(f"{name} has masked values: fill or drop them first")
    array = np.asarray(values)
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} has dtype {array.dtype}")
    with np.errstate(over="ignore"):  # what overflows is found, and told, below
        array = np.asarray(array, dtype, order="C")
    if not np.isfinite(array).all():
        position = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name} has NaN, infinity or a number too large for {array.dtype} at {position}")
    return array


def check_matrix(X, dtype):
    """X [rows, features] as a finite array or CSR matrix of `dtype`, whatever kind of matrix it was."""
    if hasattr(X, "tocsr"):
        X = X.tocsr()
        X = type(X)((check_array(X.data, dtype, "X"), X.indices, X.indptr), shape=X.shape)
    else:
        X = check_array(X, dtype, "X")
    if X.ndim != 2:
        raise ValueError(f"X must be [rows, features], not of shape {X.shape}. Reshape your data: "
                         "X.reshape(-1, 1) for one feature, X.reshape(1, -1) for one row")  # fmt: skip
    if 0 in X.shape:
        thing = "sample" if X.shape[0] == 0 else "feature"
        raise ValueError(f"X has 0 {thing}(s) (shape={X.shape}) while a minimum of 1 is required.")
    return X


def check_length(values, X, name):
    """`values`, if it has a row for every row of X."""
    if len(values) != X.shape[0]:
        raise ValueError(f"X and {name} must have equally many rows, not shapes {X.shape} and {np.shape(values)}")
    return values


def check_weight(weight, X, dtype):
    """sample_weight as a column [rows, 1], or None where there is none."""
    if weight is None:
        return None
    weight = check_length(check_array(weight, dtype, "sample_weight"), X, "sample_weight")
    if weight.ndim != 1 or weight.min() < 0 or weight.sum() == 0:
        raise ValueError(f"sample_weight must be 1-D, none negative, not all zero; its shape is {weight.shape}")
    return weight[:, np.newaxis]
