"""The bike model: features scaled by the training rows, a network, and bikes out."""

import json
import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from nn import TwoLayerNetwork, TwoLayerRegressor
from nn.functions import squared_error
from projects.bikes.bands import Forecasts, band_bounds, fit_bands, fit_day_widths
from projects.bikes.data import Split
from projects.bikes.features import (
    AIR,
    AROUND,
    GROUPS,
    KNOWN_FOR,
    TREND_HELD_AFTER,
    City,
    available_groups,
    build_features,
    build_groups,
    layout_of,
    needed_columns,
)
from projects.bikes.last_four_weeks import last_four_weeks
from projects.bikes.layout import Event, Layout
from projects.bikes.saved import SCALES, SavedSettings, shapes
from projects.bikes.scores import score, variance_of
from projects.bikes.seasons import is_unseen
from projects.bikes.settings import DEFAULTS, Settings
from projects.bikes.target import smearing_of, targets_of, to_counts, transform_counts
from projects.bikes.weather import COLDEST, WARMEST, WIND, celsius
from projects.common import progress
from projects.common.checkpoint import Checkpoint
from projects.common.errors import ProjectError
from projects.common.files import fingerprint
from projects.common.model_file import (
    check_arrays,
    check_settings,
    load_model,
    refuse_other_activations,
    save_model,
)
from projects.common.progress import refuse_divergence, warn_if_useless
from projects.common.settings import checked

ONE_YEAR = pd.Timedelta(days=365)  # of hours, with less of which trend and seasons can't be told apart
LEFT_OUT = (  # groups of features that the first member does without, the second, …: they then err less alike
    ("second yearly wave",),
    ("sun",),
    ("weather before",),
    ("warming",),
    ("rain",),
    ("weekday",),
)
LEFT_OUT_OF_SHORT_DATA = (  # the same with less than a year: each tells growth and seasons apart in another way
    ("yearly wave", "second yearly wave"),
    (),
    ("trend",),
)
Rows = tuple[np.ndarray, np.ndarray]  # X and y
STAGES = "measured", "final"  # of the fits' names in a checkpoint
FITS = "fit 1 of 2", "fit 2 of 2"  # the same as phases that are shown
A_ROW, A_STEP = 1.5e-6, 2.5e-4  # seconds, for the progress: only their ratios count


@dataclass
class BikesModel:
    """An ensemble of trained networks with the scaling they were trained under, and what they were trained on."""

    networks: list[TwoLayerNetwork]
    scaling: dict[str, np.ndarray]  # feature_mean, feature_scale (n_features,); the others of SCALES (n_targets,)
    settings: dict[str, Any]

    def __repr__(self) -> str:
        hours = f"{self.settings['first_hour']} to {self.settings['last_hour']}"
        return f"BikesModel(networks: {len(self.networks)}, trained on {hours})"

    @property
    def city(self) -> City:
        return City.from_json(self.settings["city"])

    def with_events(self, events: Iterable[Event]) -> "BikesModel":
        """The same model that knows of more events, past or to come."""
        known = self.city
        city = replace(known, events=sorted({*known.events, *events}))
        return BikesModel(self.networks, self.scaling, self.settings | {"city": city.to_json()})

    @property
    def layout(self) -> Layout:
        """Which column of a table is what, as training found it."""
        return msgspec.convert(self.settings["layout"], Layout)

    @property
    def needed_columns(self) -> set[str]:
        """The columns of the hours that the features are made of, besides their time."""
        return needed_columns(self.settings["groups"], self.settings["features"])

    def features(
        self,
        hours: pd.DataFrame,
        before: pd.DataFrame | None = None,
        after: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """What the networks see of each of `hours`, unscaled [rows, features].

        before, after: hours around, for the weather they had; see `build_groups`. Raises ProjectError where the hours
        lack a column that the model was trained with.
        """
        lacking = self.needed_columns - set(hours.columns)
        if lacking:
            named = ", ".join(sorted(lacking))
            raise ProjectError(f"the model was trained with {named}, which these hours lack: add that")
        unknown = [name for name in AIR if name in hours and name not in self.needed_columns]
        features = build_features(hours.drop(columns=unknown), self.city, self.settings["groups"], before, after)
        if list(features) != self.settings["features"]:
            raise ProjectError("the model was trained on other features than this program's: train a new one")
        return features

    @property
    def log_counts(self) -> bool:
        """Whether the networks learned logarithms of the counts, not roots."""
        return bool(self.settings.get("log_counts", False))

    def transformed_counts(self, features: pd.DataFrame) -> np.ndarray:
        """The networks' mean forecast of each kind of riders, as roots or logarithms [rows, n_targets]."""
        X = (features.to_numpy() - self.scaling["feature_mean"]) / self.scaling["feature_scale"]
        X = X.astype(self.networks[0].W1.dtype)
        output = np.mean([network.predict(X) for network in self.networks], axis=0, dtype=float)
        counts: np.ndarray = np.maximum(output * self.scaling["target_scale"] + self.scaling["target_mean"], 0)
        return counts

    def predict(
        self,
        hours: pd.DataFrame,
        before: pd.DataFrame | None = None,
        after: pd.DataFrame | None = None,
    ) -> np.ndarray:
        """Bikes rented in each of `hours` [rows]; before, after: hours around, for the weather they had."""
        return self.bikes(self.features(hours, before, after))

    def bikes(self, features: pd.DataFrame) -> np.ndarray:
        """Bikes rented in hours with these features [rows]."""
        riders = to_counts(self.transformed_counts(features), self.log_counts)  # [rows, n_targets]
        bikes: np.ndarray = riders @ self.scaling["smearing"]
        return bikes

    def forecast(
        self,
        hours: pd.DataFrame,
        before: pd.DataFrame | None = None,
        after: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """`prediction`, and the bounds low_80, high_80, low_95 and high_95 of its bands, in bikes; a row for each hour.

        Hours more than a year from those trained on have no bands (NaN): how a city rides then is not known. Nor have
        those of a season that less than a year of hours trained on has not shown.
        """
        prediction = self.predict(hours, before, after)
        bounds = band_bounds(self.settings["bands"], self.forecasts(hours, prediction))
        bands = pd.DataFrame(bounds, hours.index)
        bands[~hours.time.between(*self.city.span(KNOWN_FOR)) | is_unseen(self.settings, hours.time)] = np.nan
        return pd.concat([pd.Series(prediction, hours.index, name="prediction"), bands], axis=1)

    def forecasts(self, hours: pd.DataFrame, prediction: np.ndarray) -> Forecasts:
        """The forecasts of the hours with what their bands depend on."""
        city = self.city
        return Forecasts(hours, prediction, city.working_share(hours), city.unfamiliarity(hours), self.days_away(hours))

    def days_away(self, hours: pd.DataFrame) -> np.ndarray:
        """Days by which each hour lies outside those trained on; below 0 inside [rows]."""
        first, last = (pd.Timestamp(self.settings[name]) for name in ("first_hour", "last_hour"))
        away = np.maximum(hours.time - last, first - hours.time)
        days: np.ndarray = (away / pd.Timedelta(days=1)).to_numpy()
        return days

    def save(self, path: Path | str) -> None:
        """Write the model to this file, whole or not at all. Raises ProjectError."""
        refuse_other_activations(network.hidden for network in self.networks)
        arrays = {
            f"{name}.{number}": getattr(network, name)
            for number, network in enumerate(self.networks)
            for name in ("W1", "b1", "W2", "b2")
        }
        save_model(Path(path), "bikes", arrays | self.scaling, self.settings)

    @classmethod
    def load(cls, path: Path | str) -> "BikesModel":
        """The model in this file. Raises ProjectError."""
        path = Path(path)
        arrays, settings = load_model(path, "bikes")
        check_settings(path, settings, SavedSettings)
        check_arrays(path, arrays, shapes(settings))
        for name in ("feature_scale", "target_scale"):
            if not (arrays[name] > 0).all():
                raise ProjectError(f"{path}: {name} has a scale of 0 or less: train a new model")
        networks = [
            TwoLayerNetwork.from_arrays(*(arrays[f"{name}.{number}"] for name in ("W1", "b1", "W2", "b2")))
            for number in range(settings["members"])
        ]
        return cls(networks, {name: arrays[name] for name in SCALES}, settings)


def train(
    hours: Split,
    settings: Settings = DEFAULTS,
    on_epoch: Callable[[Any], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> BikesModel:
    """A model fitted to train and validation, after one fitted to hours.train alone was measured on hours.validation.

    on_epoch is called during the first network's training. The validation's scores and band widths are in `settings`.
    The checkpoint's fits are measured.0, measured.1, … and final.0, …; once it is stopped, the measured model returns.
    Raises ValueError for a setting that will not do.
    """
    checked(settings)
    checkpoint = checkpoint or Checkpoint()
    expect_fits(settings, checkpoint, len(hours.train))
    everything = pd.concat(hours)
    about = {
        "data_sha256": fingerprint(everything[name].to_numpy().tobytes() for name in everything),
        "train_rows": len(hours.train),
        "validation_rows": len(hours.validation),
        "test_rows": len(hours.test),
        "simulated": bool(hours.train.attrs.get("simulated", False)),
        "closed_hours": int(hours.train.attrs.get("closed_hours", 0)),
        "ranges": weather_ranges(pd.concat([hours.train, hours.validation])),
        "layout": json.loads(msgspec.json.encode(layout_of(hours.train))),
    }
    known = pd.concat([hours.train, hours.validation])
    short = is_less_than_a_year(known)
    checkpoint.start(msgspec.structs.asdict(settings) | {"less_than_a_year": short} | about)
    epochs = settings.members * settings.epochs
    progress.enter(FITS[0], total=epochs)
    measured = fit(hours.train, hours.validation, settings, on_epoch, checkpoint, less_than_a_year=short)
    final = measured
    if not checkpoint.stopped:
        progress.enter(FITS[1], total=epochs)
        final = fit(known, None, settings, checkpoint=checkpoint, less_than_a_year=short)
    unfinished = checkpoint.stopped  # perhaps only since then
    model = measured if unfinished else final
    model.settings |= about | measure(measured, hours) | {"unfinished": unfinished}
    return model


def measure(measured: BikesModel, hours: Split) -> dict[str, Any]:
    """What the validation hours tell of a model that has not seen them: its score, the baseline's, and its bands."""
    actual = hours.validation.cnt.to_numpy(float)
    predicted = measured.predict(hours.validation, hours.train.tail(AROUND))
    validation = measured.forecasts(hours.validation, predicted)
    fitted = measured.forecasts(hours.train, measured.predict(hours.train))
    variance = variance_of(pd.concat([hours.train, hours.validation]))
    return {
        "bands": fit_bands(fitted, validation),
        "day_widths": fit_day_widths(validation),
        "validation": score(actual, predicted, variance),
        "last_four_weeks_rmse": score(actual, last_four_weeks(hours.train, hours.validation), variance)["rmse"],
    }


def expect_fits(settings: Settings, checkpoint: Checkpoint, n_rows: int) -> None:
    """Tell the progress of the process how long the fits take, and what an earlier one has done of them."""
    epochs = settings.members * settings.epochs
    for phase, stage in zip(FITS, STAGES, strict=True):
        progress.expect(phase, epochs * n_rows * (A_ROW + A_STEP / settings.batch_size))
        done = sum(len(state["history"]) for name, state in checkpoint.states.items() if name.startswith(stage))
        progress.already(phase, done / epochs)


def fit(
    hours: pd.DataFrame,
    unseen: pd.DataFrame | None,
    settings: Settings = DEFAULTS,
    on_epoch: Callable[[Any], None] | None = None,
    checkpoint: Checkpoint | None = None,
    groups: Collection[str] | None = None,
    less_than_a_year: bool = False,
) -> BikesModel:
    """An ensemble fitted to `hours`; the first network's loss on `unseen` is measured after each epoch.

    groups: the names of the groups of features that may be used; None: all. Every number used for scaling comes from
    `hours` alone. Members have the seeds seed · 1000, seed · 1000 + 1, …
    Once the checkpoint is stopped, the ensemble has only whole networks, or one that is not if there are none.
    """
    city = City.learned_from(hours, 0 if less_than_a_year else TREND_HELD_AFTER.days)
    names = [name for name in available_groups(hours.columns, city) if groups is None or name in groups]
    parts = build_groups(hours, city, names)
    features = pd.concat(parts.values(), axis=1)
    scaling = scaling_of(parts, hours, settings.log_counts)
    validation = None
    if unseen is not None:
        unseen_features = build_features(unseen, city, names, hours.tail(AROUND))
        validation = scaled(unseen_features, unseen, scaling, settings.log_counts)
    rows = scaled(features, hours, scaling, settings.log_counts)
    left_out = LEFT_OUT_OF_SHORT_DATA if less_than_a_year else LEFT_OUT
    alone = settings.members == 1
    columns = [
        member_columns(parts, () if alone else left_out[member % len(left_out)]) for member in range(settings.members)
    ]
    networks = fit_networks(rows, validation, columns, settings, on_epoch, checkpoint or Checkpoint())
    about = msgspec.structs.asdict(settings) | {
        "less_than_a_year": less_than_a_year,
        "groups": names,
        "features": list(features),
        "targets": targets_of(hours, settings.log_counts),
        "city": city.to_json(),
        "first_hour": city.first_hour,
        "last_hour": city.last_hour,
        "members": len(networks),
    }
    without_unseen = [without_features(network, never_seen(features)) for network in networks]
    return with_smearing(BikesModel(without_unseen, scaling, about), features, hours)


def with_smearing(model: BikesModel, features: pd.DataFrame, hours: pd.DataFrame) -> BikesModel:
    """The model whose forecasts of the hours trained on, which have these features, add up to what was counted."""
    fitted = to_counts(model.transformed_counts(features), model.log_counts)
    smearing = smearing_of(hours, fitted, model.log_counts)
    return BikesModel(model.networks, model.scaling | {"smearing": smearing}, model.settings)


def weather_ranges(hours: pd.DataFrame) -> dict[str, list[float]]:
    """Lowest and highest temperature, in °C, and wind, in km/h, on a page: the usual ones and those seen.

    `seen`: lowest and highest temperature of the hours, where they have any.
    """
    temperatures, winds = [COLDEST, WARMEST], [0.0, WIND]
    ranges: dict[str, list[float]] = {}
    if "temp" in hours:
        ranges["seen"] = celsius(hours.temp.agg(["min", "max"])).round(2).tolist()
        temperatures += ranges["seen"]
    if "windspeed" in hours:
        winds.append(hours.windspeed.max() * WIND)
    return ranges | {
        "temperature": [math.floor(min(temperatures) + 1e-6), math.ceil(max(temperatures) - 1e-6)],
        "wind": [0, math.ceil(max(winds) - 1e-6)],
    }


def is_less_than_a_year(hours: pd.DataFrame) -> bool:
    """Whether growth and seasons can't be told apart: the trend is then held from the last hour on."""
    return bool(hours.time.iloc[-1] - hours.time.iloc[0] + pd.Timedelta(hours=1) < ONE_YEAR)


def fit_networks(
    rows: Rows,
    validation: Rows | None,
    columns: list[np.ndarray],
    settings: Settings,
    on_epoch: Callable[[Any], None] | None,
    checkpoint: Checkpoint,
) -> list[TwoLayerNetwork]:
    """A network for each of `columns`, masks of the features [features] that it is fitted to."""
    stage = STAGES[validation is None]
    X, y = rows
    networks: list[TwoLayerNetwork] = []
    for member, mine in enumerate(columns):
        estimator = TwoLayerRegressor(
            hidden_units=settings.hidden_units,
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            batch_size=settings.batch_size,
            momentum=settings.momentum,
            random_state=1000 * settings.seed + member,
        )
        watched = member == 0 and validation is not None
        unseen = None
        if member == 0 and validation is not None:
            unseen = (validation[0][:, mine], validation[1])
        name = f"{stage}.{member}"
        callback = checkpoint.after_epoch(name, reporting(on_epoch if watched and on_epoch else refuse_divergence))
        resume_from = checkpoint.states.get(name)
        estimator.fit(X[:, mine], y, validation=unseen, on_epoch=callback, resume_from=resume_from)
        if checkpoint.stopped and networks:
            break
        networks.append(with_all_features(estimator.network_, mine))
        if checkpoint.stopped:
            break
        if watched:
            warn_if_useless(estimator.training_, squared_error(np.zeros_like(y), y) / len(y))
    return networks


def reporting(report: Callable[[Any], None]) -> Callable[[Any], None]:
    """The callback, told to the progress of the process as an epoch."""

    def on_epoch(training: Any) -> None:
        report(training)
        progress.advance()

    return on_epoch


def member_columns(groups: dict[str, pd.DataFrame], left_out: Collection[str]) -> np.ndarray:
    """Which features a member that does without these groups sees [features]."""
    return np.concatenate([np.full(group.shape[1], name not in left_out) for name, group in groups.items()])


def with_all_features(network: TwoLayerNetwork, columns: np.ndarray) -> TwoLayerNetwork:
    """The network of some features as one of all of them, whose further weights are 0."""
    W1 = np.zeros((len(columns), network.W1.shape[1]), network.W1.dtype)
    W1[columns] = network.W1
    return with_W1(network, W1)


def never_seen(features: pd.DataFrame) -> np.ndarray:
    """Which features are 0 in all of the hours, such as a kind of weather that there never was [features]."""
    seen: np.ndarray = features.to_numpy().any(axis=0)
    return ~seen


def without_features(network: TwoLayerNetwork, columns: np.ndarray) -> TwoLayerNetwork:
    """The network with weights of 0 for these features: what it never saw has the weights that it began with."""
    W1 = np.where(columns[:, np.newaxis], 0, network.W1).astype(network.W1.dtype)
    return with_W1(network, W1)


def with_W1(network: TwoLayerNetwork, W1: np.ndarray) -> TwoLayerNetwork:
    """The network with another first layer of weights."""
    return TwoLayerNetwork.from_arrays(
        W1, network.b1, network.W2, network.b2, hidden=network.hidden, output=network.output
    )


def scaling_of(groups: dict[str, pd.DataFrame], hours: pd.DataFrame, log_counts: bool = False) -> dict[str, np.ndarray]:
    """Means and standard deviations of features and targets; 0 and 1 for features that are left as they are."""
    means, scales = [], []
    for name, features in groups.items():
        n_features = features.shape[1]
        means.append(features.mean().to_numpy() if GROUPS[name].scaled else np.zeros(n_features))
        scales.append(spread(features) if GROUPS[name].scaled else np.ones(n_features))
    target = transform_counts(hours, log_counts)
    return {
        "feature_mean": np.concatenate(means),
        "feature_scale": np.concatenate(scales),
        "target_mean": target.mean().to_numpy(),
        "target_scale": spread(target),
        "smearing": np.ones(target.shape[1]),
    }


def scaled(
    features: pd.DataFrame, hours: pd.DataFrame, scaling: dict[str, np.ndarray], log_counts: bool = False
) -> Rows:
    """X [rows, features] and y [rows, n_targets], as the networks are given them."""
    X = (features - scaling["feature_mean"]) / scaling["feature_scale"]
    y = (transform_counts(hours, log_counts) - scaling["target_mean"]) / scaling["target_scale"]
    return X.to_numpy(), y.to_numpy()


def spread(table: pd.DataFrame) -> np.ndarray:
    """Standard deviation of each column; 1 where a column is constant."""
    deviation = table.std(ddof=0).to_numpy()
    return np.where(deviation > 0, deviation, 1.0)
