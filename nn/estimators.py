"""The network behind scikit-learn's protocol, without needing scikit-learn.

`fit` checks settings and data, makes a network and a `Training`, and runs its epochs. What was
learned is in attributes whose names end with an underscore; a fit that fails leaves them as they
were.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from nn import metrics
from nn.batches import ArrayBatches
from nn.functions import ACTIVATIONS, LOSSES, Array
from nn.input_checks import (
    check_feature_names,
    check_labels,
    check_matrix,
    check_targets,
    check_weight,
    feature_names,
    warn_caller,
    with_mean_1,
)
from nn.network import Seed, TwoLayerNetwork
from nn.setting_checks import (
    Constraint,
    check_settings,
    one_of,
    optional,
    real_number,
    require,
    seed,
    true_or_false,
    whole_number,
)
from nn.training import Training, TrainingSettings

CONSTRAINTS: dict[str, Constraint] = {  # of the settings that are not those of `TrainingSettings`
    "hidden_units": whole_number(1),
    "hidden": one_of(ACTIVATIONS),
    "weight_scale": real_number(0),
    "loss": optional(one_of(LOSSES)),
    "validation_fraction": real_number(above=0, below=1),
    "dtype": one_of(("float32", "float64")),
    "random_state": seed,
    "verbose": Constraint(
        "True, False or a whole number from 0",
        lambda value: true_or_false.holds(value) or whole_number(0).holds(value),
    ),
}


class Rows(NamedTuple):
    """Rows that were checked."""

    X: Any  # [rows, features], dense or sparse
    y: Array  # [rows, outputs]
    weight: Array | None  # [rows, 1]


@dataclass(eq=False)
class TwoLayerEstimator:
    """What the regressor and the classifier share: settings, fit, partial_fit."""

    hidden_units: int = 32
    hidden: str = "sigmoid"  # or "tanh", "relu"
    epochs: int = TrainingSettings.epochs  # this and the next eleven: see TrainingSettings
    learning_rate: float = TrainingSettings.learning_rate
    batch_size: int = TrainingSettings.batch_size
    momentum: float = TrainingSettings.momentum
    schedule: str = TrainingSettings.schedule
    l1: float = TrainingSettings.l1
    l2: float = TrainingSettings.l2
    dropout: float = TrainingSettings.dropout
    hidden_dropout: float = TrainingSettings.hidden_dropout
    clip_norm: float | None = TrainingSettings.clip_norm
    early_stopping: bool = TrainingSettings.early_stopping
    patience: int = TrainingSettings.patience
    validation_fraction: float = 0.1  # of the rows, held out where `fit` is given none to stop by
    weight_scale: float = 1.0  # see TwoLayerNetwork
    loss: str | None = None  # None: the usual one of the output
    dtype: str = "float32"
    random_state: Seed = 0
    verbose: int = 0  # 1: print a line after each epoch

    _estimator_type: ClassVar[str]

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation: tuple[Any, ...] | None = None,
        on_epoch: Callable[[Training], None] | None = None,
        resume_from: dict[str, Any] | None = None,
    ) -> Self:
        """Train a new network; return self.

        X [rows, features], dense or sparse; y [rows] or [rows, outputs]; sample_weight [rows]:
        how often each row counts. validation: (X, y) or (X, y, weight) to measure the loss on
        after each epoch. on_epoch(training) is called after each epoch. resume_from: a
        `Training.state()` to go on from. Raises ValueError for settings and data that make no
        sense; self then is as before.
        """
        fresh = replace(self)
        fresh._fit(X, y, sample_weight, validation, on_epoch, resume_from)
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        vars(self).update(vars(fresh))
        return self

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation: tuple[Any, ...] | None,
        on_epoch: Callable[[Training], None] | None,
        resume_from: dict[str, Any] | None,
    ) -> None:
        settings = self._check_settings()
        self._learn_targets(y)
        rows = self._check_rows(X, y, sample_weight, first=True)
        rng = np.random.default_rng(self.random_state)
        held_out = None
        if validation is not None:
            held_out = self._check_rows(*validation)
            same_outputs = held_out.y.shape[1] == rows.y.shape[1]
            require(same_outputs, "validation has another number of outputs than y")
        elif settings.early_stopping:
            rows, held_out = self._hold_out(rows, rng)
        self._start(rows, settings, rng)
        if resume_from is not None:
            self.training_.restore(resume_from)
        self._run(rows, held_out, on_epoch)

    def _run(
        self, rows: Rows, held_out: Rows | None, on_epoch: Callable[[Training], None] | None
    ) -> None:
        """Run the epochs; after early stopping and divergence, go back to the best parameters."""
        training = self.training_
        source = array_batches(rows, training.settings)
        validation_loss = None if held_out is None else mean_loss_on(held_out, self.network_)
        while not training.finished:
            training.run_epoch(source, validation_loss)
            if self.verbose:
                print_epoch(training)
            if on_epoch is not None:
                on_epoch(training)
        if training.diverged:
            warn_of_divergence()
        if training.diverged or training.settings.early_stopping:
            training.restore_best()

    def partial_fit(
        self, X: Any, y: Any, *, sample_weight: Any = None, classes: Any = None
    ) -> Self:
        """Train one epoch on these rows at the full learning rate; return self.

        classes: all labels, where those in the first y may not be all. Other arguments as for
        `fit`.
        """
        settings = replace(self._check_settings(), schedule="constant")
        if hasattr(self, "network_"):
            rows = self._check_rows(X, y, sample_weight)
            self._check_network_fits(rows)
            self.training_.use(settings)
        else:
            fresh = replace(self)
            fresh._learn_targets(y if classes is None else classes)
            rows = fresh._check_rows(X, y, sample_weight, first=True)
            fresh._start(rows, settings, np.random.default_rng(self.random_state))
            vars(self).update(vars(fresh))
        self.training_.run_epoch(array_batches(rows, settings))
        if self.training_.diverged:
            self.training_.restore_best()
            warn_of_divergence()
        return self

    def _check_network_fits(self, rows: Rows) -> None:
        """Raise ValueError where the network was made for other outputs, or another dtype."""
        n_outputs = self.network_.W2.shape[1]
        dtype = self.network_.parameters.dtype
        require(
            rows.y.shape[1] == n_outputs,
            f"y has {rows.y.shape[1]} outputs, but the first partial_fit had {n_outputs}",
        )
        require(self.dtype == dtype, f"dtype was {dtype} in the first fit, and is {self.dtype} now")

    def _check_settings(self) -> TrainingSettings:
        """The settings of training. Raises ValueError for any setting that makes no sense."""
        check_settings(self.get_params(), CONSTRAINTS)
        return TrainingSettings(
            **{field.name: getattr(self, field.name) for field in fields(TrainingSettings)}
        )

    def _check_rows(self, X: Any, y: Any, sample_weight: Any = None, first: bool = False) -> Rows:
        """X [rows, features], y [rows, outputs] and weight [rows, 1] or None.

        first: these rows say what features there are; else they must have the same ones.
        """
        X = self._learn_features(X) if first else self._check_features(X)
        targets = self._encode(y)
        same_length = len(targets) == X.shape[0]
        require(
            same_length,
            f"X and y must have equally many rows, not shapes {X.shape} and {targets.shape}",
        )
        return Rows(X, targets, check_weight(sample_weight, len(targets), self.dtype))

    def _learn_features(self, X: Any) -> Any:
        """X as a matrix; how many features it has and what they are called is remembered."""
        names = feature_names(X)
        if names is not None:
            self.feature_names_in_ = names
        X = check_matrix(X, self.dtype)
        self.n_features_in_ = X.shape[1]
        return X

    def _check_features(self, X: Any) -> Any:
        """X as a matrix with the features that were there in `fit`."""
        name = type(self).__name__
        check_feature_names(feature_names(X), getattr(self, "feature_names_in_", None), name)
        X = check_matrix(X, self.dtype)
        n_features = X.shape[1]
        require(
            n_features == self.n_features_in_,
            f"X has {n_features} features, but {name} is expecting {self.n_features_in_} "
            "features as input",
        )
        return X

    def _hold_out(self, rows: Rows, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """The rows to train on, and those to measure on; rows of weight 0 are in neither."""
        _, y, weight = rows
        counted = np.arange(len(y)) if weight is None else np.flatnonzero(weight[:, 0])
        n = len(counted)
        require(n >= 2, f"{n} sample(s) of weight above 0: early stopping needs at least 2")
        held_out = choose_held_out(self._strata(y[counted]), self.validation_fraction, rng)
        return select(rows, counted[~held_out]), select(rows, counted[held_out])

    def _start(self, rows: Rows, settings: TrainingSettings, rng: np.random.Generator) -> None:
        """Make the network for these rows, and its training."""
        n_outputs = rows.y.shape[1]
        self.network_ = TwoLayerNetwork(
            self.n_features_in_,
            int(self.hidden_units),
            n_outputs,
            hidden=self.hidden,
            output=self._output(),
            loss=self.loss,
            weight_scale=float(self.weight_scale),
            dtype=self.dtype,
            random_state=rng,
        )
        self.training_ = Training(self.network_, settings, rng)
        self.history_ = self.training_.history

    def _forward(self, X: Any) -> Array:
        """The network's predictions [rows, outputs]. Raises NotFittedError (a ValueError) before
        `fit`.
        """
        if not hasattr(self, "network_"):
            error = getattr(sys.modules.get("sklearn.exceptions"), "NotFittedError", ValueError)
            name = type(self).__name__
            raise error(f"This {name} instance is not fitted yet. Call 'fit' before predicting.")
        return self.network_.predict(self._check_features(X))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def set_params(self, **params: Any) -> Self:
        """Change settings by name; return self. Raises ValueError for an unknown name."""
        known = self.get_params()
        unknown = params.keys() - known.keys()
        require(not unknown, f"unknown: {', '.join(unknown)}; the settings are {', '.join(known)}")
        vars(self).update(params)
        return self

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks before it uses an estimator; only scikit-learn calls this, so it
        is loaded.
        """
        utils: Any = sys.modules["sklearn.utils"]
        is_regressor = self._estimator_type == "regressor"
        tags = utils.Tags(
            self._estimator_type,
            utils.TargetTags(required=True, multi_output=is_regressor),
            input_tags=utils.InputTags(sparse=True),
        )
        if is_regressor:
            tags.regressor_tags = utils.RegressorTags()
        else:
            tags.classifier_tags = utils.ClassifierTags(multi_class=True)
        return tags

    # What the two kinds do in their own way

    def _output(self) -> str:
        """The output function of the network."""
        raise NotImplementedError

    def _learn_targets(self, y: Any) -> None:
        """Remember what the targets of the first rows are like."""
        raise NotImplementedError

    def _encode(self, y: Any) -> Array:
        """The targets as the network is trained on them [rows, outputs]."""
        raise NotImplementedError

    def _strata(self, y: Array) -> Array:
        """A whole number for each row [rows]: the rows of each are held out in like shares."""
        raise NotImplementedError


@dataclass(eq=False, repr=False)  # so that an error about a keyword names this class
class TwoLayerRegressor(TwoLayerEstimator):
    """Quantities from features: linear output, squared error. Features and targets want to be of
    order 1.

    Learned: network_, training_ (a Training), history_ (a row an epoch), n_features_in_, and
    feature_names_in_ if X was a table with names.

    >>> x = np.linspace(-2, 2, 200)[:, np.newaxis]
    >>> y = np.sin(2 * x[:, 0])
    >>> wave = TwoLayerRegressor(hidden_units=10, epochs=300, learning_rate=0.5).fit(x, y)
    >>> wave.score(x, y) > 0.99
    True
    """

    _estimator_type = "regressor"

    def predict(self, X: Any) -> Array:
        """Predictions shaped like the y of `fit`: [rows] or [rows, outputs]."""
        prediction = self._forward(X)
        return prediction[:, 0] if self.one_dimensional_ else prediction

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R² of the predictions, each row counted by its weight."""
        prediction = self.predict(X)
        return metrics.r2_score(np.reshape(y, prediction.shape), prediction, sample_weight)

    def _output(self) -> str:
        return "linear"

    def _learn_targets(self, y: Any) -> None:
        require_targets(y, self)
        self.one_dimensional_ = np.asarray(y).ndim == 1

    def _encode(self, y: Any) -> Array:
        return check_targets(y, self.dtype)

    def _strata(self, y: Array) -> Array:
        return np.zeros(len(y), int)


@dataclass(eq=False, repr=False)  # so that an error about a keyword names this class
class TwoLayerClassifier(TwoLayerEstimator):
    """One of two or more classes from features, which want to be of order 1: standardise others.

    Two classes: sigmoid output, log loss (or loss="squared_error"). More: softmax output, cross-
    entropy. Learned: classes_ in ascending order, and what a TwoLayerRegressor learns.

    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> gate = TwoLayerClassifier(hidden_units=4, epochs=2000, learning_rate=1.0, weight_scale=2.0)
    >>> gate.fit(X, ["equal", "unequal", "unequal", "equal"]).predict([[1, 0]]).tolist()
    ['unequal']
    """

    _estimator_type = "classifier"

    def predict_proba(self, X: Any) -> Array:
        """Probabilities [rows, classes], in the order of `classes_`."""
        prediction = self._forward(X)
        if len(self.classes_) == 2:
            return np.hstack([1 - prediction, prediction])
        return prediction

    def predict(self, X: Any) -> Array:
        """The most probable class of each row [rows]."""
        most_probable = np.argmax(self.predict_proba(X), axis=1)
        return np.asarray(self.classes_[most_probable])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy: the share of the rows whose class is right, each counted by its weight."""
        prediction = self.predict(X)
        return metrics.accuracy(np.reshape(y, prediction.shape), prediction, sample_weight)

    def _output(self) -> str:
        return "sigmoid" if len(self.classes_) == 2 else "softmax"

    def _learn_targets(self, y: Any) -> None:
        require_targets(y, self)
        labels = check_labels(y)
        if labels.dtype.kind == "f":
            whole = (labels == np.floor(labels)).all()
            require(whole, "Unknown label type: continuous. Labels are whole numbers or strings")
        try:
            self.classes_ = np.unique(labels)
        except TypeError as error:
            raise ValueError(f"y has labels that can't be compared: {error}") from error
        require(
            len(self.classes_) >= 2,
            f"y has one class, {self.classes_.tolist()}: a classifier needs two or more",
        )

    def _encode(self, y: Any) -> Array:
        labels = check_labels(y, warn=False)
        known = np.isin(labels, self.classes_).all()
        require(known, f"y has labels other than {self.classes_.tolist()}")
        if len(self.classes_) == 2:
            is_second: Array = labels == self.classes_[1]
            return is_second.astype(self.dtype)[:, np.newaxis]
        one_hot: Array = np.zeros((len(labels), len(self.classes_)), self.dtype)
        one_hot[np.arange(len(labels)), np.searchsorted(self.classes_, labels)] = 1
        return one_hot

    def _strata(self, y: Array) -> Array:
        return y[:, 0].astype(int) if y.shape[1] == 1 else np.argmax(y, axis=1)


def require_targets(y: Any, estimator: TwoLayerEstimator) -> None:
    """Raise ValueError where there is no y, as scikit-learn does."""
    name = type(estimator).__name__
    require(y is not None, f"{name} requires y to be passed, but the target y is None")


def array_batches(rows: Rows, settings: TrainingSettings) -> ArrayBatches:
    """The source of steps that these settings ask for."""
    return ArrayBatches(
        *rows,
        batch_size=settings.batch_size,
        dropout=settings.dropout,
        hidden_dropout=settings.hidden_dropout,
    )


def mean_loss_on(rows: Rows, network: TwoLayerNetwork) -> Callable[[], float]:
    """A function that gives the network's mean loss on these rows."""
    X, y, weight = rows
    return lambda: network.mean_loss(X, y, weight)


def choose_held_out(strata: npt.NDArray[Any], fraction: float, rng: np.random.Generator) -> Array:
    """Whether each row is held out [rows]: a like fraction of every stratum, chosen at random.

    At least one row is held out; of a stratum of more than one, at least one is not.
    """
    held_out = np.zeros(len(strata), bool)
    order = rng.permutation(len(strata))
    sizes = np.bincount(strata)
    for stratum, size in enumerate(sizes):
        members = order[strata[order] == stratum]
        held_out[members[: min(round(fraction * size), size - 1)]] = True
    if not held_out.any():
        held_out[order[strata[order] == np.argmax(sizes)][0]] = True
    return held_out


def select(rows: Rows, chosen: Array) -> Rows:
    """These of the rows; their weights are scaled to a mean of 1 again."""
    X, y, weight = rows
    chosen_weight = None if weight is None else with_mean_1(weight[chosen])
    return Rows(X[chosen], y[chosen], chosen_weight)


def print_epoch(training: Training) -> None:
    """Print the last row of the history."""
    row = training.history[-1]
    epochs = training.settings.epochs
    line = f"epoch {row['epoch']} of {epochs}: training loss {row['training_loss']:.4f}"
    if "validation_loss" in row:
        line += f", validation loss {row['validation_loss']:.4f}"
    print(line, flush=True)


def warn_of_divergence() -> None:
    """A RuntimeWarning that says what to do."""
    message = "the loss is not finite: lower learning_rate or scale the data"
    warn_caller(message, RuntimeWarning)
