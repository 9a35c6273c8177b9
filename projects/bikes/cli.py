"""The `bikes` command: download, check, train, tune, evaluate, backtest, forecast, plot, report, export, predict."""

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from projects.bikes.pictures import BACKTEST, PICTURES
from projects.bikes.settings import TABLE_OPTIONS, Settings
from projects.bikes.words import are, counted
from projects.common import cli as common
from projects.common.cli_tune import minutes_option, show_search
from projects.common.errors import ProjectError
from projects.common.files import no_file
from projects.common.progress import HISTORY, say
from projects.common.settings import settings_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from projects.bikes.data import HoursTable
    from projects.bikes.model import BikesModel
    from projects.common.tables import Table

WEATHER = ("clear", "mist", "light-rain", "heavy-rain")
WIND_UNITS = ("km/h", "m/s", "mph", "knots")
EXPECTED_SECONDS = {"reading": 1.5, "fit 1 of 2": 10.0, "fit 2 of 2": 10.0, "saving": 0.3}  # on some machine
FAR = 60  # days beyond the training from which a forecast is warned of
CHUNK = 50_000  # rows of a prediction file held in memory at a time
FORECAST, EFFECTS = "forecast.csv", "effects.csv"
OUTLOOK, OUTLOOK_PICTURE = "outlook.csv", "outlook.png"


@click.group(cls=common.PipelineGroup, tool="bikes", context_settings=common.CONTEXT)
@click.version_option(package_name="two-layer", prog_name="bikes")
def main() -> None:
    """How many bikes will be rented? A two-layer network on the hourly rentals of Washington, or of your own city."""


@main.command()
@common.download_options("bikes")
def download(source: str | None, sample: bool, sample_if_offline: bool, force: bool, data_dir: Path) -> None:
    """Fetch the published data and verify it.

    Example: bikes download --from Bike-Sharing-Dataset.zip
    """
    from projects.bikes.data import PUBLISHED, SAMPLE, read_hours

    simulate = common.Simulated(SAMPLE, sample_csv)
    click.echo(common.download(PUBLISHED, simulate, read_hours, data_dir, source, sample, sample_if_offline, force))


def sample_csv() -> str:
    from projects.bikes.sample import simulate_hours

    table: str = simulate_hours().to_csv(index=False, lineterminator="\n")
    return table


data_option = common.data_option("A table of hours: CSV, Excel, JSON or Parquet, packed or not.")
run_option = common.run_option("bikes")
data_dir_option = common.data_dir_option("bikes")
seed_option = common.option_of(next(setting for setting in settings_of(Settings) if setting.name == "seed"))
validation_days_option = click.option(
    "--validation-days",
    type=click.IntRange(7),
    default=60,
    show_default=True,
    help="Days before the test that settings are judged by.",
)
test_days_option = click.option(
    "--test-days",
    type=click.IntRange(0),
    default=21,
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
        click.option("--fahrenheit", is_flag=True, default=None, help="The temperature is in °F."),
        click.option("--wind-unit", type=click.Choice(WIND_UNITS), help="Of the wind's speed."),
        click.option("--country", metavar="CODE", help="Whose public holidays are kept: US, KR, DE, …"),
        click.option("--subdivision", metavar="CODE", help="Part of the country with holidays of its own: BY, CA, …"),
        click.option("--latitude", type=common.Finite(-90, 90), help="Of the city, for the height of the sun."),
        click.option("--longitude", type=common.Finite(-180, 180), help="Of the city, east above 0."),
        click.option(
            "--feasts",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="A table of days of the city's own, past and to come: dates and names of feasts, matches, strikes.",
        ),
        click.option("--encoding", metavar="NAME", help="Of the text.  [default: found]"),
    )
    for option in reversed(options):
        command = option(command)
    return command


def read_given(data: Path | None, data_dir: Path, given: dict[str, Any]) -> "HoursTable":
    """The data as these options say; what was done to them is told on stderr."""
    from projects.bikes.data import PUBLISHED, SAMPLE, read_table

    if (given["latitude"] is None) != (given["longitude"] is None):
        raise click.UsageError("give --latitude and --longitude together")
    if given["subdivision"] and not given["country"]:
        raise click.UsageError("--subdivision needs --country")
    city = read_table(common.default_data(data, data_dir, PUBLISHED.name, SAMPLE, "bikes"), given)
    tell(city.remarks)
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
    return common.default_data(data, data_dir, PUBLISHED.name, SAMPLE, "bikes")


def tell(lines: Iterable[str | None]) -> None:
    """Remarks and warnings, a line each on stderr."""
    for line in lines:
        if line:
            say(line)


@main.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@data_dir_option
@table_options
def check(file: Path | None, data_dir: Path, **given: Any) -> None:
    """Say what is in a table before anything is trained.

    Format, columns and units, hours that are missing or in which the service was closed, what would be left out, and
    the command to train with.

    Example: bikes check hours.csv
    """
    from projects.bikes.check import describe_table, training_command, warn_of_new_feasts, warn_of_short_data

    city = read_given(file, data_dir, given)
    click.echo("\n".join(describe_table(city)))
    tell([warn_of_new_feasts(city.hours), warn_of_short_data(city.hours)])
    options = {name: value for name, value in given.items() if value is not None}
    click.echo(f"next: {training_command(city, options)}")


@main.command()
@data_option
@run_option
@data_dir_option
@validation_days_option
@test_days_option
@common.setting_options(Settings)
@table_options
@common.resume_option
@common.quiet_option
def train(
    data: Path | None,
    run: Path,
    data_dir: Path,
    validation_days: int,
    test_days: int,
    resume: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Train on all but the test days; save model and history.

    --data takes any table with a column of times and one of counts (`bikes check` says what it finds in it). Weather,
    holidays and the sun count where they are known; the model remembers the columns, so that no other command needs
    these options again.

    Networks fitted to what comes before the validation days are measured on them: these are the losses shown. The
    model that is saved is then fitted in the same way to the validation days too.

    Ctrl-C keeps a checkpoint, as is done every few seconds anyway, and in the folder `unfinished` of the run folder
    the model that was measured, as far as it got; a finished model stays. --resume, with the same data and options,
    then ends in the same model as if nothing had happened.

    \b
    Examples: bikes train --seed 1
              bikes train --test-days 0
    """
    from projects.common.progress import report_epochs

    given = {name: options.pop(name) for name in TABLE_OPTIONS}
    with report_epochs(EXPECTED_SECONDS, quiet) as on_epoch:
        from projects.bikes.check import warn_of_baseline, warn_of_new_feasts, warn_of_short_data
        from projects.bikes.data import split
        from projects.bikes.evaluation import baselines, in_a_sentence
        from projects.bikes.layout import PUBLISHED_COLUMNS
        from projects.bikes.model import train
        from projects.common.checkpoint import Checkpoint
        from projects.common.files import check_writable
        from projects.common.run_folder import lock

        check_writable(run)
        click.get_current_context().with_resource(lock(run))
        there_was_one = (run / common.MODEL).exists()
        checkpoint = Checkpoint(run, "bikes", resume)
        city = read_given(data, data_dir, given)
        hours = split(city.hours, validation_days, test_days)
        with checkpoint.interruptible():
            model = train(hours, Settings(**options), on_epoch, checkpoint)
        if data and {model.layout.time, model.layout.hour} != PUBLISHED_COLUMNS:
            model.settings["table"] = str(data)  # that of the published hours needs no name
        common.save_training(run, "bikes", model, checkpoint, "measured.0", FORECAST, EFFECTS, OUTLOOK)
    scores = {"validation": model.settings["validation"], "baselines": baselines(hours, ("validation",))}
    click.echo(f"{common.marked(model.settings)}trained on {describe(model)}")
    click.echo(table(scores))
    click.echo(in_a_sentence(scores, "validation", hours.validation))
    known = city.hours[: len(hours.train) + len(hours.validation)]
    tell([closed_line(len(city.closed)), warn_of_new_feasts(known), warn_of_short_data(known)])
    tell([warn_of_baseline(scores, "validation")])
    click.echo(f"{common.saved_in_words(run, there_was_one)}\nnext: {next_commands(data, data_dir, run, test_days)}")


@main.command()
@data_option
@run_option
@data_dir_option
@minutes_option
@validation_days_option
@test_days_option
@seed_option
@table_options
@common.quiet_option
def tune(  # a parameter for each option
    data: Path | None,
    run: Path,
    data_dir: Path,
    minutes: float,
    validation_days: int,
    test_days: int,
    seed: int,
    quiet: bool,
    **given: Any,
) -> None:
    """Search for better settings.

    In the end the command is printed that trains with them.

    Settings are judged by forecasts of nine windows before the test days, each by a network fitted to what comes
    before: first on the last window, the best of them on more, in the end on all nine. The default settings are kept
    unless others are better by more than noise. The test days are never looked at.

    Ctrl-C ends the search with the best so far. The same seed tries the same settings in the same order.

    Example: bikes tune --minutes 5
    """
    common.note("reading the hours")
    import numpy as np
    import pandas as pd

    from projects.bikes.data import split
    from projects.bikes.tune import Tuning, default_values, draw_values
    from projects.common.files import check_writable
    from projects.common.run_folder import lock
    from projects.common.tune import Clock, Search

    check_writable(run)
    click.get_current_context().with_resource(lock(run))
    clock = Clock(60 * minutes)
    hours = split(read_given(data, data_dir, given).hours, validation_days, test_days)
    tuning = Tuning(pd.concat([hours.train, hours.validation]), validation_days, seed, clock)
    rng = np.random.default_rng(seed)
    search = Search(tuning.try_on, lambda: draw_values(rng), default_values(), clock)
    chosen = {"data": data, "run": run, "validation_days": validation_days, "test_days": test_days, "seed": seed}

    def command(values: dict[str, Any]) -> list[str]:
        return ["bikes", "train", *common.typed(train, chosen | given | values)]

    show_search(search, clock, "RMSE", 1, command, run, quiet)


def closed_line(closed: int) -> str | None:
    """The remark on closed hours, if there are any."""
    if closed == 0:
        return None
    hours = f"{counted(closed, 'hour')} in which the service was closed"
    return f"{hours} {are(closed)} left out (`bikes check` names them)"


def next_commands(data: Path | None, data_dir: Path, run: Path, test_days: int) -> str:
    """What to run after `train`: the final figure, or the forecast where no day is left for it; then what shows it."""
    verbs = ["evaluate", "plot"] if test_days else ["forecast", "report"]
    given = {"data": data, "data_dir": data_dir, "run": run}
    commands = [common.as_typed(main, verb, given) for verb in (*verbs, "predict")]
    return f"{', '.join(commands)} --help"


@main.command()
@data_option
@run_option
@data_dir_option
@common.json_option
def evaluate(data: Path | None, run: Path, data_dir: Path, as_json: bool) -> None:
    """Score the saved model beside its baselines.

    Over the validation days and the test days. The forecast of the test days, and what temperature and hour do to
    it, are saved in the run folder for `bikes plot`.

    Example: bikes evaluate --json
    """
    import pandas as pd

    from projects.bikes.check import warn_of_baseline
    from projects.bikes.data import split
    from projects.bikes.evaluation import effects, evaluate, in_a_sentence
    from projects.bikes.features import AROUND
    from projects.bikes.model import BikesModel
    from projects.common.files import write_atomically

    model = BikesModel.load(run / common.MODEL)
    days = (model.settings[name] // 24 for name in ("validation_rows", "test_rows"))
    hours = split(read_as_trained(data, data_dir, model), *days)
    scores = evaluate(model, hours)
    tables = {EFFECTS: effects(model, pd.concat([hours.train, hours.validation]))}
    if "test" in scores:
        known = [name for name in ("time", "cnt", "weathersit") if name in hours.test]
        tables[FORECAST] = hours.test[known].join(model.forecast(hours.test, hours.validation.tail(AROUND)))
    for name, rows in tables.items():
        write_atomically(run / name, rows.to_csv(index=False, lineterminator="\n").encode())
    if model.layout.temperature_unit == "°F":
        scores["temperature_unit"] = "°F"
    common.write_json(run / common.METRICS, scores)
    period = "test" if "test" in scores else "validation"
    if as_json:
        common.print_json(scores)
    else:
        click.echo(f"{common.marked(scores)}a model trained on {describe(model)}")
        click.echo(table(scores))
        click.echo(in_a_sentence(scores, period, getattr(hours, period)))
    tell([warn_of_baseline(scores, period)])
    if "test" not in scores:
        tell(["trained on all days, so that none are left to test it on; `bikes forecast` says what comes after them"])


@main.command()
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
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File for the hours: .csv, .tsv or .xlsx.  [default: outlook.csv in the run folder]",
)
@common.json_option
def forecast(
    data: Path | None, run: Path, data_dir: Path, days: int, weather: Path | None, out: Path | None, as_json: bool
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
    from projects.bikes.data import read_table
    from projects.bikes.model import BikesModel
    from projects.bikes.outlook import for_csv, outlook
    from projects.bikes.plots import plot_outlook
    from projects.bikes.written_outlook import check_ending, write_outlook
    from projects.common.plots import save_figure

    out = out or run / OUTLOOK
    check_ending(out)
    model = BikesModel.load(run / common.MODEL)
    city = read_table(data_for(model, data, data_dir), layout=model.layout)
    coming = outlook(model, city.hours, city.closed, days, weather)
    tell([*coming.remarks, coming.guess, not_up_to_date(model, city.hours)])
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
        common.print_json(answer)
        return
    end = f"{city.hours.time.iloc[-1]:%Y-%m-%d %H}:59"
    click.echo(f"{common.marked({'simulated': simulated})}after {end}, {coming.weather}")
    click.echo(day_table(coming.days))
    click.echo(f"hours: {out}\npicture: {picture}")


def not_up_to_date(model: "BikesModel", hours: "pd.DataFrame") -> str | None:
    """A line where the data go on after the hours trained on."""
    behind = (hours.time.iloc[-1] - datetime.fromisoformat(model.settings["last_hour"])).days
    if behind < 1:
        return None
    ending = "last day of the data was" if behind == 1 else f"last {behind} days of the data were"
    return f"the {ending} not trained on: `bikes train --test-days 0` does"


def day_table(days: "pd.DataFrame") -> str:
    """A line for each day: its bikes and their bands."""
    lines = [f"{'day':16}{'hours':>6}{'bikes':>10}{'80 of 100 between':>22}{'95 of 100 between':>22}"]
    for day in days.to_dict("records"):
        bands = [f"{day[f'low_{level}']:,.0f} and {day[f'high_{level}']:,.0f}" for level in (80, 95)]
        if day["low_80"] != day["low_80"]:  # beyond what is known
            bands = ["not known", "not known"]
        name = f"{day['date']:%a %Y-%m-%d}"
        lines.append(f"{name:16}{day['hours']:6}{day['prediction']:10,.0f}{bands[0]:>22}{bands[1]:>22}")
    return "\n".join(lines)


@main.command()
@data_option
@run_option
@data_dir_option
@click.option("--first", type=click.DateTime(["%Y-%m-%d"]), help="First origin.  [default: as late as the data allow]")
@click.option("--origins", "count", type=click.IntRange(1, 1000), default=12, show_default=True, help="How many.")
@click.option("--step", type=click.IntRange(1, 1200), default=1, show_default=True, help="Months from one to the next.")
@click.option("--days", type=click.IntRange(1, 3660), default=21, show_default=True, help="Days forecast from each.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="For the first weights and the order of the rows.",
)
@table_options
@common.json_option
def backtest(  # a parameter for each option
    data: Path | None,
    run: Path,
    data_dir: Path,
    first: datetime | None,
    count: int,
    step: int,
    days: int,
    seed: int,
    as_json: bool,
    **given: Any,
) -> None:
    """Forecast from moments in the past, beside what then happened.

    From each origin a model is trained on all hours before it and forecasts the days after it; their recorded weather
    is taken as known. The table is saved in the run folder; `bikes plot` then draws it.

    Example: bikes backtest --origins 2 --days 7
    """
    common.note("reading the hours")
    from projects.common.files import check_writable, write_atomically

    check_writable(run)
    hours = read_given(data, data_dir, given).hours
    from tqdm import tqdm

    from projects.bikes.backtest import backtest, in_a_sentence, origins, summary
    from projects.bikes.check import warn_of_better_weeks

    moments = origins(hours, count, step, days, first)
    fewer = f"the data allow {counted(len(moments), 'origin')}, not {count}" if len(moments) < count else None
    tell([fewer, trainings_of(len(moments))])
    with tqdm(total=len(moments), unit=" origins", disable=not sys.stderr.isatty()) as bar:
        forecasts = backtest(hours, moments, days, seed, lambda _: bar.update(1))
    scores = summary(forecasts)
    simulated = bool(hours.attrs["simulated"])
    scores["simulated"] = int(simulated)
    write_atomically(run / BACKTEST, scores.to_csv(index=False, lineterminator="\n").encode())
    if as_json:
        common.print_json({"simulated": simulated, "origins": scores.drop(columns="simulated").to_dict("records")})
    else:
        mark = common.marked({"simulated": simulated})
        click.echo(f"{mark}{counted(days, 'day')} from each of {counted(len(moments), 'origin')}")
        click.echo(backtest_table(scores))
        click.echo(in_a_sentence(forecasts, days))
    tell([warn_of_better_weeks(scores)])


def trainings_of(origins: int) -> str:
    """How much a backtest has to do."""
    trainings = 2 * origins  # one whose error and bands are measured, one that forecasts
    return (
        f"{trainings} trainings, two for each origin, each as long as a fit of `bikes train`: fewer --origins take less"
    )


def backtest_table(scores: "pd.DataFrame") -> str:
    """A line for each origin and one for their mean."""
    names = f"{'origin':12}{'hours':>6}{'RMSE':>8}{'MAE':>8}{'RMSLE':>8}{'in 80 %':>9}{'in 95 %':>9}"
    lines = [names + "  last four weeks: RMSE"]
    rows = [*scores.to_dict("records"), scores.mean(numeric_only=True).to_dict() | {"origin": "mean"}]
    for row in rows:
        bands = f"{row['coverage_80']:9.1%}{row['coverage_95']:9.1%}"
        errors = f"{row['rmse']:8.1f}{row['mae']:8.1f}{row['rmsle']:8.3f}"
        lines.append(f"{row['origin']:12}{row['hours']:6.0f}{errors}{bands}{row['last_four_weeks_rmse']:23.1f}")
    return "\n".join(lines)


@main.command()
@run_option
def plot(run: Path) -> None:
    """Draw the losses, the forecast, its errors and what it follows.

    That is what temperature and hour do to it. After `bikes backtest`, its errors too.

    Example: bikes plot --run runs/bikes
    """
    from projects.bikes.model import BikesModel
    from projects.bikes.plots import plot_backtest
    from projects.common.plots import plot_losses, save_figure

    scores = None
    if (run / common.METRICS).exists():
        with common.whole(run / common.METRICS, "run `bikes evaluate` again"):
            scores = common.read_json(run / common.METRICS)
            simulated = scores["simulated"]
    with common.whole(run / HISTORY, "run `bikes train` first"):
        losses = plot_losses(common.read_table(run / HISTORY), "loss (half the squared error, scaled target)")
    figures = {"losses.png": losses}
    if scores is None:
        simulated = BikesModel.load(run / common.MODEL).settings["simulated"]
        tell(["`bikes evaluate`, then this again, draws the forecast and its errors, too"])
    else:
        with common.whole(run / common.METRICS, "run `bikes evaluate` again"):
            figures |= plots_of_scores(run, scores)
    for name, figure in figures.items():
        click.echo(save_figure(figure, run / name, simulated, PICTURES[name].drawn_from))
    if (run / BACKTEST).exists():
        with common.whole(run / BACKTEST, "run `bikes backtest` again"):
            errors = common.read_table(run / BACKTEST)
            figure, simulated = plot_backtest(errors), bool(errors.simulated.any())  # perhaps not as the model was
        click.echo(save_figure(figure, run / "backtest.png", simulated, [BACKTEST]))


def plots_of_scores(run: Path, scores: dict[str, Any]) -> "dict[str, Figure]":
    """The pictures of an evaluation, by file name."""
    import pandas as pd

    from projects.bikes.plots import plot_effects, plot_errors, plot_forecast

    figures: dict[str, Figure] = {}
    if "test" in scores:
        test = {name: float(score) for name, score in scores["test"].items()}
        with common.whole(run / FORECAST, "run `bikes evaluate` first"):
            forecast = common.read_table(run / FORECAST)
            forecast["time"] = pd.to_datetime(forecast.time, format="ISO8601")
            figures |= {"forecast.png": plot_forecast(forecast, test), "errors.png": plot_errors(forecast, WEATHER)}
    else:
        tell(["no day was left to test the model on, so there is no picture of a forecast beside what happened"])
    with common.whole(run / EFFECTS, "run `bikes evaluate` first"):
        unit = scores.get("temperature_unit", "°C")
        figures["effects.png"] = plot_effects(common.read_table(run / EFFECTS), unit)
    return figures


@main.command()
@run_option
def report(run: Path) -> None:
    """Make one HTML page of the run with sliders for the forecast.

    It has the scores, pictures and settings, too, fetches nothing from the internet and takes at most 6 MB. `bikes
    evaluate` and `bikes plot` first fill it.

    Example: bikes report --run runs/bikes
    """
    from projects.bikes.model import BikesModel
    from projects.bikes.report import page
    from projects.common.files import write_atomically

    model = BikesModel.load(run / common.MODEL)
    with common.whole(run / common.METRICS, "run `bikes evaluate` again"):
        scores = common.read_json(run / common.METRICS) if (run / common.METRICS).exists() else None
        html = page(model, run / common.MODEL, scores, WEATHER, FAR)
    write_atomically(run / common.REPORT, html.encode())
    click.echo(run / common.REPORT)


@main.command()
@run_option
@click.option("--onnx", "file", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write.")
def export(run: Path, file: Path) -> None:
    """Write the model as ONNX, for other programs.

    All but the making of the features. Input `features`, float32 [rows, features]: the columns named in the
    metadata `features`, a line each, unscaled, as projects/bikes/features.py builds them. Output `bikes`, float32
    [rows, 1]: bikes an hour.

    Example: bikes export --onnx bikes.onnx
    """
    from projects.bikes.export import onnx_graph
    from projects.bikes.model import BikesModel
    from projects.common.onnx_export import save_onnx

    model = BikesModel.load(run / common.MODEL)
    common.warn_if_simulated(model.settings)
    save_onnx(file, onnx_graph(model))
    click.echo(file)


@main.command()
@click.argument("file", required=False, metavar="[FILE|-]")
@run_option
@click.option("--when", metavar="TIME", help="The hour: 2012-12-24T17, 24.12.2012 17:00, …")
@click.option("--temperature", type=common.Finite(-60, 60), help="°C")
@click.option("--humidity", type=common.Finite(0, 100), help="%")
@click.option("--wind", type=common.Finite(0, 400), help="km/h")
@click.option("--weather", type=click.Choice(WEATHER), default="clear", show_default=True, help="Of the hour.")
@click.option("--holiday", is_flag=True, help="The day is a public holiday.")
@common.json_option
@click.pass_context
def predict(
    ctx: click.Context, /, file: str | None, run: Path, when: str | None, as_json: bool, **conditions: Any
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
              bikes predict --when 2012-12-24T17 --temperature 4 --humidity 60 --wind 12 --weather clear
    """
    if when is None and any(ctx.get_parameter_source(name) != ParameterSource.DEFAULT for name in conditions):
        raise click.UsageError(f"{', '.join(f'--{name}' for name in conditions)} need --when")
    if when is None and file is None and sys.stdin.isatty():
        click.echo(ctx.get_help())
        return
    if when is not None and file is not None:
        raise click.UsageError("give a file or --when, not both")
    from projects.bikes.model import BikesModel

    model = BikesModel.load(run / common.MODEL)
    common.warn_if_simulated(model.settings)
    if when is not None:
        predict_hour(model, moment_of(when, model), as_json, **conditions)
    else:
        predict_file(model, file or "-", as_json)


def moment_of(when: str, model: "BikesModel") -> datetime:
    """The hour that --when says, as people write it; day and month in the order of the table trained on."""
    from projects.bikes.times import parse_moment

    moment = parse_moment(when, model.layout.time_format)
    if moment is None:
        raise click.UsageError(f"--when: {when!r} is no date with an hour, such as 2012-12-24T17 or 24.12.2012 17:00")
    return moment


def predict_hour(
    model: "BikesModel",
    when: datetime,
    as_json: bool,
    temperature: float | None,
    humidity: float | None,
    wind: float | None,
    weather: str,
    holiday: bool,
) -> None:
    """Print the bikes of one hour given in human units; the hours before are taken to have had the same weather."""
    import pandas as pd

    from projects.bikes.outlook import weather_needed
    from projects.bikes.seasons import guess_line, unseen_months

    given = {"temp": temperature, "hum": humidity, "windspeed": wind}
    options = {"temp": "--temperature", "hum": "--humidity", "windspeed": "--wind"}
    needed = weather_needed(model)
    absent = [option for name, option in options.items() if name in needed and given[name] is None]
    if absent:
        raise click.UsageError(f"--when needs {', '.join(absent)} too")
    useless = [option for name, option in options.items() if name not in needed and given[name] is not None]
    if useless:
        tell([f"{', '.join(useless)}: not counted, since the data that the model was trained on had none"])
    hour = pd.DataFrame([hour_of_options(model, when, given, weather, holiday)])
    forecast = for_people(model.forecast(hour)).iloc[0].to_dict()
    beyond = days_beyond(model, when, when)
    unknown = bool(forecast["beyond_known"])
    guess = guess_line(unseen_months(model.settings, hour.time))
    if as_json:
        answer = {"when": f"{when:%Y-%m-%dT%H}", **forecast, "days_beyond_training": beyond[0]}
        common.print_json(answer)
    else:
        moment = f"{when:%A %Y-%m-%d} from {when:%H:00}"
        told = conditions_in_words(needed, given, weather)
        if hour.get("holiday", pd.Series([0]))[0]:
            told.append("holiday")
        told += model.city.feasts_on(when)
        conditions = f" ({', '.join(told)})" if told else ""
        bikes = counted(round(forecast["prediction"]), "bike")
        click.echo(f"{bikes} on {moment}{conditions}")
        if unknown:
            click.echo(f"no band: {guess or 'more than a year from the hours trained on is beyond what is known'}")
        else:
            click.echo(f"80 of 100 such hours should see {forecast['low_80']:.0f} to {forecast['high_80']:.0f}")
        warn_if_far(*beyond, unknown and guess is None)


def hour_of_options(
    model: "BikesModel", when: datetime, given: dict[str, float | None], weather: str, holiday: bool
) -> dict[str, Any]:
    """The hour as the model's features need it; a holiday where it is said to be one, or the calendar has one."""
    import pandas as pd

    from projects.bikes.public_holidays import look_up_holidays
    from projects.bikes.weather import normalised

    numbers = normalised(*(given[name] or 0.0 for name in ("temp", "hum", "windspeed")))
    hour = {"time": pd.Timestamp(when).floor("h"), "hr": when.hour, "weathersit": 1 + WEATHER.index(weather)}
    layout = model.layout
    if "holiday" in model.settings["groups"]:
        hour["holiday"] = int(holiday)
        if layout.holiday is None and layout.country is not None:
            looked_up = look_up_holidays(pd.Series([hour["time"]]), layout.country, layout.subdivision)
            hour["holiday"] = max(int(holiday), int(looked_up[0]))
    return hour | numbers


def conditions_in_words(needed: list[str], given: dict[str, float | None], weather: str) -> list[str]:
    """The weather that the model was told."""
    words = {
        "temp": f"{given['temp'] or 0:g} °C",
        "hum": f"{given['hum'] or 0:g} % humidity",
        "windspeed": f"wind {given['windspeed'] or 0:g} km/h",
        "weathersit": weather.replace("-", " "),
    }
    return [words[name] for name in words if name in needed]


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


def predict_file(model: "BikesModel", file: str, as_json: bool) -> None:
    """Print the file's rows (- is stdin) with their predictions, a chunk at a time."""
    name = "standard input" if file == "-" else file
    from projects.bikes.seasons import guess_line, is_unseen, unseen_months

    beyond, unknown = (0, ""), False
    months: list[str] = []
    chunks = read_hours_to_predict(model, open_to_predict(file, model.layout.encoding), name)
    for number, (text, hours, before, after) in enumerate(with_hours_around(chunks)):
        added = for_people(model.forecast(hours, before, after))
        if number == 0:
            common.warn_if_replaced(name, text.columns, added)
        text = text.assign(**added)  # in the place of columns of the same names
        if as_json:
            for record in text.to_dict("records"):
                common.print_json(record)
        else:
            common.print_rows(text.to_dict("records"), header=number == 0)
        beyond = max(beyond, days_beyond(model, hours.time.min(), hours.time.max()))
        unknown = unknown or bool((added.beyond_known & ~is_unseen(model.settings, hours.time)).any())
        months += unseen_months(model.settings, hours.time)
    if not unknown:  # else the line of hours beyond what is known says it all
        tell([guess_line(months)])
    warn_if_far(*beyond, unknown)


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
    model: "BikesModel", table: "Table", name: str
) -> "Iterator[tuple[pd.DataFrame, pd.DataFrame]]":
    """The table's rows as text and as hours, CHUNK at a time; nothing for an empty standard input."""
    from projects.bikes.data import read_chunks
    from projects.bikes.decimal_commas import with_points
    from projects.bikes.hours import hours_of

    tell([table.remark()])
    if not table.columns:
        return
    for number, text in enumerate(read_chunks(table, CHUNK)):
        numbers, on_commas = with_points(text, table.delimiter)
        hours, remarks = hours_of(numbers, model.layout, name, targets=False, in_order=False)
        if number == 0:
            tell([*on_commas, *remarks])
        yield text, hours


def describe(model: "BikesModel") -> str:
    """What the model was trained on, in words."""
    settings = model.settings
    days = f"{settings['first_hour'][:10]} to {settings['last_hour'][:10]}"
    if settings.get("unfinished"):
        return f"{settings['train_rows']:,} hours from {days} (interrupted)"
    hours = settings["train_rows"] + settings["validation_rows"]
    return f"{hours:,} hours from {days} (validation: by a fit without the last {settings['validation_rows']:,})"


def table(scores: dict[str, Any]) -> str:
    """The scores of model and baselines as text, a line for each model and period."""
    lines = [f"{'':27}{'hours':>6}{'scaled MSE':>12}{'RMSE':>8}{'MAE':>8}{'RMSLE':>8}{'R²':>8}"]
    models = {"network": scores, "mean so far": scores["baselines"]["mean"]}
    models["last four weeks"] = scores["baselines"]["last_four_weeks"]
    for period in ("validation", "test"):
        for name, scored in models.items():
            if period in scored:
                s = scored[period]
                figures = f"{s['scaled_mse']:12.3f}{s['rmse']:8.1f}{s['mae']:8.1f}{s['rmsle']:8.3f}{s['r2']:8.3f}"
                lines.append(f"{period if name == 'network' else '':12}{name:15}{s['rows']:>6}{figures}")
    return "\n".join(lines)
