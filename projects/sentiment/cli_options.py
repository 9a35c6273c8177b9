"""Options that several commands of `sentiment` share: how a table is laid out, and where to work."""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from projects.common import cli_download
from projects.common.progress import say
from projects.common.run_folder import MODEL

if TYPE_CHECKING:
    from projects.sentiment.data import File
    from projects.sentiment.engine import Engine
    from projects.sentiment.layout import Layout

Command = Callable[..., Any]
OF_THE_DATA = "-"  # given for no file

positive_option = click.option(
    "--positive",
    help="Of two labels, the one that precision and recall are about.  "
    "[default: positive, good, 1 …, else the last by alphabet]",
)


def layout_options(labelled: bool = True) -> Callable[[Command], Command]:
    """What a table calls its columns and labels; the command gets all of it as `layout`."""
    options = [
        click.option(
            "--text-column",
            help="Column of a table with the texts.  [default: text, review, comment …, else the longest texts]",
        ),
        click.option("--encoding", help="Of a table, such as cp1252.  [default: found out, and said]"),
    ]
    if labelled:
        options += [
            click.option(
                "--label-column",
                help="Column with the labels.  [default: label, sentiment, category …, else the one with few values]",
            ),
            click.option(
                "--labels",
                metavar="GROUPS",
                help="Labels to join under a name; others are left out: '1,2=negative 4,5=positive'. With a semicolon "
                "between the groups, labels may have spaces: 'late delivery,broken=bad; thanks=good'.",
            ),
            click.option("--strict", is_flag=True, help="Refuse a table with rows that lack a text or a label."),
        ]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_layout(
            *arguments: Any,
            text_column: str | None,
            encoding: str | None,
            label_column: str | None = None,
            labels: str | None = None,
            strict: bool = False,
            **named: Any,
        ) -> Any:
            from projects.sentiment.layout import Layout, parse_label_map

            label_map = parse_label_map(labels) if labels else ()
            layout = Layout(text_column, label_column, encoding, label_map, strict)
            return command(*arguments, layout=layout, **named)

        for option in reversed(options):
            with_layout = option(with_layout)
        return with_layout

    return decorate


@dataclass(frozen=True)
class Where:
    """Where to work."""

    name: str  # "local" or "dask"
    scheduler: str | None

    @property
    def in_memory(self) -> int | None:
        """Bytes of arrays that may be in memory: none where other processes need them; None: as many as usual."""
        return 0 if self.name == "dask" else None

    def engine(self) -> AbstractContextManager["Engine"]:
        """The engine."""
        if self.name == "dask":
            from projects.sentiment.dask_engine import connect

            return connect(self.scheduler)
        from projects.sentiment.engine import Engine

        return nullcontext(Engine())


def engine_options(command: Command) -> Command:
    """Where to work; the command gets it as `where`."""

    @functools.wraps(command)
    def with_engine(*arguments: Any, engine: str, scheduler: str | None, **named: Any) -> Any:
        if scheduler and engine != "dask":
            raise click.UsageError("--scheduler goes with --engine dask")
        return command(*arguments, where=Where(engine, scheduler), **named)

    with_engine = click.option(
        "--scheduler", metavar="ADDRESS", help="Of a Dask cluster.  [default: processes of this machine]"
    )(with_engine)
    return click.option(
        "--engine",
        type=click.Choice(["local", "dask"]),
        default="local",
        show_default=True,
        help="What works: the threads of this process, or the workers of Dask.",
    )(with_engine)


def sources_of(
    data: Path | None, data_dir: Path, layout: "Layout", where: Where, remembered: "Layout | None" = None
) -> "list[File]":
    """The files with labels to read: those that were named, else what `download` fetched. It says what was guessed.

    remembered: what a model was trained on.
    """
    from projects.sentiment.data import PUBLISHED, SAMPLE

    path = cli_download.default_data(data, data_dir, PUBLISHED.name, SAMPLE, "sentiment")
    return tables_of(path, layout, where, True, remembered)


def as_trained(layout: "Layout", data: Path, run: Path) -> "Layout":
    """The layout with the columns and joined labels of the model in a run, for a table that has these columns.

    What the layout says itself stays. It says what it took.
    """
    from projects.sentiment.data import is_table, paths_of
    from projects.sentiment.layout import open_with
    from projects.sentiment.model import SentimentModel

    if layout.text_column or layout.label_column or not (run / MODEL).exists():
        return layout
    trained = SentimentModel.load(run / MODEL).layout
    first = paths_of(data)[0]
    if trained.label_column is None or not first.exists() or not is_table(first):
        return layout
    table = open_with(replace(layout, likely_encoding=trained.likely_encoding), first)
    if not {trained.text_column, trained.label_column} <= set(table.columns):
        return layout
    joined = " and joined labels" if trained.label_map and not layout.label_map else ""
    say(f"columns{joined} are those of the model in {run} (--label-column and --labels say otherwise)")
    return replace(
        layout,
        text_column=trained.text_column,
        label_column=trained.label_column,
        label_map=layout.label_map or trained.label_map,
    )


def unlabelled_of(written: str | None, sources: "list[File]", where: Where) -> "list[File]":
    """The files with texts without labels that --unlabelled names; those with labels may have some, too."""
    if written is None:
        return []
    if written == OF_THE_DATA:
        return sources
    from projects.sentiment.layout import Layout

    return tables_of(Path(written), Layout(), where, False, sources[0].layout, of_a_model=False)


def tables_of(
    path: Path,
    layout: "Layout",
    where: Where,
    labelled: bool,
    remembered: "Layout | None" = None,
    of_a_model: bool = True,
) -> "list[File]":
    """The files that a path or a pattern names; what was guessed of the first one is said on stderr."""
    from projects.sentiment.data import files_of
    from projects.sentiment.layout import ANY_LAYOUT

    path = path.absolute() if where.name == "dask" else path  # workers may be in another folder
    return files_of(path, layout, labelled, remembered or ANY_LAYOUT, say, of_a_model)
