"""`sentiment doubts`: which labels of a table may be wrong."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from projects.common import cli as common
from projects.common import cli_options, cli_output
from projects.common.run_folder import MODEL
from projects.common.terminal import tell
from projects.common.words import counted
from projects.sentiment.cli_options import Where, layout_options, tables_of
from projects.sentiment.score_table import MISTAKES_SHOWN, mistake_line

if TYPE_CHECKING:
    from projects.sentiment.data import File
    from projects.sentiment.layout import Layout


@click.command(cls=common.PipelineCommand)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write all of them there, with their rows: .csv, .tsv or .xlsx.",
)
@cli_options.run_option("sentiment")
@layout_options()
def doubts(file: Path, out: Path | None, run: Path, layout: "Layout") -> None:
    """Find labels that may be wrong.

    Every text of FILE is answered by a model that was trained on other texts: five trainings, each without a fifth of
    them. Where the answer is another label than the text has, one of the two is wrong; the surest answers come first.
    No model is saved; one in the run folder that was trained on these columns says how labels are joined. FILE may be a
    pattern of several tables.

    Example: sentiment doubts mails.csv --out doubts.xlsx
    """
    from projects.sentiment.doubts import FOLDS, find_doubts, in_words
    from projects.sentiment.mistakes import refuse_misfits, write_mistakes

    sources = joined_as_trained(tables_of(file, layout, Where("local", None), labelled=True), run)
    if out:
        refuse_misfits(out, [source.path for source in sources], "--out", "doubts")
    found = find_doubts(sources, lambda fold: cli_output.note(f"training {fold + 1} of {FOLDS}"))
    left_out = found.left_out.description()
    if left_out:
        tell(left_out)
    click.echo(f"{cli_output.simulated_mark({'simulated': found.simulated})}{in_words(found)}")
    for doubt in found.found[:MISTAKES_SHOWN]:
        click.echo(mistake_line(doubt))
    if out:
        write_mistakes(found.found, out, sources[0].layout.delimiter, "doubts")
        tell(f"{out}: {counted(len(found.found), 'row')}")


def joined_as_trained(sources: "list[File]", run: Path) -> "list[File]":
    """The files with their labels joined as in the model of a run, if it was trained on these columns."""
    from projects.sentiment.model import SentimentModel

    found = sources[0].layout
    if found.label_map or not (run / MODEL).exists():
        return sources
    trained = SentimentModel.load(run / MODEL).layout
    columns = (found.text_column, found.label_column)
    if not trained.label_map or columns != (trained.text_column, trained.label_column):
        return sources
    tell(f"labels are joined as in the model of {run} (--labels says otherwise)")
    return [replace(source, layout=replace(source.layout, label_map=trained.label_map)) for source in sources]
