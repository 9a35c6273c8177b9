"""Options that both command lines have, and what was typed of them."""

import functools
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from projects.common.cli import Finite, PipelineGroup
from projects.common.run_folder import tidy
from projects.common.settings import Setting, settings_of

if TYPE_CHECKING:
    import msgspec


Command = Callable[..., Any]


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


def data_option(what: str) -> Callable[[Command], Command]:
    """--data, or the same without the option's name; the command gets it as `data`."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_data(*arguments: Any, file: Path | None, data: Path | None, **named: Any) -> Any:
            if file is not None and data is not None:
                raise click.UsageError("name the data once, with --data or without")
            return command(*arguments, data=file or data, **named)

        help_text = f"{what}  [default: what `download` fetched]"
        with_data = click.option("--data", type=click.Path(path_type=Path), help=help_text)(with_data)
        return click.argument("file", required=False, type=click.Path(path_type=Path))(with_data)

    return decorate


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


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of text.")


resume_option = click.option("--resume", is_flag=True, help="Go on from the checkpoint of an interrupted training.")


quiet_option = click.option("-q", "--quiet", is_flag=True, help="Show no progress, only the result and what is wrong.")


def option_words(command: click.Command, values: dict[str, Any]) -> list[str]:
    """What is typed after a command for those values that are not the defaults; the data come first, by name alone."""
    takes_data = any(param.name == "data" for param in command.params)
    words = [str(values["data"])] if takes_data and values.get("data") is not None else []
    for param in command.params:
        value = values.get(str(param.name))
        if param.name == "data" or value is None or value == param.default or value == ():
            continue
        if isinstance(value, tuple):
            words += [word for one in value for word in (param.opts[0], str(one))]
        elif isinstance(value, bool):
            words.append(param.opts[0])
        else:
            words += [param.opts[0], f"{value:g}" if isinstance(value, float) else str(value)]
    return words


def as_typed(tool: PipelineGroup, name: str, values: dict[str, Any]) -> str:
    """A command of a tool, with those of these values that it has options for, as a shell takes it."""
    return shlex.join([tool.tool, name, *option_words(tool.commands[name], values)])
