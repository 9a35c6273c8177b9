"""The sentiment model: words in, the probability that a review is positive out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nn import TwoLayerClassifier, TwoLayerNetwork, metrics
from nn.functions import sigmoid
from projects.common.errors import ProjectError
from projects.common.model_file import load_model, save_model
from projects.sentiment.data import Reviews
from projects.sentiment.text import Vocabulary, build_vocabulary

DEFAULTS = {
    "hidden_units": 10,
    "epochs": 12,
    "learning_rate": 1.0,
    "batch_size": 250,
    "momentum": 0.9,
    "dropout": 0.3,
}
VALIDATION_SHARE = 0.1  # of the training reviews, to measure the loss on


@dataclass
class SentimentModel:
    """A trained network with its vocabulary, and what it was trained on."""

    network: TwoLayerNetwork
    vocabulary: Vocabulary
    settings: dict[str, Any]

    def predict(self, texts: Iterable[str]) -> np.ndarray:
        """The probability that each text is positive [texts]; the base rate for a text without a known word."""
        X = self.vocabulary.bag_of_words(texts)
        probability = self.network.predict(X)[:, 0].astype(float)
        return np.where(np.diff(X.indptr) > 0, probability, self.settings["base_rate"])

    def explain(self, text: str) -> list[tuple[str, float]]:
        """Each known word of the text with its exact effect: the probability with it less the one without it.

        The strongest first.
        """
        ids = self.vocabulary.ids(text)
        words = [self.vocabulary.words[i] for i in ids]
        without = [" ".join(word for word in words if word != left_out) for left_out in words]
        probability = self.predict([text, *without])
        effects = zip(words, (probability[0] - probability[1:]).tolist(), strict=True)
        return sorted(effects, key=lambda pair: -abs(pair[1]))

    def word_effects(self) -> np.ndarray:
        """By how much each word alone moves the log-odds of positive, away from those of an empty text [words]."""
        alone = self.vocabulary.ratios / np.maximum(np.abs(self.vocabulary.ratios), self.vocabulary.typical_length)
        hidden = sigmoid(alone[:, np.newaxis] * self.network.W1 + self.network.b1)  # [words, hidden]
        return ((hidden - sigmoid(self.network.b1)) @ self.network.W2)[:, 0]

    def similar(self, word: str, n: int, min_count: int) -> list[tuple[str, float]]:
        """The n words nearest to `word` in what they add to the hidden layer, with their Euclidean distances.

        Only words in at least `min_count` training reviews: rarer ones are near by chance.
        """
        number = self.vocabulary.index.get(word.lower())
        if number is None:
            raise ProjectError(f"{word!r} is not in the vocabulary of {len(self.vocabulary):,} words: try another word")
        rows = self.vocabulary.ratios[:, np.newaxis] * self.network.W1  # [words, hidden]
        distance = np.linalg.norm(rows - rows[number], axis=1)
        order = [i for i in np.argsort(distance, kind="stable") if self.vocabulary.counts[i] >= min_count]
        return [(self.vocabulary.words[i], float(distance[i])) for i in order if i != number][:n]

    def save(self, path: Path) -> None:
        arrays = {name: getattr(self.network, name) for name in ("W1", "b1", "W2", "b2")}
        arrays["words"] = np.frombuffer("\n".join(self.vocabulary.words).encode(), np.uint8)
        arrays |= {"counts": self.vocabulary.counts, "ratios": self.vocabulary.ratios}
        save_model(path, "sentiment", arrays, self.settings)

    @classmethod
    def load(cls, path: Path) -> "SentimentModel":
        arrays, settings = load_model(path, "sentiment")
        W1, b1, W2, b2 = (arrays[name] for name in ("W1", "b1", "W2", "b2"))
        network = TwoLayerNetwork.from_arrays(W1, b1, W2, b2, output="sigmoid")
        words = arrays["words"].tobytes().decode().split("\n")
        return cls(network, Vocabulary(words, arrays["counts"], arrays["ratios"], settings["typical_length"]), settings)


def train(
    reviews: Reviews,
    seed: int = 0,
    on_epoch: Callable[[Any], None] | None = None,
    min_count: int = 3,
    polarity_cutoff: float = 0.05,
    **hyperparameters: Any,
) -> tuple[SentimentModel, Vocabulary]:
    """A model fitted to nine tenths of the reviews, the loss measured on the tenth that `seed` draws.

    Vocabulary and log-count ratios come from the nine tenths alone. Also returns the words before the polarity cutoff.
    """
    hyperparameters = DEFAULTS | hyperparameters
    order = np.random.default_rng(seed).permutation(len(reviews.texts))
    held_out = max(1, round(VALIDATION_SHARE * len(order)))
    validation, fitted_on = reviews.take(np.sort(order[:held_out])), reviews.take(np.sort(order[held_out:]))
    labels = np.array(fitted_on.labels)
    if len(np.unique(labels)) < 2:
        raise ProjectError(f"{len(order)} reviews are too few: those left to train on are all of one kind")
    vocabulary, X, frequent = build_vocabulary(fitted_on.texts, labels, min_count, polarity_cutoff)
    if not len(vocabulary):
        raise ProjectError(
            f"no word is in {min_count} reviews with a log-count ratio of {polarity_cutoff}: "
            "lower --min-count or --polarity-cutoff"
        )
    estimator = TwoLayerClassifier(random_state=seed, **hyperparameters)
    unseen = vocabulary.bag_of_words(validation.texts), np.array(validation.labels)
    estimator.fit(X, labels, validation=unseen, on_epoch=on_epoch)
    settings = hyperparameters | {
        "validation_accuracy": estimator.score(*unseen),
        "seed": seed,
        "min_count": min_count,
        "polarity_cutoff": polarity_cutoff,
        "train_reviews": len(labels),
        "validation_reviews": held_out,
        "typical_length": vocabulary.typical_length,
        "base_rate": float(labels.mean()),
        "simulated": reviews.simulated,
    }
    return SentimentModel(estimator.network_, vocabulary, settings), frequent


def evaluate(model: SentimentModel, reviews: Reviews) -> dict[str, Any]:
    """Scores of the model, and of always saying what was more frequent in training."""
    labels, count = np.array(reviews.labels), {"reviews": len(reviews.labels)}
    majority = model.settings["base_rate"]
    return {
        "simulated": model.settings["simulated"] or reviews.simulated,
        "test": count | metrics.classification_scores(labels, model.predict(reviews.texts)),
        "baselines": {"majority": count | metrics.classification_scores(labels, np.full(len(labels), majority))},
    }
