"""The `sentiment` command, from `download` to `predict`: each of its commands here or in a file beside."""

import shlex
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from projects.common import cli as common
from projects.common import cli_download, cli_options, cli_output, run_files
from projects.common.cli_tune import Size, minutes_option, show_search
from projects.common.errors import ProjectError, printable
from projects.common.progress import HISTORY
from projects.common.run_folder import METRICS, MODEL, REPORT
from projects.common.settings import settings_of
from projects.common.terminal import tell
from projects.common.words import counted, percent
from projects.sentiment.cli_doubts import doubts
from projects.sentiment.cli_options import (
    OF_THE_DATA,
    Where,
    as_trained,
    engine_options,
    layout_options,
    positive_option,
    sources_of,
    unlabelled_of,
)
from projects.sentiment.cli_predict import predict
from projects.sentiment.confidence import GOOD
from projects.sentiment.labels import order_shown
from projects.sentiment.plain_words import in_sentences, of_so_many, recommendation
from projects.sentiment.score_table import LABELS_LISTED, no_better_in_words, scored_in_words, table
from projects.sentiment.settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from projects.sentiment.layout import Layout
    from projects.sentiment.model import SentimentModel

PHASES = {"reading": 2.0, "counting": 1.0, "fits": 2.0, "saving": 0.1}  # of `train`, in seconds, until more is known
LABELS_BESIDE = 5  # labels whose n-grams `words` shows beside each other


@click.group(cls=common.PipelineGroup, tool="sentiment", context_settings=common.CONTEXT)
@click.version_option(package_name="two-layer", prog_name="sentiment")
def main() -> None:
    """Good or bad, or any other labels of texts? A two-layer network on a bag of n-grams."""


@main.command()
@cli_options.download_options("sentiment")
def download(source: str | None, sample: bool, sample_if_offline: bool, force: bool, data_dir: Path) -> None:
    """Fetch the published data and verify it.

    Example: sentiment download --from aclImdb_v1.tar.gz
    """
    from projects.sentiment.data import PUBLISHED, SAMPLE, is_table, read_reviews

    def check(path: Path) -> None:
        if path.is_dir() or is_table(path):
            raise ProjectError(f"{path} is not the published archive: train on it with `sentiment train {path}`")
        read_reviews(path, "train")
        read_reviews(path, "test")

    simulate = cli_download.Simulated(SAMPLE, sample_csv)
    click.echo(cli_download.download(PUBLISHED, simulate, check, data_dir, source, sample, sample_if_offline, force))


def sample_csv() -> str:
    from projects.sentiment.sample import simulate_reviews

    return cli_output.to_csv(simulate_reviews())


data_option = cli_options.data_option(
    "The archive, a folder with reviews.txt and labels.txt, or any table (CSV, TSV, JSON, Parquet, Excel; gzipped or "
    "zipped); or a pattern of several tables ('reviews-*.csv')."
)
run_option = cli_options.run_option("sentiment")
data_dir_option = cli_options.data_dir_option("sentiment")
seed_option = cli_options.option_of(next(setting for setting in settings_of(Settings) if setting.name == "seed"))


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@layout_options()
@click.option("--plot", "picture", type=click.Path(dir_okay=False, path_type=Path), help="Draw labels and lengths.")
@cli_options.json_option
def check(file: Path, layout: "Layout", picture: Path | None, as_json: bool) -> None:
    """Say what is in a table, before training.

    Format, columns and which of them would be used, labels, duplicates, lengths, scripts, what would be left out, and
    the command to train with. FILE may be a pattern of several tables.

    Example: sentiment check mails.csv
    """
    from projects.sentiment.check import (
        advice,
        check_files,
        files_to_check,
        groups_of_stars,
        in_words,
        labels_to_join,
        middle_left_out,
        too_few,
        without_labels,
    )

    found = check_files(files_to_check(file, layout, tell), layout)
    if picture:
        from projects.common.plots import save_figure
        from projects.sentiment.plots import plot_check

        replaced = " (replaced)" if picture.exists() else ""
        tell(f"{save_figure(plot_check(found), picture, False)}{replaced}")
    if as_json:
        cli_output.print_json({name: value for name, value in found.items() if name != "lengths"})
        return
    for line in (*in_words(found), *(f"note: {line}" for line in advice(found))):
        click.echo(printable(line))
    words = f"{shlex.quote(str(file))}{layout_in_words(layout)}"
    of_texts = layout_in_words(replace(layout, label_column=None, label_map=()))
    answer = (
        f"sentiment predict {shlex.quote(str(file))}{of_texts} --out answers.csv  (after `sentiment train` on labels)"
    )
    if not found["labelled"]:
        click.echo(f"\nanswer with:  {answer}")
        return
    stars = groups_of_stars(list(found["labels"]))
    joined = labels_to_join(found)
    few = too_few(found)
    if few:
        click.echo(f"\n{printable(few)}")
    elif joined:
        click.echo(f"\ntrain with:  sentiment train {words} --labels {shlex.quote(joined)}")
        click.echo(f"or, with the labels as they are:  sentiment train {words}")
    else:
        click.echo(f"\ntrain with:  sentiment train {words}")
    if stars and not few:
        click.echo(f'or, good and bad alone:  sentiment train {words} --labels "{stars}"')
        middle = middle_left_out(list(found["labels"]), stars)
        if middle:
            click.echo(f"  {middle}")
    if without_labels(found):
        click.echo(f"or, if these are no labels, answer with:  {answer}")


def layout_in_words(layout: "Layout") -> str:
    """The options of a layout as they are typed."""
    from projects.sentiment.layout import label_map_in_words

    given = {"--text-column": layout.text_column, "--label-column": layout.label_column, "--encoding": layout.encoding}
    given["--labels"] = label_map_in_words(layout.label_map)
    return "".join(f" {option} {shlex.quote(value)}" for option, value in given.items() if value)


@main.command()
@data_option
@run_option
@data_dir_option
@cli_options.setting_options(Settings)
@click.option(
    "--unlabelled",
    metavar="[FILE]",
    is_flag=False,
    flag_value=OF_THE_DATA,
    help="Learn from texts without labels, too: those of this table or pattern; without a FILE those of the data "
    "itself, which the archive has, too. Better, in three times the time.",
)
@layout_options()
@positive_option
@engine_options
@cli_options.resume_option
@cli_options.quiet_option
def train(  # a parameter for each option
    data: Path | None,
    run: Path,
    data_dir: Path,
    unlabelled: str | None,
    layout: "Layout",
    positive: str | None,
    resume: bool,
    quiet: bool,
    where: "Where",
    **settings: Any,
) -> None:
    """Train on the training texts; save model and history.

    A network is fitted to nine tenths of them and measured on the others: these are the losses shown. The model that
    is saved is then fitted to all of them in the same way. The same rows give the same model, whatever files they are
    in, in whatever order, and whatever works on them.

    Ctrl-C keeps a checkpoint, as is done every few seconds anyway, and in the folder `unfinished` of the run folder
    the model that was measured, as far as it got; a finished model stays. --resume, with the same data and options,
    then ends in the same model as if nothing had happened.

    \b
    Examples: sentiment train --ngrams 1 --min-count 20
              sentiment train mails.csv --text-column body --label-column kind
              sentiment train 'reviews-*.jsonl.gz'
              sentiment train mails.csv --unlabelled reviews.csv
    """
    from projects.common.progress import report_epochs, say

    with report_epochs(PHASES, quiet) as on_epoch:
        from projects.common.checkpoint import Checkpoint
        from projects.common.files import check_writable
        from projects.common.run_folder import lock
        from projects.sentiment.fits import shown_fit
        from projects.sentiment.report import PICTURES
        from projects.sentiment.training import Watcher, train
        from projects.sentiment.training_time import expect_by_size

        check_writable(run)
        click.get_current_context().with_resource(lock(run))
        there_was_one = (run / MODEL).exists()
        sources = sources_of(data, data_dir, layout, where)
        beside = unlabelled_of(unlabelled, sources, where)
        expect_by_size([*sources, *beside])
        checkpoint = Checkpoint(run, "sentiment", resume)
        watcher = Watcher(tell=say, on_epoch=on_epoch, checkpoint=checkpoint)
        with where.engine() as engine, checkpoint.interruptible():
            model = train(sources, Settings(**settings), positive, engine, run, watcher, where.in_memory, beside)
        run_files.save_training(run, "sentiment", model, checkpoint, shown_fit(checkpoint), *PICTURES)
    click.echo(in_words(model))
    told = no_better_in_words(model.settings) or limit_in_words(model, run)
    if told:
        click.echo(printable(told))
    given = {"data": data, "data_dir": data_dir, "run": run}
    next_ones = ("evaluate", "plot", "predict") if model.settings["test"] else ("plot", "predict")
    commands = [cli_options.as_typed(main, name, given) for name in next_ones]
    click.echo(f"{run_files.saved_in_words(run, there_was_one)}\nnext: {', '.join(commands)} --help")


@main.command()
@data_option
@run_option
@data_dir_option
@minutes_option
@click.option("--max-size", type=Size(), metavar="SIZE", help="Of the model's file, such as 5MB.  [default: any]")
@seed_option
@click.option("--balanced", is_flag=True, help="Let all labels count alike, however many texts have them.")
@layout_options()
@positive_option
@cli_options.quiet_option
def tune(  # a parameter for each option
    data: Path | None,
    run: Path,
    data_dir: Path,
    minutes: float,
    max_size: float | None,
    seed: int,
    balanced: bool,
    layout: "Layout",
    positive: str | None,
    quiet: bool,
) -> None:
    """Search for better settings.

    In the end the command is printed that trains with them.

    The training texts are read and counted once, and cut into nine parts. Settings are judged by their wrong answers
    in parts that they were not fitted to: first on one, the best of them on more, in the end on all nine. The default
    settings are kept unless others are better by more than noise. The test texts are never looked at.

    Ctrl-C ends the search with the best so far. The same seed tries the same settings in the same order.

    \b
    Examples: sentiment tune --minutes 5
              sentiment tune mails.csv --max-size 5MB
    """
    from projects.common.files import check_writable
    from projects.common.run_folder import lock, working_folder
    from projects.common.tune import Clock
    from projects.sentiment.training import Watcher
    from projects.sentiment.tune import search

    check_writable(run)
    click.get_current_context().with_resource(lock(run))
    clock = Clock(60 * minutes)
    layout = layout if data is None else as_trained(layout, data, run)
    sources = sources_of(data, data_dir, layout, Where("local", None))
    settings = Settings(seed=seed, balanced=balanced)
    given = {"data": data, "run": run, "seed": seed, "balanced": balanced, "positive": positive}

    def command(values: dict[str, Any]) -> list[str]:
        options = cli_options.option_words(train, given | values)
        return ["sentiment", "train", *options, *shlex.split(layout_in_words(layout))]

    watcher = Watcher(cli_output.note, tell)
    with working_folder(run) as folder:
        found = search(sources, folder, settings, positive, clock, max_size, watcher)
        show_search(found, clock, "wrong, %", 100, command, run, quiet)


def limit_in_words(model: "SentimentModel", run: Path) -> str | None:
    """With which --unsure as many answers are right as should be; None where they are without one."""
    sure_from = model.settings["sure_from"]
    if model.settings["validation_accuracy"] >= GOOD:
        return None
    goal = f"{100 * GOOD:.0f} %"
    if sure_from is None:
        return f"no limit for --unsure reaches {goal} of right answers"
    command = cli_options.as_typed(main, "predict", {"run": run, "unsure": round(sure_from, 2)})
    unsure = of_so_many(model.settings["unsure_share"], 100)
    return f"{goal} of the answers are right with: {command}  (which calls {unsure} of 100 unsure)"


def in_words(model: "SentimentModel") -> str:
    """What a training came to."""
    settings = model.settings
    beside = "" if settings["balanced"] else f" (always the same answer: {percent(settings['validation_baseline'], 1)})"
    n_labels = len(model.label_names)
    labels = f" and {n_labels:,} labels" if n_labels > 2 else ""
    pieces = "" if model.second is None else f" and {len(model.second.pieces):,} pieces of characters"
    fitted = f"then fitted to all {settings['train_texts']:,}" if settings["refit"] else "fitted to the others"
    if settings["unlabelled_texts"]:
        fitted += f" and {settings['unlabelled_texts']:,} without labels"
    return (
        f"{cli_output.simulated_mark(settings)}{percent(settings['validation_accuracy'], 1)} right of "
        f"{settings['validation_texts']:,} texts held out{beside}; {fitted}, "
        f"with {len(model.vocabulary):,} n-grams{pieces}{labels}"
    )


@main.command()
@data_option
@run_option
@data_dir_option
@cli_options.json_option
@click.option(
    "--mistakes",
    "mistakes_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write all wrong answers there, the surest first, with their rows: .csv, .tsv or .xlsx. Some may be wrong "
    "labels. Of the texts that are scored: those trained on are not.",
)
@layout_options()
@positive_option
@engine_options
def evaluate(  # a parameter for each option
    data: Path | None,
    run: Path,
    data_dir: Path,
    as_json: bool,
    mistakes_file: Path | None,
    layout: "Layout",
    positive: str | None,
    where: "Where",
) -> None:
    """Score the saved model on the test texts, beside a baseline.

    First in a sentence, with the range in which the share of right answers lies in 95 of 100 such tests (Wilson 1927);
    at the end what the --unsure does that training chose, so that 95 of 100 answers are right.

    Of a table with a column `split` these are the rows that say test, of another one all texts that the model was not
    trained on: of the table that it was trained on the fifth that was kept for this, of a new one all.

    The baseline always gives the label that was most frequent in training. The labels are those of the model;
    --positive is for a table that calls its two labels otherwise.

    \b
    Examples: sentiment evaluate --json
              sentiment evaluate --mistakes mistakes.xlsx
    """
    from projects.sentiment.evaluation import MISTAKES, evaluate
    from projects.sentiment.mistakes import refuse_misfits, write_mistakes
    from projects.sentiment.model import SentimentModel

    model = SentimentModel.load(run / MODEL)
    labels = model.label_names
    if positive and len(labels) > 2:
        raise click.UsageError(f"--positive is for two labels; the model has {len(labels):,}")
    sources = sources_of(data, data_dir, layout, where, model.layout)
    if mistakes_file:
        refuse_misfits(mistakes_file, [source.path for source in sources])
    with where.engine() as engine:
        scores = evaluate(model, sources, positive, engine, None if mistakes_file else MISTAKES)
    if mistakes_file:
        write_mistakes(scores["mistakes"], mistakes_file, model.layout.delimiter)
        tell(f"{mistakes_file}: {counted(len(scores['mistakes']), 'wrong answer')}")
    scores["mistakes"] = [without_row(mistake) for mistake in scores["mistakes"][:MISTAKES]]
    run_files.write_json(run / METRICS, scores)
    if scores["unknown"]["texts"]:
        unknown = ", ".join(map(repr, scores["unknown"]["labels"][:LABELS_LISTED]))
        texts = f"{scores['unknown']['texts']:,} texts have labels that the model was not trained on"
        click.echo(f"{texts} and count as wrong: {printable(unknown)}", err=True)
    if scores["left_out_line"]:
        tell(scores["left_out_line"])
    if as_json:
        cli_output.print_json(scores)
        return
    click.echo(f"{cli_output.simulated_mark(scores)}{' '.join(in_sentences(scores))}")
    click.echo(f"{scored_in_words(scores)}\n{table(scores)}")
    advice = recommendation(scores)
    if advice:
        click.echo(advice)


def without_row(mistake: dict[str, Any]) -> dict[str, Any]:
    """The mistake without the row of the table, whose other columns nobody asked for."""
    return {name: value for name, value in mistake.items() if name != "row"}


main.add_command(doubts)


named_option = click.option(
    "--min-count",
    type=click.IntRange(1),
    help="Training texts an n-gram must be in.  [default: 50; fewer with under 25,000 texts: 10 with 1,000]",
)


@main.command()
@run_option
@named_option
def plot(run: Path, min_count: int | None) -> None:
    """Draw the losses, the n-grams, the confusions and the reliability.

    --min-count is for the n-grams that are named.

    Example: sentiment plot --run runs/sentiment
    """
    from projects.common.plots import plot_losses, save_figure, say_below
    from projects.sentiment.model import SentimentModel
    from projects.sentiment.plots import plot_label_words, plot_ratios, plot_words
    from projects.sentiment.report import PICTURES

    model = SentimentModel.load(run / MODEL)
    with run_files.own_file(run / HISTORY, f"run `{cli_options.as_typed(main, 'train', {'run': run})}` first"):
        losses = plot_losses(run_files.read_table(run / HISTORY), "log loss")
    figures = {"losses.png": losses, "ratios.png": plot_ratios(model), "words.png": plot_label_words(model, min_count)}
    if len(model.label_names) == 2:
        figures["ngrams.png"] = plot_words(model, min_count)
    for figure in figures.values():
        say_below(figure, f"{model.settings['train_texts']:,} training texts")
    if (run / METRICS).exists():
        with run_files.own_file(run / METRICS, f"run `{cli_options.as_typed(main, 'evaluate', {'run': run})}` again"):
            figures = plots_of_scores(run_files.read_json(run / METRICS), model.label_names) | figures
    run_files.forget(run, *(name for name in ("ngrams.png", "unsure.png") if name not in figures))
    for name, figure in figures.items():
        click.echo(save_figure(figure, run / name, model.settings["simulated"], PICTURES[name].drawn_from))


def plots_of_scores(scores: dict[str, Any], label_names: list[str]) -> "dict[str, Figure]":
    """The pictures of an evaluation, by file name."""
    from projects.common.plots import say_below
    from projects.sentiment.plots import plot_confusion, plot_reliability, plot_unsure, unsure_helps

    figures = {"reliability.png": plot_reliability(scores, label_names), "confusion.png": plot_confusion(scores)}
    if unsure_helps(scores):
        figures["unsure.png"] = plot_unsure(scores)
    for figure in figures.values():
        say_below(figure, f"{counted(scores['test']['texts'], 'text')} of {scores['data']}")
    return figures


@main.command()
@run_option
def report(run: Path) -> None:
    """Make one HTML page of the run that scores what is typed.

    It has the scores, pictures and settings, too.

    The page needs no network and at most 6 MB. `sentiment evaluate` and `sentiment plot` first fill it.

    Example: sentiment report --run runs/sentiment
    """
    from projects.common.files import write_atomically
    from projects.sentiment.model import SentimentModel
    from projects.sentiment.report import page

    model = SentimentModel.load(run / MODEL)
    with run_files.own_file(run / METRICS, f"run `{cli_options.as_typed(main, 'evaluate', {'run': run})}` again"):
        scores = run_files.read_json(run / METRICS) if (run / METRICS).exists() else None
        html, fits = page(model, run / MODEL, scores)
    write_atomically(run / REPORT, html.encode())
    click.echo(run / REPORT)
    if not fits:
        why = "the model is too large for the page to answer typed texts: train one with --min-count 10"
        if model.second is not None:
            why = "the page answers typed texts only for a model that was trained without --characters"
        click.echo(why, err=True)


@main.command()
@run_option
@click.option("--onnx", "file", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write.")
def export(run: Path, file: Path) -> None:
    """Write the model as ONNX, for other programs.

    All but the reading of texts:

    Input `ngrams`, float32 [rows, n-grams]: 1 for each n-gram that a text has, else 0; the metadata `ngrams` names
    them, a line each. Output `probability`, float32: of two labels [rows, 1], for the second one; of more
    [rows, labels], in the order of the metadata `labels`.

    Example: sentiment export --onnx sentiment.onnx
    """
    from projects.common.onnx_export import save_onnx
    from projects.sentiment.export import onnx_graph
    from projects.sentiment.model import SentimentModel

    model = SentimentModel.load(run / MODEL)
    cli_output.warn_if_simulated(model.settings)
    if model.second is not None:
        raise ProjectError("a model with --characters can't be written as ONNX: train one without")
    save_onnx(file, onnx_graph(model))
    click.echo(file)


@main.command()
@run_option
@click.option("-n", "n", type=click.IntRange(1), default=15, show_default=True, help="N-grams of each kind.")
@named_option
@click.option("--label", "chosen", multiple=True, help="Only this label; may be given several times.")
def words(run: Path, n: int, min_count: int | None, chosen: tuple[str, ...]) -> None:
    """Show the n-grams that speak most for each label.

    They are ranked by what each alone adds to the log-odds of the label; the number behind is that of the training
    texts that have it. Of n-grams within each other the strongest is shown, and none with a punctuation mark. Of many
    labels, the most frequent ones are shown.

    Example: sentiment words -n 10
    """
    from projects.sentiment.model import SentimentModel

    model = SentimentModel.load(run / MODEL)
    vocabulary = model.vocabulary
    fewest = min_count or model.named_from
    shown = chosen_labels(model, chosen)
    columns = []
    for label in shown:
        strongest, effects = model.strongest(label, n, fewest)
        numbers = vocabulary.in_bag[strongest]
        said = zip(effects[strongest], map(vocabulary.said, numbers), vocabulary.counts[numbers], strict=True)
        lines = [f"{effect:+.2f} {name} ({texts:,})" for effect, name, texts in said]
        columns.append([printable(model.label_names[label]), *lines])
    tell(f"what n-grams in {fewest} training texts or more alone add to the log-odds of each label")
    mark = cli_output.simulated_mark(model.settings)
    widths = [max(map(len, column)) + 2 for column in columns]
    for line, cells in enumerate(zip_longest(*columns, fillvalue="")):
        in_columns = "".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        click.echo(("" if line else mark) + in_columns.rstrip())
    if not chosen and len(shown) < len(model.label_names):
        n_labels = len(model.label_names)
        click.echo(f"the most frequent {len(shown)} of {n_labels:,} labels; --label shows others", err=True)


def chosen_labels(model: "SentimentModel", chosen: tuple[str, ...]) -> list[int]:
    """The numbers of these labels; of none, of the most frequent labels, of two the second first."""
    names = model.label_names
    for name in chosen:
        if name not in names:
            raise ProjectError(f"the model has no label {name!r}; it has {', '.join(map(repr, names[:LABELS_LISTED]))}")
    if chosen:
        return [names.index(name) for name in chosen]
    if len(names) == 2:
        return [1, 0]
    return order_shown(names, model.settings["label_shares"], LABELS_BESIDE)


@main.command()
@click.argument("ngram", metavar="WORD")
@run_option
@click.option("-n", "n", type=click.IntRange(1), default=10, show_default=True, help="N-grams to show.")
@named_option
def similar(ngram: str, run: Path, n: int, min_count: int | None) -> None:
    """Show the n-grams most alike to the network, nearest first.

    Alike in polarity and strength, not in meaning.

    Example: sentiment similar dull
    """
    from projects.sentiment.model import SentimentModel

    model = SentimentModel.load(run / MODEL)
    cli_output.warn_if_simulated(model.settings)
    nearest = model.similar(ngram, n, min_count)
    tell("distance of what two n-grams do in the hidden layer: 0 is the same, and near ones pull the same way as far")
    for name, distance in nearest:
        click.echo(f"{distance:.3f}  {name}")


main.add_command(predict)
