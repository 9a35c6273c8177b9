"""What other tools forecast, given what our network is given: the features, the roots of two kinds of riders.

Trees cannot carry a trend on. They are fitted to what a ridge regression on the same features leaves over, and see
the hour, the weekday, the month and the working share as ordinal numbers too. The settings below were chosen by
`python -m benchmarks.bikes --tune`, on twelve origins before March 2012 that no other figure is of.
"""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from projects.bikes import model, target
from projects.bikes.bands import LEVELS
from projects.bikes.features import City, build_features
from projects.bikes.settings import Settings

RIDGE = 100.0
LIGHTGBM = {"n_estimators": 600, "learning_rate": 0.03, "num_leaves": 31}
CATBOOST = {"iterations": 1000, "learning_rate": 0.05, "depth": 6}
HISTOGRAMS = {"max_iter": 300, "learning_rate": 0.05}


def inputs(past, now, before):
    """Features of the past hours and of those to forecast, with ordinal columns for trees [rows, columns]."""
    city = City.learned_from(past)
    tables = []
    for hours, around in ((past, None), (now, before)):
        ordinals = pd.DataFrame(
            {
                "hour": hours.hr,
                "day_of_week": hours.time.dt.day_of_week,
                "month": hours.time.dt.month,
                "weather": hours.weathersit,
                "working": city.working_share(hours),
            }
        )
        tables.append(pd.concat([build_features(hours, city, before=around), ordinals], axis=1))
    return tables


def with_the_trend_taken_out(trees, past, now, before):
    """Bikes by a ridge regression and what these trees make of the rest; by the ridge alone for None."""
    X_past, X_now = inputs(past, now, before)
    roots = past[target.KINDS].to_numpy() ** target.POWER
    ridge = make_pipeline(StandardScaler(), Ridge(RIDGE)).fit(X_past, roots)
    fitted, forecast = ridge.predict(X_past), ridge.predict(X_now)
    if trees is not None:
        rest = MultiOutputRegressor(trees).fit(X_past, roots - fitted)
        fitted, forecast = fitted + rest.predict(X_past), forecast + rest.predict(X_now)
    return to_bikes(past, fitted, forecast)


def to_bikes(past, fitted, forecast):
    """Roots of both kinds of riders as bikes, without the bias that a mean of roots has; as our network does it."""
    fitted, forecast = (np.maximum(roots, 0) ** (1 / target.POWER) for roots in (fitted, forecast))
    return forecast @ (past[target.KINDS].sum().to_numpy() / fitted.sum(axis=0))


def lightgbm_trees(**settings):
    import lightgbm

    return lightgbm.LGBMRegressor(**LIGHTGBM | settings, verbose=-1, random_state=0, n_jobs=1)


def catboost_trees(**settings):
    from catboost import CatBoostRegressor

    return CatBoostRegressor(**CATBOOST | settings, verbose=False, random_seed=0, allow_writing_files=False)


def histogram_trees(**settings):
    return HistGradientBoostingRegressor(**HISTOGRAMS | settings, random_state=0)


def perceptron(past, now, before):
    """scikit-learn's MLP: 64 ReLU units, Adam, 40 epochs; the mean of three."""
    X_past, X_now = inputs(past, now, before)
    roots = past[target.KINDS].to_numpy() ** target.POWER
    scaler = StandardScaler().fit(X_past)
    X_past, X_now = scaler.transform(X_past), scaler.transform(X_now)
    networks = [
        MLPRegressor(hidden_layer_sizes=(64,), max_iter=40, random_state=seed).fit(X_past, roots) for seed in range(3)
    ]
    fitted, forecast = (np.mean([each.predict(X) for each in networks], axis=0) for X in (X_past, X_now))
    return to_bikes(past, fitted, forecast)


def network(past, now, before, **settings):
    """Our network as `bikes train` with these settings fits it, to all past hours."""
    fitted = model.fit(past, None, Settings(**settings))
    return fitted.predict(now, before)


def network_of_logarithms(past, now, before):
    """The same with `--log-counts`, for scores of relative errors."""
    return network(past, now, before, log_counts=True)


PEERS = {
    "LightGBM": lambda *hours: with_the_trend_taken_out(lightgbm_trees(), *hours),
    "CatBoost": lambda *hours: with_the_trend_taken_out(catboost_trees(), *hours),
    "HistGradientBoosting": lambda *hours: with_the_trend_taken_out(histogram_trees(), *hours),
    "MLP": perceptron,
    "ridge": lambda *hours: with_the_trend_taken_out(None, *hours),
}


def quantile_bands(past, now, before):
    """Bounds of bands by LightGBM's quantile regression: of the root of all riders, the trend taken out by a ridge."""
    X_past, X_now = inputs(past, now, before)
    roots = past.cnt.to_numpy(float) ** target.POWER
    ridge = make_pipeline(StandardScaler(), Ridge(RIDGE)).fit(X_past, roots)
    rest = roots - ridge.predict(X_past)
    bounds = {}
    for level in LEVELS:
        for side, quantile in (("low", 0.5 - level / 200), ("high", 0.5 + level / 200)):
            trees = lightgbm_trees(objective="quantile", alpha=quantile).fit(X_past, rest)
            root = np.maximum(ridge.predict(X_now) + trees.predict(X_now), 0)
            bounds[f"{side}_{level}"] = root ** (1 / target.POWER)
    return pd.DataFrame(bounds, now.index)
