"""Training on a corpus: one fit that is measured, then one to all texts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from projects.common import progress
from projects.common.checkpoint import Checkpoint
from projects.common.errors import ProjectError
from projects.common.progress import refuse_divergence
from projects.common.run_folder import working_folder
from projects.common.settings import checked
from projects.sentiment.corpus import Corpus, read_corpus
from projects.sentiment.counting import choose_vocabulary, count_candidates, count_piece_candidates
from projects.sentiment.data import File, Source
from projects.sentiment.engine import Engine
from projects.sentiment.fits import Plan, View, n_fits, run_fits
from projects.sentiment.labels import FEWEST_TEXTS, too_few_to_train_on
from projects.sentiment.layout import like_named, never_there, refuse_misspelled
from projects.sentiment.model import SecondView, SentimentModel
from projects.sentiment.pieces import VIEW, choose_pieces
from projects.sentiment.settings import Settings, complete
from projects.sentiment.store import Store
from projects.sentiment.training_record import facts, outcome
from projects.sentiment.training_time import already_fitted, expect_the_rest


@dataclass
class Watcher:
    """Who is told how a training goes, and where it may be stopped and continued."""

    on_phase: Callable[[str], None] = lambda phase: None
    tell: Callable[[str], None] = lambda line: None  # what is to be known of the data
    on_epoch: Callable[[Any], None] = refuse_divergence  # of the measured fit
    checkpoint: Checkpoint | None = None


def train(
    sources: Sequence[Source],
    settings: Settings = Settings(),  # noqa: B008 - it is frozen
    positive: str | None = None,
    engine: Engine | None = None,
    run: Path | None = None,
    watcher: Watcher | None = None,
    in_memory: int | None = None,
    unlabelled: Sequence[Source] = (),
) -> SentimentModel:
    """A model fitted to all training texts, after one fitted to nine tenths was measured on the others.

    The vocabulary and the log-count ratios of the measured fit come from its nine tenths alone. positive: of two
    labels, the one that is number 1. run: folder in which a temporary one is made for what memory does not hold.
    in_memory: bytes that it may hold, see `Store`. unlabelled: of texts to learn from beside those with labels, see
    `self_training`. Once the watcher's checkpoint is stopped, the measured model returns. Raises ProjectError.
    """
    checked(settings)
    engine = engine or Engine()
    watcher = watcher or Watcher()
    checkpoint = watcher.checkpoint or Checkpoint()
    already_fitted(checkpoint)
    with working_folder(run) as folder:
        store = Store(folder, in_memory)
        watcher.on_phase("reading")
        progress.enter("reading", total=len(sources) + len(unlabelled))
        corpus = read_corpus(sources, store, settings, engine, positive, unlabelled=unlabelled)
        refuse_misspelled(sources[0].layout, corpus.left_out)
        for line in remarks(corpus, sources, settings):
            watcher.tell(line)
        if corpus.n_texts < FEWEST_TEXTS:
            raise ProjectError(too_few_to_train_on(corpus.n_texts))
        refuse_one_kind(corpus)
        settings = complete(settings, len(corpus.label_names))
        assert settings.epochs is not None
        about = facts(corpus, settings, sources[0].layout, sources[0].film_reviews or corpus.simulated)
        checkpoint.start(about)
        watcher.on_phase("counting")
        expect_the_rest(corpus, settings)
        views = views_of(corpus, settings, engine)
        watcher.on_phase("training")
        n_epochs = n_fits(settings) * len(views) * settings.epochs * (1 if corpus.unlabelled is None else 2)
        progress.enter("fits", "fit 1 of 2" if settings.refit else "fit", total=n_epochs)
        plan = Plan(corpus, views, settings, engine, checkpoint)
        measured, final = run_fits(plan, watcher.on_epoch)
    result = measured if final is None else final
    words = result.parts[0]
    networks = result.networks_at(measured.temperature)
    second = SecondView(networks[1], result.parts[1].vocabulary) if settings.characters else None
    about |= outcome(corpus, settings, measured, words, checkpoint.stopped)
    return SentimentModel(networks[0], words.vocabulary, about, second, corpus.remembered)


def remarks(corpus: Corpus, sources: Sequence[Source], settings: Settings) -> Iterator[str]:
    """What is to be known of the texts, a line each."""
    layout, left_out = sources[0].layout, corpus.left_out
    for line in (left_out.description(), never_there(layout, left_out), like_named(layout, left_out)):
        if line:
            yield line
    if corpus.unlabelled is not None:
        yield f"{corpus.unlabelled.n_texts:,} texts without labels are learned from, too"
    if not settings.test and sources[0].is_split and isinstance(sources[0], File):
        yield f"{sources[0].name} says itself which texts are for testing: these are left out, --no-test or not"


def views_of(corpus: Corpus, settings: Settings, engine: Engine) -> list[View]:
    """The ways to read the texts, with all that they may find there counted."""
    passes = settings.ngrams + (2 if settings.characters else 0)  # of pieces: those that are there, then exactly
    progress.enter("counting", total=len(corpus.all_blocks) * passes)
    views = [View("", "", count_candidates(corpus, settings, engine), choose_vocabulary)]
    if settings.characters:
        views.append(View("-pieces", VIEW, count_piece_candidates(corpus, settings, engine), choose_pieces))
    return views


def refuse_one_kind(corpus: Corpus) -> None:
    """Raise ProjectError where what is left to train on has one label."""
    if np.count_nonzero(corpus.texts_of_label) < 2:
        few = too_few_to_train_on(corpus.n_texts)
        raise ProjectError(f"{few}; those that are not held out are all of one kind")
