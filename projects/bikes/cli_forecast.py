"""`bikes forecast`: the days that come after the data."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from projects.bikes.cli_options import column_option, data_dir_option, data_for, data_option, run_option, say_each
from projects.bikes.pictures import PICTURES
from projects.bikes.score_table import day_table
from projects.common import cli as common
from projects.common import cli_options, cli_output
from projects.common.run_folder import MODEL

if TYPE_CHECKING:
    import pandas as pd

    from projects.bikes.model import BikesModel

OUTLOOK, OUTLOOK_PICTURE = "outlook.csv", "outlook.png"


@click.command(cls=common.PipelineCommand)
@data_option
@run_option
@data_dir_option
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="Whole days to forecast.")
@click.option(
    "--weather",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The weather to come, a table of hours.  [default: what is usual for the season]",
)
@column_option("A column of the weather's table that is not found by its name, as in 'temperature=Temp. prevista'.")
@click.option(
    "--events",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Events to come that were not known when the model was trained, of kinds that it knows: dates and names.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File for the hours: .csv, .tsv or .xlsx.  [default: outlook.csv in the run folder]",
)
@cli_options.json_option
def forecast(  # a parameter for each option
    data: Path | None,
    run: Path,
    data_dir: Path,
    days: int,
    weather: Path | None,
    columns: tuple[str, ...],
    events: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Forecast what comes after the data, by hours and days.

    The bikes of each day are printed with their bands, the hours go to a file (CSV with the delimiter
    and the decimal commas of the data; .xlsx has a sheet of days too), a picture of both to the run folder.
    Without --weather the forecast is the mean over past weather of the same season, and its bands are wider for it.
    A model of `bikes train --test-days 0` knows the last days too.

    \b
    Examples: bikes forecast --days 7
              bikes forecast --out week.xlsx
    """
    from projects.bikes.check import warn_of_measured_baseline
    from projects.bikes.data import read_table
    from projects.bikes.model import BikesModel
    from projects.bikes.outlook import for_csv, outlook
    from projects.bikes.plots import plot_outlook
    from projects.bikes.temperatures import beyond_temperatures
    from projects.bikes.written_hours import check_ending, write_outlook
    from projects.common.plots import save_figure

    if columns and weather is None:
        raise click.UsageError("--column is of the table of --weather: name that, too")
    out = out or run / OUTLOOK
    check_ending(out)
    model = BikesModel.load(run / MODEL)
    city = read_table(data_for(model, data, data_dir), layout=model.layout)
    if events is not None:
        model = with_later_events(model, events, city.table.encoding)
    coming = outlook(model, city.hours, city.closed, days, weather, columns)
    say_each([*coming.remarks, coming.guess, not_up_to_date(model, city.hours)])
    say_each([warn_of_measured_baseline(model.settings), beyond_temperatures(model, coming.hours)])
    unit = model.layout.temperature_unit
    write_outlook(out, coming, unit, city.table, city.decimal_commas)
    simulated = bool(model.settings["simulated"] or city.hours.attrs["simulated"])
    figure = plot_outlook(city.hours.tail(7 * 24), coming)
    picture = save_figure(figure, run / OUTLOOK_PICTURE, simulated, PICTURES[OUTLOOK_PICTURE].drawn_from)
    if as_json:
        answer = {
            "simulated": simulated,
            "days": for_csv(coming.days).to_dict("records"),
            "hours": for_csv(coming.hours, unit).to_dict("records"),
        }
        cli_output.print_json(answer)
        return
    end = f"{city.hours.time.iloc[-1]:%Y-%m-%d %H}:59"
    click.echo(f"{cli_output.simulated_mark({'simulated': simulated})}after {end}, {coming.weather}")
    click.echo(day_table(coming.days))
    click.echo(f"hours: {out}\npicture: {picture}")


def with_later_events(model: "BikesModel", path: Path, encoding: str | None) -> "BikesModel":
    """The model with the events of a table, and what is to be known of them said."""
    from projects.bikes.events import named_as_learned, new_kinds, read_events

    learned = model.city.learned_events
    written, told = read_events(path, model.layout.time_format, encoding)
    found = named_as_learned(written, learned)
    say_each([told, new_kinds((event.name for event in found), learned)])
    return model.with_events(found)


def not_up_to_date(model: "BikesModel", hours: "pd.DataFrame") -> str | None:
    """A line where the data go on after the hours trained on."""
    behind = (hours.time.iloc[-1] - datetime.fromisoformat(model.settings["last_hour"])).days
    if behind < 1:
        return None
    ending = "last day of the data was" if behind == 1 else f"last {behind} days of the data were"
    return f"the {ending} not trained on: `bikes train --test-days 0` does"
