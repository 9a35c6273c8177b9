"""What `tune` of both command lines shares: its options, the table that it shows, and what it leaves behind."""

import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from projects.common import cli as common
from projects.common import cli_output
from projects.common.errors import ProjectError
from projects.common.files import write_atomically

if TYPE_CHECKING:  # every command imports this module, and `tune` alone the search
    from projects.common.tune import Clock, Search, Trial, Values

TRIALS, COMMAND = "tune.csv", "tune-best.sh"
UNITS = {"": 1, "B": 1, "kB": 1_000, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}

minutes_option = click.option(
    "--minutes",
    type=common.Finite(0, min_open=True),
    default=5.0,
    show_default=True,
    help="How long to search, reading included.",
)


class Size(click.ParamType[float]):
    """A number of bytes: 5MB, 800kB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([a-zA-Z]*)", str(value).strip())
        if not found or found[2] not in UNITS:
            self.fail(f"{value!r} is no size such as 5MB or 800kB.", param, ctx)
        return float(found[1]) * UNITS[found[2]]


def show_search(
    search: "Search",
    clock: "Clock",
    loss_name: str,
    scale: float,
    command: "Callable[[Values], list[str]]",
    run: Path,
    quiet: bool,
) -> None:
    """Search until the time is over or Ctrl-C, showing a table; then print the command of the best, and save both.

    loss_name, scale: how losses are shown. command: what trains with settings other than
    the default ones, in words.
    Raises ProjectError where the time was too short for a single trial.
    """
    rows = []
    click.echo(f"{'':>6}  {loss_name:>10}  {'better by':>16}  settings")
    with progress(clock, quiet) as bar:
        search.on_try = bar.on_try
        try:
            for trial in search:
                rows.append(row_of(trial, search.default, scale))
                bar.clear()
                click.echo(line_of(rows[-1]))
        except KeyboardInterrupt:
            bar.clear()
            click.echo("interrupted: this is the best so far", err=True)
    best = search.best()
    if best is None:
        raise ProjectError(f"{clock.elapsed / 60:.1f} minutes are too few for these data: give more with --minutes")
    differing = {name: value for name, value in best.values.items() if value != search.usual[name]}
    words = shlex.join(command(differing))
    write_atomically(run / COMMAND, f"{words}\n".encode())
    write_atomically(run / TRIALS, cli_output.to_csv(rows).encode())
    click.echo(f"{search.n_drawn:,} settings were tried, {search.n_tries:,} fits in {clock.elapsed:.0f} seconds")
    if best is search.default:
        click.echo("none of them is better than the default settings by more than the noise of their difference")
    click.echo(f"best: {words}\nkept in {run / COMMAND}, the table in {run / TRIALS}")


class Bar(NamedTuple):
    """A bar over the seconds of a search: what moves it, and what makes room for a line."""

    on_try: Callable[[], None]
    clear: Callable[[], None]


@contextmanager
def progress(clock: "Clock", quiet: bool) -> Iterator[Bar]:
    """A bar on a terminal, unless it is to be quiet; elsewhere one that shows nothing."""
    from tqdm import tqdm

    shown = sys.stderr.isatty() and not quiet
    form = "{percentage:3.0f}%|{bar}| {n:.0f} of {total:.0f} s{postfix}"
    with tqdm(total=clock.seconds, disable=not shown, file=sys.stderr, bar_format=form, leave=False) as bar:
        n_fits = 0

        def on_try() -> None:
            nonlocal n_fits
            n_fits += 1
            bar.set_postfix_str(f"{n_fits:,} fits", refresh=False)
            bar.update(min(clock.elapsed, clock.seconds) - bar.n)

        yield Bar(on_try, bar.clear)


def row_of(trial: "Trial", default: "Trial | None", scale: float) -> dict[str, Any]:
    """A line of the table: number, loss, by how much it is lower than the default's, noise of that, and settings."""
    from projects.common.tune import gain_over

    gain: dict[str, Any] = {"better_by": "", "noise": ""}
    if default is not None and trial is not default:
        better_by, noise = gain_over(default, trial)
        gain = {"better_by": round(scale * better_by, 4), "noise": round(scale * noise, 4)}
    return {"number": trial.number, "loss": round(scale * trial.loss, 4)} | gain | trial.values


def line_of(row: dict[str, Any]) -> str:
    """A row as people read it."""
    number, loss, better_by, noise, *_ = row.values()
    gain = f"{better_by:+.2f} ± {noise:.2f}" if noise != "" else ""
    values = dict(list(row.items())[4:])
    settings = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in values.items())
    return f"{number or 'default':>7}  {loss:9.2f}  {gain:>16}  {settings}"
