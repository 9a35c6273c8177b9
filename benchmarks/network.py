"""How fast the network trains, side by side with scikit-learn and PyTorch: python -m benchmarks.network

Every side runs in this one process, on the same arrays, from the same initial weights. The sides take turns within
each round, so that whatever else the machine does hits all of them; a round has its own seed, and the figures are
medians over the rounds. Besides them runs the limit: nothing but the matrix products, one gather of the rows and
(for sparse rows) one pass over parameters, velocity and gradient a step, into arrays that are there already.
"""

import statistics
import sys
import time
import zipfile
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.report import find_hours, machine, table, write_section
from benchmarks.reviews import some_reviews
from nn import TwoLayerClassifier, TwoLayerNetwork, TwoLayerRegressor
from projects.bikes.data import MEMBER, split
from projects.sentiment.counting import build_vocabulary
from projects.sentiment.data import Reviews
from projects.sentiment.ngrams import csr_matrix
from projects.sentiment.settings import Settings

ROUNDS = 5
OURS, LIMIT = "two-layer", "limit"
SIDES = [OURS, "scikit-learn", "PyTorch"]
BLOCK = 16_384  # numbers of a pass over the parameters that are in the processor's cache at once


@dataclass
class Case:
    """What is trained, and how; X [rows, features] and y [rows] are float32."""

    name: str
    X: np.ndarray | sp.csr_matrix
    y: np.ndarray
    hidden_units: int
    batch_size: int
    epochs: int
    learning_rate: float
    momentum: float
    simulated: bool
    seconds: dict = field(default_factory=dict)  # of an epoch, by side, a number a round
    losses: dict = field(default_factory=dict)  # over the training rows at the end, likewise

    @property
    def sparse(self):
        return sp.issparse(self.X)

    def initial(self, seed):
        """The network as our estimator will start it."""
        shape, output = (self.X.shape[1], self.hidden_units), "sigmoid" if self.sparse else "linear"
        return TwoLayerNetwork(*shape, output=output, dtype="float32", random_state=seed)

    def batches(self):
        return [slice(start, start + self.batch_size) for start in range(0, len(self.y), self.batch_size)]


def two_layer(case, seed, epochs):
    """Our estimator: seconds of `fit`, and the network's parameters."""
    estimator = (TwoLayerClassifier if case.sparse else TwoLayerRegressor)(
        hidden_units=case.hidden_units, batch_size=case.batch_size, epochs=epochs, learning_rate=case.learning_rate,
        momentum=case.momentum, schedule="constant", random_state=seed,
    )  # fmt: skip
    started = time.perf_counter()
    estimator.fit(case.X, case.y)
    seconds = time.perf_counter() - started
    network = estimator.network_
    return seconds, (network.W1, network.b1, network.W2, network.b2)


def scikit_learn(case, seed, epochs):
    """scikit-learn's: the first fit, of a few rows, only makes the arrays that `warm_start` then goes on from."""
    estimator = (MLPClassifier if case.sparse else MLPRegressor)(
        hidden_layer_sizes=(case.hidden_units,), activation="logistic", solver="sgd", momentum=case.momentum,
        nesterovs_momentum=False, learning_rate="constant", learning_rate_init=case.learning_rate, alpha=0, tol=0,
        n_iter_no_change=10**9, batch_size=case.batch_size, max_iter=epochs, random_state=seed, warm_start=True,
    )  # fmt: skip
    few = case.batch_size
    estimator.fit(case.X[:few], case.y[:few])
    network = case.initial(seed)
    estimator.coefs_ = [network.W1.copy(), network.W2.copy()]
    estimator.intercepts_ = [network.b1.copy(), network.b2.copy()]
    started = time.perf_counter()
    estimator.fit(case.X, case.y)
    seconds = time.perf_counter() - started
    (W1, W2), (b1, b2) = estimator.coefs_, estimator.intercepts_
    return seconds, (W1, b1, W2, b2)


def pytorch_dense(case, seed, epochs):
    """A plain PyTorch loop that keeps the epoch's training loss, as the other sides do.

    Rows are gathered once an epoch, which is faster than a gather a batch.
    """
    torch.manual_seed(seed)
    network = case.initial(seed)
    model = torch.nn.Sequential(
        torch.nn.Linear(*network.W1.shape), torch.nn.Sigmoid(), torch.nn.Linear(*network.W2.shape)
    )
    with torch.no_grad():
        arrays = network.W1.T, network.b1, network.W2.T, network.b2
        for parameter, array in zip(model.parameters(), arrays, strict=True):
            parameter.copy_(torch.from_numpy(array))
    X, y = torch.from_numpy(case.X), torch.from_numpy(case.y[:, np.newaxis])
    optimizer = torch.optim.SGD(model.parameters(), lr=case.learning_rate, momentum=case.momentum)
    started = time.perf_counter()
    for _ in range(epochs):
        order = torch.randperm(len(y))
        batches = X[order].split(case.batch_size), y[order].split(case.batch_size)
        total_loss = 0.0
        for X_batch, y_batch in zip(*batches, strict=True):
            optimizer.zero_grad()
            loss = 0.5 * torch.nn.functional.mse_loss(model(X_batch), y_batch)
            loss.backward()
            optimizer.step()
            total_loss += loss.item() * len(y_batch)
    seconds = time.perf_counter() - started
    W1, b1, W2, b2 = (parameter.detach().numpy() for parameter in model.parameters())
    return seconds, (W1.T, b1, W2.T, b2)


def pytorch_sparse(case, seed, epochs):
    """PyTorch's bag of words with sparse gradients, which allow no momentum.

    Rows are put in order once an epoch, so that a batch is a slice of the indices and of the offsets.
    """
    torch.manual_seed(seed)
    network = case.initial(seed)
    bag = torch.nn.EmbeddingBag(*network.W1.shape, mode="sum", sparse=True, include_last_offset=True)
    b1, output = torch.nn.Parameter(torch.from_numpy(network.b1.copy())), torch.nn.Linear(*network.W2.shape)
    with torch.no_grad():
        bag.weight.copy_(torch.from_numpy(network.W1))
        output.weight.copy_(torch.from_numpy(network.W2.T))
        output.bias.zero_()
    optimizer = torch.optim.SGD([bag.weight, b1, *output.parameters()], lr=case.learning_rate)
    present = sp.csr_matrix((np.ones(case.X.nnz, np.int8), case.X.indices, case.X.indptr), case.X.shape)
    y = torch.from_numpy(case.y[:, np.newaxis])
    started = time.perf_counter()
    for _ in range(epochs):
        order = torch.randperm(len(y))
        shuffled = present[order.numpy()]
        indices, ends = (torch.from_numpy(array.astype(np.int64)) for array in (shuffled.indices, shuffled.indptr))
        y_shuffled = y[order]
        total_loss = 0.0
        for batch in case.batches():
            y_batch, offsets = y_shuffled[batch], ends[batch.start : batch.stop + 1]
            optimizer.zero_grad()
            hidden = torch.sigmoid(bag(indices[offsets[0] : offsets[-1]], offsets - offsets[0]) + b1)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(output(hidden), y_batch)
            loss.backward()
            optimizer.step()
            total_loss += loss.item() * len(y_batch)
    seconds = time.perf_counter() - started
    W2, b2 = (parameter.detach().numpy() for parameter in output.parameters())
    return seconds, (bag.weight.detach().numpy(), b1.detach().numpy(), W2.T, b2)


def limit_dense(case, seed, epochs):
    """Only the gather of the rows and the five matrix products."""
    network, rows = case.initial(seed), case.batch_size
    X, gathered = case.X, np.empty_like(case.X)
    hidden, delta2 = np.ones((rows, case.hidden_units), np.float32), np.ones((rows, 1), np.float32)
    dW1, dW2 = np.empty_like(network.W1), np.empty_like(network.W2)
    order = np.random.default_rng(seed).permutation(len(X))
    started = time.perf_counter()
    for _ in range(epochs):
        np.take(X, order, axis=0, out=gathered, mode="clip")
        for batch in case.batches():
            X_batch = gathered[batch]
            h, d = hidden[: len(X_batch)], delta2[: len(X_batch)]
            np.matmul(X_batch, network.W1, out=h)
            np.matmul(h, network.W2, out=d)
            np.matmul(h.T, d, out=dW2)
            np.matmul(d, network.W2.T, out=h)
            np.matmul(X_batch.T, h, out=dW1)
    return time.perf_counter() - started, None


def limit_sparse(case, seed, epochs):
    """Only the gather of the rows, the two sparse products, and a pass over the parameters a step."""
    network, X, delta1 = case.initial(seed), case.X, np.ones((case.batch_size, case.hidden_units), np.float32)
    parameters, gradient = network.parameters, np.zeros_like(network.parameters)
    velocity = np.zeros_like(gradient)
    order = np.random.default_rng(seed).permutation(X.shape[0])
    started = time.perf_counter()
    for _ in range(epochs):
        for batch in case.batches():
            X_batch = X[order[batch]]
            X_batch @ network.W1
            X_batch.T @ delta1[: X_batch.shape[0]]
            for start in range(0, len(parameters), BLOCK):
                block = slice(start, start + BLOCK)
                if case.momentum:
                    np.subtract(velocity[block], gradient[block], out=velocity[block])
                np.add(parameters[block], velocity[block], out=parameters[block])
    return time.perf_counter() - started, None


def final_loss(case, W1, b1, W2, b2):
    """Half the mean squared error, or the mean log loss, over the training rows, in float64 for every side."""
    W1, b1, W2, b2 = (np.asarray(array, np.float64) for array in (W1, b1, W2, b2))
    z = (1 / (1 + np.exp(-(case.X @ W1 + b1))) @ W2 + b2)[:, 0]
    if case.sparse:
        return float(np.mean(np.logaddexp(0, z) - case.y * z))
    return float(np.mean((z - case.y) ** 2) / 2)


def run(case):
    """Fill in `seconds` and `losses` of the case."""
    sides = {
        OURS: two_layer,
        "scikit-learn": scikit_learn,
        "PyTorch": pytorch_sparse if case.sparse else pytorch_dense,
        LIMIT: limit_sparse if case.sparse else limit_dense,
    }
    if case.sparse and case.momentum:
        del sides["PyTorch"]
    for side in sides.values():  # not measured: what a library loads when it is first used
        side(case, 0, 1)
    for seed in range(ROUNDS):
        for name, side in sides.items():
            seconds, parameters = side(case, seed, case.epochs)
            case.seconds.setdefault(name, []).append(seconds / case.epochs)
            if parameters:
                case.losses.setdefault(name, []).append(final_loss(case, *parameters))
        print(f"{case.name}, round {seed + 1} of {ROUNDS}", file=sys.stderr)


def bike_arrays():
    """An introductory course's 56 features of the training hours, and their counts, standardised; else simulated."""
    path = find_hours()
    if path is None:
        rng = np.random.default_rng(0)
        X = np.hstack([rng.random((15_435, 53)) < 0.1, rng.normal(size=(15_435, 3))]).astype(np.float32)
        y = np.sin(X @ rng.normal(size=56)) + rng.normal(0, 0.3, len(X))
        return X, y.astype(np.float32), True
    with zipfile.ZipFile(path) as archive, archive.open(MEMBER) as file:
        hours = split(pd.read_csv(file)).train
    one_hot = pd.get_dummies(hours[["season", "weathersit", "mnth", "hr", "weekday"]].astype("category"))
    scaled = hours[["temp", "hum", "windspeed", "cnt"]]
    scaled = (scaled - scaled.mean()) / scaled.std()
    X = np.hstack([one_hot, hours[["yr", "holiday"]], scaled[["temp", "hum", "windspeed"]]])
    return np.ascontiguousarray(X, np.float32), scaled.cnt.to_numpy(np.float32), False


def presence_of_words(reviews: Reviews) -> sp.csr_matrix:
    """1 for each word that a review has, of those in at least three, float32 [reviews, words]."""
    vocabulary = build_vocabulary(reviews, Settings(ngrams=1, min_count=3, polarity_cutoff=0))
    indices, indptr = vocabulary.columns_of(reviews.texts)
    return csr_matrix(np.ones(len(indices), np.float32), indices, indptr, len(vocabulary))


def cases():
    """The cases one by one, so that no more than one matrix of words is in memory."""
    X, y, simulated = bike_arrays()
    yield Case("a. bikes, 20 hidden units, batches of 128", X, y, 20, 128, 100, 0.01, 0.9, simulated)
    yield Case("b. bikes, 200 hidden units, batches of 1,024", X, y, 200, 1024, 100, 0.005, 0.9, simulated)
    reviews = some_reviews("train")
    y = np.array(reviews.labels, np.float32)
    yield from review_cases("c", "words", presence_of_words(reviews), y, 5, reviews.simulated)
    vectorizer = CountVectorizer(binary=True, ngram_range=(1, 2), min_df=3, dtype=np.float32)
    yield from review_cases("d", "1-2-grams", vectorizer.fit_transform(reviews.texts), y, 2, reviews.simulated)


def review_cases(letter, features, X, y, epochs, simulated):
    """Without momentum, which PyTorch's sparse gradients do not allow; and with it, at the same length of steps."""
    name = f"{letter}. {features} of reviews, 10 hidden units, batches of 250"
    yield Case(name, X, y, 10, 250, epochs, 0.2, 0.0, simulated)
    yield Case(f"{letter}2. the same with momentum 0.9", X, y, 10, 250, epochs, 0.02, 0.9, simulated)


def rows(case):
    """The case's row in each of the three tables: times, distances from the limit, losses."""
    name = case.name + (" (SIMULATED)" if case.simulated else "")

    def cells(value, sides=SIDES):
        return [value(side) if side in case.seconds else "–" for side in sides]

    def milliseconds(side):
        return f"{1000 * statistics.median(case.seconds[side]):.1f}"

    def ratio(side, to):
        """Median of the rounds' ratios: what slows one round slows all of its sides."""
        return f"{statistics.median(np.divide(case.seconds[side], case.seconds[to])):.2f}"

    def loss(side):
        return statistics.fmean(case.losses[side])

    size = f"{case.X.shape[0]:,} x {case.X.shape[1]:,}"
    times = cells(milliseconds) + cells(lambda side: ratio(side, OURS), SIDES[1:])
    limits = [milliseconds(LIMIT), *cells(lambda side: ratio(side, LIMIT))]
    losses = cells(lambda side: f"{loss(side):.4f}")
    losses += cells(lambda side: f"{loss(side) / loss(OURS) - 1:+.1%}", SIDES[1:])
    return [name, size, *times], [name, *limits], [name, str(case.epochs), *losses]


def report(done):
    """The Markdown section."""
    times, limits, losses = zip(*map(rows, done), strict=True)
    return f"""\
{machine("numpy", "scipy", "scikit-learn", "torch")}

Training time of an epoch in milliseconds, median of {ROUNDS} rounds in which the sides take turns, and how many times
as long as ours the others take (median of the rounds' ratios). All float32, from the same initial weights, with the
same constant learning rate for all sides; a and b with momentum 0.9, c and d without, as PyTorch's sparse gradients
allow none, c2 and d2 with it. PyTorch's rows are gathered once an epoch, the others' once a batch.

{table(["case", "size", *(f"{side}, ms" for side in SIDES), *(f"{side} / ours" for side in SIDES[1:])], times)}
How many times as long as the limit each side takes. The limit is measured in the same rounds: the matrix products and
one gather of the rows, for reviews also one pass over parameters, gradient and (c2, d2) velocity a step, into arrays
that are there already, and nothing else.

{table(["case", "limit, ms", *(f"{side} / limit" for side in SIDES)], limits)}
Loss over the training rows after the last epoch, mean over the rounds: half the mean squared error of the bikes,
log loss of the reviews.

{table(["case", "epochs", *SIDES, *(f"{side} to ours" for side in SIDES[1:])], losses)}"""


def main():
    """Run every case and write the section."""
    done = []
    for case in cases():
        run(case)
        done.append(case)
    write_section("Training speed", "python -m benchmarks.network", report(done))


if __name__ == "__main__":
    main()
