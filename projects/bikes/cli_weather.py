"""The weather of one hour, as it is typed: 45F, 8 mph, light rain."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from projects.bikes.cli_options import WEATHER_WORDS, say_each

if TYPE_CHECKING:
    from projects.bikes.model import BikesModel
    from projects.bikes.weather import Unit

OF_TEMPERATURE = ("°C", "°F")
OF_WIND = ("km/h", "m/s", "mph", "knots")
UNITS = {  # how people write units, in small letters and without a degree sign
    "c": "°C", "celsius": "°C", "f": "°F", "fahrenheit": "°F",
    "km/h": "km/h", "kmh": "km/h", "kph": "km/h", "m/s": "m/s", "mph": "mph", "kn": "knots", "kt": "knots",
    "knots": "knots",
}  # fmt: skip
MEASURE = re.compile(r"([+-]?\d+(?:[.,]\d+)?)\s*°?\s*([a-z/]*)")


class Measure(NamedTuple):
    """A number and its unit; None: none was typed."""

    number: float
    unit: str | None

    def __str__(self) -> str:
        """ "45 °F", "8 mph"."""
        return f"{self.number:g} {self.unit}"

    def with_unit(self, usual: str) -> "Measure":
        """The same, in the usual unit if none was typed."""
        return self._replace(unit=self.unit or usual)


def measured(units: tuple[str, ...]) -> Callable[[click.Context, click.Parameter, str | None], Measure | None]:
    """The callback of an option that takes a number, with a decimal point or comma, perhaps with one of these units."""

    def read(ctx: click.Context, param: click.Parameter, typed: str | None) -> Measure | None:
        if typed is None:
            return None
        match = MEASURE.fullmatch(typed.strip().lower())
        unit = UNITS.get(match[2]) if match else None
        if match is None or (match[2] and unit not in units):
            raise click.BadParameter(f"{typed!r} is no number, alone or with {' or '.join(units)}.", ctx, param)
        return Measure(float(match[1].replace(",", ".")), unit)

    return read


class Sky(click.Choice[str]):
    """One of the words for the weather, with a space or a hyphen, in capitals or not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(super().convert(str(value).strip().lower().replace(" ", "-"), param, ctx))


class Conditions(NamedTuple):
    """The weather of one hour."""

    numbers: dict[str, float]  # as the features have them: temp, hum, windspeed, weathersit
    words: list[str]  # of what the model knows


def conditions_of(
    model: "BikesModel", temperature: Measure | None, humidity: float | None, wind: Measure | None, weather: str
) -> Conditions:
    """What was typed, as a model needs it; numbers without a unit are in that of the table trained on.

    It says what is not counted. Raises UsageError for what is missing or can't be right.
    """
    from projects.bikes.scenarios import weather_needed
    from projects.bikes.weather import HUMIDITY, TEMPERATURE, WIND_SPEED

    temperature = temperature and temperature.with_unit(model.layout.usual_temperature_unit)
    wind = wind and wind.with_unit(model.layout.usual_wind_unit)
    typed = {
        "temp": ("--temperature", temperature, TEMPERATURE),
        "hum": ("--humidity", None if humidity is None else Measure(humidity, "%"), HUMIDITY),
        "windspeed": ("--wind", wind, WIND_SPEED),
    }
    needed = weather_needed(model)
    absent = [option for name, (option, measure, _) in typed.items() if name in needed and measure is None]
    if absent:
        raise click.UsageError(
            f"--when needs {', '.join(absent)} too; for the days after the data `bikes forecast` takes usual weather"
        )
    useless = [option for name, (option, measure, _) in typed.items() if name not in needed and measure is not None]
    if useless:
        say_each([f"{', '.join(useless)}: not counted, since the data that the model was trained on had none"])
    numbers = {name: as_feature(*given) for name, given in typed.items()}
    words = {
        "temp": f"{temperature}",
        "hum": f"{humidity:g} % humidity" if humidity is not None else "",
        "windspeed": f"wind {wind}",
        "weathersit": weather.replace("-", " "),
    }
    numbers["weathersit"] = 1 + WEATHER_WORDS.index(weather)
    return Conditions(numbers, [words[name] for name in words if name in needed])


def as_feature(option: str, measure: Measure | None, units: "dict[str, Unit]") -> float:
    """The number on the scale of the features; 0 for none. Raises UsageError where no such number can be right."""
    import pandas as pd

    if measure is None:
        return 0.0
    unit = units[str(measure.unit)]
    if not unit.lowest <= measure.number <= unit.highest:
        raise click.UsageError(f"{option}: {measure} is not in the range from {unit.lowest:g} to {unit.highest:g}")
    return float(unit.convert(pd.Series([measure.number]))[0])
