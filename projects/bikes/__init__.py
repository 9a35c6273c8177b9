"""How many bikes will be rented: a two-layer network on hours. `bikes` on the command line; here from Python.

from projects.bikes import forecast, load, read_hours, train

model = train("stadt.csv", country="DE")                # or a pandas DataFrame
model.save("model.safetensors")
week = forecast(load("model.safetensors"), "stadt.csv", days=7)
week.days, week.hours                                   # DataFrames: prediction, low_80, high_80, low_95, high_95
model.forecast(read_hours("stadt.csv").tail(24))        # hours with the weather that was recorded
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from projects.bikes.settings import VALIDATION_DAYS

if TYPE_CHECKING:
    import pandas as pd

    from projects.bikes.model import BikesModel
    from projects.bikes.outlook import Outlook


def read_hours(source: "str | Path | pd.DataFrame", **given: Any) -> "pd.DataFrame":
    """The hours of any table or DataFrame, as `train`, `forecast` and `BikesModel.forecast` take them, too.

    Raises ProjectError.

    given: what the options of `bikes train` say of a table, by name: time_column, count_column, country, …
    events: days of the city's own, as a table's path, a DataFrame, or a mapping from dates to names.
    """
    from projects.bikes import data

    return data.read_hours(source, **given)


def train(
    source: "str | Path | pd.DataFrame",
    *,
    validation_days: int = VALIDATION_DAYS,
    test_days: int = 0,
    **options: Any,
) -> "BikesModel":
    """A model of all hours but the test days, fitted after another one was measured on the validation days.

    options: settings of `projects.bikes.settings.Settings`, and what `read_hours` takes. Raises ProjectError for data,
    ValueError for settings that will not do.
    """
    from projects.bikes import data, model
    from projects.bikes.settings import Settings

    settings = {name: options.pop(name) for name in Settings.__struct_fields__ if name in options}
    hours = data.read_hours(source, **options)
    return model.train(data.split(hours, validation_days, test_days), Settings(**settings))


def load(path: str | Path) -> "BikesModel":
    """The model in a file that `save` or `bikes train` wrote. Raises ProjectError."""
    from projects.bikes.model import BikesModel

    return BikesModel.load(path)


def forecast(
    model: "BikesModel",
    source: "str | Path | pd.DataFrame",
    days: int = 7,
    weather: str | Path | None = None,
) -> "Outlook":
    """What comes after the data, by hours and by days, with bands.

    source: the data, laid out as those that the model was trained on, or what `read_hours` gave of them.
    weather: a table of the hours to come; None: what is usual for the season. What is returned has it in °C (°F if
    the data have), % and km/h. Raises ProjectError.
    """
    from projects.bikes.data import read_table
    from projects.bikes.outlook import in_units, outlook

    known = read_table(source, layout=model.layout)
    found = outlook(model, known.hours, known.closed, days, Path(weather) if weather else None)
    return found._replace(hours=in_units(found.hours, model.layout.temperature_unit))
