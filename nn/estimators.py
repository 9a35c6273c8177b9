"""The network behind scikit-learn's protocol, without needing scikit-learn: fit, predict, score, get_params."""

import math
import sys
import warnings
from dataclasses import dataclass, fields, replace

import numpy as np

from nn import metrics
from nn.network import TwoLayerNetwork
from nn.training import Training, TrainingSettings
from nn.validation import check_array, check_labels, check_matrix, check_settings, require


@dataclass(eq=False)
class TwoLayerEstimator(TrainingSettings):
    """What both share. Learned: network_, training_ (a Training), history_ (a row an epoch), n_features_in_."""

    hidden_units: int = 32
    weight_scale: float = 1.0  # see TwoLayerNetwork
    loss: str | None = None  # None: squared_error for the regressor, log_loss for the classifier
    validation_fraction: float = 0.1  # of the rows, held out at random to stop early by, where `fit` is given none
    dtype: str = "float32"
    random_state: int | np.random.Generator | None = 0

    def fit(self, X, y, sample_weight=None, validation=None, on_epoch=None, resume_from=None):
        """Train a new network on X [rows, features], dense or sparse, and y [rows] or [rows, outputs].

        sample_weight [rows]: how often each row counts. validation: (X, y) to measure the loss on after each epoch.
        on_epoch(training): called after each epoch. resume_from: a `Training.state()` to go on from.
        """
        checked, rng = replace(self), np.random.default_rng(self.random_state)  # if a check fails, self stays as it was
        X, y, weight = checked._check(X, y, sample_weight, learn_from=y)
        if validation is not None:
            validation = checked._check(*validation)[:2]
            require(validation[1].shape[1] == y.shape[1], "validation has another number of outputs than y")
        elif self.early_stopping:
            held_out, kept = np.split(rng.permutation(len(y)), [math.ceil(self.validation_fraction * len(y)) or 1])
            require(len(kept), f"{len(y)} sample(s) leave none to train on: early stopping needs at least 2")
            validation = X[held_out], y[held_out], 1 if weight is None else weight[held_out]
            X, y, weight = X[kept], y[kept], None if weight is None else weight[kept]
        vars(self).update(vars(checked))
        self._start(y.shape[1], rng)
        if resume_from is not None:
            self.training_.restore(resume_from)
        while not self.training_.finished:
            self.training_.run_epoch(X, y, weight, validation)
            if on_epoch is not None:
                on_epoch(self.training_)
        if self.training_.diverged:
            warnings.warn("the loss is not finite: lower learning_rate or scale the data", RuntimeWarning, stacklevel=2)
        if self.training_.diverged or self.early_stopping:
            self.network_.parameters[...] = self.training_.best_parameters
        return self

    def partial_fit(self, X, y, *, sample_weight=None, classes=None):
        """One epoch over these rows at the full learning rate; classes: both labels, if the first y may lack one."""
        first = not hasattr(self, "network_")
        X, y, weight = self._check(X, y, sample_weight, first and (y if classes is None else classes))
        if first:
            self._start(y.shape[1], np.random.default_rng(self.random_state))
        self.training_.settings = replace(self, epochs=math.inf)
        self.training_.run_epoch(X, y, weight)
        return self

    def _start(self, n_outputs, rng):
        shape = self.n_features_in_, self.hidden_units, n_outputs
        self.network_ = TwoLayerNetwork(*shape, self.output, self.loss, self.weight_scale, self.dtype, rng)
        self.training_ = Training(self.network_, replace(self), rng)
        self.history_ = self.training_.history

    def _check(self, X, y, sample_weight=None, learn_from=False):
        """X [rows, features], y [rows, outputs] and weight [rows, 1]; learn_from: targets, for the first rows."""
        require(y is not None, f"{type(self).__name__} requires y to be passed, but the target y is None")
        if learn_from is not False:
            check_settings(self.get_params())
            self._learn_targets(learn_from)
        X, y, weight = check_matrix(X, self.dtype, self), self._encode(y), sample_weight
        require(len(y) == X.shape[0], f"X and y must have equally many rows, not shapes {X.shape} and {y.shape}")
        if weight is not None:
            weight = check_array(weight, self.dtype, "sample_weight")[..., np.newaxis]
            good = weight.shape == (len(y), 1) and weight.min() >= 0 and weight.any()
            require(good, f"sample_weight must be {len(y)} numbers, none negative and not all zero")
            weight = weight * (len(y) / weight.sum())
        self.n_features_in_ = X.shape[1]
        return X, y, weight

    def _forward(self, X):
        if not hasattr(self, "network_"):
            error = getattr(sys.modules.get("sklearn.exceptions"), "NotFittedError", ValueError)
            raise error(f"This {type(self).__name__} instance is not fitted yet. Call 'fit' before predicting.")
        return self.network_.predict(check_matrix(X, self.dtype, self))

    def score(self, X, y, sample_weight=None):
        """R² of a regressor, accuracy of a classifier, each row counted by its weight."""
        return self._score(y, self.predict(X), sample_weight)

    def get_params(self, deep=True):
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def set_params(self, **params):
        """Change settings by name. Raises ValueError for a name that is none."""
        unknown = params.keys() - self.get_params().keys()
        require(not unknown, f"no setting {', '.join(unknown)}; there are {', '.join(self.get_params())}")
        vars(self).update(params)
        return self

    def __sklearn_tags__(self):
        """What scikit-learn asks before it uses an estimator; only scikit-learn calls this, so it is loaded."""
        utils, regressor = sys.modules["sklearn.utils"], self._estimator_type == "regressor"
        targets = utils.TargetTags(required=True, multi_output=regressor)
        kind = {"regressor_tags": utils.RegressorTags()} if regressor else {
            "classifier_tags": utils.ClassifierTags(multi_class=False)}  # fmt: skip
        return utils.Tags(self._estimator_type, targets, input_tags=utils.InputTags(sparse=True), **kind)


class TwoLayerRegressor(TwoLayerEstimator):
    """Quantities from features: linear output, squared error. Features and targets want to be of order 1."""

    _estimator_type, output = "regressor", "linear"
    _score = staticmethod(metrics.r2_score)

    def predict(self, X):
        """Predictions shaped like the y of `fit`: [rows] or [rows, outputs]."""
        prediction = self._forward(X)
        return prediction[:, 0] if self.one_dimensional_ else prediction

    def _learn_targets(self, y):
        self.one_dimensional_ = np.asarray(y).ndim == 1

    def _encode(self, y):
        y = check_array(y, self.dtype, "y")
        require(y.ndim in (1, 2), f"y must be [rows] or [rows, outputs], not of shape {y.shape}")
        return y[:, np.newaxis] if y.ndim == 1 else y


class TwoLayerClassifier(TwoLayerEstimator):
    """One of two classes from features: sigmoid output, log loss (or loss="squared_error")."""

    _estimator_type, output = "classifier", "sigmoid"
    _score = staticmethod(metrics.accuracy)

    def predict_proba(self, X):
        """Probabilities [rows, 2] of classes_[0] and classes_[1]."""
        positive = self._forward(X)
        return np.hstack([1 - positive, positive])

    def predict(self, X):
        """The more probable class of each row [rows]."""
        positive = self._forward(X)[:, 0] > 0.5
        return self.classes_[positive.astype(int)]

    def _learn_targets(self, y):
        self.classes_ = found = np.unique(check_labels(y))
        require(len(found) == 2, f"Only binary classification is supported. y has {found[:9]}: continuous, one class?")

    def _encode(self, y):
        y = check_labels(y)
        require(np.isin(y, self.classes_).all(), f"y has labels other than {self.classes_.tolist()}")
        return (y == self.classes_[1]).astype(self.dtype)[:, np.newaxis]
