"""What must be in the file of a bike model: which settings, of which kinds, and arrays of which shapes."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import msgspec

from projects.bikes.bands import KINDS
from projects.bikes.calendar import SpecialDay
from projects.bikes.layout import Event, Layout
from projects.bikes.sun import Place
from projects.common.model_file import Shape

SCALES = ("feature_mean", "feature_scale", "target_mean", "target_scale", "smearing")

NotNegative = Annotated[float, msgspec.Meta(ge=0)]
LocalTime = Annotated[datetime, msgspec.Meta(tz=False)]


class SavedWidths(msgspec.Struct, rename={"level_80": "80", "level_95": "95"}):
    """Half the width of each band, in scales of its kind of hour."""

    level_80: NotNegative
    level_95: NotNegative


class SavedBands(msgspec.Struct):
    """What `fit_bands` gives."""

    scales: Annotated[list[NotNegative], msgspec.Meta(min_length=KINDS, max_length=KINDS)]
    wet_factor: NotNegative
    widths: SavedWidths


class SavedCity(msgspec.Struct):
    """What `City.to_json` gives."""

    first_hour: LocalTime
    last_hour: LocalTime
    special_days: list[SpecialDay]
    place: Place | None
    country: str | None
    held_after_days: Annotated[int, msgspec.Meta(ge=0)]
    events: list[Event] = []
    learned_events: list[str] = []


class SavedRanges(msgspec.Struct):
    """What `weather_ranges` gives."""

    temperature: Annotated[list[float], msgspec.Meta(min_length=2, max_length=2)]
    wind: Annotated[list[float], msgspec.Meta(min_length=2, max_length=2)]
    seen: Annotated[list[float], msgspec.Meta(min_length=2, max_length=2)] | None = None


class SavedSettings(msgspec.Struct):
    """What must be in a model file, and of which kind; there may be more."""

    features: Annotated[list[str], msgspec.Meta(min_length=1)]
    members: Annotated[int, msgspec.Meta(ge=1)]
    groups: Annotated[list[str], msgspec.Meta(min_length=1)]
    city: SavedCity
    bands: SavedBands
    day_widths: SavedWidths
    targets: Annotated[list[str], msgspec.Meta(min_length=1, max_length=3)]
    layout: Layout
    ranges: SavedRanges
    closed_hours: Annotated[int, msgspec.Meta(ge=0)]
    validation: dict[str, float]
    first_hour: LocalTime
    last_hour: LocalTime
    simulated: bool
    train_rows: Annotated[int, msgspec.Meta(ge=1)]
    validation_rows: Annotated[int, msgspec.Meta(ge=1)]
    test_rows: Annotated[int, msgspec.Meta(ge=0)]
    log_counts: bool = False
    last_four_weeks_rmse: NotNegative | None = None


def shapes(settings: dict[str, Any]) -> Iterator[tuple[str, Shape]]:
    """What each array of a model file must look like."""
    n_features, n_targets = len(settings["features"]), len(settings["targets"])
    for name in SCALES:
        yield name, ("float", n_features if name.startswith("feature") else n_targets)
    for number in range(settings["members"]):
        yield f"W1.{number}", ("float", n_features, "hidden")
        yield f"b1.{number}", ("float", "hidden")
        yield f"W2.{number}", ("float", "hidden", n_targets)
        yield f"b2.{number}", ("float", n_targets)
