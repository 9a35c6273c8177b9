"""The settings of a sentiment model: what `sentiment train` has options for, and what a model file keeps."""

import math
from typing import Annotated

import msgspec
from msgspec import Meta

PER_TEXTS = 25_000  # texts that `min_count` is meant for: of twice as many, an n-gram must be in twice as many
COMMON_SHARE = 0.4  # of the texts; words in as many tell of how people write, not of what they think
STEPS = 25  # of an epoch, where no batch size is given: few texts are trained on for as long as many,
MOST_ROWS = 1_000  # but no step has more rows than that, unless its gradient is added up by workers
MOST_HIDDEN_UNITS = 64  # where their number follows that of the labels
FEW_LABELS = 10


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How to train. None: chosen by the number of labels or texts, see `complete`."""

    seed: Annotated[
        int, Meta(ge=0, description="For the texts held out, the first weights and the order of the rows.")
    ] = 0
    ngrams: Annotated[int, Meta(ge=1, le=20, description="Words of the longest n-gram.")] = 3
    min_count: Annotated[
        int, Meta(ge=1, description="Of every 25,000 texts, how many an n-gram must be in (of fewer: of all).")
    ] = 3
    polarity_cutoff: Annotated[
        float, Meta(ge=0, description="Least log-count ratio of an n-gram for the label it speaks for most.")
    ] = 0.05
    balanced: Annotated[bool, Meta(description="Let all labels count alike, however many texts have them.")] = False
    negation: Annotated[
        bool, Meta(description="Take the words after “not” and other English negations for others than elsewhere.")
    ] = True
    row_power: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="How much short texts say: from 0, as little as their words, to 1, as much as long texts.",
        ),
    ] = 1.0
    excerpts: Annotated[
        int, Meta(ge=0, le=20, description="Short pieces of each text that are trained on, too, at a low weight.")
    ] = 2
    characters: Annotated[
        bool, Meta(description="Read texts as pieces of a few characters, too: slower and larger, but better.")
    ] = False
    hidden_units: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=100_000,
                description="Of the network.  [default: 2; with more than two labels as many as these, at most 64]",
            ),
        ]
        | None
    ) = None
    epochs: (
        Annotated[
            int,
            Meta(ge=1, description="Times through the training rows.  [default: 10; with more than ten labels 20]"),
        ]
        | None
    ) = None
    learning_rate: (
        Annotated[
            float,
            Meta(
                gt=0,
                description="Of the first epoch; it falls to 0.  [default: 0.8; with more than two labels a tenth "
                "of their number, from 0.4 to 1.6]",
            ),
        ]
        | None
    ) = None
    batch_size: (
        Annotated[int, Meta(ge=1, description="Texts a step.  [default: a 25th of them, at most 1,000]")] | None
    ) = None
    momentum: Annotated[float, Meta(ge=0, lt=1, description="Share of the last step that the next one keeps.")] = 0.9
    dropout: Annotated[
        float, Meta(ge=0, lt=1, description="Share of a text's n-grams hidden from the network in each step.")
    ] = 0.5
    hidden_dropout: Annotated[
        float, Meta(ge=0, lt=1, description="Share of the hidden units left out in each step.")
    ] = 0.0
    l2: Annotated[float, Meta(ge=0, description="Adds l2/2 times the squared weights to the loss.")] = 0.0
    early_stopping: Annotated[
        bool,
        Meta(
            description="End the measured fit when its validation loss has not fallen for --patience epochs; the "
            "final fit then ends after the epoch that was best."
        ),
    ] = False
    patience: Annotated[int, Meta(ge=1, description="Epochs without progress, see --early-stopping.")] = 3
    refit: Annotated[
        bool, Meta(description="Fit again to all texts after measuring, or save the model that was measured.")
    ] = True
    test: Annotated[
        bool,
        Meta(
            description="Keep a fifth of the rows of a table that does not say itself which are for testing, or train "
            "on all of them."
        ),
    ] = True
    large_batches: Annotated[
        bool,
        Meta(
            description="Take 25 steps an epoch however many texts there are; the engine's workers add up the "
            "gradient of each."
        ),
    ] = False


def complete(settings: Settings, n_labels: int) -> Settings:
    """The settings with those chosen that depend on the number of labels; they were best on validation texts.

    Softmax of two labels would equal the sigmoid at half the learning rate. The more labels there are, the less
    a text says of each of them: they want larger steps and, where most are rare, a longer training.
    """
    if n_labels == 2:
        hidden_units, learning_rate, epochs = 2, 0.8, 10
    else:
        hidden_units = min(n_labels, MOST_HIDDEN_UNITS)
        learning_rate = min(max(0.4, 0.1 * n_labels), 1.6)
        epochs = 10 if n_labels <= FEW_LABELS else 20
    return msgspec.structs.replace(
        settings,
        hidden_units=settings.hidden_units or hidden_units,
        learning_rate=settings.learning_rate or learning_rate,
        epochs=settings.epochs or epochs,
    )


def rows_a_step(settings: Settings, n_texts: int) -> int:
    """The batch size for a fit to so many texts."""
    if settings.batch_size:
        return settings.batch_size
    share = math.ceil(n_texts / STEPS)
    return share if settings.large_batches else min(MOST_ROWS, share)


def common_from(n_texts: int) -> int:
    """Texts that a common word is in."""
    return math.ceil(COMMON_SHARE * n_texts)


def least_count(settings: Settings, n_texts: int) -> int:
    """Texts that an n-gram must be in: `min_count` of every PER_TEXTS, and never fewer than `min_count`."""
    scaled = -(-n_texts * settings.min_count // PER_TEXTS)  # rounded up
    return max(settings.min_count, scaled)
