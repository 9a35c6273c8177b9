"""The main claims in two minutes, beside scikit-learn alone: python -m benchmarks.quick

Real data where they are (REAL_DATA_DIR), else simulated ones, whose figures say little. The other benchmarks take
more care: more peers, tuned ones, several rounds.
"""

import statistics
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from benchmarks import bikes_peers as peers
from benchmarks.report import find_hours, machine, table
from benchmarks.reviews import ARCHIVE, some_reviews
from nn import TwoLayerRegressor, metrics
from projects.bikes.data import read_hours
from projects.bikes.features import AROUND
from projects.bikes.last_four_weeks import last_four_weeks
from projects.bikes.sample import simulate_hours
from projects.sentiment.training import train

ROUNDS = 5
ROWS, FEATURES, HIDDEN_UNITS, EPOCHS = 15_000, 56, 20, 20
ORIGINS = [pd.Timestamp(2012, month, 1) for month in (5, 10)]
DAYS = 21


def network_speed() -> str:
    """Training of the network beside scikit-learn's MLP, on the same simulated rows with the same settings."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, FEATURES)).astype("float32")
    y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
    ours = TwoLayerRegressor(
        hidden_units=HIDDEN_UNITS,
        epochs=EPOCHS,
        batch_size=128,
        learning_rate=0.1,
        schedule="constant",
    )
    theirs = MLPRegressor(
        hidden_layer_sizes=(HIDDEN_UNITS,),
        max_iter=EPOCHS,
        batch_size=128,
        learning_rate_init=0.1,
        activation="logistic",
        solver="sgd",
        nesterovs_momentum=False,
        alpha=0,
        tol=0,
        n_iter_no_change=EPOCHS,
    )
    warnings.simplefilter("ignore", ConvergenceWarning)  # both sides stop after so many epochs
    seconds: dict[str, list[float]] = {"two-layer": [], "scikit-learn": []}
    for _ in range(ROUNDS):
        for name, estimator in (("two-layer", ours), ("scikit-learn", theirs)):
            started = time.perf_counter()
            estimator.fit(X, y)
            seconds[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    rows = [
        [name, f"{median:.2f}", f"{median / medians['two-layer']:.1f}", f"{estimator.score(X, y):.3f}"]
        for (name, median), estimator in zip(medians.items(), (ours, theirs), strict=True)
    ]
    title = f"Training of a network, {ROWS:,} x {FEATURES} rows, {HIDDEN_UNITS} hidden units, {EPOCHS} epochs"
    return f"{title}; medians of {ROUNDS}\n\n" + table(["side", "s", "to ours", "R² on them"], rows)


def reviews() -> str:
    """`sentiment train` beside tf-idf of 1-2-grams and logistic regression, both from texts in memory."""
    training, test = some_reviews("train"), some_reviews("test")
    answers = np.array(test.labels)
    started = time.perf_counter()
    model = train([training])
    ours = time.perf_counter() - started
    predicted = model.probabilities(test.texts).argmax(axis=1)
    started = time.perf_counter()
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    pipeline = make_pipeline(vectorizer, LogisticRegression(C=10, max_iter=1000)).fit(training.texts, training.labels)
    theirs = time.perf_counter() - started
    rows = [
        ["two-layer", f"{ours:.1f}", f"{100 * np.mean(predicted == answers):.1f}"],
        ["scikit-learn", f"{theirs:.1f}", f"{100 * pipeline.score(test.texts, answers):.1f}"],
    ]
    kind = "Published" if ARCHIVE.exists() else "SIMULATED"
    title = f"{kind} reviews, {len(training.texts):,} to train on, {len(answers):,} to test on"
    return f"{title}\n\n" + table(["side", "s of training", "right, %"], rows)


def bikes() -> str:
    """Forecasts of three weeks from each origin, beside scikit-learn's trees on our features and the baseline."""
    path = find_hours()
    hours = read_hours(simulate_hours() if path is None else path)
    sides = {
        "two-layer": peers.network,
        "HistGradientBoosting, our features": peers.PEERS["HistGradientBoosting"],
        "last four weeks": lambda past, now, before: last_four_weeks(past, now),
    }
    errors: dict[str, list[float]] = {name: [] for name in sides}
    for origin in ORIGINS:
        past = hours[hours.time < origin]
        now = hours[(hours.time >= origin) & (hours.time < origin + pd.Timedelta(days=DAYS))]
        for name, forecast in sides.items():
            with threadpool_limits(1):  # several threads of both libraries wait for each other
                predicted = forecast(past, now, past.tail(AROUND))
            errors[name].append(metrics.regression_scores(now.cnt.to_numpy(float), predicted)["rmse"])
    rows = [[name, *(f"{error:.1f}" for error in [*found, np.mean(found)])] for name, found in errors.items()]
    kind = "Published" if path.exists() else "SIMULATED"
    title = f"{kind} hours, RMSE in bikes an hour over {DAYS} days from each origin"
    return f"{title}\n\n" + table(["side", *(f"{origin:%Y-%m-%d}" for origin in ORIGINS), "mean"], rows)


def main() -> None:
    """Print what was measured, as it comes."""
    print(machine("numpy", "scipy", "pandas", "scikit-learn"), flush=True)
    for measure in (network_speed, reviews, bikes):
        print(f"\n{measure()}", flush=True)


if __name__ == "__main__":
    main()
