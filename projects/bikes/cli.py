"""The `bikes` command, from `download` to `predict`: each of its commands here or in a file beside."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from projects.bikes.cli_compare import compare
from projects.bikes.cli_forecast import OUTLOOK_PICTURE, forecast
from projects.bikes.cli_options import (
    FAR,
    WEATHER_WORDS,
    data_dir_option,
    data_option,
    read_as_trained,
    read_given,
    run_option,
    say_each,
    seed_option,
    table_options,
    test_days_option,
    validation_days_option,
)
from projects.bikes.cli_predict import predict
from projects.bikes.pictures import BACKTEST, PICTURES
from projects.bikes.score_table import backtest_table, describe, table
from projects.bikes.settings import TABLE_OPTIONS, Settings
from projects.common import cli as common
from projects.common import cli_download, cli_options, cli_output, run_files
from projects.common.cli_tune import minutes_option, show_search
from projects.common.progress import HISTORY
from projects.common.run_folder import METRICS, MODEL, REPORT
from projects.common.words import are, counted

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

EXPECTED_SECONDS = {"reading": 1.5, "fit 1 of 2": 10.0, "fit 2 of 2": 10.0, "saving": 0.3}  # on some machine
FORECAST, EFFECTS = "forecast.csv", "effects.csv"


@click.group(cls=common.PipelineGroup, tool="bikes", context_settings=common.CONTEXT)
@click.version_option(package_name="two-layer", prog_name="bikes")
def main() -> None:
    """How many bikes will be rented? A two-layer network on the hourly rentals of Washington, or of your own city."""


@main.command()
@cli_options.download_options("bikes")
def download(source: str | None, sample: bool, sample_if_offline: bool, force: bool, data_dir: Path) -> None:
    """Fetch the published data and verify it.

    Example: bikes download --from Bike-Sharing-Dataset.zip
    """
    from projects.bikes.data import PUBLISHED, SAMPLE, read_hours

    simulate = cli_download.Simulated(SAMPLE, sample_csv)
    click.echo(
        cli_download.download(PUBLISHED, simulate, read_hours, data_dir, source, sample, sample_if_offline, force)
    )


def sample_csv() -> str:
    from projects.bikes.sample import simulate_hours

    table: str = simulate_hours().to_csv(index=False, lineterminator="\n")
    return table


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
    from projects.bikes.check import describe_table, training_command, warn_of_new_events, warn_of_short_data

    city = read_given(file, data_dir, given)
    click.echo("\n".join(describe_table(city)))
    say_each([warn_of_new_events(city.hours), warn_of_short_data(city.hours)])
    options = {name: value for name, value in given.items() if value is not None}
    click.echo(f"next: {training_command(city, options)}")


@main.command()
@data_option
@run_option
@data_dir_option
@validation_days_option
@test_days_option
@cli_options.setting_options(Settings)
@table_options
@cli_options.resume_option
@cli_options.quiet_option
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
        from projects.bikes.check import not_used_line, warn_of_baseline, warn_of_new_events, warn_of_short_data
        from projects.bikes.data import split
        from projects.bikes.evaluation import baselines, given_weather, in_a_sentence
        from projects.bikes.layout import PUBLISHED_COLUMNS
        from projects.bikes.model import train
        from projects.common.checkpoint import Checkpoint
        from projects.common.files import check_writable
        from projects.common.run_folder import lock

        check_writable(run)
        click.get_current_context().with_resource(lock(run))
        there_was_one = (run / MODEL).exists()
        checkpoint = Checkpoint(run, "bikes", resume)
        city = read_given(data, data_dir, given)
        hours = split(city.hours, validation_days, test_days)
        with checkpoint.interruptible():
            model = train(hours, Settings(**options), on_epoch, checkpoint)
        if data and {model.layout.time, model.layout.hour} != PUBLISHED_COLUMNS:
            model.settings["table"] = str(data)  # that of the published hours needs no name
        pictures = [name for name in PICTURES if name != OUTLOOK_PICTURE]  # what was forecast may have been handed on
        run_files.save_training(run, "bikes", model, checkpoint, "measured.0", FORECAST, EFFECTS, *pictures)
    scores = {"validation": model.settings["validation"], "baselines": baselines(hours, ("validation",))}
    click.echo(f"{cli_output.simulated_mark(model.settings)}trained on {describe(model)}")
    click.echo(table(scores))
    click.echo(f"{in_a_sentence(scores, 'validation', hours.validation)}{given_weather(model.needed_columns)}")
    known = city.hours[: len(hours.train) + len(hours.validation)]
    say_each([not_used_line(city), closed_line(len(city.closed)), warn_of_new_events(known), warn_of_short_data(known)])
    say_each([warn_of_baseline(scores, "validation")])
    click.echo(f"{run_files.saved_in_words(run, there_was_one)}\nnext: {next_commands(data, data_dir, run, test_days)}")


@main.command()
@data_option
@run_option
@data_dir_option
@minutes_option
@validation_days_option
@test_days_option
@seed_option
@table_options
@cli_options.quiet_option
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
    cli_output.note("reading the hours")
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
        return ["bikes", "train", *cli_options.option_words(train, chosen | given | values)]

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
    commands = [cli_options.as_typed(main, verb, given) for verb in (*verbs, "predict")]
    return f"{', '.join(commands)} --help"


@main.command()
@data_option
@run_option
@data_dir_option
@cli_options.json_option
def evaluate(data: Path | None, run: Path, data_dir: Path, as_json: bool) -> None:
    """Score the saved model beside its baselines.

    Over the validation days and the test days: all hours of the data after those that were trained on. The forecast
    of the test days, and what temperature and hour do to it, are saved in the run folder for `bikes plot`.

    Example: bikes evaluate --json
    """
    import pandas as pd

    from projects.bikes.check import warn_of_bands, warn_of_baseline
    from projects.bikes.evaluation import effects, evaluate, given_weather, in_a_sentence, split_as_trained
    from projects.bikes.features import AROUND
    from projects.bikes.model import BikesModel
    from projects.common.files import write_atomically

    model = BikesModel.load(run / MODEL)
    hours = split_as_trained(model, read_as_trained(data, data_dir, model))
    scores = evaluate(model, hours)
    tables = {EFFECTS: effects(model, pd.concat([hours.train, hours.validation]))}
    if "test" in scores:
        known = [name for name in ("time", "cnt", "weathersit") if name in hours.test]
        tables[FORECAST] = hours.test[known].join(model.forecast(hours.test, hours.validation.tail(AROUND)))
    for name, rows in tables.items():
        write_atomically(run / name, rows.to_csv(index=False, lineterminator="\n").encode())
    if model.layout.temperature_unit == "°F":
        scores["temperature_unit"] = "°F"
    run_files.write_json(run / METRICS, scores)
    period = "test" if "test" in scores else "validation"
    if as_json:
        cli_output.print_json(scores)
    else:
        click.echo(f"{cli_output.simulated_mark(scores)}a model trained on {describe(model)}")
        click.echo(table(scores))
        click.echo(f"{in_a_sentence(scores, period, getattr(hours, period))}{given_weather(model.needed_columns)}")
    say_each([warn_of_baseline(scores, period), warn_of_bands(scores[period])])
    if "test" not in scores:
        say_each(
            ["trained on all days, so that none are left to test it on; `bikes forecast` says what comes after them"]
        )


main.add_command(forecast)
main.add_command(compare)


@main.command()
@data_option
@run_option
@data_dir_option
@click.option("--first", type=click.DateTime(["%Y-%m-%d"]), help="First origin.  [default: as late as the data allow]")
@click.option("--origins", "count", type=click.IntRange(1, 1000), default=12, show_default=True, help="How many.")
@click.option("--step", type=click.IntRange(1, 1200), default=1, show_default=True, help="Months from one to the next.")
@click.option("--days", type=click.IntRange(1, 3660), default=21, show_default=True, help="Days forecast from each.")
@seed_option
@table_options
@cli_options.json_option
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

    From each origin a model is trained on all hours before it and forecasts the days after it, in the weather that was
    recorded and, as `bikes forecast` does, in usual weather. The table is saved in the run folder; `bikes plot` then
    draws it.

    Example: bikes backtest --origins 2 --days 7
    """
    cli_output.note("reading the hours")
    from projects.common.files import check_writable, write_atomically

    check_writable(run)
    hours = read_given(data, data_dir, given).hours
    from tqdm import tqdm

    from projects.bikes.backtest import backtest, in_a_sentence, origins, summary
    from projects.bikes.check import warn_of_better_weeks

    moments = origins(hours, count, step, days, first)
    fewer = f"the data allow {counted(len(moments), 'origin')}, not {count}" if len(moments) < count else None
    say_each([fewer, trainings_of(len(moments))])
    with tqdm(total=len(moments), unit=" origins", disable=not sys.stderr.isatty()) as bar:

        def on_origin(origin: "pd.Timestamp") -> None:
            bar.update(1)
            if bar.disable:
                say_each([f"{origin:%Y-%m-%d} is done: {moments.index(origin) + 1} of {len(moments)}"])

        forecasts = backtest(hours, moments, days, seed, on_origin)
    scores = summary(forecasts)
    simulated = bool(hours.attrs["simulated"])
    scores["simulated"] = int(simulated)
    write_atomically(run / BACKTEST, scores.to_csv(index=False, lineterminator="\n").encode())
    if as_json:
        cli_output.print_json({"simulated": simulated, "origins": scores.drop(columns="simulated").to_dict("records")})
    else:
        mark = cli_output.simulated_mark({"simulated": simulated})
        click.echo(f"{mark}{counted(days, 'day')} from each of {counted(len(moments), 'origin')}")
        click.echo(backtest_table(scores))
        click.echo(in_a_sentence(forecasts, days))
    say_each([warn_of_better_weeks(scores)])


def trainings_of(origins: int) -> str:
    """How much a backtest has to do."""
    trainings = 2 * origins  # one whose error and bands are measured, one that forecasts
    return (
        f"{trainings} trainings, two for each origin, each as long as a fit of `bikes train`: fewer --origins take less"
    )


@main.command()
@run_option
def plot(run: Path) -> None:
    """Draw the losses, the forecast, its errors and what it follows.

    That is what temperature and hour do to it. After `bikes backtest`, its errors too.

    Example: bikes plot --run runs/bikes
    """
    from projects.bikes.model import BikesModel
    from projects.bikes.plots import plot_backtest
    from projects.common.plots import plot_losses, save_figure, say_below

    scores = None
    if (run / METRICS).exists():
        with run_files.own_file(run / METRICS, "run `bikes evaluate` again"):
            scores = run_files.read_json(run / METRICS)
            simulated = scores["simulated"]
    with run_files.own_file(run / HISTORY, "run `bikes train` first"):
        losses = plot_losses(run_files.read_table(run / HISTORY), "loss (half the squared error, scaled target)")
        say_below(losses, "of the first network: the forecast is the mean of several, which gains from going on")
    figures = {"losses.png": losses}
    if scores is None:
        simulated = BikesModel.load(run / MODEL).settings["simulated"]
        say_each(["`bikes evaluate`, then this again, draws the forecast and its errors, too"])
    else:
        with run_files.own_file(run / METRICS, "run `bikes evaluate` again"):
            figures |= plots_of_scores(run, scores)
    for name, figure in figures.items():
        click.echo(save_figure(figure, run / name, simulated, PICTURES[name].drawn_from))
    if (run / BACKTEST).exists():
        with run_files.own_file(run / BACKTEST, "run `bikes backtest` again"):
            errors = run_files.read_table(run / BACKTEST)
            figure, simulated = plot_backtest(errors), bool(errors.simulated.any())  # perhaps not as the model was
        click.echo(save_figure(figure, run / "backtest.png", simulated, [BACKTEST]))


def plots_of_scores(run: Path, scores: dict[str, Any]) -> "dict[str, Figure]":
    """The pictures of an evaluation, by file name."""
    import pandas as pd

    from projects.bikes.plots import plot_effects, plot_errors, plot_forecast

    figures: dict[str, Figure] = {}
    if "test" in scores:
        test = {name: float(score) for name, score in scores["test"].items()}
        with run_files.own_file(run / FORECAST, "run `bikes evaluate` first"):
            forecast = run_files.read_table(run / FORECAST)
            forecast["time"] = pd.to_datetime(forecast.time, format="ISO8601")
            figures |= {
                "forecast.png": plot_forecast(forecast, test),
                "errors.png": plot_errors(forecast, WEATHER_WORDS),
            }
    else:
        say_each(["no day was left to test the model on, so there is no picture of a forecast beside what happened"])
    with run_files.own_file(run / EFFECTS, "run `bikes evaluate` first"):
        unit = scores.get("temperature_unit", "°C")
        figures["effects.png"] = plot_effects(run_files.read_table(run / EFFECTS), unit)
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

    model = BikesModel.load(run / MODEL)
    with run_files.own_file(run / METRICS, "run `bikes evaluate` again"):
        scores = run_files.read_json(run / METRICS) if (run / METRICS).exists() else None
        html = page(model, run / MODEL, scores, WEATHER_WORDS, FAR)
    write_atomically(run / REPORT, html.encode())
    click.echo(run / REPORT)


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

    model = BikesModel.load(run / MODEL)
    cli_output.warn_if_simulated(model.settings)
    save_onnx(file, onnx_graph(model))
    click.echo(file)


main.add_command(predict)
