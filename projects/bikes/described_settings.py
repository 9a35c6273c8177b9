"""The settings of a bikes model as a person reads them: in words and units."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from projects.bikes.bands import STARTS
from projects.bikes.events import describe_events
from projects.bikes.layout import Event
from projects.common.words import percent

PARTS = ("night", "morning", "midday", "evening", "late evening")  # of the day, which begin at STARTS
COLUMNS = (
    *("time", "hour", "count", "casual", "registered"),
    *("temperature", "humidity", "wind", "weather", "rain", "snow", "holiday", "open"),
)
SAID = {  # what is said in other words, or says nothing to a person
    "bands", "city", "closed_hours", "data_sha256", "day_widths", "features", "first_hour", "groups", "last_hour",
    "last_four_weeks_rmse",
    "layout", "less_than_a_year", "log_counts", "members", "ranges", "simulated", "table", "targets", "test_rows",
    "train_rows", "unfinished", "validation", "validation_rows",
}  # fmt: skip


def describe_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a model was trained on and how, and what its bands are: names and values, in the order of reading."""
    others = {name.replace("_", " "): settings[name] for name in sorted(settings.keys() - SAID)}
    return about_data(settings) | about_network(settings) | others | about_bands(settings)


def about_data(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The hours, the columns they were read from, and the place."""
    city, layout, validation = settings["city"], settings["layout"], settings["validation"]
    rows = settings["train_rows"] + settings["validation_rows"]
    held = f"{settings['test_rows']:,} hours" if settings["test_rows"] else "none: all were trained on"
    found = {
        "hours trained on": f"{rows:,}, from {settings['first_hour'][:16]} to {settings['last_hour'][:16]}",
        "validation": f"{settings['validation_rows']:,} hours, by networks fitted without them: "
        f"RMSE {validation['rmse']:.1f}, R² {validation['r2']:.3f}",
        "kept apart for a test when it was trained": held,
        "closed hours left out": settings["closed_hours"],
        "columns": [described_column(layout, role) for role in COLUMNS if layout.get(role)],
    }
    if settings["simulated"]:
        found["data"] = "simulated"
    if settings.get("unfinished"):
        found["training"] = "interrupted"
    if city["country"]:
        found["holidays of"] = ", ".join(filter(None, (city["country"], layout["subdivision"])))
    if city.get("events"):
        found["events of the city"] = describe_events(
            Event(date.fromisoformat(day), name) for day, name in city["events"]
        )
    if city["place"]:
        latitude, longitude, zone = city["place"]
        found["place"] = f"{latitude:g}°, {longitude:g}° ({zone})"
    if city["special_days"]:
        found["special days"] = [
            f"{date} ({kind}, like a working day by {percent(share)})" for date, kind, share in city["special_days"]
        ]
    if settings.get("less_than_a_year"):
        found["trend"] = "held from the last hour on, since there is less than a year"
    return found


def described_column(layout: Mapping[str, Any], role: str) -> str:
    """A column with what it holds and its unit: "temperature: Temp (°C)"."""
    unit = layout.get(f"{role}_unit") or (layout["weather_code"] if role == "weather" else "")
    return f"{role}: {layout[role]}" + (f" ({unit})" if unit else "")


def about_network(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the networks learned, and from what."""
    of_what = {"cnt": "all riders", "casual": "casual riders", "registered": "registered riders"}
    scale = "logarithms" if settings.get("log_counts") else "fourth roots"
    riders = " and ".join(of_what.get(name, name) for name in settings["targets"])
    return {
        "networks, whose mean is the forecast": settings["members"],
        "learned": f"{scale} of the counts of {riders}",
        "seen of an hour": ", ".join(described_group(name, settings["features"]) for name in settings["groups"]),
        "the same as numbers": settings["features"],
    }


def described_group(name: str, features: Collection[str]) -> str:
    """The name of a group of features; of humidity and wind only what the table had."""
    if name != "humidity and wind":
        return name
    return " and ".join(word for column, word in (("hum", "humidity"), ("windspeed", "wind")) if column in features)


def about_bands(settings: Mapping[str, Any]) -> dict[str, Any]:
    """How far the bands reach, on the scale of square roots."""
    bands, days = settings["bands"], settings["day_widths"]
    kinds = [
        f"{part} {scale:.2f}"
        for part, scale in zip([*PARTS, *(f"free {part}" for part in PARTS)], bands["scales"], strict=True)
    ]
    reach = "on the scale of square roots"
    return {
        "bands of hours": f"80 %: ±{bands['widths']['80']:.2f}, 95 %: ±{bands['widths']['95']:.2f} {reach}, "
        "times the next two",
        f"factor of each kind of hour (from {', '.join(map(str, STARTS))} o'clock)": ", ".join(kinds),
        "factor of wet hours": f"{bands['wet_factor']:.2f}",
        "bands of days": f"80 %: ±{days['80']:.2f}, 95 %: ±{days['95']:.2f} {reach}",
    }
