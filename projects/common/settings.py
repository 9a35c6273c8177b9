"""A pipeline's settings, declared once: a msgspec Struct with a type, range, default and help for each.

The options of `train`, the checks of a model file and the table of settings on a page are read from it.
"""

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin

import msgspec

Declared = TypeVar("Declared", bound=msgspec.Struct)


class Setting(NamedTuple):
    """One setting as a command line or a page needs it."""

    name: str
    kind: type  # int, float or bool
    default: Any
    optional: bool  # may be None: then the pipeline chooses, and `help` says what
    low: float | None
    high: float | None
    low_open: bool  # `low` itself is not allowed
    high_open: bool
    help: str


def settings_of(declared: type[msgspec.Struct]) -> Iterator[Setting]:
    """The settings of a Struct whose fields are `Annotated[kind, msgspec.Meta(...)]`, perhaps `| None`."""
    for field in msgspec.structs.fields(declared):
        kinds = [field.type] if get_origin(field.type) is Annotated else get_args(field.type)
        annotated = next(kind for kind in kinds if get_origin(kind) is Annotated)
        kind, meta = get_args(annotated)
        low = meta.ge if meta.ge is not None else meta.gt
        high = meta.le if meta.le is not None else meta.lt
        yield Setting(
            name=field.name,
            kind=kind,
            default=field.default,
            optional=field.default is None,
            low=low,
            high=high,
            low_open=meta.gt is not None,
            high_open=meta.lt is not None,
            help=meta.description,
        )


def checked(settings: Declared) -> Declared:
    """The settings themselves. Raises ValueError naming one of the wrong type or out of range."""
    try:
        return msgspec.convert(msgspec.to_builtins(settings), type(settings))
    except msgspec.ValidationError as error:
        raise ValueError(f"settings: {error}") from error
