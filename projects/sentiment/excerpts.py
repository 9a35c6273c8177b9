"""Excerpts: short pieces of the texts that are trained on beside them, so that short texts are answered well, too.

What people type is shorter than what most models are trained on. An excerpt has the label of its text and a low
weight. Which words it has is drawn by the seed and the place of its text among all, which the texts' hashes decide:
the packing of the texts does not matter.
"""

import zlib
from typing import NamedTuple

import numpy as np

from projects.sentiment.tokens import CLOSING

FEWEST_WORDS, MOST_WORDS = 1, 80  # of an excerpt
WEIGHT = 0.15  # of all excerpts of a text together; the text has 1
UNLABELLED_WEIGHT = 0.3  # of a text without a label


class Drawing(NamedTuple):
    """How excerpts are drawn, and what the texts of a block weigh."""

    seed: int
    n: int  # excerpts of each text that has a label
    is_labelled: bool = True  # whether the texts of the block have one


class Windows(NamedTuple):
    """Ranges of words of a block, a row of the bag each: texts to train on and their excerpts, then those held out.

    Arrays [windows].
    """

    starts: np.ndarray  # place of the first word, int64
    lengths: np.ndarray  # in words, int64
    texts: np.ndarray  # the number of the text, int64
    weights: np.ndarray  # 1 on average where there are labels, float32
    of_texts: np.ndarray  # the window that is the text as a whole, of each text, int64 [texts]


def draw_windows(block: str, keys: np.ndarray, held_out: np.ndarray, drawing: Drawing) -> Windows:
    """The windows of a block whose words have these keys; held_out [texts]: which are, the last ones.

    Texts without labels have no excerpts.
    """
    n = drawing.n if drawing.is_labelled else 0
    ends = np.flatnonzero(keys == CLOSING)
    starts = np.append(0, ends + 1)[:-1]
    whole = np.arange(len(ends))
    n_training = len(ends) - int(np.count_nonzero(held_out))
    training, rest = whole[:n_training], whole[n_training:]
    texts = np.concatenate([training, np.tile(training, n), rest, np.tile(rest, n)])
    is_text = np.zeros(len(texts), bool)
    is_text[:n_training] = True
    first_held_out = n_training * (1 + n)
    is_text[first_held_out : first_held_out + len(rest)] = True
    generator = np.random.default_rng((drawing.seed, zlib.crc32(block.encode())))
    lengths = (ends - starts)[texts]
    drawn = draw_lengths(generator, len(texts))
    excerpt_lengths = np.where(is_text, lengths, np.minimum(drawn, lengths))
    offsets = (generator.random(len(texts)) * (lengths - excerpt_lengths + 1)).astype(np.int64)
    weight = weight_of_text(drawing.n) * (1.0 if drawing.is_labelled else UNLABELLED_WEIGHT)
    weights = np.where(is_text, weight, weight * WEIGHT / max(1, n))
    return Windows(starts[texts] + offsets, excerpt_lengths, texts, weights.astype(np.float32), np.flatnonzero(is_text))


def weight_of_text(n_excerpts: int) -> float:
    """The weight of a text that has a label, with which the rows of it and its excerpts have 1 on average."""
    return (1 + n_excerpts) / (1 + WEIGHT) if n_excerpts else 1.0


def draw_lengths(generator: np.random.Generator, n: int) -> np.ndarray:
    """n numbers of words from FEWEST_WORDS to MOST_WORDS, short ones as often as long ones by their logarithm."""
    low, high = np.log(FEWEST_WORDS + 1), np.log(MOST_WORDS + 2)
    lengths: np.ndarray = np.exp(generator.uniform(low, high, n)).astype(np.int64) - 1
    return lengths
