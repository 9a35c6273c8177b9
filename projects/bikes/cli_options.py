"""Options that several commands of `bikes` share, and the reading of the tables that they name."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from projects.bikes.settings import TEST_DAYS, VALIDATION_DAYS, Settings
from projects.common import cli as common
from projects.common import cli_download, cli_options
from projects.common.errors import ProjectError
from projects.common.progress import say
from projects.common.settings import settings_of

if TYPE_CHECKING:
    import pandas as pd

    from projects.bikes.data import HoursTable
    from projects.bikes.model import BikesModel

WEATHER_WORDS = ("clear", "mist", "light-rain", "heavy-rain")  # for the numbers 1 to 4 of the published data
WIND_UNITS = ("km/h", "m/s", "mph", "knots")
FAR = 60  # days beyond the training from which a forecast is warned of


data_option = cli_options.data_option("A table of hours: CSV, Excel, JSON or Parquet, packed or not.")
run_option = cli_options.run_option("bikes")
data_dir_option = cli_options.data_dir_option("bikes")
seed_option = cli_options.option_of(next(setting for setting in settings_of(Settings) if setting.name == "seed"))
validation_days_option = click.option(
    "--validation-days",
    type=click.IntRange(7),
    default=VALIDATION_DAYS,
    show_default=True,
    help="Days before the test that settings are judged by.",
)
test_days_option = click.option(
    "--test-days",
    type=click.IntRange(0),
    default=TEST_DAYS,
    show_default=True,
    help="Last days of the data, kept for the final figure; 0 to train on all.",
)


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What can be said of a table where it is not found by itself: its columns, units and place."""
    options = (
        click.option("--time-column", metavar="NAME", help="The date, or date and time.  [default: found]"),
        click.option("--hour-column", metavar="NAME", help="The hour of the day, where the date has none."),
        click.option("--count-column", metavar="NAME", help="Bikes in the hour.  [default: found]"),
        click.option("--casual-column", metavar="NAME", help="A first kind of riders, such as guests."),
        click.option("--registered-column", metavar="NAME", help="A second kind, such as members."),
        click.option(
            "--column",
            metavar="ROLE=NAME",
            multiple=True,
            help="Any other column, as in 'rain=Opad (mm)': temperature, humidity, wind, weather, rain, snow, holiday, "
            "open.",
        ),
        click.option("--fahrenheit", is_flag=True, default=None, help="The temperature is in °F."),
        click.option("--wind-unit", type=click.Choice(WIND_UNITS), help="Of the wind's speed."),
        click.option("--country", metavar="CODE", help="Whose public holidays are kept: US, KR, DE, …"),
        click.option("--subdivision", metavar="CODE", help="Part of the country with holidays of its own: BY, CA, …"),
        click.option("--latitude", type=common.Finite(-90, 90), help="Of the city, for the height of the sun."),
        click.option("--longitude", type=common.Finite(-180, 180), help="Of the city, east above 0."),
        click.option(
            "--events",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="A table of days of the city's own, past and to come: dates and names of feasts, matches, strikes.",
        ),
        click.option("--encoding", metavar="NAME", help="Of the text.  [default: found]"),
    )
    for option in reversed(options):
        command = option(command)
    return command


def column_option(help: str) -> Callable[..., Any]:
    """The option that says which column of a table to come is which."""
    return click.option("--column", "columns", metavar="ROLE=NAME", multiple=True, help=help)


def read_given(data: Path | None, data_dir: Path, given: dict[str, Any]) -> "HoursTable":
    """The data as these options say; what was done to them is told on stderr."""
    from projects.bikes.data import PUBLISHED, SAMPLE, read_table

    if (given["latitude"] is None) != (given["longitude"] is None):
        raise click.UsageError("give --latitude and --longitude together")
    if given["subdivision"] and not given["country"]:
        raise click.UsageError("--subdivision needs --country")
    city = read_table(cli_download.default_data(data, data_dir, PUBLISHED.name, SAMPLE, "bikes"), given)
    say_each(city.remarks)
    return city


def read_as_trained(data: Path | None, data_dir: Path, model: "BikesModel") -> "pd.DataFrame":
    """The data's hours, by the columns and units that training found."""
    from projects.bikes.data import read_table

    return read_table(data_for(model, data, data_dir), layout=model.layout).hours


def data_for(model: "BikesModel", data: Path | None, data_dir: Path) -> Path:
    """The data that are given, or those of Washington for a model of them. Raises ProjectError for one of a city."""
    from projects.bikes.data import PUBLISHED, SAMPLE
    from projects.bikes.layout import PUBLISHED_COLUMNS

    layout = model.layout
    if data is None and {layout.time, layout.hour} != PUBLISHED_COLUMNS:
        table = model.settings.get("table")
        known = f" ({table} at that time)" if table else ""
        raise ProjectError(f"the model was trained on a table of your own{known}: name it, up to now, with --data")
    return cli_download.default_data(data, data_dir, PUBLISHED.name, SAMPLE, "bikes")


def say_each(lines: Iterable[str | None]) -> None:
    """Remarks and warnings, a line each on stderr."""
    for line in lines:
        if line:
            say(line)
