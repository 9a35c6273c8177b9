"""Training on a corpus: one fit that is measured, then one to all texts."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from nn import TwoLayerNetwork
from nn.batches import Step, StepSource
from nn.training import Training, TrainingSettings
from projects.common import progress
from projects.common.checkpoint import Checkpoint
from projects.common.errors import ProjectError
from projects.common.progress import refuse_divergence, warn_if_useless
from projects.common.run_folder import working_folder
from projects.common.settings import checked
from projects.sentiment.bags import Bags
from projects.sentiment.corpus import Corpus, read_corpus
from projects.sentiment.counting import Candidates, choose_vocabulary, count_candidates, count_piece_candidates
from projects.sentiment.data import File, Source
from projects.sentiment.engine import Engine
from projects.sentiment.labels import FEWEST_TEXTS, too_few_to_train_on
from projects.sentiment.layout import Layout, never_there
from projects.sentiment.measuring import Limit, answers_of, loss_of_shares, measure_all, sure_from
from projects.sentiment.model import SecondView, SentimentModel, output_for, outputs_for
from projects.sentiment.ngrams import Vocabulary
from projects.sentiment.pieces import VIEW, PieceCandidates, Pieces, choose_pieces
from projects.sentiment.settings import MOST_ROWS, STEPS, Settings, complete, rows_a_step
from projects.sentiment.steps import LargeBatches, Rows, WindowBatches, label_weights
from projects.sentiment.store import Store
from projects.sentiment.teaching import Lesson, Teacher, teach

MEASURED, FINAL = "measured", "final"  # names of the two fits
TAUGHT = "-taught"  # ends the names of those that learn from texts without labels, too
# seconds on one machine, for the progress: only their ratios count
STARTING = 0.7  # until the libraries are loaded
READING = 2e-7  # a byte of a table
READING_PACKED = 6e-8  # a byte of the published packings
COUNTING = 2.5e-7  # a word of a text, for each length of n-grams
A_STEP = 1e-3  # a step of training
A_PRODUCT = 1.2e-8  # an n-gram of a text in a step
PIECES_TAKE = 5, 4  # times as long, with the second view: counting, and the products of the fits


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
    `teaching`. Once the watcher's checkpoint is stopped, the measured model returns. Raises ProjectError.
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
        for line in remarks(corpus, sources, settings):
            watcher.tell(line)
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
    words = result.views[0]
    second = None
    if settings.characters:
        second = SecondView(result.views[1].training.network, result.views[1].vocabulary)
    about |= outcome(corpus, settings, measured, words, checkpoint.stopped)
    return SentimentModel(words.training.network, words.vocabulary, about, second, corpus.remembered)


def remarks(corpus: Corpus, sources: Sequence[Source], settings: Settings) -> Iterator[str]:
    """What is to be known of the texts, a line each."""
    for line in (corpus.left_out.description(), never_there(sources[0].layout, corpus.left_out)):
        if line:
            yield line
    if corpus.unlabelled is not None:
        yield f"{corpus.unlabelled.n_texts:,} texts without labels are learned from, too"
    if not settings.test and sources[0].is_split and isinstance(sources[0], File):
        yield f"{sources[0].name} says itself which texts are for testing: these are left out, --no-test or not"


def views_of(corpus: Corpus, settings: Settings, engine: Engine) -> list["View"]:
    """The ways to read the texts, with all that they may find there counted."""
    passes = settings.ngrams + (2 if settings.characters else 0)  # of pieces: those that are there, then exactly
    progress.enter("counting", total=len(corpus.all_blocks) * passes)
    views = [View("", "", count_candidates(corpus, settings, engine), choose_vocabulary)]
    if settings.characters:
        views.append(View("-pieces", VIEW, count_piece_candidates(corpus, settings, engine), choose_pieces))
    return views


def outcome(
    corpus: Corpus, settings: Settings, measured: "Fitted", words: "Prepared", unfinished: bool
) -> dict[str, Any]:
    """What the fits found out, as it is kept in the model's file. words: the view that is saved."""
    return {
        "validation_reviews": int(corpus.held_out_of_label.sum()),
        "validation_accuracy": measured.accuracy,
        "validation_baseline": baseline(corpus),
        "sure_from": measured.sure_from.probability if measured.sure_from else None,
        "unsure_share": measured.sure_from.unsure if measured.sure_from else None,
        "batch_size": words.training.settings.batch_size // (1 + settings.excerpts),
        "least_count": words.vocabulary.min_count,
        "common_from": words.vocabulary.common_from,
        "unfinished": unfinished,
    }


def expect_by_size(files: Sequence[File]) -> None:
    """Tell the progress of the process how long each phase may take, from the size of the files alone."""
    reading = STARTING
    for file in files:
        size = file.path.stat().st_size if file.path.exists() else 0
        reading += size * (READING_PACKED if file.film_reviews else READING)
    for phase, times_reading in (("reading", 1.0), ("counting", 0.3), ("fits", 0.8), ("saving", 0.05)):
        progress.expect(phase, times_reading * reading)


def shown_fit(checkpoint: Checkpoint) -> str:
    """The name of the measured fit whose history is kept: the one that learned from all texts, if there is one."""
    return MEASURED + TAUGHT if MEASURED + TAUGHT in checkpoint.states else MEASURED


def n_fits(settings: Settings) -> int:
    return 2 if settings.refit else 1


def already_fitted(checkpoint: Checkpoint) -> None:
    """Tell the progress of the process what an earlier one has done, where a training is resumed."""
    before = checkpoint.settings
    if before and before.get("epochs"):
        epochs = sum(len(state["history"]) for state in checkpoint.states.values())
        n_views = 2 if before.get("characters") else 1
        n_lessons = 2 if before.get("unlabelled_reviews") else 1
        n_epochs = before["epochs"] * n_views * n_lessons * (2 if before.get("refit") else 1)
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


def facts(corpus: Corpus, settings: Settings, layout: Layout, film_reviews: bool) -> dict[str, Any]:
    """All that the model depends on, as it is kept in its file. film_reviews: for the words of pictures and page."""
    n_labels = len(corpus.label_names)
    texts = corpus.texts_of_label + corpus.held_out_of_label
    shares = (texts / texts.sum()).tolist()
    beside = corpus.unlabelled
    return msgspec.structs.asdict(settings) | {
        "data_sha256": corpus.sha256,
        "train_reviews": corpus.n_texts,
        "unlabelled_reviews": 0 if beside is None else beside.n_texts,
        "unlabelled_sha256": None if beside is None else beside.sha256,
        "film_reviews": film_reviews,
        "text_column": layout.text_column,
        "label_column": layout.label_column,
        "encoding": layout.likely_encoding,
        "label_map": [list(pair) for pair in layout.label_map],
        "label_names": list(corpus.label_names),
        "label_shares": shares,
        "base_rates": [1 / n_labels] * n_labels if settings.balanced else shares,
        "simulated": corpus.simulated,
    }


def baseline(corpus: Corpus) -> float:
    """The share of the texts held out that have the label most frequent in training: as right is always giving it."""
    held_out = corpus.held_out_of_label
    most_frequent = int((corpus.texts_of_label + held_out).argmax())
    return float(held_out[most_frequent] / held_out.sum())


def refuse_one_kind(corpus: Corpus) -> None:
    """Raise ProjectError where what is left to train on has one label."""
    if np.count_nonzero(corpus.texts_of_label) < 2:
        few = too_few_to_train_on(corpus.n_texts)
        raise ProjectError(f"{few}; those that are not held out are all of one kind")


# The two fits


class View(NamedTuple):
    """A way to read the texts: as n-grams of words or, beside it, as pieces of characters."""

    suffix: str  # of the names of its fits
    arrays: str  # begins the names of its arrays in the store
    candidates: Candidates | PieceCandidates
    choose: Callable[..., tuple[Any, np.ndarray]]  # gives the vocabulary of a fit, and the column of each candidate


class Plan(NamedTuple):
    """What both fits need."""

    corpus: Corpus
    views: list[View]
    settings: Settings
    engine: Engine
    checkpoint: Checkpoint


class Fitted(NamedTuple):
    """What one fit gives."""

    views: list["Prepared"]  # their trainings have ended
    best_epochs: dict[str, int]  # of each view, and of those before it that taught it, by what their names end in
    accuracy: float = float("nan")  # on the texts held out
    sure_from: Limit | None = None  # with it GOOD of the other answers are right; None: there is none such


def run_fits(plan: Plan, on_epoch: Callable[[Any], None]) -> tuple[Fitted, Fitted | None]:
    """The measured fit and the final one; None for that where there is none, or not to its end.

    They run side by side: NumPy and SciPy let go of Python while they compute. With early stopping the final one
    waits for the number of epochs that was best.
    """
    if not plan.settings.refit:
        return fit_measured(plan, on_epoch), None
    if plan.settings.early_stopping:
        measured = fit_measured(plan, on_epoch)
        final = None
        if not plan.checkpoint.stopped:
            final = fit_views(plan, FINAL, best_epochs=measured.best_epochs)
    else:
        with ThreadPoolExecutor(1) as beside:
            waiting = beside.submit(fit_views, plan, FINAL)
            try:
                measured = fit_measured(plan, on_epoch)
            except BaseException:
                plan.checkpoint.stopped = True  # or the error would wait for the other fit to end
                raise
            final = waiting.result()
    return measured, None if plan.checkpoint.stopped else final


def fit_measured(plan: Plan, on_epoch: Callable[[Any], None]) -> Fitted:
    """The fit to the texts that are not held out, measured after each epoch on those that are.

    on_epoch: told of the epochs of the first view that is measured in the end.
    """
    fitted = fit_views(plan, MEASURED, on_epoch)
    if plan.settings.refit:
        progress.relabel("fit 2 of 2")
    held_out = [Rows(view.bags, plan.corpus.blocks, True, None) for view in fitted.views]
    networks = [view.training.network for view in fitted.views]
    shared = plan.engine.share(held_out), plan.engine.share(networks)
    answers = list(plan.engine.map(answers_of, plan.corpus.blocks, *shared))
    sureness, is_right = (np.concatenate(parts) for parts in zip(*answers, strict=True))
    return fitted._replace(accuracy=float(is_right.mean()), sure_from=sure_from(sureness, is_right))


def fit_views(
    plan: Plan, fit: str, on_epoch: Callable[[Any], None] = refuse_divergence, best_epochs: dict[str, int] | None = None
) -> Fitted:
    """All views of a fit. Where there are texts without labels, these are learned from a first model's answers.

    best_epochs: where to end, by the name that `best_epochs_of` gives; None: after all epochs.
    """
    unlabelled = plan.corpus.unlabelled
    ends = best_epochs or {}
    if unlabelled is None:
        return fit_lesson(plan, fit, None, on_epoch, ends)
    teachers = fit_lesson(plan, fit, None, refuse_divergence, ends)
    if plan.checkpoint.stopped:
        return teachers
    lesson = learn(plan, fit, teachers)
    taught = fit_lesson(plan, fit, lesson, on_epoch, ends)
    return taught._replace(best_epochs=teachers.best_epochs | taught.best_epochs)


def learn(plan: Plan, fit: str, fitted: Fitted) -> Lesson:
    """What the texts without labels teach, as the views that are fitted answer them."""
    corpus = plan.corpus
    assert corpus.unlabelled is not None
    teachers = [Teacher(view.bags, view.columns, view.training.network) for view in fitted.views]
    lesson = teach(teachers, corpus.unlabelled.blocks, f"{fit}-shares", corpus.store, plan.engine)
    for view in fitted.views:
        for block in corpus.blocks:
            view.bags.discard(block)
    return lesson


def fit_lesson(
    plan: Plan, fit: str, lesson: Lesson | None, on_epoch: Callable[[Any], None], ends: dict[str, int]
) -> Fitted:
    """All views of a fit, with what texts without labels teach or without. on_epoch: told of the first view's epochs.

    ends: the epoch to end after, of those fits that do not go through all of them.
    """
    fitted = []
    best_epochs = {}
    for number, view in enumerate(plan.views):
        name = view.suffix if lesson is None else TAUGHT + view.suffix
        prepared = prepare(plan, view, fit, name, lesson, number)
        report = refuse_divergence if number else on_epoch
        rows = prepared.rows
        validation_loss = validation_loss_of(plan, prepared) if fit == MEASURED else None
        run_epochs(plan, fit + name, prepared.training, rows, report, validation_loss, ends.get(name))
        if fit == MEASURED and not plan.checkpoint.stopped:
            loss = loss_of_shares(plan.corpus.texts_of_label, prepared.rows.label_weights)
            warn_if_useless(prepared.training, loss)
        best_epochs[name] = prepared.training.best_epoch
        fitted.append(prepared)
    return Fitted(fitted, best_epochs)


def validation_loss_of(plan: Plan, prepared: "Prepared") -> Callable[[], float]:
    """The mean loss over the texts held out, as the view's network is when it is asked."""
    shared = plan.engine.share(Rows(prepared.bags, plan.corpus.blocks, True, None))

    def validation_loss() -> float:
        measured = measure_all(plan.engine, plan.corpus.blocks, shared, prepared.training.network)
        return measured.loss / measured.texts

    return validation_loss


class Prepared(NamedTuple):
    """One view's part of a fit: it has not begun, or goes on from its state in the checkpoint."""

    vocabulary: Any  # Vocabulary of words, or Pieces
    columns: np.ndarray  # of each candidate, or NONE
    bags: Bags
    training: Training
    rows: Rows  # to train on


def prepare(plan: Plan, view: View, fit: str, name: str, lesson: Lesson | None, number: int) -> Prepared:
    """Vocabulary, bags and a new network of one view's part of a fit. number: of the view. Raises ProjectError."""
    corpus, settings = plan.corpus, plan.settings
    counts = view.candidates.training
    texts = corpus.texts_of_label
    held_out = False if fit == MEASURED else None
    if held_out is None:
        counts = counts + view.candidates.held_out
        texts = texts + corpus.held_out_of_label
    blocks = corpus.blocks
    if lesson is not None:
        counts = counts + lesson.counts[number]
        texts = texts + lesson.texts
        blocks = corpus.all_blocks
    vocabulary, columns = view.choose(view.candidates, counts, texts, settings)
    refuse_empty(vocabulary, settings, int(texts.sum()))
    bags = Bags(fit + name, corpus.store, vocabulary, view.arrays, lesson.shares if lesson else None)
    shared = plan.engine.share(bags), plan.engine.share(columns)
    for _ in plan.engine.map(save_bags, blocks, *shared):
        pass
    of_fit = settings if fit == MEASURED else replace(settings, early_stopping=False)  # told when to end: `run_epochs`
    training = start_training(len(vocabulary), len(corpus.label_names), of_fit, int(texts.sum()))
    state = plan.checkpoint.states.get(fit + name)
    if state is not None:
        training.restore(state)
    rows = Rows(bags, blocks, held_out, label_weights(texts) if settings.balanced else None)
    return Prepared(vocabulary, columns, bags, training, rows)


def save_bags(block: str, bags: Bags, columns: np.ndarray) -> None:
    bags.save(block, columns)


def refuse_empty(vocabulary: Vocabulary | Pieces, settings: Settings, n_texts: int) -> None:
    """Raise ProjectError where the noise reductions have left nothing in the bag."""
    if not len(vocabulary):
        if n_texts < FEWEST_TEXTS:
            raise ProjectError(too_few_to_train_on(n_texts))
        raise ProjectError(
            f"no {'word' if isinstance(vocabulary, Vocabulary) else 'piece'} is in "
            f"{settings.min_count} texts or more with a log-count ratio of {settings.polarity_cutoff}: "
            "lower --min-count or --polarity-cutoff"
        )


def start_training(n_columns: int, n_labels: int, settings: Settings, n_texts: int) -> Training:
    """A new network's training."""
    assert settings.hidden_units is not None
    rng = np.random.default_rng(settings.seed)
    network = TwoLayerNetwork(
        n_columns,
        settings.hidden_units,
        outputs_for(n_labels),
        output=output_for(n_labels),
        dtype="float32",
        random_state=rng,
    )
    return Training(network, training_settings(settings, n_texts), rng)


def training_settings(settings: Settings, n_texts: int) -> TrainingSettings:
    """What `nn` needs to know of complete settings."""
    assert settings.epochs is not None
    assert settings.learning_rate is not None
    return TrainingSettings(
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        batch_size=rows_a_step(settings, n_texts) * (1 + settings.excerpts),
        momentum=settings.momentum,
        l2=settings.l2,
        dropout=settings.dropout,
        hidden_dropout=settings.hidden_dropout,
        early_stopping=settings.early_stopping,
        patience=settings.patience,
    )


def run_epochs(
    plan: Plan,
    fit: str,
    training: Training,
    rows: Rows,
    report: Callable[[Any], None],
    validation_loss: Callable[[], float] | None,
    epochs: int | None = None,
) -> None:
    """Train until finished, or for so many epochs; after early stopping the network has its best parameters."""
    on_epoch = plan.checkpoint.after_epoch(fit, report)
    source = Reported(steps_of(plan, training, rows), max(1, training.settings.batch_size), rows)
    while not training.finished and (epochs is None or len(training.history) < epochs):
        training.run_epoch(source, validation_loss)
        on_epoch(training)
    if training.settings.early_stopping:
        training.restore_best()


class Reported:
    """The steps of a source, each told to the progress of the process as its share of an epoch."""

    def __init__(self, source: StepSource, batch_size: int, rows: Rows) -> None:
        self.source = source
        self.share = min(1.0, batch_size / max(1, rows.n_rows))

    def steps(self, network: TwoLayerNetwork, rng: np.random.Generator) -> Iterator[Step]:
        for step in self.source.steps(network, rng):
            yield step
            progress.advance(self.share)


def steps_of(plan: Plan, training: Training, rows: Rows) -> WindowBatches | LargeBatches:
    """Where the steps of a fit come from."""
    n_labels = len(plan.corpus.label_names)
    if not plan.settings.large_batches:
        return WindowBatches(rows, n_labels, training.settings)
    return LargeBatches(
        rows=plan.engine.share(rows),
        blocks=rows.blocks,
        n_labels=n_labels,
        settings=training.settings,
        seed=plan.settings.seed,
        n_steps=-(-rows.n_rows // training.settings.batch_size),
        engine=plan.engine,
        history=training.history,
    )
