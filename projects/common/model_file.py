"""Model files: safetensors, so that loading one can run no code, with settings and a checksum in the header.

The header's metadata has one key, "two-layer", because safetensors does not keep several in order and the same
model must give the same bytes. Its value is JSON: format, pipeline, settings, and a SHA-256 over everything else.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from projects.common.errors import ProjectError
from projects.common.files import refuse_pipe, write_atomically
from projects.common.run_folder import MODEL

if TYPE_CHECKING:
    import msgspec

FORMAT = 2
KEY = "two-layer"

Arrays = dict[str, np.ndarray]
Settings = dict[str, Any]
Shape = tuple[Any, ...]  # "float", "int" or "uint", then sizes: numbers, or names that stand for one number everywhere


def refuse_other_activations(activations: Iterable[str]) -> None:
    """Raise ProjectError unless all hidden layers are of sigmoids, which loading takes for granted."""
    others = {*activations} - {"sigmoid"}
    if others:
        raise ProjectError(
            f"a hidden layer of {others.pop()}: model files, the page and ONNX know sigmoids alone; "
            "docs/change-it.md says how to try others"
        )


def save_model(path: Path, pipeline: str, arrays: Arrays, settings: Settings) -> None:
    """Write arrays and settings (JSON values) as a model of `pipeline`; the same input gives the same bytes."""
    from safetensors.numpy import save

    header = {"format": FORMAT, "pipeline": pipeline, "settings": settings}
    header["checksum"] = checksum(arrays, header)
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_atomically(path, save(arrays, metadata={KEY: json.dumps(header, sort_keys=True)}))


def load_model(path: Path, pipeline: str) -> tuple[Arrays, Settings]:
    """Arrays and settings of a model that `save_model` wrote for `pipeline`, in this file or run folder.

    Raises ProjectError for all else.
    """
    from safetensors import SafetensorError, safe_open

    retrain = f"train a new one with `{pipeline.split()[0]} train`"
    refuse_pipe(path)
    if path.is_dir():
        path = path / MODEL
    if not path.is_file():
        raise ProjectError(f"no model at {path}: run `{pipeline} train` first, or name its folder with --run")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise ProjectError(f"{path} is {what_is(path)}: {retrain}") from error
    except (AttributeError, ImportError) as error:  # a type of numbers that NumPy does not have
        raise ProjectError(f"{path} holds arrays of a type that no model has: {retrain}") from error
    try:
        header = json.loads(metadata[KEY])
        if header["format"] > FORMAT:
            raise ProjectError(f"{path} has format {header['format']}, newer than this program's {FORMAT}: update it")
        if header["format"] < FORMAT:
            raise ProjectError(f"{path} has format {header['format']}, older than this program's {FORMAT}: {retrain}")
        if header["pipeline"] != pipeline:
            raise ProjectError(f"{path} is a model of `{header['pipeline']}`, not of `{pipeline}`")
        if header.pop("checksum") != checksum(arrays, header):
            raise ProjectError(f"{path} is damaged (its checksum does not match): {retrain}")
        settings: Settings = dict(header["settings"])
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ProjectError(f"{path} is a safetensors file, but not a model of this program: {retrain}") from error
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ProjectError(f"{path} holds NaN or infinity in {name}: {retrain}")
    return arrays, settings


def check_settings(path: Path, settings: Settings, wanted: type["msgspec.Struct"]) -> None:
    """Raise ProjectError, naming it, for a setting that is missing, of another type or out of range.

    A file whose checksum is right may still have been written by somebody else.
    """
    import msgspec

    try:
        msgspec.convert(settings, wanted)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$.")
        missing = reason.removeprefix("Object missing required field `")
        if missing != reason:
            parts = [place, missing] if place else [missing]
            name = ".".join(part.rstrip("`") for part in parts)
            raise ProjectError(f"{path} lacks the setting {name}: train a new model") from error
        name = place.rstrip("`")
        raise ProjectError(f"{path}: the setting {name}: {reason}: train a new model") from error


def check_arrays(path: Path, arrays: Arrays, shapes: Iterable[tuple[str, Shape]]) -> None:
    """Raise ProjectError, naming it, for an array that is missing or does not fit."""
    known: dict[str, int] = {}
    for name, (kind, *sizes) in shapes:
        if name not in arrays:
            raise ProjectError(f"{path} lacks the array {name}: train a new model")
        array = arrays[name]
        wanted = [known.get(size, size) for size in sizes]
        free = [isinstance(size, str) for size in wanted]
        fits = len(wanted) == array.ndim and all(f or w == n for f, w, n in zip(free, wanted, array.shape, strict=True))
        if array.dtype.kind != kind[0] or not fits:
            found = f"{name} holds {array.dtype} of shape {list(array.shape)}"
            raise ProjectError(f"{path}: {found}, where {kind} of shape {wanted} is needed: train a new model")
        known |= dict(zip(sizes, array.shape, strict=True))


def checksum(arrays: Arrays, header: dict[str, Any]) -> str:
    """SHA-256 over the header and every array's name, type, shape and bytes."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def what_is(path: Path) -> str:
    """What a file that is no safetensors file looks like, in words."""
    with open(path, "rb") as file:
        start = file.read(1024)
    if not start:
        return "empty"
    is_begun = start[8:9] == b"{"  # after the length of a header of safetensors, whatever the bytes of that are
    if start[:1] == b"\x80" and not is_begun:
        return "a pickle, which could run code and is never loaded"
    if start[:2] == b"PK" and not is_begun:
        return "a zip file, not a model"
    if start[:1] != b"{" and b"\0" not in start:
        return "a text file, not a model"
    return "damaged or not a model"
