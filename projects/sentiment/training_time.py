"""How long the phases of a training may take: what the progress bar goes by."""

from collections.abc import Sequence

from projects.common import progress
from projects.common.checkpoint import Checkpoint
from projects.sentiment.corpus import Corpus
from projects.sentiment.data import File
from projects.sentiment.fits import n_fits
from projects.sentiment.settings import MOST_ROWS, STEPS, Settings

# seconds on one machine, for the progress: only their ratios count
STARTING = 0.7  # until the libraries are loaded
READING = 2e-7  # a byte of a table
READING_PACKED = 6e-8  # a byte of the published packings
COUNTING = 2.5e-7  # a word of a text, for each length of n-grams
A_STEP = 1e-3  # a step of training
A_PRODUCT = 1.2e-8  # an n-gram of a text in a step
PIECES_TAKE = 5, 4  # times as long, with the second view: counting, and the products of the fits


def expect_by_size(files: Sequence[File]) -> None:
    """Tell the progress of the process how long each phase may take, from the size of the files alone."""
    reading = STARTING
    for file in files:
        size = file.path.stat().st_size if file.path.exists() else 0
        reading += size * (READING_PACKED if file.film_reviews else READING)
    for phase, times_reading in (("reading", 1.0), ("counting", 0.3), ("fits", 0.8), ("saving", 0.05)):
        progress.expect(phase, times_reading * reading)


def already_fitted(checkpoint: Checkpoint) -> None:
    """Tell the progress of the process what an earlier one has done, where a training is resumed."""
    before = checkpoint.settings
    if before and before.get("epochs"):
        epochs = sum(len(state["history"]) for state in checkpoint.states.values())
        n_views = 2 if before.get("characters") else 1
        n_models = 2 if before.get("unlabelled_texts") else 1
        n_epochs = before["epochs"] * n_views * n_models * (2 if before.get("refit") else 1)
        progress.already("fits", epochs / n_epochs)


def expect_the_rest(corpus: Corpus, settings: Settings) -> None:
    """Tell the progress of the process how long counting and fits take, once the words are known."""
    assert settings.epochs is not None
    assert settings.hidden_units is not None
    n_pairs = int(corpus.words.at_least.sum())  # of a text and a word in it
    n_trained = n_pairs  # in each of all fits
    n_texts = corpus.n_texts
    if corpus.unlabelled is not None:
        n_pairs += int(corpus.unlabelled.words.at_least.sum())
        n_trained += n_pairs
        n_texts += corpus.n_texts + corpus.unlabelled.n_texts
    n_ngrams = n_trained * (1 + 0.6 * (min(settings.ngrams, 3) - 1))  # in the bags: of longer ones few are frequent
    steps = settings.epochs * max(STEPS, n_texts / MOST_ROWS) * n_fits(settings)
    products = settings.epochs * n_ngrams * n_fits(settings) * (1 + settings.hidden_units / 4)
    times_counting, times_products = PIECES_TAKE if settings.characters else (1, 1)
    progress.expect("counting", COUNTING * n_pairs * settings.ngrams * times_counting)
    progress.expect("fits", A_STEP * steps + A_PRODUCT * products * times_products)
