"""The two fits of a training: one that is measured on texts held out, and one to all texts, side by side.

For each of them, and each view of the texts (words; with `--characters` pieces of words, too), in short:

    vocabulary, columns = choose_vocabulary(candidates, counts_of_the_fit)
    bags.save(block, columns)                          # of every block
    training.run_epoch(batches_of(bags))               # as many times as there are epochs

The fit that is measured says how good the answers are, from which probability on they are sure, and which temperature
its output needs (`calibration`). The model that is saved is the other one, at that temperature (`training`).
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from nn import TwoLayerNetwork
from nn.batches import Step, StepSource
from nn.training import Training, TrainingSettings
from projects.common import progress
from projects.common.checkpoint import Checkpoint
from projects.common.errors import ProjectError
from projects.common.progress import refuse_divergence, warn_if_useless
from projects.sentiment.bags import Bags
from projects.sentiment.calibration import at_temperature, best_temperature
from projects.sentiment.corpus import Corpus
from projects.sentiment.counting import Candidates
from projects.sentiment.engine import Engine
from projects.sentiment.labels import FEWEST_TEXTS, too_few_to_train_on
from projects.sentiment.measuring import Limit, answers_of, loss_of_shares, losses_of, measure_all, sure_from
from projects.sentiment.ngrams import Vocabulary
from projects.sentiment.outputs import output_for, outputs_for
from projects.sentiment.pieces import PieceCandidates, Pieces
from projects.sentiment.self_training import PseudoLabels, Teacher, label_texts
from projects.sentiment.settings import Settings, rows_a_step
from projects.sentiment.steps import LargeBatches, Rows, WindowBatches, label_weights

MEASURED, FINAL = "measured", "final"  # names of the two fits
TAUGHT = "-taught"  # ends the names of those that learn from texts without labels, too


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

    parts: list["Prepared"]  # one for each view of the plan; their trainings have ended
    best_epochs: dict[str, int]  # of each part, and of the teachers before it, by name: "", "-pieces", "-taught" …
    temperature: float = 1.0  # that makes the loss of the texts held out least: see `calibration`
    accuracy: float = float("nan")  # on the texts held out
    sure_from: Limit | None = None  # with it GOOD of the other answers are right; None: there is none such

    def networks_at(self, temperature: float) -> list[TwoLayerNetwork]:
        """The network of each view, at this temperature."""
        return [at_temperature(part.training.network, temperature) for part in self.parts]


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
    blocks = plan.corpus.blocks
    held_out = plan.engine.hand_out([Rows(part.bags, blocks, True, None) for part in fitted.parts])
    networks = plan.engine.hand_out([part.training.network for part in fitted.parts])
    label_weights = fitted.parts[0].rows.label_weights
    losses = plan.engine.map(losses_of, blocks, held_out, networks, label_weights)
    temperature = best_temperature(sum(losses))
    answers = plan.engine.map(answers_of, blocks, held_out, plan.engine.hand_out(fitted.networks_at(temperature)))
    confidence, is_right = (np.concatenate(parts) for parts in zip(*answers, strict=True))
    return fitted._replace(
        temperature=temperature, accuracy=float(is_right.mean()), sure_from=sure_from(confidence, is_right)
    )


def fit_views(
    plan: Plan, fit: str, on_epoch: Callable[[Any], None] = refuse_divergence, best_epochs: dict[str, int] | None = None
) -> Fitted:
    """All views of a fit. Where there are texts without labels, these are learned from a first model's answers.

    best_epochs: where to end, see `Fitted`; None: after all epochs.
    """
    unlabelled = plan.corpus.unlabelled
    ends = best_epochs or {}
    if unlabelled is None:
        return fit_once(plan, fit, None, on_epoch, ends)
    teachers = fit_once(plan, fit, None, refuse_divergence, ends)
    if plan.checkpoint.stopped:
        return teachers
    pseudo_labels = pseudo_label(plan, fit, teachers)
    taught = fit_once(plan, fit, pseudo_labels, on_epoch, ends)
    return taught._replace(best_epochs=teachers.best_epochs | taught.best_epochs)


def pseudo_label(plan: Plan, fit: str, fitted: Fitted) -> PseudoLabels:
    """What the texts without labels teach, as the views that are fitted answer them."""
    corpus = plan.corpus
    assert corpus.unlabelled is not None
    teachers = [Teacher(part.bags, part.columns, part.training.network) for part in fitted.parts]
    pseudo_labels = label_texts(teachers, corpus.unlabelled.blocks, f"{fit}-shares", corpus.store, plan.engine)
    for part in fitted.parts:
        for block in corpus.blocks:
            part.bags.discard(block)
    return pseudo_labels


def fit_once(
    plan: Plan, fit: str, pseudo_labels: PseudoLabels | None, on_epoch: Callable[[Any], None], ends: dict[str, int]
) -> Fitted:
    """All views of a fit, with what texts without labels teach or without. on_epoch: told of the first view's epochs.

    ends: the epoch to end after, of those fits that do not go through all of them.
    """
    fitted = []
    best_epochs = {}
    for number, view in enumerate(plan.views):
        name = view.suffix if pseudo_labels is None else TAUGHT + view.suffix
        prepared = prepare(plan, view, fit, name, pseudo_labels, number)
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
    shared = plan.engine.hand_out(Rows(prepared.bags, plan.corpus.blocks, True, None))

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


def prepare(plan: Plan, view: View, fit: str, name: str, pseudo_labels: PseudoLabels | None, number: int) -> Prepared:
    """Vocabulary, bags and a new network of one view's part of a fit. number: of the view. Raises ProjectError."""
    corpus, settings = plan.corpus, plan.settings
    counts = view.candidates.training
    texts = corpus.texts_of_label
    held_out = False if fit == MEASURED else None
    if held_out is None:
        counts = counts + view.candidates.held_out
        texts = texts + corpus.held_out_of_label
    blocks = corpus.blocks
    if pseudo_labels is not None:
        counts = counts + pseudo_labels.counts[number]
        texts = texts + pseudo_labels.texts
        blocks = corpus.all_blocks
    vocabulary, columns = view.choose(view.candidates, counts, texts, settings)
    refuse_empty(vocabulary, settings, int(texts.sum()))
    bags = Bags(fit + name, corpus.store, vocabulary, view.arrays, pseudo_labels.shares if pseudo_labels else None)
    shared = plan.engine.hand_out(bags), plan.engine.hand_out(columns)
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
        self.of_epoch = min(1.0, batch_size / max(1, rows.n_rows))

    def steps(self, network: TwoLayerNetwork, rng: np.random.Generator) -> Iterator[Step]:
        for step in self.source.steps(network, rng):
            yield step
            progress.advance(self.of_epoch)


def steps_of(plan: Plan, training: Training, rows: Rows) -> WindowBatches | LargeBatches:
    """Where the steps of a fit come from."""
    n_labels = len(plan.corpus.label_names)
    if not plan.settings.large_batches:
        return WindowBatches(rows, n_labels, training.settings)
    return LargeBatches(
        rows=plan.engine.hand_out(rows),
        blocks=rows.blocks,
        n_labels=n_labels,
        settings=training.settings,
        seed=plan.settings.seed,
        n_steps=-(-rows.n_rows // training.settings.batch_size),
        engine=plan.engine,
        history=training.history,
    )


def n_fits(settings: Settings) -> int:
    return 2 if settings.refit else 1


def shown_fit(checkpoint: Checkpoint) -> str:
    """The name of the measured fit whose history is kept: the one that learned from all texts, if there is one."""
    return MEASURED + TAUGHT if MEASURED + TAUGHT in checkpoint.states else MEASURED
