"""The page of a bikes run: a forecast that follows its sliders, the scores and the pictures."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from projects.bikes import bands, calendar, features, seasons
from projects.bikes.described_settings import describe_settings
from projects.bikes.export import one_network
from projects.bikes.model import BikesModel
from projects.bikes.pictures import PICTURES
from projects.bikes.public_holidays import public_holidays
from projects.bikes.scenarios import weather_needed
from projects.bikes.target import POWER
from projects.bikes.weather import COLDEST, WARMEST, WIND
from projects.bikes.words import bikes
from projects.common import report
from projects.common.errors import ProjectError
from projects.common.words import percent

# the groups of features that `features` in report.js works out, too
KNOWN_GROUPS = (
    "hour of the day",
    "hours of Fridays and Sundays",
    "weekday",
    "holiday",
    "christmas and thanksgiving",
    "yearly wave",
    "second yearly wave",
    "trend",
    "sky",
    "temperature",
    "humidity and wind",
    "weather before",
    "warming",
    "rain",
    "sun",
    "events of the city",
)
YEARS_AROUND = 3  # before and after the hours trained on, whose public holidays the page knows


def page(model: BikesModel, path: Path, scores: dict[str, Any] | None, weather: Sequence[str], far: int) -> str:
    """The HTML of the page of the model at this path. far: days beyond the training from which it warns.

    Raises ProjectError where the page cannot work out a feature.
    """
    settings, scaling, source = model.settings, model.scaling, Path(__file__)
    refuse_unknown_groups(settings["groups"])
    about = {
        "features": settings["features"],
        "mean": scaling["feature_mean"].tolist(),
        "scale": scaling["feature_scale"].tolist(),
        "targetMean": scaling["target_mean"].tolist(),
        "targetScale": scaling["target_scale"].tolist(),
        "smearing": scaling["smearing"].tolist(),
        "power": POWER,
        "logCounts": model.log_counts,
        "bands": settings["bands"]
        | {
            "starts": bands.STARTS,
            "special": bands.SPECIAL,
            "growth": bands.GROWTH,
            "growsAfter": bands.GROWS_AFTER,
        },
        "city": model.city.to_json(),
        "calendar": calendar_numbers(),
        "inputs": inputs_of(model),
        "holidays": holidays_of(model),
        "temperatureUnit": settings["layout"]["temperature_unit"],
        "temperatures": settings["ranges"]["temperature"],
        "strongestWind": settings["ranges"]["wind"][1],
        "knownFor": features.KNOWN_FOR.days,
        "mild": features.MILD,
        "wet": features.WET,
        "twilight": features.TWILIGHT,
        "coldest": COLDEST,
        "warmest": WARMEST,
        "wind": WIND,
        "weather": [name.replace("-", " ") for name in weather],
        "firstHour": settings["first_hour"].replace(" ", "T") + "Z",
        "lastHour": settings["last_hour"].replace(" ", "T") + "Z",
        "far": far,
        "seasonsNear": seasons.NEAR if settings.get("less_than_a_year") else None,
    }
    arrays = b"".join(array.astype("<f4").tobytes() for array in one_network(model))
    simulated = settings["simulated"] or (scores is not None and scores["simulated"])
    described = describe_settings(settings)
    parts = report.common_parts("bikes", path, described, settings.get("data_sha256"), simulated, PICTURES) | {
        "title": "How many bikes will be rented?",
        "lead": lead_of(model, scores),
        "style": source.with_name("report.css").read_text(encoding="utf-8"),
        "live": source.with_name("report.html").read_text(encoding="utf-8"),
        "scores": score_table(scores) if scores else unscored(settings),
        "more": "",
        "about": report.as_json(about),
        "weights": base64.b64encode(arrays).decode(),
        "script": source.with_name("report.js").read_text(encoding="utf-8"),
    }
    return report.fill(parts)


def refuse_unknown_groups(groups: Sequence[str]) -> None:
    """Raise ProjectError for groups of features that the page does not know: it would forecast nothing."""
    unknown = ", ".join(repr(name) for name in groups if name not in KNOWN_GROUPS)
    if unknown:
        raise ProjectError(
            f"the page does not know the features {unknown}: work them out in `features` of projects/bikes/report.js, "
            "and name them in KNOWN_GROUPS of report.py"
        )


def calendar_numbers() -> dict[str, Any]:
    """What the page needs to know which days are like others, see `calendar`."""
    return {
        "usual": calendar.USUAL_SHARES,
        "shrinkage": calendar.SHRINKAGE,
        "moves": calendar.MOVES,
        "thanksgiving": calendar.THANKSGIVING,
        "christmasEve": calendar.CHRISTMAS_EVE,
        "newYear": calendar.NEW_YEAR,
        "holidaysBegin": calendar.HOLIDAYS_BEGIN,
        "holidaysEnd": calendar.HOLIDAYS_END,
    }


def lead_of(model: BikesModel, scores: dict[str, Any] | None) -> str:
    """What the model is, what it knows and, once it was scored, how far off it is."""
    settings = model.settings
    hours = settings["train_rows"] + settings["validation_rows"]
    days = f"{settings['first_hour'][:10]} to {settings['last_hour'][:10]}".replace("-", "‑")  # not to be broken there
    lead = f"The mean of {len(model.networks)} small networks that learned from the {hours:,} hours of {days}."
    lead += f" {what_it_knows(model)}"
    if scores and "test" in scores:
        test = scores["test"]
        lead += f" Over {test['rows']:,} hours after that it is off by {bikes(test['mae'])} an hour on average."
    else:
        validation = settings["validation"]
        last = f"the last {validation['rows']:,} of them, before it learned from these"
        lead += f" Its forecast of {last}, was off by {bikes(validation['mae'])} an hour on average."
    return lead


def inputs_of(model: BikesModel) -> list[str]:
    """What can be said of an hour, beside its date, that changes the forecast."""
    names = {"weathersit": "weather", "temp": "temperature", "hum": "humidity", "windspeed": "wind"}
    known = [names[column] for column in weather_needed(model)]
    return [*known, "holiday"] if "holiday" in model.settings["groups"] else known


def holidays_of(model: BikesModel) -> list[str]:
    """The dates that are public holidays as `bikes predict --when` knows them, around the hours trained on."""
    layout = model.layout
    if "holiday" not in model.settings["groups"] or layout.holiday is not None or layout.country is None:
        return []
    first, last = (int(model.settings[name][:4]) for name in ("first_hour", "last_hour"))
    years = range(first - YEARS_AROUND, last + YEARS_AROUND + 1)
    return [f"{date:%Y-%m-%d}" for date in public_holidays(years, layout.country, layout.subdivision)]


def what_it_knows(model: BikesModel) -> str:
    """A sentence on what the table told of each hour, and what was left out."""
    known = [name for name in ("temperature", "humidity", "wind", "weather", "holiday") if name in inputs_of(model)]
    named = [name + "s" if name == "holiday" else name for name in known]
    if model.city.learned_events:
        named.append("the city's own events")
    place = model.city.place
    if place:
        named.append(f"the height of the sun at {place.latitude:.1f}°, {place.longitude:.1f}°")
    listed = " and ".join(part for part in (", ".join(named[:-1]), *named[-1:]) if part)
    sentence = f"Beside date and time it knows {listed}." if named else "It knows nothing but date and time."
    closed = model.settings["closed_hours"]
    return sentence + (f" {closed:,} hours in which the service was closed were left out." if closed else "")


def unscored(settings: dict[str, Any]) -> str:
    """What stands in the place of scores, as HTML."""
    if settings["test_rows"]:
        return report.missing("bikes evaluate")
    days, error = settings["validation_rows"] / 24, settings["validation"]["mae"]
    return (
        '<p class="card">The model was trained on all days: none are left to score it on. Networks fitted without the '
        f"last {days:.0f} days were off by {bikes(error)} an hour on average.</p>"
    )


def score_table(scores: dict[str, Any]) -> str:
    models = {"network": scores, "last four weeks": scores["baselines"]["last_four_weeks"]}
    models["mean so far"] = scores["baselines"]["mean"]
    rows = []
    for period in ("validation", "test"):
        for name, scored in models.items():
            if period not in scored:
                continue
            s = scored[period]
            errors = f"{s['scaled_mse']:.3f} {s['rmse']:.1f} {s['mae']:.1f} {s['rmsle']:.3f}".split()
            bands = [percent(s[key], 1) if key in s else "" for key in ("coverage_80", "coverage_95")]
            rows.append([f"{name}, {period}", f"{s['rows']:,}", *errors, f"{s['r2']:.3f}", *bands])
    head = ["", "hours", "scaled MSE", "RMSE", "MAE", "RMSLE", "R²", "in 80 % band", "in 95 % band"]
    return report.table(head, rows) + (
        '<p class="soft small">RMSE and MAE in bikes an hour. Scaled MSE: divided by the variance of the hourly count '
        "before the test. Last four weeks: the mean of the same hour on the same kind of day.</p>"
    )
