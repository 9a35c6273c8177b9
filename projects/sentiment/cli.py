"""The `sentiment` command: download, train, evaluate, plot, report, export, predict, words, similar."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from projects.common import cli as common
from projects.common.errors import ProjectError, printable
from projects.sentiment.settings import Settings

if TYPE_CHECKING:
    import numpy as np

    from projects.sentiment.data import File, Names
    from projects.sentiment.engine import Engine
    from projects.sentiment.model import SentimentModel

SHOWN = 12  # n-grams shown by --explain outside --json
ANSWER = ("label", "probability", "probabilities", "words", "ngrams", "note")  # added to a row, in CSV the first two
LABELS_LISTED = 20  # labels whose scores are printed; --json has all
LABELS_BESIDE = 5  # labels whose n-grams `words` shows beside each other
FAINT, STRONG = 0.005, 0.05  # effects on the probability from which a word has a colour, and from which it is bold


@click.group(cls=common.PipelineGroup, tool="sentiment", context_settings=common.CONTEXT)
@click.version_option(package_name="two-layer", prog_name="sentiment")
def main() -> None:
    """Good or bad, or any other labels of texts? A two-layer network on a bag of n-grams."""


@main.command()
@common.download_options("sentiment")
def download(source: str | None, sample: bool, sample_if_offline: bool, force: bool, data_dir: Path) -> None:
    """Fetch the published data and verify it.

    Example: sentiment download --from aclImdb_v1.tar.gz
    """
    from projects.sentiment.data import PUBLISHED, SAMPLE, TABLES, read_reviews

    def check(path: Path) -> None:
        if path.suffix.lower() in TABLES or path.is_dir():
            raise ProjectError(f"{path} is not the published archive: train on it with `sentiment train --data {path}`")
        read_reviews(path, "train")
        read_reviews(path, "test")

    simulate = common.Simulated(SAMPLE, sample_csv)
    click.echo(common.download(PUBLISHED, simulate, check, data_dir, source, sample, sample_if_offline, force))


def sample_csv() -> str:
    from projects.sentiment.sample import simulate_reviews

    return common.to_csv(simulate_reviews())


data_option = common.data_option(
    "The archive, a folder with reviews.txt and labels.txt, a CSV, TSV or JSONL table, gzipped or not, or Parquet; "
    "or a pattern of several tables ('reviews-*.csv')."
)
run_option = common.run_option("sentiment")
data_dir_option = common.data_dir_option("sentiment")


def name_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say what a table calls its columns and labels."""
    for option in (
        click.option(
            "--positive",
            help="Of two labels, the one that precision and recall are about.  "
            "[default: positive, good, 1 …, else the last by alphabet]",
        ),
        click.option("--label-column", help="Column of a table with the labels.  [default: label or sentiment]"),
        click.option("--text-column", help="Column of a table with the texts.  [default: text or review]"),
    ):
        command = option(command)
    return command


def engine_options(command: Callable[..., None]) -> Callable[..., None]:
    """Where to work."""
    for option in (
        click.option("--scheduler", metavar="ADDRESS", help="Of a Dask cluster.  [default: processes of this machine]"),
        click.option("--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True,
                     help="What works: the threads of this process, or the workers of Dask."),
    ):  # fmt: skip
        command = option(command)
    return command


def start_engine(engine: str, scheduler: str | None) -> AbstractContextManager["Engine"]:
    """The engine that these options name."""
    if scheduler and engine != "dask":
        raise click.UsageError("--scheduler goes with --engine dask")
    if engine == "dask":
        from projects.sentiment.dask_engine import connect

        return connect(scheduler)
    from projects.sentiment.engine import Engine

    return nullcontext(Engine())


def sources_of(data: Path | None, data_dir: Path, names: "Names", engine: str) -> "list[File]":
    """The files to read: those that were named, else what `download` fetched."""
    from projects.sentiment.data import PUBLISHED, SAMPLE, files_of

    path = common.default_data(data, data_dir, PUBLISHED.name, SAMPLE, "sentiment")
    return files_of(path.absolute() if engine == "dask" else path, names)  # workers may be in another folder


@main.command()
@data_option
@run_option
@data_dir_option
@common.setting_options(Settings)
@name_options
@engine_options
@common.resume_option
@common.quiet_option
def train(
    data: Path | None, run: Path, data_dir: Path, text_column: str | None, label_column: str | None,
    positive: str | None, resume: bool, quiet: bool, engine: str, scheduler: str | None, **settings: Any,
) -> None:  # fmt: skip
    """Train on the training texts; save model and history.

    A network is fitted to nine tenths of them and measured on the others: these are the losses shown. The model that
    is saved is then fitted to all of them in the same way. The same rows give the same model, whatever files they are
    in, in whatever order, and whatever works on them.

    Ctrl-C keeps a checkpoint, as is done every few seconds anyway, and in the folder `unfinished` of the run folder
    the model that was measured, as far as it got; a finished model stays. --resume, with the same data and options,
    then ends in the same model as if nothing had happened.

    \b
    Examples: sentiment train --ngrams 1 --min-count 20
              sentiment train --data mails.csv --text-column body --label-column kind
              sentiment train --data 'reviews-*.jsonl.gz'
    """
    from projects.common.checkpoint import Checkpoint
    from projects.common.files import check_writable
    from projects.common.progress import report_epochs
    from projects.common.run_folder import lock
    from projects.sentiment.data import Names
    from projects.sentiment.training import MEASURED, Watcher, train

    where_to_work = start_engine(engine, scheduler)
    check_writable(run)
    click.get_current_context().with_resource(lock(run))
    sources = sources_of(data, data_dir, Names(text_column, label_column), engine)
    checkpoint = Checkpoint(run, "sentiment", resume)
    with where_to_work as where, report_epochs(quiet) as on_epoch:
        watcher = Watcher(common.note, on_epoch, checkpoint)
        in_memory = 0 if engine == "dask" else None
        with checkpoint.interruptible():
            model = train(sources, Settings(**settings), positive, where, run, watcher, in_memory)
    common.save_training(run, "sentiment", model, checkpoint, MEASURED)
    click.echo(in_words(model))
    click.echo(f"model: {run / common.MODEL}\nnext: sentiment evaluate, sentiment plot, sentiment predict --help")


def in_words(model: "SentimentModel") -> str:
    """What a training came to."""
    settings = model.settings
    beside = "" if settings["balanced"] else f" (always the same answer: {max(settings['label_shares']):.1%})"
    n_labels = len(model.label_names)
    labels = f" and {n_labels:,} labels" if n_labels > 2 else ""
    fitted = f"then fitted to all {settings['train_reviews']:,}" if settings["refit"] else "fitted to the others"
    return (
        f"{common.marked(settings)}{settings['validation_accuracy']:.1%} right of "
        f"{settings['validation_reviews']:,} texts held out{beside}; {fitted}, "
        f"with {len(model.vocabulary):,} n-grams{labels}"
    )


@main.command()
@data_option
@run_option
@data_dir_option
@common.json_option
@name_options
@engine_options
def evaluate(
    data: Path | None, run: Path, data_dir: Path, as_json: bool, text_column: str | None, label_column: str | None,
    positive: str | None, engine: str, scheduler: str | None,
) -> None:  # fmt: skip
    """Score the saved model on the test reviews, beside a baseline.

    The baseline always gives the label that was most frequent in training. The labels are those of the model;
    --positive is for a table that calls its two labels otherwise.

    Example: sentiment evaluate --json
    """
    from projects.sentiment.data import Names
    from projects.sentiment.evaluation import evaluate
    from projects.sentiment.model import SentimentModel

    model = SentimentModel.load(run / common.MODEL)
    labels = model.label_names
    if positive and len(labels) > 2:
        raise click.UsageError(f"--positive is for two labels; the model has {len(labels):,}")
    sources = sources_of(data, data_dir, Names(text_column, label_column), engine)
    with start_engine(engine, scheduler) as where:
        scores = evaluate(model, sources, positive, where)
    common.write_json(run / common.METRICS, scores)
    if scores["unknown"]["reviews"]:
        unknown = ", ".join(map(repr, scores["unknown"]["labels"][:LABELS_LISTED]))
        texts = f"{scores['unknown']['reviews']:,} texts have labels that the model was not trained on"
        click.echo(f"{texts} and count as wrong: {printable(unknown)}", err=True)
    if as_json:
        common.print_json(scores)
    else:
        click.echo(f"{common.marked(scores)}{scores['test']['reviews']:,} test texts")
        click.echo(table(scores))


@main.command()
@run_option
def plot(run: Path) -> None:
    """Draw the losses, the n-grams, the confusions and the reliability.

    Example: sentiment plot --run runs/sentiment
    """
    from projects.common.plots import plot_losses, save_figure
    from projects.sentiment.model import SentimentModel
    from projects.sentiment.plots import plot_confusion, plot_label_words, plot_ratios, plot_reliability, plot_words

    model = SentimentModel.load(run / common.MODEL)
    with common.whole(run / common.HISTORY, "run `sentiment train` first"):
        losses = plot_losses(common.read_table(run / common.HISTORY), "log loss")
    figures = {"losses.png": losses}
    if (run / common.METRICS).exists():
        with common.whole(run / common.METRICS, "run `sentiment evaluate` again"):
            scores = common.read_json(run / common.METRICS)
            figures["reliability.png"] = plot_reliability(scores, model.label_names)
            figures["confusion.png"] = plot_confusion(scores)
    words = plot_words(model) if len(model.label_names) == 2 else plot_label_words(model)
    figures |= {"ratios.png": plot_ratios(model), "words.png": words}
    for name, figure in figures.items():
        click.echo(save_figure(figure, run / name, model.settings["simulated"]))


@main.command()
@run_option
def report(run: Path) -> None:
    """Make one HTML page of the run that scores what is typed.

    It has the scores, pictures and settings, too.

    The page needs no network and at most 5 MB. `sentiment evaluate` and `sentiment plot` first fill it.

    Example: sentiment report --run runs/sentiment
    """
    from projects.common.files import write_atomically
    from projects.sentiment.model import SentimentModel
    from projects.sentiment.report import page

    model = SentimentModel.load(run / common.MODEL)
    with common.whole(run / common.METRICS, "run `sentiment evaluate` again"):
        scores = common.read_json(run / common.METRICS) if (run / common.METRICS).exists() else None
        html, fits = page(model, run / common.MODEL, scores)
    write_atomically(run / common.REPORT, html.encode())
    click.echo(run / common.REPORT)
    if not fits:
        click.echo("the model is too large for the page to score texts: train one with --min-count 10", err=True)


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

    model = SentimentModel.load(run / common.MODEL)
    common.warn_if_simulated(model.settings)
    save_onnx(file, onnx_graph(model))
    click.echo(file)


@main.command()
@click.argument("texts", nargs=-1, metavar="[TEXT...|-]")
@click.option("--file", type=click.Path(path_type=Path), help="A CSV, TSV or JSONL table to add the answers to.")
@click.option("--text-column", "column", help="Its column with the texts.  [default: text or review]")
@click.option("--explain", is_flag=True, help="Show which words and n-grams pushed which way, and how far.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="With --file, a table or a pattern of several: write the answers into this folder, a file each.",
)
@run_option
@common.json_option
@engine_options
@click.pass_context
def predict(
    ctx: click.Context, texts: tuple[str, ...], file: Path | None, column: str | None, explain: bool, run: Path,
    as_json: bool, out: Path | None, engine: str, scheduler: str | None,
) -> None:  # fmt: skip
    """Label texts, lines of standard input or rows of a table.

    Each gets its label and the probability of that label; --json has those of all labels.

    A line may have 10 million characters. The answers take the place of columns `label` and `probability` of a table.

    \b
    Examples: sentiment predict "a dull, lifeless film" --explain
              echo "a dull, lifeless film" | sentiment predict -
              sentiment predict --file reviews.csv --text-column text
    """
    if texts and file:
        raise click.UsageError("give texts or --file, not both")
    if column and not file:
        raise click.UsageError("--text-column needs --file")
    if file and explain and not as_json:
        raise click.UsageError("--explain of a --file needs --json")
    if "-" in texts and len(texts) > 1:
        raise click.UsageError("give texts or -, not both")
    if (out or scheduler or engine == "dask") and not (out and file):
        raise click.UsageError("--engine goes with --out, and --out with --file")
    if out and (as_json or explain):
        raise click.UsageError("--json and --explain go with answers that are printed, not with --out")
    if not texts and not file and sys.stdin.isatty():
        click.echo(ctx.get_help())
        return
    from projects.sentiment.model import SentimentModel

    model = SentimentModel.load(run / common.MODEL)
    common.warn_if_simulated(model.settings)
    if file and out:
        from projects.sentiment.answers import predict_files
        from projects.sentiment.data import Names, files_of

        with start_engine(engine, scheduler) as where:
            for path, n in predict_files(model, files_of(file, Names(column)), out, where):
                click.echo(f"{path}: {n:,} rows")
        return
    from projects.sentiment.data import chunks

    rows: Iterable[tuple[str, dict[str, Any]]]
    if file:
        rows = table_rows(file, column, ANSWER if as_json else ANSWER[:2])
    else:
        rows = ((text, {"text": text}) for text in (stdin_lines() if texts in ((), ("-",)) else texts))
    header = True
    for chunk in chunks(rows):
        predicted = model.predict(text for text, _ in chunk)
        answers = [answer(model, text, p, explain, as_json) for (text, _), p in zip(chunk, predicted, strict=True)]
        if as_json:
            for (_, row), found in zip(chunk, answers, strict=True):
                common.print_json(row | found)
        elif file:
            added = ({name: found[name] for name in ANSWER[:2]} for found in answers)
            common.print_rows((row | new for (_, row), new in zip(chunk, added, strict=True)), header)
        else:
            for (text, _), found in zip(chunk, answers, strict=True):
                show(text, found)
        header = False


def answer(
    model: "SentimentModel", text: str, probabilities: "np.ndarray", explain: bool, all_labels: bool
) -> dict[str, Any]:
    """What is said of one text, whose labels have these probabilities [labels]."""
    number = int(probabilities.argmax())
    said: dict[str, Any] = {
        "label": model.label_names[number],
        "probability": round(float(probabilities[number]), 6),
    }
    if all_labels:
        rounded = (round(p, 6) for p in probabilities.tolist())
        said["probabilities"] = dict(zip(model.label_names, rounded, strict=True))
    if explain:
        effects = model.explain(text, number)
        said["words"] = [{"word": word, "effect": round(effect, 6)} for word, effect in effects["words"]]
        said["ngrams"] = [{"ngram": ngram, "effect": round(effect, 6)} for ngram, effect in effects["ngrams"]]
    may_be_unknown = probabilities.tolist() == model.settings["base_rates"]
    if may_be_unknown and not len(model.vocabulary.columns_of([text])[0]):
        said["note"] = "no known word: this is the base rate of the training reviews"
    return said


def show(text: str, found: dict[str, Any]) -> None:
    """Print one answer for people: label, its probability, and the text, its words in colour if explained."""
    words = {word["word"]: word["effect"] for word in found.get("words", ())}
    shown = coloured(text, words) if words else printable(text)
    common.echo_styled(f"{printable(found['label'])}\t{found['probability']:.3f}\t{shown}")
    if "note" in found:
        click.echo(f"  {found['note']}")
    for ngram in found.get("ngrams", ())[:SHOWN]:
        click.echo(f"  {ngram['effect']:+.3f}  {ngram['ngram']}")


def coloured(text: str, effects: dict[str, float]) -> str:
    """The tokens of the text, green where they speak for the label and red where against, bold where strongly."""
    from projects.sentiment.tokens import tokens

    def colour(token: str) -> str:
        effect = effects.get(token, 0.0)
        if abs(effect) < FAINT:
            return token
        return click.style(token, fg="green" if effect > 0 else "red", bold=abs(effect) >= STRONG)

    return " ".join(map(colour, tokens(text)))


def stdin_lines() -> Iterator[str]:
    """The lines of standard input. Raises ProjectError with the number of one that is too long or not UTF-8."""
    from projects.sentiment.data import lines_of

    for line in lines_of(sys.stdin, "standard input"):
        yield line.rstrip("\r\n")


def table_rows(file: Path, column: str | None, added: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The texts and rows of a table that has the column; it warns of columns that are `added`. Raises ProjectError."""
    from projects.sentiment.data import TEXT_COLUMNS, read_rows, value_of

    first: list[str] = []
    for line, row in read_rows(file):
        text = value_of(row, (column,) if column else TEXT_COLUMNS, file, line)
        if not first:
            first = list(row)
            common.warn_if_replaced(str(file), first, added)
        if list(row) != first:
            raise ProjectError(f"{file}, line {line}: its columns are {', '.join(row)}, not {', '.join(first)}")
        yield text, row


@main.command()
@run_option
@click.option("-n", "n", type=click.IntRange(1), default=15, show_default=True, help="N-grams of each kind.")
@click.option("--min-count", type=click.IntRange(1), default=50, show_default=True,
              help="Reviews an n-gram must be in.")  # fmt: skip
@click.option("--label", "chosen", multiple=True, help="Only this label; may be given several times.")
def words(run: Path, n: int, min_count: int, chosen: tuple[str, ...]) -> None:
    """Show the n-grams that speak most for each label.

    They are ranked by what each alone adds to the log-odds of the label. Of many labels, the most frequent ones are
    shown.

    Example: sentiment words -n 10
    """
    from projects.sentiment.model import SentimentModel

    model = SentimentModel.load(run / common.MODEL)
    vocabulary = model.vocabulary
    frequent = vocabulary.counts[vocabulary.in_bag] >= min_count
    shown = chosen_labels(model, chosen)
    columns = []
    for label in shown:
        effects = model.effects(label)
        ranked = [i for i in (-effects).argsort(kind="stable") if frequent[i] and effects[i] > 0][:n]
        names = (f"{effects[i]:+.2f} {vocabulary.name(vocabulary.in_bag[i])}" for i in ranked)
        columns.append([printable(model.label_names[label]), *names])
    mark = common.marked(model.settings)
    for line, cells in enumerate(zip_longest(*columns, fillvalue="")):
        click.echo(("" if line else mark) + "".join(f"{cell:30}" for cell in cells).rstrip())
    if not chosen and len(shown) < len(model.label_names):
        n_labels = len(model.label_names)
        click.echo(f"the most frequent {len(shown)} of {n_labels:,} labels; --label shows others", err=True)


def chosen_labels(model: "SentimentModel", chosen: tuple[str, ...]) -> list[int]:
    """The numbers of these labels; of none, those of the most frequent labels, of two the second first."""
    names = model.label_names
    for name in chosen:
        if name not in names:
            raise ProjectError(f"the model has no label {name!r}; it has {', '.join(map(repr, names[:LABELS_LISTED]))}")
    if chosen:
        return [names.index(name) for name in chosen]
    if len(names) == 2:
        return [1, 0]
    shares = model.settings["label_shares"]
    return sorted(range(len(names)), key=lambda label: -shares[label])[:LABELS_BESIDE]


@main.command()
@click.argument("ngram", metavar="WORD")
@run_option
@click.option("-n", "n", type=click.IntRange(1), default=10, show_default=True, help="N-grams to show.")
@click.option("--min-count", type=click.IntRange(1), default=50, show_default=True,
              help="Reviews an n-gram must be in.")  # fmt: skip
def similar(ngram: str, run: Path, n: int, min_count: int) -> None:
    """Show the n-grams most alike to the network, nearest first.

    Alike in polarity and strength, not in meaning.

    Example: sentiment similar dull
    """
    from projects.sentiment.model import SentimentModel

    model = SentimentModel.load(run / common.MODEL)
    common.warn_if_simulated(model.settings)
    for name, distance in model.similar(ngram, n, min_count):
        click.echo(f"{distance:.3f}  {name}")


def table(scores: dict[str, Any]) -> str:
    """The scores of model and baseline as text, those of each label, and where the model is wrong and how sure."""
    names = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "log_loss")
    lines = [f"{'':16}" + "".join(f"{name.replace('_', ' '):>{max(len(name), 6) + 3}}" for name in names)]
    for name, scored in (("network", scores["test"]), ("majority label", scores["baselines"]["majority"])):
        lines.append(f"{name:16}" + "".join(f"{scored[key]:{max(len(key), 6) + 3}.4f}" for key in names))
    lines += label_lines(scores)
    if len(scores["labels"]) == 2:
        negative, positive = (printable(scored["label"]) for scored in scores["labels"])
        (true_negative, false_positive), (false_negative, true_positive) = scores["test"]["confusion"]
        lines.append(
            f"{negative} reviews: {true_negative:,} called {negative}, {false_positive:,} {positive}; "
            f"{positive} reviews: {true_positive:,} called {positive}, {false_negative:,} {negative}"
        )
    else:
        lines.append("most frequent mistakes between labels:")
        for found in scores["confusions"]:
            lines.append(f"  {printable(found['label'])} taken for {printable(found['answer'])}: {found['reviews']:,}")
    kinds = (f"{k['accuracy']:.1%} from {k['from_words']} words on ({k['reviews']:,})" for k in scores["by_length"])
    lines.append(f"accuracy by length: {', '.join(kinds)}")
    lines.append(f"expected calibration error: {scores['test']['expected_calibration_error']:.3f}")
    lines.append("surest mistakes:")
    for mistake in scores["mistakes"]:
        label, answer, text = (printable(mistake[name][:80]) for name in ("label", "answer", "text"))
        lines.append(f"  {label}, called {answer} with {mistake['probability']:.3f}: {text}")
    return "\n".join(lines)


def label_lines(scores: dict[str, Any]) -> list[str]:
    """Precision, recall and F1 of each label, the most frequent first, then their means."""
    by_size = sorted(scores["labels"], key=lambda scored: -scored["reviews"])
    rows = [(printable(scored["label"]), scored, f"{scored['reviews']:,}") for scored in by_size[:LABELS_LISTED]]
    rows += [(f"{kind} mean", scores["means"][kind], "") for kind in ("macro", "weighted")]
    lines = [f"{'label':24}{'precision':>12}{'recall':>9}{'f1':>9}{'reviews':>10}"]
    for name, scored, n in rows:
        values = f"{scored['precision']:12.4f}{scored['recall']:9.4f}{scored['f1']:9.4f}"
        lines.append(f"{name:24}{values}{n:>10}".rstrip())
    if len(by_size) > LABELS_LISTED:
        lines.insert(-2, f"and {len(by_size) - LABELS_LISTED:,} labels more (--json has all)")
    return lines
