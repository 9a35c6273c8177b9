"""Our sentiment network beside an introductory course's, one review at a time: python -m benchmarks.one_by_one

The course's method, written afresh: a hidden layer without bias or sigmoid, whose values are sums of the W1 rows of the
words in the review; a sigmoid output; squared error; an update after each review that touches only those rows. Ours has
a vocabulary as small as the course's and mini-batches without dropout, or `sentiment train`'s own n-grams and settings.
Course split: of the published training reviews, numbers 0 to 11,999 of each class train and 12,000 to 12,499 test,
alternately positive and negative.
"""

import math
import statistics
import sys
import time
from collections import Counter

import numpy as np

from benchmarks.report import machine, table, write_section
from benchmarks.reviews import ARCHIVE, estimator_settings, simulated_reviews
from nn import TwoLayerClassifier
from projects.sentiment.counting import build_vocabulary
from projects.sentiment.data import read_reviews
from projects.sentiment.settings import Settings
from projects.sentiment.tokens import tokens

ROUNDS = 5
TRAIN = 24_000
MIN_COUNT, POLARITY_CUTOFF = 20, 0.05
RATIO_COUNT = 50  # rarer words get no ratio and are kept, if there are more than MIN_COUNT of them
HIDDEN_UNITS, LEARNING_RATE = 10, 0.01
PLAIN = Settings(  # chosen on a tenth of the reviews to train on
    ngrams=1,
    min_count=MIN_COUNT,
    polarity_cutoff=POLARITY_CUTOFF,
    hidden_units=HIDDEN_UNITS,
    epochs=8,
    learning_rate=0.4,
    batch_size=1000,
    momentum=0.9,
    dropout=0,
)


def course_split():
    """The reviews to train on, those to test on, and whether they are simulated."""
    if ARCHIVE.exists():
        reviews = read_reviews(ARCHIVE, "train")  # in the order of numbers, within a number the negative first
        order = np.arange(len(reviews.texts)).reshape(-1, 2)[:, ::-1].ravel()
        return reviews.take(order[:TRAIN]), reviews.take(order[TRAIN:]), False
    return simulated_reviews("train"), simulated_reviews("test"), True


def course_vocabulary(texts, labels):
    """Word -> number, for the words [a list a text] that are frequent and polar enough."""
    counts = Counter(), Counter()  # in negative and in positive reviews
    for words, label in zip(texts, labels, strict=True):
        counts[label].update(words)
    vocabulary = {}
    for word, count in (counts[0] + counts[1]).items():
        negative, positive = (label[word] for label in counts)
        ratio = math.log(positive / (negative + 1)) if positive else -math.inf
        if count > MIN_COUNT and (count < RATIO_COUNT or abs(ratio) >= POLARITY_CUTOFF):
            vocabulary[word] = len(vocabulary)
    return vocabulary


def known_words(texts, vocabulary):
    """The numbers of the distinct known words of each text [a list of words a text]."""
    return [list({vocabulary[word] for word in words if word in vocabulary}) for words in texts]


def train_word_by_word(rows, labels, n_words, seed):
    """One pass in the course's manner, with a loop over the words of a review; returns W1 and W2."""
    W1, W2 = np.zeros((n_words, HIDDEN_UNITS)), np.random.default_rng(seed).normal(size=(HIDDEN_UNITS, 1))
    hidden = np.empty((1, HIDDEN_UNITS))
    for words, label in zip(rows, labels, strict=True):
        hidden[...] = 0
        for word in words:
            hidden += W1[word]
        output = 1 / (1 + np.exp(-(hidden @ W2)))
        delta2 = (output - label) * output * (1 - output)
        delta1 = delta2 @ W2.T
        W2 -= LEARNING_RATE * (hidden.T @ delta2)
        step = LEARNING_RATE * delta1[0]
        for word in words:
            W1[word] -= step
    return W1, W2


def train_review_by_review(rows, labels, n_words, seed):
    """The same pass with all words of a review at once, which is as fast as one by one gets in NumPy."""
    W1, W2 = np.zeros((n_words, HIDDEN_UNITS)), np.random.default_rng(seed).normal(size=HIDDEN_UNITS)
    for words, label in zip(rows, labels, strict=True):
        hidden = W1[words].sum(axis=0)
        output = 1 / (1 + math.exp(-(hidden @ W2)))
        delta2 = (output - label) * output * (1 - output)
        delta1 = delta2 * W2
        W2 -= LEARNING_RATE * delta2 * hidden
        W1[words] -= LEARNING_RATE * delta1
    return W1, W2[:, np.newaxis]


def course_side(train_pass, split_words, training, test):
    """A function of the seed: reviews a second and test accuracy of one training."""
    texts, test_texts = ([split_words(text) for text in reviews.texts] for reviews in (training, test))
    vocabulary = course_vocabulary(texts, training.labels)
    rows = known_words(texts, vocabulary)
    test_rows = [np.array(row, int) for row in known_words(test_texts, vocabulary)]
    if train_pass is train_review_by_review:
        rows = [np.array(row, int) for row in rows]

    def side(seed):
        started = time.perf_counter()
        W1, W2 = train_pass(rows, training.labels, len(vocabulary), seed)
        seconds = time.perf_counter() - started
        positive = np.array([(W1[row].sum(axis=0) @ W2)[0] >= 0 for row in test_rows])
        return len(rows) / seconds, float(np.mean(positive == np.array(test.labels)))

    return side, f"{len(vocabulary):,}", 1


def our_side(settings, training, test):
    """The same for our network: a review counts once an epoch."""
    labels = np.array(training.labels)
    vocabulary = build_vocabulary(training, settings)
    arguments = estimator_settings(settings, len(labels))
    X = vocabulary.bag(*vocabulary.columns_of(training.texts))
    X_test = vocabulary.bag(*vocabulary.columns_of(test.texts))

    def side(seed):
        classifier = TwoLayerClassifier(random_state=seed, **arguments)
        started = time.perf_counter()
        classifier.fit(X, labels)
        seconds = time.perf_counter() - started
        return len(labels) * classifier.epochs / seconds, classifier.score(X_test, np.array(test.labels))

    return side, f"{len(vocabulary):,}", arguments["epochs"]


def words_between_spaces(text):
    """The course's words."""
    return text.lower().split()


def main():
    """Run all sides in turn and write the section."""
    training, test, simulated = course_split()
    sides = {
        "course, word by word": course_side(train_word_by_word, words_between_spaces, training, test),
        "the same, our tokens": course_side(train_word_by_word, tokens, training, test),
        "the same, a review's words at once": course_side(train_review_by_review, tokens, training, test),
        "ours, words in at least 20 reviews": our_side(PLAIN, training, test),
        "ours, 1-3-grams, as `sentiment train` has them": our_side(Settings(), training, test),
    }
    speeds, accuracies = {name: [] for name in sides}, {name: [] for name in sides}
    for seed in range(ROUNDS):
        for name, (side, _, _) in sides.items():
            speed, accuracy = side(seed)
            speeds[name].append(speed)
            accuracies[name].append(accuracy)
        print(f"round {seed + 1} of {ROUNDS}", file=sys.stderr)
    speed = {name: statistics.median(values) for name, values in speeds.items()}
    course = speeds["course, word by word"]
    rows = [
        [name, words, str(passes), f"{speed[name]:,.0f}", f"{statistics.median(np.divide(speeds[name], course)):.1f}",
         f"{passes * len(training.labels) / speed[name]:.2f}", f"{statistics.fmean(accuracies[name]):.1%}",
         f"{min(accuracies[name]):.1%} to {max(accuracies[name]):.1%}"]
        for name, (_, words, passes) in sides.items()
    ]  # fmt: skip
    header = ["method", "features", "passes", "reviews/s", "to the first", "training, s", "test accuracy", "seeds"]
    source = "SIMULATED reviews" if simulated else "The course split"
    text = f"""\
{machine("numpy", "scipy")}

{source}: {len(training.labels):,} reviews to train on, {len(test.labels):,} to test on. Speeds and
their ratios are medians, accuracy is the mean, of {ROUNDS} rounds with a seed each, in which the methods take turns.
Only training is timed: the reviews are numbers of words already for all of them. A review counts as often as training
passes over it.

{table(header, rows)}"""
    write_section("One review at a time", "python -m benchmarks.one_by_one", text)


if __name__ == "__main__":
    main()
