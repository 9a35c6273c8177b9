"""`bikes predict`: one hour from the command line, or the hours of a table."""

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from projects.bikes.cli_options import FAR, WEATHER_WORDS, column_option, run_option, say_each
from projects.bikes.cli_weather import OF_TEMPERATURE, OF_WIND, Sky, conditions_of, measured
from projects.common import cli as common
from projects.common import cli_options, cli_output
from projects.common.errors import ProjectError
from projects.common.files import no_file
from projects.common.run_folder import MODEL
from projects.common.words import counted

if TYPE_CHECKING:
    import pandas as pd

    from projects.bikes.model import BikesModel
    from projects.common.table import Table

CHUNK = 50_000  # rows of a file held in memory at a time


@click.command(cls=common.PipelineCommand)
@click.argument("file", required=False, metavar="[FILE|-]")
@run_option
@click.option("--when", metavar="TIME", help="The hour: 2012-12-24T17, 24.12.2012 17:00, …")
@click.option(
    "--temperature",
    metavar="NUMBER",
    callback=measured(OF_TEMPERATURE),
    help="In the unit of the table trained on, or as 7C or 45F.",
)
@click.option("--humidity", type=common.Finite(0, 100), help="%")
@click.option("--wind", metavar="NUMBER", callback=measured(OF_WIND), help="The same, or as 12km/h, 8mph, 4m/s.")
@click.option("--weather", type=Sky(WEATHER_WORDS), default="clear", show_default=True, help="Of the hour.")
@click.option("--holiday", is_flag=True, help="The day is a public holiday.")
@column_option("A column of the table that is not found by its name, as in 'temperature=Temp. prevista'.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the answers for a table to this .csv, .tsv or .xlsx.",
)
@cli_options.json_option
@click.pass_context
def predict(
    ctx: click.Context,
    /,
    file: str | None,
    run: Path,
    when: str | None,
    columns: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    **conditions: Any,
) -> None:
    """Forecast the hours of a table, or one hour.

    The table has the columns that the model was trained on; the counts are not needed. Its rows come back in order
    with the columns prediction and low_80, high_80, low_95, high_95: the bounds of the bands that should hold 80 and
    95 of 100 hours. An hour more than a year from those trained on has no band, and beyond_known is True: how a city
    rides then is not known. Nor has one of a season that less than a year of data did
    not show. The weather of the hours around is looked up in the file; one of more than 50,000 rows
    should be in the order of time for that.

    \b
    Examples: bikes predict hours.csv
              bikes predict hours.csv --out answers.xlsx
              bikes predict --when 2012-12-24T17 --temperature 4 --humidity 60 --wind 12 --weather clear
    """
    if when is None and any(ctx.get_parameter_source(name) != ParameterSource.DEFAULT for name in conditions):
        raise click.UsageError(f"{', '.join(f'--{name}' for name in conditions)} need --when")
    if when is None and file is None and sys.stdin.isatty():
        click.echo(ctx.get_help())
        return
    if when is not None and file is not None:
        is_time = file[:1].isdigit() and not Path(file).exists()
        quotes = f"; a time with a space needs quotes: --when '{when} {file}'" if is_time else ""
        raise click.UsageError(f"give a file or --when, not both{quotes}")
    if out is not None and (when is not None or as_json):
        raise click.UsageError("--out goes with a table, without --json: name the file of hours to be answered")
    if when is not None and columns:
        raise click.UsageError("--column goes with a table, not with --when")
    from projects.bikes.model import BikesModel

    model = BikesModel.load(run / MODEL)
    cli_output.warn_if_simulated(model.settings)
    if when is not None:
        predict_hour(model, moment_of(when, model), as_json, **conditions)
    else:
        predict_file(model, file or "-", columns, out, as_json)


def moment_of(when: str, model: "BikesModel") -> datetime:
    """The hour that --when says, as people write it; day and month in the order of the table trained on."""
    from projects.bikes.times import parse_moment

    moment = parse_moment(when, model.layout.time_format)
    if moment is None:
        raise click.UsageError(f"--when: {when!r} is no date with an hour, such as 2012-12-24T17 or 24.12.2012 17:00")
    return moment


def predict_hour(model: "BikesModel", when: datetime, as_json: bool, holiday: bool, **typed: Any) -> None:
    """Print the bikes of one hour; the hours before are taken to have had the same weather.

    typed: temperature, humidity, wind and weather, see `cli_weather`.
    """
    import pandas as pd

    from projects.bikes.temperatures import beyond_temperatures

    conditions = conditions_of(model, **typed)
    hour = pd.DataFrame([conditions.numbers | hour_of_options(model, when, holiday)])
    forecast = for_people(model.forecast(hour)).iloc[0].to_dict()
    if as_json:
        days = days_beyond(model, when, when)[0]
        cli_output.print_json({"when": f"{when:%Y-%m-%dT%H}", **forecast, "days_beyond_training": days})
    else:
        is_holiday = bool(hour.get("holiday", pd.Series([0]))[0])
        told = [*conditions.words, *(["holiday"] if is_holiday else []), *model.city.events_on(when)]
        print_hour(model, when, told, forecast)
    say_each([beyond_temperatures(model, hour)])


def print_hour(model: "BikesModel", when: datetime, told: list[str], forecast: dict[str, Any]) -> None:
    """Say the forecast of one hour in sentences. told: the conditions that it is made for."""
    import pandas as pd

    from projects.bikes.seasons import guess_line, unseen_months

    conditions = f" ({', '.join(told)})" if told else ""
    bikes = counted(round(forecast["prediction"]), "bike")
    click.echo(f"{bikes} on {when:%A %Y-%m-%d} from {when:%H:00}{conditions}")
    unknown = bool(forecast["beyond_known"])
    guess = guess_line(unseen_months(model.settings, pd.Series([pd.Timestamp(when)])))
    if unknown:
        click.echo(f"no band: {guess or 'more than a year from the hours trained on is beyond what is known'}")
    else:
        click.echo(f"80 of 100 such hours should see {forecast['low_80']:.0f} to {forecast['high_80']:.0f}")
    warn_if_far(*days_beyond(model, when, when), unknown and guess is None)


def hour_of_options(model: "BikesModel", when: datetime, holiday: bool) -> dict[str, Any]:
    """The hour as the model's features need it; a holiday where it is said to be one, or the calendar has one."""
    import pandas as pd

    from projects.bikes.public_holidays import look_up_holidays

    hour: dict[str, Any] = {"time": pd.Timestamp(when).floor("h"), "hr": when.hour}
    layout = model.layout
    if "holiday" in model.settings["groups"]:
        hour["holiday"] = int(holiday)
        if layout.holiday is None and layout.country is not None:
            looked_up = look_up_holidays(pd.Series([hour["time"]]), layout.country, layout.subdivision)
            hour["holiday"] = max(int(holiday), int(looked_up[0]))
    return hour


def days_beyond(model: "BikesModel", earliest: datetime, latest: datetime) -> tuple[int, str]:
    """Whole days by which hours lie outside those trained on, 0 for inside, and on which side most."""
    first, last = (datetime.fromisoformat(model.settings[name]) for name in ("first_hour", "last_hour"))
    return max(((latest - last).days, "after the last"), ((first - earliest).days, "before the first"), (0, ""))


def warn_if_far(days: int, side: str, unknown: bool) -> None:
    """unknown: whether an hour is beyond what is known, and has no band."""
    if unknown:
        told = "beyond what is known, and without bands"
        click.echo(f"{days} days {side} hour trained on: {told}", err=True)
    elif days > FAR:
        click.echo(f"{days} days {side} hour trained on: the trend is held", err=True)


def for_people(forecast: "pd.DataFrame") -> "pd.DataFrame":
    """The forecast to two decimals, None for bounds that are not known, and `beyond_known`: whether they are not."""
    rounded = forecast.round(2).astype(object).where(forecast.notna(), None)
    return rounded.assign(beyond_known=forecast.low_80.isna())


def predict_file(model: "BikesModel", file: str, columns: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Print or write the file's rows (- is stdin) with their predictions, a chunk at a time.

    columns: what is said of them, as in rain=NAME.
    """
    import pandas as pd

    from projects.bikes.written_hours import check_target, write_answers

    name = "standard input" if file == "-" else file
    if out is not None:
        check_target(out, Path(file))
    table = open_to_predict(file, model.layout.encoding)
    say_each([table.remark()])
    if not table.columns:
        return
    has_dates = out is not None and out.suffix.lower() == ".xlsx"  # as dates of Excel, not as text
    known: list[pd.DataFrame] = []
    hours_to_predict = read_hours_to_predict(model, table, name, columns)

    def answers() -> Iterator[pd.DataFrame]:
        for text, hours, before, after in with_hours_around(hours_to_predict):
            added = for_people(model.forecast(hours, before, after))
            if not known:
                cli_output.warn_if_replaced(name, text.columns, added)
            known.append(added[["beyond_known"]].assign(time=hours.time))
            if has_dates and model.layout.hour is None:
                text = text.assign(**{model.layout.time: hours.time.dt.to_pydatetime()})
            yield text.assign(**added)  # in the place of columns of the same names

    if out is None:
        print_answers(answers(), as_json)
    else:
        write_answers(out, table, answers())
        click.echo(f"{out}: {counted(sum(map(len, known)), 'row')}")
    warn_of_unknown(model, pd.concat(known))


def print_answers(answers: "Iterator[pd.DataFrame]", as_json: bool) -> None:
    """Print the rows of these tables, as CSV or JSON."""
    for number, rows in enumerate(answers):
        records = rows.to_dict("records")
        if as_json:
            for record in records:
                cli_output.print_json(record)
        else:
            cli_output.print_rows(records, header=number == 0)


def warn_of_unknown(model: "BikesModel", answered: "pd.DataFrame") -> None:
    """Say of hours answered (`time`, `beyond_known`) which are guesses, and how far they are from those trained on."""
    from projects.bikes.seasons import guess_line, is_unseen, unseen_months

    is_guess = is_unseen(model.settings, answered.time)
    unknown = bool((answered.beyond_known & ~is_guess).any())
    if not unknown:  # else the line of hours beyond what is known says it all
        say_each([guess_line(unseen_months(model.settings, answered.time))])
    warn_if_far(*days_beyond(model, answered.time.min(), answered.time.max()), unknown)


def with_hours_around(chunks: "Iterator[tuple[pd.DataFrame, pd.DataFrame]]") -> Iterator[tuple[Any, ...]]:
    """Each text and its hours, with the hours of the day before them and of the day after; None for none."""
    import pandas as pd

    from projects.bikes.features import AROUND

    before = None
    waiting: list[tuple[pd.DataFrame, pd.DataFrame]] = []

    def release() -> tuple[Any, ...]:
        nonlocal before
        text, hours = waiting.pop(0)
        after = pd.concat([later for _, later in waiting]) if waiting else None
        around = text, hours, before, after
        before = pd.concat([before, hours]).sort_values("time").tail(AROUND)
        return around

    for chunk in chunks:
        waiting.append(chunk)
        while sum(len(hours) for _, hours in waiting[1:]) >= AROUND:
            yield release()
    while waiting:
        yield release()


def open_to_predict(file: str, encoding: str | None) -> "Table":
    """The table in a file, or on standard input."""
    from projects.bikes.data import open_hours
    from projects.common.tables import read_stream

    if file == "-":
        return read_stream(sys.stdin.buffer, "standard input", encoding)
    if not Path(file).exists():
        raise ProjectError(
            no_file(Path(file), "name a table with the columns that were trained on, or - for standard input")
        )
    return open_hours(Path(file), encoding)


def read_hours_to_predict(
    model: "BikesModel", table: "Table", name: str, columns: tuple[str, ...]
) -> "Iterator[tuple[pd.DataFrame, pd.DataFrame]]":
    """The table's rows as text and as hours, CHUNK at a time. columns: what is said of them, as in rain=NAME."""
    from projects.bikes.data import read_chunks
    from projects.bikes.decimal_commas import with_points
    from projects.bikes.hours import hours_of
    from projects.bikes.layout import units_assumed
    from projects.bikes.outlook import layout_to_predict

    layout = model.layout
    for number, text in enumerate(read_chunks(table, CHUNK)):
        numbers, on_commas = with_points(text, table.delimiter)
        if number == 0:
            layout = layout_to_predict(model, numbers, name, columns)
        hours, remarks = hours_of(numbers, layout, name, targets=False, in_order=False)
        if number == 0:
            say_each([*on_commas, *remarks, units_assumed(layout, model.layout, name)])
        yield text, hours
