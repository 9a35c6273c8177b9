"""The network behind scikit-learn's protocol: fit, predict, score, get_params, set_params.

Nothing of scikit-learn is needed, and whatever takes one of its estimators takes these.
"""

import math
import sys
import warnings
from dataclasses import dataclass, fields

import numpy as np

from nn import metrics
from nn.network import TwoLayerNetwork
from nn.training import Training
from nn.validation import check_array, check_length, check_matrix, check_settings, check_weight


class NotFittedError(ValueError, AttributeError):
    """An estimator was asked for predictions before it was fitted."""


class DivergenceWarning(UserWarning):
    """The loss was no longer a finite number; training stopped and went back to its best epoch."""


class DataConversionWarning(UserWarning):
    """A column of labels was taken as a plain sequence."""


@dataclass(eq=False, repr=False)
class TwoLayerEstimator:
    """What regressor and classifier share. `Training` and `TwoLayerNetwork` say what the settings mean.

    Learned by `fit`: network_ (TwoLayerNetwork), training_ (Training), history_ (a row an epoch), n_features_in_,
    and feature_names_in_ where X has named columns.
    """

    hidden_units: int = 32
    epochs: int = 60
    learning_rate: float = 0.1
    batch_size: int = 64
    momentum: float = 0.9
    schedule: str = "linear"
    l1: float = 0.0
    l2: float = 0.0
    dropout: float = 0.0
    hidden_dropout: float = 0.0
    clip_norm: float | None = None
    weight_scale: float = 1.0
    loss: str | None = None  # None: squared_error for the regressor, log_loss for the classifier
    early_stopping: bool = False  # stop after `patience` epochs without improvement, go back to the best epoch
    validation_fraction: float = 0.1  # of the rows, held out at random to stop early by, where `fit` is given none
    patience: int = 10
    dtype: str = "float32"
    random_state: int | np.random.Generator | None = 0

    def fit(self, X, y, sample_weight=None, validation=None, on_epoch=None, resume_from=None):
        """Train a new network on X [rows, features], dense or sparse, and y [rows] or [rows, outputs].

        sample_weight [rows]: how often each row counts. validation: (X, y) to measure the loss on after each epoch.
        on_epoch(training): called after each epoch. resume_from: a `Training.state()` to go on from.
        Raises ValueError for input or settings that make no sense.
        """
        self._learn_shapes(X, y)
        X, y, weight = self._check_rows(X, y, sample_weight)
        rng = np.random.default_rng(self.random_state)
        if validation is not None:
            validation = self._check_rows(*validation)
        elif self.early_stopping:
            held_out, kept = np.split(rng.permutation(len(y)), [math.ceil(self.validation_fraction * len(y))])
            if not len(kept):
                raise ValueError(f"{len(y)} sample(s) leave none to train on: early stopping needs at least 2")
            validation, (X, y, weight) = (
                (X[rows], y[rows], None if weight is None else weight[rows]) for rows in (held_out, kept)
            )
        self._start(y.shape[1], self.epochs, rng)
        if resume_from is not None:
            self.training_.restore(*resume_from)
        while not self.training_.finished:
            self.training_.run_epoch(X, y, weight, validation)
            if on_epoch is not None:
                on_epoch(self.training_)
        if self.training_.diverged:
            message = (f"the loss was not finite in epoch {len(self.history_)}: back to epoch "
                       f"{self.training_.best_epoch}. Lower learning_rate={self.learning_rate} or scale the data")  # fmt: skip
            warnings.warn(message, DivergenceWarning, stacklevel=2)
        if self.training_.diverged or self.early_stopping:
            self.training_.restore_best()
        return self

    def _partial_fit(self, X, y, sample_weight, targets):
        """One epoch at the full learning rate; the first learns from `targets` what there is to predict."""
        if first := not hasattr(self, "network_"):
            self._learn_shapes(X, targets)
        X, y, weight = self._check_rows(X, y, sample_weight)
        if first:
            self._start(y.shape[1], math.inf, np.random.default_rng(self.random_state))
        self.training_.run_epoch(X, y, weight)
        return self

    def _start(self, n_outputs, epochs, rng):
        """A new network and its training."""
        shape = self.n_features_in_, self.hidden_units, n_outputs
        self.network_ = TwoLayerNetwork(*shape, self.output, self.loss, self.weight_scale, self.dtype, rng)
        settings = {field.name: getattr(self, field.name, None) for field in fields(Training)}
        settings |= {"network": self.network_, "epochs": epochs, "random_state": rng}
        self.training_ = Training(**settings | ({} if self.early_stopping else {"patience": None}))
        self.history_ = self.training_.history

    def _learn_shapes(self, X, y):
        """What X and y look like, from the first rows seen."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        check_settings(self.get_params())
        self.n_features_in_ = check_matrix(X, self.dtype).shape[1]
        self.__dict__.pop("feature_names_in_", None)
        if (names := column_names(X)) is not None:
            self.feature_names_in_ = names
        self._learn_targets(y)

    def _check_features(self, X):
        """X as the network wants it, if its columns are those of `fit`."""
        names, expected = column_names(X), getattr(self, "feature_names_in_", None)
        if names is not None and expected is not None and list(names) != list(expected):
            raise ValueError(f"X has the columns {list(names)}, but was fitted with {list(expected)}")
        X = check_matrix(X, self.dtype)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} features, but {type(self).__name__} is expecting "
                             f"{self.n_features_in_} features as input; its shape is {X.shape}")  # fmt: skip
        return X

    def _check_rows(self, X, y, sample_weight=None):
        """X [rows, features], y [rows, outputs] and weight [rows, 1] as the network wants them."""
        X = self._check_features(X)
        return X, check_length(self._encode(y), X, "y"), check_weight(sample_weight, X, self.dtype)

    def _forward(self, X):
        """Predictions [rows, outputs] of the fitted network."""
        if not hasattr(self, "network_"):
            theirs = sys.modules.get("sklearn.exceptions")  # for those who catch scikit-learn's class
            raise (theirs or sys.modules[__name__]).NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' before predicting."
            )
        return self.network_.predict(self._check_features(X))

    def get_params(self, deep=True):
        """The settings by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def set_params(self, **params):
        """Change settings by name. Raises ValueError for a name that is none."""
        for name, value in params.items():
            if name not in self.get_params():
                raise ValueError(f"{type(self).__name__} has no setting {name!r}; it has {sorted(self.get_params())}")
            setattr(self, name, value)
        return self

    def __repr__(self):
        changed = (f for f in fields(self) if repr(getattr(self, f.name)) != repr(f.default))
        return f"{type(self).__name__}({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in changed)})"

    def __sklearn_tags__(self):
        """What scikit-learn asks before it uses an estimator; only scikit-learn calls this, so it is loaded."""
        utils, kind = sys.modules["sklearn.utils"], self._estimator_type
        return utils.Tags(
            estimator_type=kind,
            target_tags=utils.TargetTags(required=True, multi_output=kind == "regressor"),
            input_tags=utils.InputTags(sparse=True),
            regressor_tags=utils.RegressorTags() if kind == "regressor" else None,
            classifier_tags=utils.ClassifierTags(multi_class=False) if kind == "classifier" else None,
        )


class TwoLayerRegressor(TwoLayerEstimator):
    """Quantities from features: linear output, squared error. Features and targets want to be of order 1."""

    _estimator_type, output = "regressor", "linear"

    def predict(self, X):
        """Predictions shaped like the y of `fit`: [rows] or [rows, outputs]."""
        prediction = self._forward(X)
        return prediction[:, 0] if self.one_dimensional_ else prediction

    def score(self, X, y, sample_weight=None):
        """R² of the predictions, at most 1."""
        return metrics.r2_score(y, self.predict(X), sample_weight)

    def partial_fit(self, X, y, sample_weight=None):
        """One epoch over these rows at the full learning rate, from wherever the network stands."""
        return self._partial_fit(X, y, sample_weight, y)

    def _learn_targets(self, y):
        self.one_dimensional_ = np.asarray(y).ndim == 1

    def _encode(self, y):
        y = check_array(y, self.dtype, "y")
        if y.ndim not in (1, 2):
            raise ValueError(f"y must be [rows] or [rows, outputs], not of shape {y.shape}")
        return y[:, np.newaxis] if y.ndim == 1 else y


class TwoLayerClassifier(TwoLayerEstimator):
    """One of two classes from features: sigmoid output, log loss (or loss="squared_error")."""

    _estimator_type, output = "classifier", "sigmoid"

    def predict_proba(self, X):
        """Probabilities [rows, 2] of classes_[0] and classes_[1]."""
        positive = self._forward(X)
        return np.hstack([1 - positive, positive])

    def predict(self, X):
        """The more probable class of each row [rows]."""
        positive = self._forward(X)[:, 0] > 0.5
        return self.classes_[positive.astype(int)]

    def score(self, X, y, sample_weight=None):
        """Accuracy: the share of rows whose class is right."""
        return metrics.accuracy(y, self.predict(X), sample_weight)

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """One epoch over these rows; the first call must be told both classes, by y or by `classes`."""
        return self._partial_fit(X, y, sample_weight, y if classes is None else classes)

    def _learn_targets(self, y):
        self.classes_ = two_classes(as_labels(y))

    def _encode(self, y):
        y = as_labels(y)
        if not np.isin(y, self.classes_).all():
            raise ValueError(f"y has labels other than the classes {self.classes_.tolist()}")
        return (y == self.classes_[1]).astype(self.dtype)[:, np.newaxis]


def as_labels(y):
    """y as an array of labels [rows]; a column [rows, 1] will do, with a warning."""
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        message = "A column-vector y was passed when a 1d array was expected"
        warnings.warn(message, DataConversionWarning, stacklevel=5)
        y = y[:, 0]
    if y.ndim != 1:
        raise ValueError(f"y must be [rows], not of shape {y.shape}")
    return y


def two_classes(y):
    """The two labels of y in order. Raises ValueError where there are fewer or more."""
    if y.dtype.kind == "f" and (check_array(y, y.dtype, "y") != np.round(y)).any():
        raise ValueError("Unknown label type: y is continuous, and classes are wanted")
    classes = np.unique(y)
    if len(classes) > 2:
        raise ValueError(f"Only binary classification is supported. y has {len(classes)} classes, not 2")
    if len(classes) < 2:
        raise ValueError(f"Two classes are needed, and y has one class only: {classes.tolist()}")
    return classes


def column_names(X):
    """The column names of a data frame as an object array; None where X has none, or not only strings."""
    names = np.asarray(getattr(X, "columns", []), dtype=object)
    return names if len(names) and all(isinstance(name, str) for name in names) else None
