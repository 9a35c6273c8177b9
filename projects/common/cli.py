"""What the two command lines share: the group that turns errors into one line, and the options both have."""

import csv
import io
import json
import math
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from projects.common import progress
from projects.common.errors import NoConnectionError, ProjectError, printable
from projects.common.files import cannot_write, leftovers, refuse_pipe, write_atomically
from projects.common.progress import HISTORY, save_history
from projects.common.run_folder import METRICS as METRICS
from projects.common.run_folder import MODEL as MODEL
from projects.common.run_folder import REPORT as REPORT
from projects.common.run_folder import UNFINISHED, tidy
from projects.common.settings import Setting, settings_of
from projects.common.terminal import ForgivingStream, TerminalStream, tell

if TYPE_CHECKING:
    import msgspec
    import pandas as pd

    from projects.common.checkpoint import Checkpoint
    from projects.common.download import Published

# color: what is printed is not searched for colours, so that a path is printed as it is; see `echo_styled`
CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "color": True}
LONGEST_MESSAGE = 600  # characters of an error; of a longer one, which quotes somebody's data, the middle is left out
FILES = ("data", "unlabelled", "data_dir", "run", "file", "out", "source")  # parameters under a heading of their own
COMMON = {"--resume", "--quiet", "--engine", "--scheduler", "--help"}  # options of `train` that are no settings


class PipelineCommand(click.Command):
    """A command whose options are listed under headings, named alike in both tools."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        headings: dict[str, list[tuple[str, str]]] = {"Files": [], "Data, model and training": [], "Options": []}
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                setting = self.name == "train" and not COMMON & set(param.opts)
                name = "Files" if param.name in FILES else "Data, model and training" if setting else "Options"
                headings[name].append(record)
        for name, records in headings.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


class PipelineGroup(click.Group):
    """A group whose commands are listed in the order of use, and whose expected failures are one line and exit 1."""

    command_class = PipelineCommand

    def __init__(self, *args: Any, tool: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tool = tool

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """How to let the shell complete commands and options."""
        variable = f"_{self.tool}_COMPLETE".upper()
        with formatter.section("Shell completion (in shells opened afterwards)"):
            formatter.write_text(f"echo 'eval \"$({variable}=bash_source {self.tool})\"' >> ~/.bashrc")

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        prepare_streams()
        try:
            return super().main(*args, **kwargs)
        except OSError as error:  # which nobody closer to it expected: an unreadable file, a full disk under stdout
            what = f"cannot use {error.filename}" if error.filename else "cannot read the input or write the output"
            message = f"{what}: {error.strerror or error}; name another file or folder"
            with suppress(OSError), open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), sys.stdout.fileno())  # or what is left to print would fail once more
        click.echo(f"Error: {one_line(message)}", err=True)
        sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ProjectError as error:
            raise click.ClickException(one_line(str(error))) from error
        except MemoryError as error:
            advice = "take smaller numbers, shorter texts or less data"
            raise click.ClickException(one_line(f"not enough memory: {error or 'none is left'}; {advice}")) from error
        except RecursionError as error:
            raise click.ClickException("the data are nested too deeply: simplify them") from error
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(130)


def prepare_streams() -> None:
    """Closed streams become empty ones, lest a file be opened in their place; what is read and printed is UTF-8.

    What is not UTF-8 is left to be found by who reads it. A lone surrogate is printed as in JSON: \\ud800.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="surrogateescape", newline="\n")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    if isinstance(sys.__stdout__, io.TextIOWrapper) and sys.stdout is sys.__stdout__:
        sys.stdout = TerminalStream(sys.__stdout__)  # of a process; a test has streams of its own
    if isinstance(sys.__stderr__, io.TextIOWrapper) and sys.stderr is sys.__stderr__:
        sys.stderr = ForgivingStream(sys.__stderr__)


def one_line(message: str) -> str:
    """The message without control characters and without the middle of what is too long to be read."""
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[: LONGEST_MESSAGE // 2]} … {message[-LONGEST_MESSAGE // 2 :]}"
    return printable(message)


class Finite(click.FloatRange):
    """A range of numbers, with a decimal point or comma; NaN, which is in no range, is not let through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, str):
            value = re.sub(r"^([+-]?\d*),(\d+)$", r"\1.\2", value.strip())
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def forget(run: Path, *names: str) -> None:
    """Remove what was derived from an earlier model of this run, so that nobody takes it for the new one's."""
    try:
        for name in names:
            (run / name).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(run, error) from error


def save_training(run: Path, pipeline: str, model: Any, checkpoint: "Checkpoint", measured: str, *stale: str) -> None:
    """Save the model and the history of the fit named `measured`; remove what was derived from an older model.

    Of an interrupted training they go to a folder of their own, beside the checkpoint and whatever was there before;
    then it goes on as an interruption.
    """
    history, unfinished = checkpoint.states[measured]["history"], run / UNFINISHED
    progress.enter("saving")
    if model.settings["unfinished"]:
        checkpoint.write()
        save_history(unfinished / HISTORY, history)
        model.save(unfinished / MODEL)
        progress.say(
            f"kept the checkpoint in {run} (go on by `{pipeline} train --resume` with the same options) and in "
            f"{unfinished} the model that was measured, after {len(history)} epochs: {model!r}"
        )
        raise KeyboardInterrupt
    save_finished_model(run, model, history, *stale)


def saved_in_words(run: Path, replaced: bool) -> str:
    """Where the model is, and whether there was another one before."""
    return f"model: {run / MODEL}" + (
        " (in the place of an earlier one; --run keeps several apart)" if replaced else ""
    )


def save_finished_model(run: Path, model: Any, history: list[dict[str, Any]], *stale: str) -> None:
    """Save a finished model with its history, in the place of all that earlier trainings left in the run folder."""
    from projects.common.checkpoint import CHECKPOINT

    unfinished = run / UNFINISHED
    model.save(run / MODEL)  # first: if it does not fit on the disk, all that was there stays
    forget(run, HISTORY, METRICS, REPORT, *stale)
    save_history(run / HISTORY, history)
    forget(unfinished, MODEL, HISTORY, METRICS, REPORT, *stale)
    with suppress(OSError):
        unfinished.rmdir()
    forget(run, CHECKPOINT, *(left.name for name in (MODEL, HISTORY, CHECKPOINT) for left in leftovers(run / name)))


def tidied(ctx: click.Context, param: click.Parameter, run: Path) -> Path:
    """The run folder, without what killed commands left in it."""
    tidy(run)
    return run


def run_option(pipeline: str) -> Callable[..., Any]:
    return click.option(
        "--run",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("runs", pipeline),
        show_default=True,
        callback=tidied,
        help="Folder of the model, its history, its figures and its pictures.",
    )


def data_option(what: str) -> Callable[..., Any]:
    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        help=f"{what}  [default: what `download` fetched]",
    )


def setting_options(declared: "type[msgspec.Struct]") -> Callable[..., Any]:
    """An option for each setting that this Struct declares."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for setting in reversed(list(settings_of(declared))):
            command = option_of(setting)(command)
        return command

    return decorate


def option_of(setting: Setting) -> Callable[..., Any]:
    """The option of one setting; a switch that is on by default gets the name of its opposite."""
    name = setting.name.replace("_", "-")
    if setting.kind is bool:
        flag = f"--{name}/--no-{name}" if setting.default else f"--{name}"
        return click.option(flag, setting.name, is_flag=True, default=setting.default, help=setting.help)
    kind: click.ParamType[Any]
    if setting.kind is int:
        kind = click.IntRange(int(setting.low or 0), None if setting.high is None else int(setting.high))
    else:
        kind = Finite(setting.low, setting.high, min_open=setting.low_open, max_open=setting.high_open)
    return click.option(
        f"--{name}", type=kind, default=setting.default, show_default=not setting.optional, help=setting.help
    )


def option_words(command: click.Command, values: dict[str, Any]) -> list[str]:
    """The options of a command as they are typed, for those values that are not the defaults."""
    words = []
    for param in command.params:
        value = values.get(str(param.name))
        if value is None or value == param.default:
            continue
        is_flag = isinstance(value, bool)
        words += (
            [param.opts[0]] if is_flag else [param.opts[0], f"{value:g}" if isinstance(value, float) else str(value)]
        )
    return words


def as_typed(tool: PipelineGroup, name: str, values: dict[str, Any]) -> str:
    """A command of a tool, with those of these values that it has options for, as a shell takes it."""
    return shlex.join([tool.tool, name, *option_words(tool.commands[name], values)])


def download_options(pipeline: str) -> Callable[..., Any]:
    """--from, --sample, --sample-if-offline, --force and --data-dir, as every `download` has them."""
    options: Iterable[Callable[..., Any]] = (
        click.option("--from", "source", metavar="URL|FILE", help="A mirror of the published file, or a local copy."),
        click.option("--sample", is_flag=True, help="Write simulated data instead, marked SIMULATED everywhere."),
        click.option("--sample-if-offline", is_flag=True, help="The same, but only if the address can't be reached."),
        click.option("--force", is_flag=True, help="Download even if the file is there."),
        data_dir_option(pipeline),
    )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(list(options)):
            command = option(command)
        return command

    return decorate


def data_dir_option(pipeline: str) -> Callable[..., Any]:
    return click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("data", pipeline),
        show_default=True,
        help="Folder that downloads land in.",
    )


def note(message: str) -> None:
    """One line on a terminal about what takes a while, unless it was asked to be quiet."""
    if sys.stderr.isatty() and not click.get_current_context().params.get("quiet"):
        tell(message)


quiet_option = click.option("-q", "--quiet", is_flag=True, help="Show no progress, only the result and what is wrong.")
resume_option = click.option("--resume", is_flag=True, help="Go on from the checkpoint of an interrupted training.")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of text.")


def default_data(given: Path | None, folder: Path, published: str, sample: str, pipeline: str) -> Path:
    """The data to use: what was given, else what `download` fetched, else its simulated stand-in."""
    if given is not None:
        return given
    for name in (published, sample):
        if (folder / name).exists():
            return folder / name
    raise ProjectError(f"no data in {folder}: run `{pipeline} download` first, or name a file with --data")


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


def simulated_mark(about: dict[str, Any]) -> str:
    """What stands before every line and table that simulated data had a part in."""
    return "SIMULATED DATA: " if about["simulated"] else ""


def warn_if_simulated(about: dict[str, Any]) -> None:
    """One line on stderr where predictions, which have no room for a mark, come from simulated data."""
    if about["simulated"]:
        click.echo("SIMULATED DATA: this model was trained on simulated data", err=True)


def warn_if_replaced(table: str, columns: Iterable[str], added: Iterable[str]) -> None:
    """One line on stderr where a table, which itself is never changed, has columns of the same names as the answers."""
    if twice := [name for name in added if name in set(columns)]:
        click.echo(f"{table} has a column {twice[0]} already: the answer is printed in its place", err=True)


def echo_styled(text: str) -> None:
    """A line with colours, on a terminal; without them elsewhere. Its words must be printable."""
    if isinstance(sys.stdout, TerminalStream) and sys.stdout.isatty():
        sys.stdout.write_styled(f"{text}\n")
    else:
        click.echo(click.unstyle(text))


def print_json(value: dict[str, Any]) -> None:
    """One object on one line of stdout."""
    click.echo(json.dumps(value, ensure_ascii=False))


def to_csv(rows: Iterable[dict[str, Any]], header: bool = True) -> str:
    """The rows as CSV whose lines end with a line feed; nothing for none."""
    lines: list[str] = []
    for number, row in enumerate(rows):
        if number == 0:  # csv quotes a carriage return only where lines end with one
            writer = csv.DictWriter(SimpleNamespace(write=lambda line: lines.append(line[:-2] + "\n")), row)
            if header:
                writer.writeheader()
        writer.writerow(row)
    return "".join(lines)


def print_rows(rows: Iterable[dict[str, Any]], header: bool) -> None:
    """Rows of CSV on stdout."""
    sys.stdout.write(to_csv(rows, header))
    sys.stdout.flush()


def write_json(path: Path, value: dict[str, Any]) -> None:
    write_atomically(path, (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file that this program wrote; to be read inside `own_file`."""
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


def read_table(path: Path) -> "pd.DataFrame":
    """A CSV table that this program wrote; to be read inside `own_file`."""
    import pandas as pd

    return pd.read_csv(path, keep_default_na=path.name == HISTORY)  # elsewhere an empty cell is the text ""


@contextmanager
def own_file(path: Path, advice: str) -> Iterator[None]:
    """For reading and drawing a file that an earlier command wrote: ProjectError with the advice if it can't be."""
    refuse_pipe(path)
    try:
        yield
    except OSError as error:
        raise ProjectError(f"cannot read {path}: {advice}") from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ProjectError(f"{path} is not as it was written ({error!r}): {advice}") from error
