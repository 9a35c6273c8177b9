"""Temperatures that no hour trained on had: what riders do then is not known."""

import pandas as pd

from projects.bikes.model import BikesModel
from projects.bikes.weather import celsius, in_unit
from projects.common.words import counted

MARGIN = 2.0  # °C beyond those trained on, that are like them


def beyond_temperatures(model: BikesModel, hours: pd.DataFrame) -> str | None:
    """A line where hours are colder or warmer than all that the model was trained on.

    None for a model that takes no temperature, or does not know which it was trained on.
    """
    seen = model.settings["ranges"].get("seen")
    if seen is None or "temp" not in model.needed_columns:
        return None
    lowest, highest = seen
    degrees = celsius(hours.temp)
    beyond = degrees[(degrees < lowest - MARGIN) | (degrees > highest + MARGIN)]
    if beyond.empty:
        return None
    unit = model.layout.temperature_unit
    first, last, coldest, warmest = (in_unit(value, unit) for value in (lowest, highest, beyond.min(), beyond.max()))
    told = f"{coldest:.1f}" if len(beyond) == 1 else f"{coldest:.1f} to {warmest:.1f}"
    return (
        f"{counted(len(beyond), 'hour')} with {told} {unit}, where the hours trained on had {first:.1f} to {last:.1f}: "
        "what riders do then is a guess"
    )
