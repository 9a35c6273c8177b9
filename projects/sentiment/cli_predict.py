"""`sentiment predict`: texts from the command line, from standard input, or from tables."""

import glob
import sys
from collections.abc import Iterable, Iterator
from io import TextIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from projects.common import cli as common
from projects.common import cli_options, cli_output
from projects.common.errors import ProjectError, printable
from projects.common.files import no_file
from projects.common.run_folder import MODEL
from projects.common.terminal import tell
from projects.common.words import are, counted
from projects.sentiment.cli_options import Where, engine_options, layout_options, tables_of

if TYPE_CHECKING:
    import numpy as np

    from projects.sentiment.answers import Asked
    from projects.sentiment.layout import Layout
    from projects.sentiment.model import SentimentModel

SHOWN = 12  # n-grams shown by --explain outside --json
# what may be added to a row
ANSWER = ("label", "probability", "best_guess", "probabilities", "words", "ngrams", "unknown", "note")
FAINT, STRONG = 0.02, 0.3  # effects on the log-odds from which a word has a colour, and from which it is bold
LIKE_A_TABLE = (".csv", ".tsv", ".tab", ".json", ".jsonl", ".xlsx", ".xls", ".xlsm", ".parquet", ".gz", ".zip", ".txt")
LIKE_A_FILE = (*LIKE_A_TABLE, ".ods", ".docx", ".doc", ".pdf")
WORDS_OF_A_NAME = 5  # of a file: more are an opinion


@click.command(cls=common.PipelineCommand)
@click.argument("texts", nargs=-1, metavar="[TEXT...|FILE...|-]")
@click.option(
    "--file", type=click.Path(path_type=Path), help="A table, or a pattern of several, to add the answers to."
)
@layout_options(labelled=False)
@click.option(
    "--explain",
    is_flag=True,
    help="Show which words and n-grams pushed which way, and how far; of a table, in a column more.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write the answers for a table to this .csv, .tsv, .jsonl, .parquet or .xlsx; of several tables, into this "
    "folder, a file each.",
)
@click.option(
    "--unsure",
    type=common.Finite(0, 1),
    default=0.0,
    help="Below this probability the answer is “unsure”; a column more of a table has the best guess.  "
    "[default: never]",
)
@cli_options.run_option("sentiment")
@cli_options.json_option
@engine_options
@click.pass_context
def predict(  # a parameter for each option
    ctx: click.Context,
    texts: tuple[str, ...],
    file: Path | None,
    layout: "Layout",
    explain: bool,
    out: Path | None,
    unsure: float,
    run: Path,
    as_json: bool,
    where: Where,
) -> None:
    """Label texts, lines of standard input or rows of tables.

    Each gets its label and the probability of that label; --json has those of all labels. An argument that is the
    name of a file is read as a table, not as a text; one without spaces that ends like a table (.csv, .xlsx …) must be.

    A line may have 10 million characters. The answers take the place of columns `label` and `probability` of a table.

    \b
    Examples: sentiment predict "a dull, lifeless film" --explain
              echo "a dull, lifeless film" | sentiment predict -
              sentiment predict mails.csv --text-column body --out answers.csv
    """
    tables = named_tables(texts, file)
    texts = () if tables else texts
    refuse_misfits(tables, texts, layout, out, as_json, where)
    if not texts and not tables and sys.stdin.isatty():
        click.echo(ctx.get_help())
        return
    from projects.sentiment.answers import Asked
    from projects.sentiment.model import SentimentModel

    model = SentimentModel.load(run / MODEL)
    cli_output.warn_if_simulated(model.settings)
    if out:
        answer_tables(model, tables, layout, out, Asked(unsure, explain), where)
    elif tables:
        for table in tables:
            print_table(model, table, layout, Asked(unsure, explain), as_json, where)
    else:
        lines = stdin_lines() if texts in ((), ("-",)) else iter(texts)
        rows = ((text, {"text": text}) for text in lines)
        print_answers(model, rows, Asked(unsure, explain), as_json, False)


def named_tables(texts: tuple[str, ...], file: Path | None) -> list[Path]:
    """The tables to answer: that of --file, or arguments that are names of files, or patterns of some.

    Raises ProjectError for what looks like the name of a table that is not there.
    """
    if file is not None:
        if texts:
            raise click.UsageError("give texts or --file, not both")
        return [file]
    is_named = [is_file(text) or is_pattern(text) for text in texts]
    for text, is_there in zip(texts, is_named, strict=True):
        if not is_there and looks_like_a_table(text):
            raise ProjectError(no_file(Path(text), "name a table that is there"))
    if len(texts) == 1 and not is_named[0]:
        tell_of_tables_like(texts[0])
    return [Path(text) for text in texts] if texts and all(is_named) else []


def tell_of_tables_like(text: str) -> None:
    """Say so where a text of one word would be the name of a table if it had an ending."""
    meant = [text + ending for ending in LIKE_A_TABLE if text.isalnum() and is_file(text + ending)]
    if meant:
        tell(f"{text!r} is answered as a text: did you mean the table {meant[0]}?")


def looks_like_a_table(text: str) -> bool:
    """Whether a text is rather the name of a file than an opinion."""
    return len(text.split()) <= WORDS_OF_A_NAME and text.lower().endswith(LIKE_A_FILE)


def is_pattern(text: str) -> bool:
    """Whether a text is a pattern that files of the names of tables match."""
    return looks_like_a_table(text) and glob.has_magic(text) and any(map(is_file, glob.glob(text, recursive=True)))


def is_file(text: str) -> bool:
    """Whether a text is the name of a file; one that is too long to be a name is none."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def refuse_misfits(
    tables: list[Path],
    texts: tuple[str, ...],
    layout: "Layout",
    out: Path | None,
    as_json: bool,
    where: Where,
) -> None:
    """Raise UsageError for options that do not go together."""
    if (layout.text_column or layout.encoding) and not tables:
        raise click.UsageError("--text-column and --encoding need a table: name it")
    if "-" in texts and len(texts) > 1:
        raise click.UsageError("give texts or -, not both")
    if out and not tables:
        raise click.UsageError("--out goes with a table: name the file whose rows are to be answered")
    if where.name == "dask" and not out:
        raise click.UsageError("--engine dask goes with --out: name the file or folder to write")
    if out and as_json:
        raise click.UsageError("--json goes with answers that are printed, not with --out")
    if len(tables) > 1 and not out and not as_json:
        raise click.UsageError(
            "several tables can't be printed as one: name a folder with --out (and the file for the answers to one "
            "table: sentiment predict TABLE --out FILE)"
        )


def answer_tables(
    model: "SentimentModel", tables: list[Path], layout: "Layout", out: Path, asked: "Asked", where: Where
) -> None:
    """Write the answers for these tables, and say what was written."""
    from projects.sentiment.answers import added_columns, predict_files
    from projects.sentiment.model import UNSURE

    files = [file for table in tables for file in tables_of(table, layout, where, False, model.layout)]
    with where.engine() as engine:
        for written in predict_files(model, files, out, asked, engine):
            unsure_rows = f", {written.unsure:,} of them {UNSURE}" if asked.unsure_below else ""
            replaced = " (replaced)" if written.overwrote else ""
            click.echo(f"{written.path}{replaced}: {counted(written.rows, 'row')}{unsure_rows}")
            if written.without_text:
                have = "has" if written.without_text == 1 else "have"
                tell(f"{written.path}: {counted(written.without_text, 'row')} {have} no text and got no label")
            if written.without_known_word:
                rows = counted(written.without_known_word, "row")
                got = "got the most frequent label and its share"
                if asked.unsure_below:
                    got = f"{are(written.without_known_word)} {UNSURE}"
                tell(f"{written.path}: {rows} without a known word {got}")
            if written.trained_on:
                rows = counted(written.trained_on, "row")
                tell(f"{written.path}: the model was trained on the texts of {rows}: new ones are answered less well")
            if written.replaced:
                cli_output.warn_if_replaced(str(written.path), written.replaced, added_columns(asked))


def print_table(
    model: "SentimentModel", path: Path, layout: "Layout", asked: "Asked", as_json: bool, where: Where
) -> None:
    """Print a table's rows with their answers, as CSV or JSON."""
    from projects.sentiment.answers import added_columns
    from projects.sentiment.layout import open_with, text_of

    for file in tables_of(path, layout, where, False, model.layout):
        table = open_with(file.layout, file.path)
        cli_output.warn_if_replaced(str(file.path), table.columns, ANSWER if as_json else added_columns(asked))

        def rows(table: Any = table, found: "Layout" = file.layout) -> Iterator[tuple[str, dict[str, Any]]]:
            for place, row in table.rows():
                if not as_json and list(row) != list(table.columns):
                    columns = f"its columns are {', '.join(row)}, not {', '.join(table.columns)}"
                    raise ProjectError(f"{table.path}, {place}: {columns}")
                yield text_of(row, found), row

        print_answers(model, rows(), asked, as_json, True)


def print_answers(
    model: "SentimentModel",
    rows: Iterable[tuple[str, dict[str, Any]]],
    asked: "Asked",
    as_json: bool,
    is_table: bool,
) -> None:
    """Print an answer for each row: as JSON, of a table as CSV, of texts as lines for people."""
    from projects.sentiment.answers import added_columns, in_digits
    from projects.sentiment.data import chunks

    header = True
    for chunk in chunks(rows):
        predicted = model.probabilities(text for text, _ in chunk)
        answers = [
            answer(model, text, p, asked, as_json, is_table) for (text, _), p in zip(chunk, predicted, strict=True)
        ]
        if as_json:
            for (_, row), found in zip(chunk, answers, strict=True):
                cli_output.print_json(row | found)
        elif is_table:
            added = (in_digits({name: found[name] for name in added_columns(asked)}) for found in answers)
            cli_output.print_rows((row | new for (_, row), new in zip(chunk, added, strict=True)), header)
        else:
            for (text, _), found in zip(chunk, answers, strict=True):
                show(text, found, model.vocabulary.negation)
        header = False


def answer(
    model: "SentimentModel",
    text: str,
    probabilities: "np.ndarray",
    asked: "Asked",
    as_json: bool,
    is_row: bool,
) -> dict[str, Any]:
    """What is said of one text, whose labels have these probabilities [labels]. is_row: it stands in a table."""
    from projects.sentiment.answers import answer_of

    number = int(probabilities.argmax())
    in_detail = as_json or not is_row  # each n-gram with its effect, not a few in a cell
    shown = asked._replace(reasons=asked.reasons and not in_detail)
    said: dict[str, Any] = answer_of(model, text, probabilities, shown, is_row)
    if as_json:
        rounded = (round(p, 6) for p in probabilities.tolist())
        said["probabilities"] = dict(zip(model.label_names, rounded, strict=True))
    if asked.reasons and in_detail:
        effects = model.explain(text, number)
        said["words"] = [{"word": word, "effect": round(effect, 6)} for word, effect in effects["words"]]
        said["ngrams"] = [{"ngram": ngram, "effect": round(effect, 6)} for ngram, effect in effects["ngrams"]]
        said["unknown"] = unknown_words(text, {word for word, _ in effects["words"]}, model.vocabulary.negation)
    if model.knows_nothing_of(text, probabilities):
        said["note"] = "no known word: this is the base rate of the training texts"
    return said


def unknown_words(text: str, known: set[str], negation: bool) -> list[str]:
    """The words of the text, each once, that have no effect as they are in no n-gram of the bag."""
    from projects.sentiment.characters import MARKS
    from projects.sentiment.negation import in_words, tokens

    names = dict.fromkeys(in_words(name) for name in tokens(text, negation))
    return [name for name in names if name not in known and name not in MARKS]


def show(text: str, found: dict[str, Any], negation: bool) -> None:
    """Print one answer for people: label, its probability, and the text, its words in colour if explained.

    negation: whether the model knows negated words.
    """
    words = {word["word"]: word["effect"] for word in found.get("words", ())}
    shown = coloured(text, words, negation) if words else printable(text)
    cli_output.echo_styled(f"{printable(found['label'])}\t{found['probability']:.3f}\t{shown}")
    if "note" in found:
        click.echo(f"  {found['note']}")
    if found.get("ngrams"):
        label = printable(found["label"])
        click.echo(f"  without it, the log-odds of {label} would be lower by (0.7 halves the odds):")
    for ngram in found.get("ngrams", ())[:SHOWN]:
        click.echo(f"  {ngram['effect']:+.2f}  {ngram['ngram']}")
    if found.get("unknown"):
        click.echo(f"  not known, or of no weight: {printable(', '.join(found['unknown']))}")


def coloured(text: str, effects: dict[str, float], negation: bool) -> str:
    """The tokens of the text, green where they speak for the label and red where against, bold where strongly."""
    from projects.sentiment.characters import MARKS
    from projects.sentiment.negation import in_words, tokens
    from projects.sentiment.tokens import NEGATED

    def colour(name: str) -> str:
        effect = effects.get(in_words(name), 0.0)
        token = name.removeprefix(NEGATED)
        if abs(effect) < FAINT:
            return token
        return click.style(token, fg="green" if effect > 0 else "red", bold=abs(effect) >= STRONG)

    names = tokens(text, negation)
    spaced = ("" if name in MARKS else " " for name in names)
    return "".join(space + colour(name) for space, name in zip(spaced, names, strict=True)).strip()


def stdin_lines() -> Iterator[str]:
    """The lines of standard input. Raises ProjectError with the number of one that is too long or not UTF-8."""
    from projects.common.text_tables import lines_of

    for line in lines_of(cast(TextIOBase, sys.stdin), Path("standard input")):
        yield line.rstrip("\r\n")
