"""`sentiment doubts`: which labels of a table may be wrong."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from projects.common import cli as common
from projects.common import cli_options, cli_output
from projects.common.terminal import tell
from projects.common.words import counted
from projects.sentiment.cli_options import Where, as_trained, layout_options, tables_of
from projects.sentiment.score_table import MISTAKES_SHOWN, mistake_line

if TYPE_CHECKING:
    from projects.sentiment.layout import Layout

MANY = 0.4  # share of the labels that can't all be slips


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
    No model is saved; one in the run folder that was trained on a table with these columns says which they are, and how
    labels are joined. FILE may be a pattern of several tables.

    Example: sentiment doubts mails.csv --out doubts.xlsx
    """
    from projects.sentiment.doubts import FOLDS, find_doubts, in_words
    from projects.sentiment.mistakes import refuse_misfits, write_mistakes

    sources = tables_of(file, as_trained(layout, file, run), Where("local", None), labelled=True)
    if out:
        refuse_misfits(out, [source.path for source in sources], "--out", "doubts")
    found = find_doubts(sources, lambda fold: cli_output.note(f"training {fold + 1} of {FOLDS}"))
    left_out = found.left_out.description()
    if left_out:
        tell(left_out)
    click.echo(f"{cli_output.simulated_mark({'simulated': found.simulated})}{in_words(found)}")
    if len(found.found) > MANY * found.n_judged:
        tell(f"so many are no slips: is {sources[0].layout.label_column!r} the column of labels (--label-column)?")
    for doubt in found.found[:MISTAKES_SHOWN]:
        click.echo(mistake_line(doubt))
    if out:
        write_mistakes(found.found, out, sources[0].layout.delimiter, "doubts")
        tell(f"{out}: {counted(len(found.found), 'row')}")
