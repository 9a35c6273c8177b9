"""`download` of both command lines, and the data that commands take where none are named."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from projects.common.errors import NoConnectionError, ProjectError
from projects.common.files import write_atomically
from projects.common.terminal import tell

if TYPE_CHECKING:
    from projects.common.download import Published


def default_data(given: Path | None, folder: Path, published: str, sample: str, pipeline: str) -> Path:
    """The data to use: what was given, else what `download` fetched, else its simulated stand-in."""
    if given is not None:
        return given
    for name in (published, sample):
        if (folder / name).exists():
            return folder / name
    raise ProjectError(f"no data in {folder}: name your table, or run `{pipeline} download` first")


class Simulated(NamedTuple):
    """The stand-in for published data: its file name, and what makes its content."""

    name: str
    content: Callable[[], str]


def download(
    published: "Published",
    simulated: Simulated,
    check: Callable[[Path], object],
    folder: Path,
    source: str | None,
    sample: bool,
    sample_if_offline: bool,
    force: bool,
) -> Path:
    """What every `download` does with its options; the file that is there in the end. `check` reads a local copy."""
    if sample and (source or sample_if_offline):
        raise click.UsageError("give --sample alone: it fetches nothing")
    from projects.common.download import adopt, fetch, local_path  # `urllib` takes a tenth of a cold start

    if not sample:
        try:
            path = None if source is None else local_path(source)
            if path is None:
                return fetch(published, folder, source, force)
            return adopt(published, path, folder, check)
        except NoConnectionError:
            if not sample_if_offline:
                raise
            tell(f"no internet: going on with SIMULATED data ({published.pipeline} download --sample)")
    path = folder / simulated.name
    write_atomically(path, simulated.content().encode())
    return path
