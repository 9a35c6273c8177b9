"""What `bikes tune` tries: settings from a space, each on windows of days that follow the hours it was fitted to.

The windows lie one before the other, the last one just before the test days, and each is a third as long as the
validation. One network is fitted where `train` fits several: what is good for one is good for their average.
"""

import math
import threading
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd

from nn import TwoLayerRegressor
from nn.training import Training
from projects.bikes.features import AROUND, TREND_HELD_AFTER, City, available_groups, build_features, build_groups
from projects.bikes.model import BikesModel, Rows, is_less_than_a_year, scaled, scaling_of, with_smearing
from projects.bikes.settings import DEFAULTS, Settings
from projects.common.errors import ProjectError
from projects.common.tune import PARTS, Clock, Values

SEARCHED = "hidden_units", "epochs", "learning_rate", "batch_size", "momentum"
FEWEST_DAYS = 28  # before the first window


class Window(NamedTuple):
    """The hours of a window, and all that the networks need that are fitted to those before."""

    rows: Rows
    before: pd.DataFrame  # the hours trained on
    features_before: pd.DataFrame
    scaling: dict[str, np.ndarray]
    features: pd.DataFrame  # of the window
    actual: np.ndarray  # bikes in its hours


class Tuning:
    """The hours before the test, and their windows, prepared when they are first tried on."""

    def __init__(self, known: pd.DataFrame, validation_days: int, seed: int, clock: Clock) -> None:
        self.known = known
        self.hours = 24 * max(1, validation_days // 3)  # of a window
        self.seed = seed
        self.clock = clock
        self.windows: dict[int, Window] = {}
        self.lock = threading.Lock()
        fewest = PARTS * self.hours + 24 * FEWEST_DAYS
        if len(known) < fewest:
            raise ProjectError(
                f"{len(known):,} hours before the test are too few: {PARTS} windows of {self.hours // 24} days and "
                f"{FEWEST_DAYS} days before them take {fewest:,}; lower --validation-days"
            )

    def window(self, part: int) -> Window:
        with self.lock:
            if part not in self.windows:
                self.windows[part] = self.prepare(part)
            return self.windows[part]

    def prepare(self, part: int) -> Window:
        """Features and scaling, by the hours before the window alone."""
        stop = len(self.known) - part * self.hours
        before = self.known.iloc[: stop - self.hours]
        hours = self.known.iloc[stop - self.hours : stop]
        city = City.learned_from(before, 0 if is_less_than_a_year(before) else TREND_HELD_AFTER.days)
        names = available_groups(before.columns, city)
        groups = build_groups(before, city, names)
        features_before = pd.concat(groups.values(), axis=1)
        scaling = scaling_of(groups, before)
        return Window(
            rows=scaled(features_before, before, scaling),
            before=before,
            features_before=features_before,
            scaling=scaling,
            features=build_features(hours, city, names, before.tail(AROUND)),
            actual=hours.cnt.to_numpy(float),
        )

    def try_on(self, values: Values, part: int) -> float:
        """The RMSE of a network's forecast of the window, in bikes; infinite where its training diverges."""
        self.clock.check()
        window = self.window(part)
        X, y = window.rows
        settings = msgspec.structs.replace(Settings(seed=self.seed), **values)
        chosen = {name: getattr(settings, name) for name in SEARCHED}
        estimator = TwoLayerRegressor(random_state=1000 * settings.seed, **chosen)
        estimator.fit(X, y, on_epoch=self.after_epoch)
        if estimator.training_.diverged:
            return math.inf
        biased = BikesModel([estimator.network_], window.scaling, {})
        model = with_smearing(biased, window.features_before, window.before)
        errors = model.bikes(window.features) - window.actual
        return float(np.sqrt(np.mean(errors**2)))

    def after_epoch(self, training: Training) -> None:
        self.clock.check()


def default_values() -> Values:
    """The settings that are searched, as `bikes train` has them where nothing is said."""
    return {name: getattr(DEFAULTS, name) for name in SEARCHED}


def draw_values(rng: np.random.Generator) -> Values:
    """Random settings around the default ones."""
    return {
        "hidden_units": int(rng.choice([12, 16, 24, 32, 48])),
        "epochs": math.ceil(DEFAULTS.epochs * 2 ** rng.uniform(-1, 1)),
        "learning_rate": float(f"{DEFAULTS.learning_rate * 2 ** rng.uniform(-2, 1):.2g}"),
        "batch_size": int(rng.choice([32, 64, 128])),
        "momentum": float(rng.choice([0.8, 0.9, 0.95])),
    }
