"""Accuracy on more than two classes beside scikit-learn's MLPClassifier: python -m benchmarks.classes

Both sides get the same rows, standardised within each fold, and the same five shuffled folds. scikit-learn
has its default network (100 ReLU units, Adam) with epochs enough to converge, and, as a second row, ours:
as many sigmoid units, trained by gradient descent with momentum.
"""

import statistics
import time
import warnings

from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.report import machine, table, write_section
from nn import TwoLayerClassifier

SEEDS = range(5)


def sides(seed):
    """The classifiers by name."""
    ours = TwoLayerClassifier(random_state=seed)
    like_ours = MLPClassifier(
        hidden_layer_sizes=(ours.hidden_units,), activation="logistic", solver="sgd", momentum=ours.momentum,
        nesterovs_momentum=False, learning_rate_init=ours.learning_rate, alpha=0, batch_size=ours.batch_size,
        max_iter=ours.epochs, random_state=seed,
    )  # fmt: skip
    return {
        "two-layer, as it comes": ours,
        "two-layer, 32 ReLU units": TwoLayerClassifier(hidden="relu", random_state=seed),
        "scikit-learn, as it comes": MLPClassifier(max_iter=500, random_state=seed),
        "scikit-learn, set as ours": like_ours,
    }


def measure(X, y):
    """Accuracies and seconds of a fit by side, a number for each seed."""
    found = {}
    for seed in SEEDS:
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        for name, classifier in sides(seed).items():
            scores = cross_validate(make_pipeline(StandardScaler(), classifier), X, y, cv=folds)
            accuracies, seconds = found.setdefault(name, ([], []))
            accuracies.append(scores["test_score"].mean())
            seconds.append(statistics.median(scores["fit_time"]))
    return found


def report():
    """The Markdown section."""
    rows = []
    for name, load in (("iris, 150 rows, 3 classes", load_iris), ("digits, 1,797 rows, 10 classes", load_digits)):
        X, y = load(return_X_y=True)
        for side, (accuracies, seconds) in measure(X, y).items():
            mean, spread = statistics.fmean(accuracies), statistics.stdev(accuracies)
            rows.append([f"{name}: {side}", f"{mean:.1%} ± {spread:.1%}", f"{statistics.median(seconds):.2f}"])
    return f"""\
{machine("numpy", "scikit-learn")}

Accuracy in five-fold cross-validation behind a StandardScaler, mean and spread of five seeds (which also shuffle the
folds), and the median seconds of a fit.

{table(["data and classifier", "accuracy", "seconds"], rows)}"""


if __name__ == "__main__":
    started = time.perf_counter()
    warnings.simplefilter("ignore", ConvergenceWarning)  # "set as ours" has our epochs, converged or not
    write_section("More than two classes", "python -m benchmarks.classes", report())
    print(f"{time.perf_counter() - started:.0f} s")
