"""The weather of one hour, as it is typed: 45F, 8 mph, light rain."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
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

    def in_words(self) -> str:
        """ "45 °F", "8 mph"."""
        return f"{self.number:g} {self.unit}"


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


def with_unit(measure: Measure, option: str, units: "dict[str, Unit]", usual: str) -> Measure:
    """The measure, in the usual unit if none was typed. Raises UsageError where no such number can be right."""
    unit = measure.unit or usual
    limits = units[unit]
    if not limits.lowest <= measure.number <= limits.highest:
        raise click.UsageError(
            f"{option}: {measure.number:g} {unit} is not in the range from {limits.lowest:g} to {limits.highest:g}"
        )
    return Measure(measure.number, unit)


def in_celsius(temperature: Measure) -> float:
    """Degrees Celsius."""
    from projects.bikes.weather import TEMPERATURE, celsius

    return float(celsius(convert(temperature, TEMPERATURE)))


def in_kmh(wind: Measure) -> float:
    """km/h."""
    from projects.bikes.weather import WIND, WIND_SPEED

    return convert(wind, WIND_SPEED) * WIND


def convert(measure: Measure, units: "dict[str, Unit]") -> float:
    """The number on the scale of the features."""
    import pandas as pd

    assert measure.unit is not None
    return float(units[measure.unit].convert(pd.Series([measure.number]))[0])
