"""The bike model: features scaled by the training rows, a network, and bikes out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nn import TwoLayerNetwork, TwoLayerRegressor, metrics
from projects.bikes.data import Split
from projects.bikes.features import SCALED, build_features
from projects.common.errors import ProjectError
from projects.common.model_file import load_model, save_model

POWER = 0.25  # the target is count ** POWER: busy and quiet hours then err by about as much
TARGETS = ["casual", "registered"]  # two outputs, for two kinds of riders with different days
DEFAULTS = {"hidden_units": 24, "epochs": 25, "learning_rate": 0.1, "batch_size": 64, "momentum": 0.9}


@dataclass
class BikesModel:
    """A trained network with the scaling it was trained under, and what it was trained on."""

    network: TwoLayerNetwork
    scaling: dict[str, np.ndarray]  # feature_mean, feature_scale (n_features,); target_mean, target_scale (2,)
    settings: dict[str, Any]

    def predict(self, hours: pd.DataFrame, before: pd.DataFrame | None = None) -> np.ndarray:
        """Bikes rented in each of `hours` [rows]; `before` holds earlier hours, for the weather they had."""
        features = build_features(hours, before).to_numpy()
        X = (features - self.scaling["feature_mean"]) / self.scaling["feature_scale"]
        output = self.network.predict(X.astype(self.network.W1.dtype)).astype(float)
        root = output * self.scaling["target_scale"] + self.scaling["target_mean"]  # [rows, 2]
        return (np.maximum(root, 0) ** (1 / POWER)).sum(axis=1)

    def save(self, path: Path) -> None:
        arrays = {name: getattr(self.network, name) for name in ("W1", "b1", "W2", "b2")}
        save_model(path, "bikes", arrays | self.scaling, self.settings)

    @classmethod
    def load(cls, path: Path) -> "BikesModel":
        arrays, settings = load_model(path, "bikes")
        network = TwoLayerNetwork.from_arrays(*(arrays.pop(name) for name in ("W1", "b1", "W2", "b2")))
        return cls(network, arrays, settings)


def train(
    hours: Split, seed: int = 0, on_epoch: Callable[[Any], None] | None = None, **hyperparameters: Any
) -> BikesModel:
    """A model fitted to hours.train, with the loss on hours.validation measured after each epoch.

    Every number used for scaling comes from hours.train alone.
    """
    hyperparameters = DEFAULTS | hyperparameters
    features = build_features(pd.concat([hours.train, hours.validation]))
    continuous = features.columns.isin(SCALED)
    fitted_on = features.iloc[: len(hours.train)]
    roots = hours.train[TARGETS] ** POWER
    scaling = {
        "feature_mean": np.where(continuous, fitted_on.mean(), 0.0),
        "feature_scale": np.where(continuous, spread(fitted_on), 1.0),
        "target_mean": roots.mean().to_numpy(),
        "target_scale": spread(roots),
    }
    X = ((features - scaling["feature_mean"]) / scaling["feature_scale"]).to_numpy()
    rows = len(hours.train)
    y, y_validation = (
        ((part[TARGETS] ** POWER - scaling["target_mean"]) / scaling["target_scale"]).to_numpy()
        for part in (hours.train, hours.validation)
    )
    validation = (X[rows:], y_validation) if len(y_validation) else None
    estimator = TwoLayerRegressor(random_state=seed, **hyperparameters)
    estimator.fit(X[:rows], y, validation=validation, on_epoch=on_epoch)
    settings = hyperparameters | {
        "seed": seed,
        "features": list(features.columns),
        "train_rows": rows,
        "first_hour": str(hours.train.time.iloc[0]),
        "last_hour": str(hours.train.time.iloc[-1]),
        "validation_rows": len(hours.validation),
        "test_rows": len(hours.test),
        "simulated": bool(hours.train.attrs.get("simulated", False)),
    }
    return BikesModel(estimator.network_, scaling, settings)


def spread(table: pd.DataFrame) -> np.ndarray:
    """Standard deviation of each column; 1 where a column is constant."""
    deviation = table.std(ddof=0).to_numpy()
    return np.where(deviation > 0, deviation, 1.0)


def evaluate(
    model: BikesModel, hours: Split, periods: tuple[str, ...] = ("validation", "test")
) -> dict[str, Any]:
    """Scores of the model and its baselines over the periods; errors in bikes an hour.

    Scaled MSE is the MSE divided by the variance of cnt over all rows before the test period.
    """
    known = pd.concat([hours.train, hours.validation])
    if known.time.iloc[len(hours.train)] <= pd.Timestamp(model.settings["last_hour"]):
        last = model.settings["last_hour"]
        raise ProjectError(f"the model was trained on hours up to {last}, later than where validation starts here")
    variance = float(known.cnt.var()) or 1.0  # counts that never change are not scaled
    rows = {"validation": (hours.train, hours.validation), "test": (known, hours.test)}
    scores: dict[str, Any] = {"simulated": model.settings["simulated"] or bool(hours.test.attrs.get("simulated"))}
    baselines: dict[str, Any] = {"mean": {}, "last_four_weeks": {}}
    for name in periods:
        past, now = rows[name]
        actual = now.cnt.to_numpy(float)
        scores[name] = score(actual, model.predict(now, past.tail(24)), variance)
        baselines["mean"][name] = score(actual, np.full(len(now), past.cnt.mean()), variance)
        baselines["last_four_weeks"][name] = score(actual, last_four_weeks(past, now), variance)
    return scores | {"baselines": baselines}


def score(actual: np.ndarray, predicted: np.ndarray, variance: float) -> dict[str, float]:
    """Every figure that is reported for a period."""
    scores = metrics.regression_scores(actual, predicted)
    return {"rows": len(actual), "scaled_mse": scores.pop("mse") / variance} | scores


def last_four_weeks(past: pd.DataFrame, now: pd.DataFrame) -> np.ndarray:
    """The baseline: the mean of the same hour on the same kind of day over the 28 days before `now`."""
    recent = past[past.time >= now.time.min() - pd.Timedelta(days=28)]
    means = recent.groupby(["hr", "workingday"]).cnt.mean()
    keys = pd.MultiIndex.from_arrays([now.hr, now.workingday])
    return means.reindex(keys).fillna(past.cnt.mean()).to_numpy(float)
