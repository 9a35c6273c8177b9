"""Training on reviews in memory: one fit that is measured, then one on all of them."""

import functools
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from nn import TwoLayerNetwork
from nn.batches import ArrayBatches
from nn.functions import LOSSES, Array
from nn.training import Training, TrainingSettings
from projects.common.checkpoint import Checkpoint
from projects.common.errors import ProjectError
from projects.common.files import fingerprint
from projects.common.progress import refuse_divergence, warn_if_useless
from projects.sentiment.data import Reviews
from projects.sentiment.model import SentimentModel, each_label, output_for, outputs_for
from projects.sentiment.text import Vocabulary, count_ngrams, learn_vocabulary

DEFAULTS = {"momentum": 0.9, "dropout": 0.5}
MOST_HIDDEN_UNITS = 64  # where their number follows that of the labels
FEW_LABELS = 10
STEPS = 25  # of an epoch, where no batch size is given: few reviews are trained on for as long as many
VALIDATION_SHARE = 0.1  # of the training reviews, to measure the loss on
MEASURED_ROWS = 5_000  # that are measured at a time: a row of probabilities may be thousands long


def defaults(n_labels: int) -> dict[str, Any]:
    """The settings that were best on validation reviews, by the number of labels.

    Softmax of two labels would equal the sigmoid at half the learning rate. The more labels there are, the
    less a text says of each of them: they want larger steps and, where most are rare, a longer training.
    """
    if n_labels == 2:
        return DEFAULTS | {"hidden_units": 2, "learning_rate": 0.8, "epochs": 10}
    return DEFAULTS | {
        "hidden_units": min(n_labels, MOST_HIDDEN_UNITS),
        "learning_rate": min(max(0.4, 0.1 * n_labels), 1.6),
        "epochs": 10 if n_labels <= FEW_LABELS else 20,
    }


def train(
    reviews: Reviews,
    seed: int = 0,
    on_epoch: Callable[[Any], None] | None = None,
    checkpoint: Checkpoint | None = None,
    ngrams: int = 3,
    min_count: int = 3,
    polarity_cutoff: float = 0.05,
    balanced: bool = False,
    batch_size: int | None = None,
    **hyperparameters: Any,
) -> SentimentModel:
    """A model fitted to all reviews, after one fitted to nine tenths was measured on the tenth that `seed` draws.

    ngrams: words of the longest n-gram. balanced: all labels count alike, however many reviews have them.
    on_epoch is called during the first fit. Its vocabulary and log-count ratios come from the nine tenths alone.
    The checkpoint's fits are measured and final; once it is stopped, the measured model returns.
    hyperparameters: `hidden_units` and those of nn's `TrainingSettings`; None is as if not given.
    """
    n_labels = len(reviews.label_names)
    given = {name: value for name, value in hyperparameters.items() if value is not None}
    hyperparameters = defaults(n_labels) | given
    checkpoint = checkpoint or Checkpoint()
    labels = np.array(reviews.labels)
    held_out, rest = split(len(labels), seed)
    if len(np.unique(labels[rest])) < 2:
        raise ProjectError(f"{len(labels)} reviews are too few: those left to train on are all of one kind")
    settings = hyperparameters | {
        "data_sha256": fingerprint(
            part.encode(errors="surrogatepass") for part in (str(reviews.labels), *reviews.texts)
        ),
        "seed": seed,
        "batch_size": batch_size,
        "ngrams": ngrams,
        "min_count": min_count,
        "polarity_cutoff": polarity_cutoff,
        "balanced": balanced,
        "train_reviews": len(labels),
        "validation_reviews": len(held_out),
        "label_names": list(reviews.label_names),
        "simulated": reviews.simulated,
    }
    checkpoint.start(settings)
    words, codes, presence = count_ngrams(reviews.texts, min_count, ngrams)
    weight = label_weights(labels, n_labels)[labels] if balanced else None

    def fit(name: str, rows: np.ndarray, unseen: np.ndarray | None) -> Fitted:
        """The network and vocabulary of these rows, and the accuracy on the unseen ones."""
        vocabulary = learn_vocabulary(words, codes, presence[rows], labels[rows], min_count, polarity_cutoff, n_labels)
        refuse_empty(vocabulary)
        kept = presence[:, vocabulary.kept]
        bag = vocabulary.bag(kept.indices, kept.indptr)
        report = on_epoch if unseen is not None and on_epoch else refuse_divergence
        callback = checkpoint.after_epoch(name, report)
        state = checkpoint.states.get(name)
        weight_of_rows = None if weight is None else weight[rows]
        training = start_training(
            len(vocabulary), n_labels, seed, batch_size or math.ceil(len(rows) / STEPS), hyperparameters, state
        )
        source = label_batches(bag[rows], labels[rows], weight_of_rows, n_labels, training.settings)
        unseen_rows = None if unseen is None else (bag[unseen], labels[unseen])
        run_epochs(training, source, unseen_rows, callback)
        if unseen_rows is None:
            return Fitted(training, vocabulary, float("nan"))
        if not checkpoint.stopped:
            warn_if_useless(training, loss_of_shares(labels[rows], weight_of_rows, n_labels))
        return Fitted(training, vocabulary, measure(training.network, *unseen_rows)[1])

    with ThreadPoolExecutor(1) as beside:  # NumPy and SciPy let go of Python while they compute
        final = beside.submit(fit, "final", np.arange(len(labels)), None)
        measured = fit("measured", rest, held_out)
        fitted = final.result()
    unfinished = checkpoint.stopped
    result = measured if unfinished else fitted
    shares = (np.bincount(labels, minlength=n_labels) / len(labels)).tolist()
    settings |= {
        "validation_accuracy": measured.accuracy,
        "batch_size": result.training.settings.batch_size,
        "base_rates": [1 / n_labels] * n_labels if balanced else shares,
        "label_shares": shares,
        "unfinished": unfinished,
    }
    return SentimentModel(result.training.network, result.vocabulary, settings)


class Fitted(NamedTuple):
    """What one fit gives."""

    training: Training
    vocabulary: Vocabulary
    accuracy: float  # on the validation reviews; NaN without them


def split(n_reviews: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The places of the validation reviews, and of the others; both ascending."""
    order = np.random.default_rng(seed).permutation(n_reviews)
    n = max(1, round(VALIDATION_SHARE * n_reviews))
    return np.sort(order[:n]), np.sort(order[n:])


def label_weights(labels: np.ndarray, n_labels: int) -> np.ndarray:
    """The weight of a review of each label [labels] with which all labels count alike, 1 on average."""
    counts = np.bincount(labels, minlength=n_labels)
    present = np.count_nonzero(counts)
    return np.asarray(len(labels) / present / np.maximum(counts, 1))


def refuse_empty(vocabulary: Vocabulary) -> None:
    """Raise ProjectError where the noise reductions have left nothing in the bag."""
    if not len(vocabulary):
        raise ProjectError(
            f"no word is in {vocabulary.min_count} reviews with a log-count ratio of {vocabulary.polarity_cutoff}: "
            "lower --min-count or --polarity-cutoff"
        )


def start_training(
    n_columns: int, n_labels: int, seed: int, batch_size: int, hyperparameters: dict[str, Any],
    state: dict[str, Any] | None,
) -> Training:  # fmt: skip
    """A new network's training, or one that goes on from `state`."""
    hyperparameters = dict(hyperparameters)
    hidden_units = hyperparameters.pop("hidden_units")
    rng = np.random.default_rng(seed)
    network = TwoLayerNetwork(
        n_columns, hidden_units, outputs_for(n_labels), output=output_for(n_labels), dtype="float32", random_state=rng
    )
    training = Training(network, TrainingSettings(batch_size=batch_size, **hyperparameters), rng)
    if state is not None:
        training.restore(state)
    return training


def run_epochs(
    training: Training,
    source: ArrayBatches,
    unseen: tuple[Any, np.ndarray] | None,
    on_epoch: Callable[[Any], None],
) -> None:
    """Train until finished; the network ends with its best parameters where it stopped early.

    unseen: bag and labels of the validation reviews.
    """
    validation_loss = None
    if unseen is not None:
        validation_loss = functools.partial(lambda rows: measure(training.network, *rows)[0], unseen)
    while not training.finished:
        training.run_epoch(source, validation_loss)
        on_epoch(training)
    if training.settings.early_stopping:
        training.restore_best()


class LabelBatches(ArrayBatches):
    """Steps from a bag and the numbers of labels [rows, 1], which become targets a batch at a time.

    Targets of all rows would need a number for each row and label.
    """

    n_labels: int

    def batches(self, rng: np.random.Generator) -> Iterator[tuple[Any, Array, Array | None]]:
        for X, labels, weight in super().batches(rng):
            yield X, targets(labels[:, 0], self.n_labels, X.dtype), weight


def label_batches(
    bag: Any, labels: np.ndarray, weight: np.ndarray | None, n_labels: int, settings: TrainingSettings
) -> LabelBatches:
    """The source of steps for a bag [rows, columns], labels [rows] and weights [rows]."""
    if weight is not None:  # of mean 1, or a learning rate would mean something else
        weight = (weight / weight.mean()).astype(bag.dtype)[:, np.newaxis]
    source = LabelBatches(
        bag,
        labels[:, np.newaxis],
        weight,
        batch_size=settings.batch_size,
        dropout=settings.dropout,
        hidden_dropout=settings.hidden_dropout,
    )
    source.n_labels = n_labels
    return source


def targets(labels: np.ndarray, n_labels: int, dtype: Any) -> np.ndarray:
    """What the outputs should be [rows, outputs]: of two labels the number, of more 1 in its place."""
    if n_labels == 2:
        return labels.astype(dtype)[:, np.newaxis]
    one_hot = np.zeros((len(labels), n_labels), dtype)
    one_hot[np.arange(len(labels)), labels] = 1
    return one_hot


def measure(network: TwoLayerNetwork, bag: Any, labels: np.ndarray) -> tuple[float, float]:
    """The mean loss on these rows, and the accuracy."""
    n_outputs = len(network.b2)
    n_labels = max(2, n_outputs)
    loss, right = 0.0, 0
    for start in range(0, len(labels), MEASURED_ROWS):
        some = slice(start, start + MEASURED_ROWS)
        prediction = network.predict(bag[some])
        loss += LOSSES[network.loss](prediction, targets(labels[some], n_labels, prediction.dtype))
        right += int(np.count_nonzero(each_label(prediction).argmax(axis=1) == labels[some]))
    return loss / len(labels), right / len(labels)


def loss_of_shares(labels: np.ndarray, weight: np.ndarray | None, n_labels: int) -> float:
    """The mean loss of always answering with the shares of the labels."""
    sums = np.bincount(labels, weight, minlength=n_labels)
    shares = sums[sums > 0] / sums.sum()
    return float(-np.sum(shares * np.log(shares)))
