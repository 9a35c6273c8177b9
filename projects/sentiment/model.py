"""The sentiment model: n-grams in, the probability that a review is positive out."""

import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from nn import TwoLayerClassifier, TwoLayerNetwork, metrics
from nn.functions import log_loss, sigmoid
from projects.common.checkpoint import Checkpoint
from projects.common.errors import ProjectError
from projects.common.files import fingerprint
from projects.common.model_file import Arrays, Settings, Shape, check_arrays, check_settings, load_model, save_model
from projects.common.progress import refuse_divergence, warn_if_useless
from projects.sentiment.data import Reviews
from projects.sentiment.text import LONGEST_ROW, Vocabulary, count_ngrams, learn_vocabulary
from projects.sentiment.tokens import NONE

DEFAULTS = {
    "hidden_units": 2,  # one to ten reach the same accuracy
    "epochs": 10,
    "learning_rate": 0.8,
    "momentum": 0.9,
    "dropout": 0.5,
}
STEPS = 25  # of an epoch, where no batch size is given: few reviews are trained on for as long as many
VALIDATION_SHARE = 0.1  # of the training reviews, to measure the loss on
CHUNK = 1_000  # texts whose n-grams are in memory at a time while predicting
BINS = 10  # of probability, for the calibration
LENGTHS = (100, 200, 400)  # words: bounds of the kinds of reviews that are scored apart
MISTAKES = 5  # most confident ones that `evaluate` lists, of each kind


@dataclass
class SentimentModel:
    """A trained network with its vocabulary, and what it was trained on."""

    network: TwoLayerNetwork
    vocabulary: Vocabulary
    settings: dict[str, Any]

    def __repr__(self) -> str:
        return f"SentimentModel({len(self.vocabulary):,} n-grams, {self.network.W1.shape[1]} hidden units)"

    def predict(self, texts: Iterable[str]) -> np.ndarray:
        """The probability that each text is positive [texts]; the base rate for a text without a known n-gram."""
        texts = list(texts)
        chunks = [texts[i : i + CHUNK] for i in range(0, len(texts), CHUNK)]
        with ThreadPoolExecutor() as pool:  # one chunk is read while another one is multiplied
            return np.concatenate([np.empty(0), *pool.map(self._probability, chunks)])

    def _probability(self, texts: list[str]) -> np.ndarray:
        indices, indptr = self.vocabulary.columns_of(texts)
        probability = self.network.predict(self.vocabulary.bag(indices, indptr))[:, 0].astype(float)
        return np.where(np.diff(indptr) > 0, probability, self.settings["base_rate"])

    def explain(self, text: str) -> dict[str, list[tuple[str, float]]]:
        """The effect of each known word, and of each n-gram of the bag, on the probability: with it, less without it.

        A word is left out with all n-grams that it is in, an n-gram alone. The strongest first.
        """
        vocabulary, network = self.vocabulary, self.network
        columns, _ = vocabulary.columns_of([text])
        names = [vocabulary.name(number) for number in vocabulary.kept[columns].tolist()]
        words = sorted({word for name in names for word in name.split()})
        if not names:
            return {"words": [], "ngrams": []}
        values = vocabulary.ratios[vocabulary.kept][columns].astype(float)  # of the row before it is shortened
        parts = values[:, np.newaxis] * network.W1[columns]  # [n-grams, hidden], what each adds to the hidden layer

        def without(case: np.ndarray, left_out: np.ndarray) -> np.ndarray:
            """The probability in each case, which goes without the n-grams that stand beside its number [cases]."""
            length = np.sqrt(np.maximum((values**2).sum() - np.bincount(case, values[left_out] ** 2), 0))
            z = parts.sum(axis=0) - np.stack([np.bincount(case, part[left_out]) for part in parts.T], axis=1)
            z *= (LONGEST_ROW / np.maximum(length, LONGEST_ROW))[:, np.newaxis]  # [cases, hidden]
            p = sigmoid(sigmoid(z + network.b1) @ network.W2.astype(float) + network.b2)[:, 0]
            return np.where(np.bincount(case) < len(names), p, self.settings["base_rate"])

        number = {word: i for i, word in enumerate(words)}
        pairs = [(number[word], i) for i, name in enumerate(names) for word in set(name.split())]
        alone, whole = np.arange(len(names)), self.predict([text])[0]
        effects = {
            "words": zip(words, (whole - without(*np.array(pairs).T)).tolist(), strict=True),
            "ngrams": zip(names, (whole - without(alone, alone)).tolist(), strict=True),
        }
        return {kind: sorted(pairs, key=lambda pair: -abs(pair[1])) for kind, pairs in effects.items()}

    def effects(self) -> np.ndarray:
        """By how much each n-gram alone moves the log-odds of positive, away from those of an empty text [columns]."""
        alone = np.clip(self.vocabulary.ratios[self.vocabulary.kept], -LONGEST_ROW, LONGEST_ROW)
        hidden = sigmoid(alone[:, np.newaxis] * self.network.W1 + self.network.b1)  # [columns, hidden]
        return ((hidden - sigmoid(self.network.b1)) @ self.network.W2)[:, 0]

    def similar(self, ngram: str, n: int, min_count: int) -> list[tuple[str, float]]:
        """The n n-grams nearest to this one in what they add to the hidden layer, with their Euclidean distances.

        Only n-grams in at least `min_count` training reviews: rarer ones are near by chance.
        """
        vocabulary = self.vocabulary
        column = vocabulary.find(ngram)
        if column == NONE:
            raise ProjectError(f"{ngram!r} is not among the {len(vocabulary):,} n-grams of the bag: try another one")
        rows = vocabulary.ratios[vocabulary.kept][:, np.newaxis] * self.network.W1  # [columns, hidden]
        distance = np.linalg.norm(rows - rows[column], axis=1)
        frequent = vocabulary.counts[vocabulary.kept] >= min_count
        order = [i for i in np.argsort(distance, kind="stable") if frequent[i] and i != column][:n]
        return [(vocabulary.name(vocabulary.kept[i]), float(distance[i])) for i in order]

    def save(self, path: Path) -> None:
        arrays = {name: getattr(self.network, name) for name in ("W1", "b1", "W2", "b2")}
        arrays["words"] = np.frombuffer("\n".join(self.vocabulary.words).encode(), np.uint8)
        arrays |= {name: getattr(self.vocabulary, name) for name in ("codes", "counts", "ratios")}
        save_model(path, "sentiment", arrays, self.settings)

    @classmethod
    def load(cls, path: Path) -> "SentimentModel":
        arrays, settings = load_model(path, "sentiment")
        check(path, arrays, settings)
        W1, b1, W2, b2 = (arrays[name] for name in ("W1", "b1", "W2", "b2"))
        network = TwoLayerNetwork.from_arrays(W1, b1, W2, b2, output="sigmoid")
        try:
            words = arrays["words"].tobytes().decode().split("\n")
        except UnicodeDecodeError as error:
            raise ProjectError(f"{path}: words are not UTF-8: train a new model") from error
        codes, counts, ratios = (arrays[name] for name in ("codes", "counts", "ratios"))
        vocabulary = Vocabulary(words, codes, counts, ratios, settings["min_count"], settings["polarity_cutoff"])
        if len(vocabulary) != len(W1):
            raise ProjectError(f"{path}: W1 has {len(W1):,} rows for {len(vocabulary):,} n-grams: train a new model")
        return cls(network, vocabulary, settings)


class SavedSettings(msgspec.Struct):
    """What must be in a model file, and of which kind; there may be more."""

    min_count: Annotated[int, msgspec.Meta(ge=1)]
    polarity_cutoff: Annotated[float, msgspec.Meta(ge=0)]
    base_rate: Annotated[float, msgspec.Meta(ge=0, le=1)]
    positive_share: Annotated[float, msgspec.Meta(ge=0, le=1)]
    label_names: Annotated[list[str], msgspec.Meta(min_length=2, max_length=2)]
    simulated: bool
    train_reviews: Annotated[int, msgspec.Meta(ge=1)]


def check(path: Path, arrays: Arrays, settings: Settings) -> None:
    """Raise ProjectError, naming it, for an array or a setting that is missing or does not fit."""
    check_settings(path, settings, SavedSettings)
    shapes: dict[str, Shape] = {
        "words": ("uint", "bytes"),
        "counts": ("int", "ngrams"),
        "ratios": ("float", "ngrams"),
        "W1": ("float", "columns", "hidden"),
        "b1": ("float", "hidden"),
        "W2": ("float", "hidden", 1),
        "b2": ("float", 1),
        "codes": ("int", "longer"),
    }
    check_arrays(path, arrays, shapes.items())
    n_words = 1 + int((arrays["words"] == ord("\n")).sum())
    check_arrays(path, arrays, {"codes": ("int", len(arrays["ratios"]) - n_words)}.items())
    codes = arrays["codes"]
    after_prefix = codes // n_words < np.arange(n_words, n_words + len(codes))
    if not (np.diff(codes, prepend=-1) > 0).all() or not after_prefix.all():
        raise ProjectError(f"{path}: codes are not in order: train a new model")


def refuse_empty(vocabulary: Vocabulary) -> None:
    """Raise ProjectError where the noise reductions have left nothing in the bag."""
    if not len(vocabulary):
        raise ProjectError(
            f"no word is in {vocabulary.min_count} reviews with a log-count ratio of {vocabulary.polarity_cutoff}: "
            "lower --min-count or --polarity-cutoff"
        )


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

    ngrams: words of the longest n-gram. balanced: both labels count alike, however many reviews have them.
    on_epoch is called during the first fit. Its vocabulary and log-count ratios come from the nine tenths alone.
    The checkpoint's fits are measured and final; once it is stopped, the measured model returns.
    """
    hyperparameters = DEFAULTS | hyperparameters
    checkpoint = checkpoint or Checkpoint()
    labels = np.array(reviews.labels)
    order = np.random.default_rng(seed).permutation(len(labels))
    held_out, rest = np.sort(order[: (n := max(1, round(VALIDATION_SHARE * len(order))))]), np.sort(order[n:])
    if len(np.unique(labels[rest])) < 2:
        raise ProjectError(f"{len(order)} reviews are too few: those left to train on are all of one kind")
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
    weight = len(labels) / 2 / np.bincount(labels)[labels] if balanced else np.ones(len(labels))

    def fit(name: str, rows: np.ndarray, unseen: np.ndarray | None) -> tuple[TwoLayerClassifier, Vocabulary, float]:
        """The network and vocabulary of these rows, and its accuracy on the unseen ones."""
        vocabulary = learn_vocabulary(words, codes, presence[rows], labels[rows], min_count, polarity_cutoff)
        refuse_empty(vocabulary)
        kept = presence[:, vocabulary.kept]
        bag = vocabulary.bag(kept.indices, kept.indptr)
        rows_a_step = batch_size or math.ceil(len(rows) / STEPS)
        estimator = TwoLayerClassifier(random_state=seed, batch_size=rows_a_step, **hyperparameters)
        validation = None if unseen is None else (bag[unseen], labels[unseen])
        report = on_epoch if unseen is not None and on_epoch else refuse_divergence
        callback, state = checkpoint.after_epoch(name, report), checkpoint.states.get(name)
        estimator.fit(bag[rows], labels[rows], weight[rows], validation, callback, state)
        if unseen is not None and not checkpoint.stopped:
            mean = np.full(len(rows), np.average(labels[rows], weights=weight[rows]))
            warn_if_useless(estimator.training_, log_loss(mean, labels[rows], weight[rows]) / weight[rows].sum())
        return estimator, vocabulary, float("nan") if validation is None else estimator.score(*validation)

    with ThreadPoolExecutor(1) as beside:  # NumPy and SciPy let go of Python while they compute
        final = beside.submit(fit, "final", np.arange(len(labels)), None)
        measured = fit("measured", rest, held_out)
        fitted = final.result()
    unfinished = checkpoint.stopped
    estimator, vocabulary, _ = measured if unfinished else fitted
    settings |= {
        "validation_accuracy": measured[2],
        "batch_size": estimator.batch_size,
        "base_rate": 0.5 if balanced else float(labels.mean()),
        "positive_share": float(labels.mean()),
        "unfinished": unfinished,
    }
    return SentimentModel(estimator.network_, vocabulary, settings)


def evaluate(model: SentimentModel, reviews: Reviews) -> dict[str, Any]:
    """Scores of the model, and of always saying what was more frequent in training; where it is wrong, and how sure."""
    probability = model.predict(reviews.texts)
    lengths = np.array([len(text.split()) for text in reviews.texts])
    worst = mistakes(reviews, probability)
    return report(model, np.array(reviews.labels), probability, lengths, worst, reviews.simulated)


def report(
    model: SentimentModel, labels: np.ndarray, probability: np.ndarray, lengths: np.ndarray,
    worst: list[dict[str, Any]], simulated: bool,
) -> dict[str, Any]:  # fmt: skip
    """What `evaluate` says, from the labels, probabilities and lengths in words [reviews], and the `mistakes`."""
    majority, bounds = np.full(len(labels), model.settings["positive_share"]), [0, *LENGTHS, np.inf]
    by_length = [
        {"from_words": low, "reviews": int(in_range.sum()),
         "accuracy": float(np.mean((probability > 0.5)[in_range] == labels[in_range]))}
        for low, high in pairwise(bounds)
        if (in_range := (lengths >= low) & (lengths < high)).any()
    ]  # fmt: skip
    return {
        "simulated": model.settings["simulated"] or simulated,
        "test": scores(labels, probability),
        "baselines": {"majority": scores(labels, majority)},
        "by_length": by_length,
        "reliability": reliability(labels, probability),
        "mistakes": worst,
    }


def scores(labels: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """How right the answers are [reviews], and how honest the probabilities."""
    found = metrics.classification_scores(labels, probability)
    (true_negative, false_positive), (false_negative, true_positive) = found["confusion"]
    recalls = true_negative / (true_negative + false_positive), true_positive / (true_positive + false_negative)
    error = sum(abs(b["probability"] - b["positive"]) * b["reviews"] for b in reliability(labels, probability))
    return {
        "reviews": len(labels),
        **found,
        "balanced_accuracy": sum(recalls) / 2,  # each label counts alike
        "expected_calibration_error": error / len(labels),
    }


def reliability(labels: np.ndarray, probability: np.ndarray) -> list[dict[str, Any]]:
    """For each tenth of the probabilities: the mean of those in it, and the share of reviews that were positive.

    Guo et al., "On Calibration of Modern Neural Networks", 2017, section 2.
    """
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    return [
        {"probability": float(probability[bins == b].mean()), "positive": float(labels[bins == b].mean()),
         "reviews": int((bins == b).sum())}
        for b in range(BINS) if (bins == b).any()
    ]  # fmt: skip


def mistakes(reviews: Reviews, probability: np.ndarray) -> list[dict[str, Any]]:
    """The answers that were surest of the wrong label."""
    labels = np.array(reviews.labels)
    wrong = np.flatnonzero((probability > 0.5) != labels)
    surest = wrong[np.argsort(-np.abs(probability[wrong] - 0.5), kind="stable")][:MISTAKES]
    return [
        {"label": reviews.label_names[labels[i]], "probability": float(probability[i]), "text": reviews.texts[i]}
        for i in surest
    ]
