"""Commands of both command lines: help under headings, expected failures as one line and exit 1, and finite numbers."""

import io
import math
import os
import re
import sys
from contextlib import suppress
from typing import Any

import click

from projects.common.errors import ProjectError, printable
from projects.common.terminal import ForgivingStream, TerminalStream

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

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            owners = [name for name, command in self.commands.items() if has_option(command, error.option_name)]
            if owners:
                where = f"it goes after the command, as in `{self.tool} {owners[0]} … {error.option_name}`"
                raise click.UsageError(f"No option {error.option_name} here: {where}", ctx) from error
            raise

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


def has_option(command: click.Command, option: str) -> bool:
    """Whether a command has an option of this name."""
    return any(option in param.opts for param in command.params)


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
    """A range of numbers, with a decimal point or comma; NaN, which is in no range, is not let through.

    With % behind it a number is a share where the range ends at 1, and else as it is.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, str):
            value = re.sub(r"^([+-]?\d*),(\d+)(?=\s*%?$)", r"\1.\2", value.strip())
            percentage = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value)
            if percentage:
                value = str(float(percentage[1]) / (100 if self.max == 1 else 1))
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number
