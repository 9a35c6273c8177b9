"""The `bikes` command: download, train, evaluate, backtest, plot, report, export, predict."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from projects.common import cli as common
from projects.common.errors import ProjectError
from projects.common.files import refuse_pipe

if TYPE_CHECKING:
    import pandas as pd

    from projects.bikes.model import BikesModel

WEATHER = ("clear", "mist", "light-rain", "heavy-rain")
FAR = 60  # days beyond the training from which a forecast is warned of
CHUNK = 50_000  # rows of a prediction file held in memory at a time
FORECAST, EFFECTS, BACKTEST = "forecast.csv", "effects.csv", "backtest.csv"


@click.group(cls=common.PipelineGroup, tool="bikes", context_settings=common.CONTEXT)
@click.version_option(package_name="two-layer", prog_name="bikes")
def main() -> None:
    """How many bikes will be rented? A two-layer network on hourly rentals (UCI Bike Sharing)."""


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

    return simulate_hours().to_csv(index=False, lineterminator="\n")


data_option = common.data_option("hour.csv, or the zip that holds it.")
run_option = common.run_option("bikes")
data_dir_option = common.data_dir_option("bikes")


def read_data(data: Path | None, data_dir: Path) -> "pd.DataFrame":
    """The data's rows, in the order of time."""
    from projects.bikes.data import PUBLISHED, SAMPLE, read_hours

    return read_hours(common.default_data(data, data_dir, PUBLISHED.name, SAMPLE, "bikes"))


@main.command()
@data_option
@run_option
@data_dir_option
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="For the first weights and the order of the rows.")  # fmt: skip
@click.option("--validation-days", type=click.IntRange(7), default=60, show_default=True,
              help="Days before the test that settings are judged by.")  # fmt: skip
@click.option("--test-days", type=click.IntRange(0), default=21, show_default=True,
              help="Last days of the data, kept for the final figure; 0 to train on all.")  # fmt: skip
@click.option("--members", type=click.IntRange(1), default=6, show_default=True,
              help="Networks whose forecasts are averaged.")  # fmt: skip
@click.option("--hidden-units", type=click.IntRange(1, 100_000), default=24, show_default=True, help="Of each network.")
@click.option("--epochs", type=click.IntRange(1), default=40, show_default=True,
              help="Times through the training rows.")  # fmt: skip
@click.option("--learning-rate", type=common.Finite(0, min_open=True), default=0.1, show_default=True,
              help="Of the first epoch; it falls to 0.")  # fmt: skip
@click.option("--batch-size", type=click.IntRange(1), default=64, show_default=True, help="Rows a step.")
@click.option("--momentum", type=common.Finite(0, 1, max_open=True), default=0.9, show_default=True,
              help="Share of the last step that the next one keeps.")  # fmt: skip
@common.resume_option
@common.quiet_option
def train(
    data: Path | None, run: Path, data_dir: Path, seed: int, validation_days: int, test_days: int, epochs: int,
    resume: bool, quiet: bool, **hyperparameters: Any,
) -> None:  # fmt: skip
    """Train on all but the test days; save model and history.

    Networks fitted to what comes before the validation days are measured on them: these are the losses shown. The
    model that is saved is then fitted in the same way to the validation days too.

    Ctrl-C keeps a checkpoint, as is done every few seconds anyway, and in the folder `unfinished` of the run folder
    the model that was measured, as far as it got; a finished model stays. --resume, with the same data and options,
    then ends in the same model as if nothing had happened.

    \b
    Examples: bikes train --seed 1
              bikes train --test-days 0
    """
    common.note("reading the hours")
    from projects.bikes.data import split
    from projects.common.checkpoint import Checkpoint
    from projects.common.files import check_writable
    from projects.common.run_folder import lock

    check_writable(run)
    click.get_current_context().with_resource(lock(run))
    checkpoint = Checkpoint(run, "bikes", resume)
    hours = split(read_data(data, data_dir), validation_days, test_days)
    from projects.bikes.model import baselines, train
    from projects.common.progress import report_epochs

    with checkpoint.interruptible(), report_epochs(quiet) as on_epoch:
        model = train(hours, seed, on_epoch, checkpoint, epochs=epochs, **hyperparameters)
    common.save_training(run, "bikes", model, checkpoint, "measured.0", FORECAST, EFFECTS)
    scores = {"validation": model.settings["validation"], "baselines": baselines(hours, ("validation",))}
    click.echo(f"{common.marked(model.settings)}trained on {describe(model)}")
    click.echo(table(scores))
    click.echo(f"model: {run / common.MODEL}\nnext: bikes evaluate, bikes plot, bikes predict --help")


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

    from projects.bikes.data import split
    from projects.bikes.model import BikesModel, effects, evaluate
    from projects.common.files import write_atomically

    model = BikesModel.load(run / common.MODEL)
    days = (model.settings[name] // 24 for name in ("validation_rows", "test_rows"))
    hours = split(read_data(data, data_dir), *days)
    scores = evaluate(model, hours)
    forecast = hours.test[["time", "cnt", "weathersit"]].join(model.forecast(hours.test, hours.validation.tail(24)))
    found = effects(model, pd.concat([hours.train, hours.validation]))
    for name, rows in ((FORECAST, forecast), (EFFECTS, found)):
        write_atomically(run / name, rows.to_csv(index=False, lineterminator="\n").encode())
    common.write_json(run / common.METRICS, scores)
    if as_json:
        common.print_json(scores)
    else:
        click.echo(f"{common.marked(scores)}a model trained on {describe(model)}")
        click.echo(table(scores))


@main.command()
@data_option
@run_option
@data_dir_option
@click.option("--first", type=click.DateTime(["%Y-%m-%d"]), help="First origin.  [default: as late as the data allow]")
@click.option("--origins", "count", type=click.IntRange(1, 1000), default=12, show_default=True, help="How many.")
@click.option("--step", type=click.IntRange(1, 1200), default=1, show_default=True, help="Months from one to the next.")
@click.option("--days", type=click.IntRange(1, 3660), default=21, show_default=True, help="Days forecast from each.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="For the first weights and the order of the rows.")  # fmt: skip
@common.json_option
def backtest(
    data: Path | None, run: Path, data_dir: Path, first: datetime | None, count: int, step: int, days: int, seed: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Forecast from moments in the past, beside what then happened.

    From each origin a model is trained on all hours before it and forecasts the days after it; their recorded weather
    is taken as known. The table is saved in the run folder; `bikes plot` then draws it.

    Example: bikes backtest --origins 2 --days 7
    """
    common.note("reading the hours")
    from projects.common.files import check_writable, write_atomically

    check_writable(run)
    hours = read_data(data, data_dir)
    from tqdm import tqdm

    from projects.bikes.backtest import backtest, origins, summary

    moments = origins(hours, count, step, days, first)
    with tqdm(total=len(moments), unit=" origins", disable=not sys.stderr.isatty()) as bar:
        forecasts = backtest(hours, moments, days, seed, lambda _: bar.update(1))
    scores = summary(forecasts)
    simulated = bool(hours.attrs["simulated"])
    scores["simulated"] = int(simulated)
    write_atomically(run / BACKTEST, scores.to_csv(index=False, lineterminator="\n").encode())
    if as_json:
        common.print_json({"simulated": simulated, "origins": scores.drop(columns="simulated").to_dict("records")})
    else:
        click.echo(common.marked({"simulated": simulated}) + f"{days} days from each of {len(moments)} origins")
        click.echo(backtest_table(scores))


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
    import pandas as pd

    from projects.bikes.plots import plot_backtest, plot_effects, plot_errors, plot_forecast
    from projects.common.plots import plot_losses, save_figure

    figures = {}
    with common.whole(run / common.METRICS, "run `bikes train` and `bikes evaluate` first"):
        scores = common.read_json(run / common.METRICS)
        simulated, test = scores["simulated"], {name: float(score) for name, score in scores["test"].items()}
    with common.whole(run / common.HISTORY, "run `bikes train` first"):
        history = common.read_table(run / common.HISTORY)
        figures["losses.png"] = plot_losses(history, "loss (half the squared error, scaled target)")
    with common.whole(run / FORECAST, "run `bikes evaluate` first"):
        forecast = common.read_table(run / FORECAST)
        forecast["time"] = pd.to_datetime(forecast.time, format="ISO8601")
        figures |= {"forecast.png": plot_forecast(forecast, test), "errors.png": plot_errors(forecast, WEATHER)}
    with common.whole(run / EFFECTS, "run `bikes evaluate` first"):
        figures["effects.png"] = plot_effects(common.read_table(run / EFFECTS))
    for name, figure in figures.items():
        click.echo(save_figure(figure, run / name, simulated))
    if (run / BACKTEST).exists():
        with common.whole(run / BACKTEST, "run `bikes backtest` again"):
            errors = common.read_table(run / BACKTEST)
            figure, simulated = plot_backtest(errors), bool(errors.simulated.any())  # perhaps not as the model was
        click.echo(save_figure(figure, run / "backtest.png", simulated))


@main.command()
@run_option
def report(run: Path) -> None:
    """Make one HTML page of the run with sliders for the forecast.

    It has the scores, pictures and settings, too, fetches nothing from the internet and takes at most 5 MB. `bikes
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
@click.argument("file", required=False, metavar="[FILE.csv|-]")
@run_option
@click.option("--when", type=click.DateTime(["%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]), help="The hour.")
@click.option("--temperature", type=common.Finite(-8, 39), help="°C")
@click.option("--humidity", type=common.Finite(0, 100), help="%")
@click.option("--wind", type=common.Finite(0, 67), help="km/h")
@click.option("--weather", type=click.Choice(WEATHER), default="clear", show_default=True, help="Of the hour.")
@click.option("--holiday", is_flag=True, help="The day is a public holiday.")
@common.json_option
@click.pass_context
def predict(
    ctx: click.Context, file: str | None, run: Path, when: datetime | None, as_json: bool, **conditions: Any
) -> None:
    """Forecast the hours of a CSV file, or one hour.

    The file has hour.csv's columns; the counts are not needed. Its rows come back in order with the columns
    prediction and low_80, high_80, low_95, high_95: the bounds of the bands that should hold 80 and 95 of 100
    hours. An hour more than a year from those trained on has no band, and beyond_known is True: how a city rides
    then is not known. The weather of the hours around is looked up in the file; one of more than 50,000 rows should
    be in the order of time for that.

    \b
    Examples: bikes predict hours.csv
              bikes predict --when 2012-12-24T17 --temperature 4 --humidity 60 --wind 12 --weather clear
    """
    if when is None and any(ctx.get_parameter_source(name) != ParameterSource.DEFAULT for name in conditions):
        raise click.UsageError(f"{', '.join(f'--{name}' for name in conditions)} need --when")
    if when is None and file is None and sys.stdin.isatty():
        click.echo(ctx.get_help())
        return
    if when is not None:
        absent = [f"--{name}" for name in ("temperature", "humidity", "wind") if conditions[name] is None]
        if file is not None:
            raise click.UsageError("give a file or --when, not both")
        if absent:
            raise click.UsageError(f"--when needs {', '.join(absent)} too")
    from projects.bikes.model import BikesModel

    model = BikesModel.load(run / common.MODEL)
    common.warn_if_simulated(model.settings)
    if when is not None:
        predict_hour(model, when, as_json, **conditions)
    else:
        predict_file(model, file or "-", as_json)


def predict_hour(
    model: "BikesModel", when: datetime, as_json: bool, temperature: float, humidity: float, wind: float, weather: str,
    holiday: bool,
) -> None:  # fmt: skip
    """Print the bikes of one hour given in human units; the hours before are taken to have had the same weather."""
    import pandas as pd

    from projects.bikes.data import check_hours, normalised

    row = normalised(temperature, humidity, wind) | {
        "dteday": str(when.date()),
        "hr": when.hour,
        "holiday": int(holiday),
        "weathersit": 1 + WEATHER.index(weather),
    }
    hour = check_hours(pd.DataFrame([row], index=[1]), "the options", targets=False)
    forecast = for_people(model.forecast(hour)).iloc[0].to_dict()
    beyond = days_beyond(model, when, when)
    unknown = bool(forecast["beyond_known"])
    if as_json:
        answer = {"when": f"{when:%Y-%m-%dT%H}", **forecast, "days_beyond_training": beyond[0]}
        common.print_json(answer)
    else:
        sky = weather.replace("-", " ")
        conditions = f"{temperature:g} °C, {humidity:g} % humidity, wind {wind:g} km/h, {sky}{', holiday' * holiday}"
        moment = f"{when:%A %Y-%m-%d} from {when:%H:00}"
        click.echo(f"{forecast['prediction']:.0f} bikes on {moment} ({conditions})")
        if unknown:
            click.echo("no band: more than a year from the hours trained on is beyond what is known")
        else:
            click.echo(f"80 of 100 such hours should see {forecast['low_80']:.0f} to {forecast['high_80']:.0f}")
        warn_if_far(*beyond, unknown)


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
    from projects.bikes.data import check_hours

    name = "standard input" if file == "-" else file
    beyond, unknown = (0, ""), False
    chunks = ((text, check_hours(text, name, targets=False)) for text in read_chunks(file))
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
        unknown = unknown or bool(added.beyond_known.any())
    warn_if_far(*beyond, unknown)


def with_hours_around(chunks: "Iterator[tuple[pd.DataFrame, pd.DataFrame]]") -> Iterator[tuple[Any, ...]]:
    """Each text and its hours, with the hours of the day before them and of the day after; None for none."""
    import pandas as pd

    from projects.bikes.model import AROUND

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


def read_chunks(file: str) -> Iterator["pd.DataFrame"]:
    """The CSV's rows as text, CHUNK at a time; nothing for an empty standard input."""
    from projects.bikes.data import EmptyTableError, open_table, parse_chunks

    if file == "-":
        with suppress(EmptyTableError):
            yield from parse_chunks(sys.stdin.buffer, "standard input", CHUNK)
    else:
        refuse_pipe(Path(file))
        if not Path(file).is_file():
            raise ProjectError(f"no file at {file}: name a table with the columns of hour.csv, or - for standard input")
        with open_table(Path(file)) as table:
            yield from parse_chunks(table, file, CHUNK)


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
