"""What must be in the file of a sentiment model: which settings, of which kinds, and arrays of which shapes."""

from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from projects.common.errors import ProjectError
from projects.common.model_file import Arrays, Settings, Shape, check_arrays, check_settings
from projects.sentiment import settings as declared
from projects.sentiment.outputs import outputs_for

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
AtLeastTwo = msgspec.Meta(min_length=2)


class SavedSettings(declared.Settings, frozen=True, kw_only=True):
    """What must be in a model file, and of which kind: the settings of the training, and what it found."""

    least_count: Annotated[int, msgspec.Meta(ge=1)]
    common_from: Annotated[int, msgspec.Meta(ge=1)]
    sure_from: Share | None
    unsure_share: Share | None = None
    temperature: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    film_reviews: bool
    text_column: str | None
    label_column: str | None
    encoding: str | None = None
    delimiter: str | None = None
    label_map: list[tuple[str, str]]
    base_rates: Annotated[list[Share], AtLeastTwo]
    label_shares: Annotated[list[Share], AtLeastTwo]
    label_names: Annotated[list[str], AtLeastTwo]
    simulated: bool
    train_texts: Annotated[int, msgspec.Meta(ge=1)]
    unlabelled_texts: Annotated[int, msgspec.Meta(ge=0)] = 0


def check(path: Path, arrays: Arrays, settings: Settings) -> None:
    """Raise ProjectError, naming it, for an array or a setting that is missing or does not fit."""
    check_settings(path, settings, SavedSettings)
    outputs = outputs_for(len(settings["label_names"]))
    shapes: dict[str, Shape] = {
        "words": ("uint", "bytes"),
        "counts": ("int", "ngrams"),
        "ratios": ("float", "ngrams"),
        "W1": ("float", "columns", "hidden"),
        "b1": ("float", "hidden"),
        "W2": ("float", "hidden", outputs),
        "b2": ("float", outputs),
        "codes": ("int", "longer"),
    }
    check_arrays(path, arrays, shapes.items())
    if settings.get("characters"):
        check_arrays(path, arrays, piece_shapes(outputs).items())
        if not (arrays["pieces"][1:] > arrays["pieces"][:-1]).all():
            raise ProjectError(f"{path}: pieces are not in order: train a new model")
    if "trained_on" in arrays:
        check_arrays(path, arrays, {"trained_on": ("uint", "texts")}.items())
    check_labels(path, len(arrays["b2"]), settings)
    n_words = 1 + int((arrays["words"] == ord("\n")).sum())
    check_arrays(path, arrays, {"codes": ("int", len(arrays["ratios"]) - n_words)}.items())
    codes = arrays["codes"]
    after_prefix = codes // n_words < np.arange(n_words, n_words + len(codes))
    if not (np.diff(codes, prepend=-1) > 0).all() or not after_prefix.all():
        raise ProjectError(f"{path}: codes are not in order: train a new model")


def piece_shapes(outputs: int) -> dict[str, Shape]:
    """What the arrays of the second view must be."""
    return {
        "pieces": ("uint", "pieces"),
        "pieces_ratios": ("float", "pieces"),
        "pieces_W1": ("float", "pieces", "hidden"),
        "pieces_b1": ("float", "hidden"),
        "pieces_W2": ("float", "hidden", outputs),
        "pieces_b2": ("float", outputs),
    }


def check_labels(path: Path, n_outputs: int, settings: Settings) -> None:
    """Raise ProjectError where the labels of a model file are not all different, or lack a share."""
    names = settings["label_names"]
    n_labels = len(names)
    distinct = len(set(names)) == n_labels
    have_shares = len(settings["base_rates"]) == len(settings["label_shares"]) == n_labels
    if not (distinct and have_shares):
        raise ProjectError(f"{path}: its labels do not fit its {n_outputs} outputs: train a new model")
