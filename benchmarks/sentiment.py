"""`sentiment` beside what people would use instead: python -m benchmarks.sentiment

Training: ours from the published archive to the saved model, both fits included; scikit-learn's CountVectorizer and
LogisticRegression from texts that are in memory; fastText from files that are tokenised already. Then batches of
predictions, and one prediction from a cold start. The sides take turns in each round; the figures are medians.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fasttext
import joblib
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from benchmarks.report import machine, table, write_section
from benchmarks.reviews import ARCHIVE
from projects.sentiment.counting import build_vocabulary
from projects.sentiment.data import File, Reviews, read_reviews
from projects.sentiment.model import SentimentModel
from projects.sentiment.sample import simulate_reviews
from projects.sentiment.settings import Settings
from projects.sentiment.tokens import tokens
from projects.sentiment.training import train

ROUNDS = 3
SEEDS = 5  # for our accuracy
STARTS = 5  # cold ones
TEXT = "a dull, lifeless film"
OURS, SCIKIT_LEARN, FASTTEXT = "two-layer", "scikit-learn", "fastText"


def vectorizer():
    return CountVectorizer(ngram_range=(1, 3), binary=True, min_df=3)


def seconds(function, *arguments, **settings):
    """How long it takes, and what it gives."""
    started = time.perf_counter()
    result = function(*arguments, **settings)
    return time.perf_counter() - started, result


def data(folder):
    """The training data as a path, training and test reviews, and whether they are simulated."""
    path = ARCHIVE
    if not path.exists():
        from projects.common.cli import to_csv

        path = folder / "reviews-SIMULATED.csv"
        path.write_text(to_csv(simulate_reviews()))
    training = read_reviews(path, "train")
    return path, training, read_reviews(path, "test"), training.simulated


def train_ours(path, model_path):
    model = train([File(path)])
    model.save(model_path)
    return model


def build_features(reviews):
    """The vocabulary of these reviews and their rows, as `vectorizer().fit_transform` has them."""
    vocabulary = build_vocabulary(reviews)
    return vocabulary.bag(*vocabulary.columns_of(reviews.texts))


def train_scikit_learn(training: Reviews):
    return make_pipeline(vectorizer(), LogisticRegression(solver="liblinear")).fit(training.texts, training.labels)


def write_fasttext(path, reviews):
    pairs = zip(reviews.texts, reviews.labels, strict=True)
    lines = (f"__label__{label} {' '.join(tokens(text))}\n" for text, label in pairs)
    path.write_text("".join(lines), encoding="utf-8")
    return path


def train_fasttext(path):
    return fasttext.train_supervised(
        str(path), wordNgrams=3, epoch=10, lr=0.5, dim=10, thread=os.cpu_count(), verbose=0
    )


def accuracy(probability, reviews):
    return float(np.mean((np.asarray(probability) > 0.5) == np.array(reviews.labels)))


def our_accuracy(settings, training, test):
    """The test accuracy of a training with these settings."""
    model = train([training], settings)
    return accuracy(model.probabilities(test.texts)[:, 1], test)


def fasttext_accuracy(model, path):
    return model.test(str(path))[1]


def cold_start(command):
    """Seconds of a whole process."""
    spent, done = seconds(subprocess.run, command, capture_output=True, text=True, check=True)
    assert done.stdout.strip(), done.stderr
    return spent


def peak_memory(path, run):
    """Megabytes of a process that trains the default model."""
    script = Path(sys.executable).parent / "sentiment"
    command = [script, "train", "--data", path, "--run", run]
    subprocess.run([str(word) for word in command], capture_output=True, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000


def measure(folder):
    """Every figure of the report by name, medians where there are several."""
    path, training, test, simulated = data(folder)
    files = [write_fasttext(folder / f"{name}.txt", part) for name, part in (("train", training), ("test", test))]
    found = {"simulated": simulated, "reviews": len(training.texts), "test": len(test.texts)}
    memory = peak_memory(path, folder / "run")  # before anything else is a child of this process
    times = {name: [] for name in ("train ours", "train sklearn", "train fasttext", "features ours", "features sklearn",
                                   "predict ours", "predict sklearn", "start ours", "start sklearn")}  # fmt: skip

    def timed(name, function, *arguments, **settings):
        spent, result = seconds(function, *arguments, **settings)
        times[name].append(spent)
        print(f"{name}: {spent:.2f} s", file=sys.stderr)
        return result

    for _ in range(ROUNDS):
        model = timed("train ours", train_ours, path, folder / "model.safetensors")
        pipeline = timed("train sklearn", train_scikit_learn, training)
        other = timed("train fasttext", train_fasttext, files[0])
        timed("features ours", build_features, training)
        timed("features sklearn", vectorizer().fit_transform, training.texts)
        timed("predict ours", model.predict, test.texts)
        probability = timed("predict sklearn", pipeline.predict_proba, test.texts)[:, 1]
    joblib.dump(pipeline, folder / "pipeline.joblib")
    scripts = Path(sys.executable).parent
    load = f"import joblib; print(joblib.load({str(folder / 'pipeline.joblib')!r}).predict_proba([{TEXT!r}]))"
    for _ in range(STARTS):
        times["start ours"].append(cold_start([scripts / "sentiment", "predict", TEXT, "--run", folder / "run"]))
        times["start sklearn"].append(cold_start([sys.executable, "-c", load]))
    seeds = [our_accuracy(Settings(seed=seed), training, test) for seed in range(SEEDS)]
    single = [our_accuracy(Settings(seed=seed, ngrams=1), training, test) for seed in range(SEEDS)]
    return found | {
        "times": {name: statistics.median(values) for name, values in times.items()},
        "accuracy": {OURS: seeds, "single words": single, SCIKIT_LEARN: [accuracy(probability, test)],
                     FASTTEXT: [fasttext_accuracy(other, files[1])]},
        "memory": memory,
        "size": (folder / "model.safetensors").stat().st_size / 1e6,
        "size sklearn": (folder / "pipeline.joblib").stat().st_size / 1e6,
        "ngrams": len(SentimentModel.load(folder / "model.safetensors").vocabulary),
    }  # fmt: skip


def report(found):
    """The Markdown section."""
    times, test = found["times"], found["test"]
    shown = {
        name: f"{100 * statistics.fmean(values):.2f}" + (f" ± {100 * np.std(values):.2f}" if len(values) > 1 else "")
        for name, values in found["accuracy"].items()
    }
    training = [
        [side, f"{times[f'train {short}']:.1f}", f"{times[f'train {short}'] / times['train ours']:.2f}", shown[side]]
        for side, short in ((OURS, "ours"), (SCIKIT_LEARN, "sklearn"), (FASTTEXT, "fasttext"))
    ]
    besides = [
        ["building the features, s", times["features ours"], times["features sklearn"]],
        [f"predicting {test:,} reviews, s", times["predict ours"], times["predict sklearn"]],
        ["one prediction from a cold start, s", times["start ours"], times["start sklearn"]],
        ["model file, MB", found["size"], found["size sklearn"]],
    ]
    besides = [[name, f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.1f}"] for name, ours, theirs in besides]
    speeds = (test / times[f"predict {short}"] for short in ("ours", "sklearn"))
    kind = "SIMULATED reviews" if found["simulated"] else "Published reviews"
    return f"""\
{machine("numpy", "scipy", "pandas", "scikit-learn", "fasttext")}

{kind}: {found["reviews"]:,} to train on, {test:,} to test on. Medians of {ROUNDS} rounds ({STARTS} cold starts).
Ours: the default model, {found["ngrams"]:,} n-grams, from the archive to the saved file; its accuracy is the mean and
the standard deviation of seeds 0 to {SEEDS - 1}. scikit-learn: `CountVectorizer(ngram_range=(1, 3), binary=True,
min_df=3)` and `LogisticRegression(solver="liblinear")` from texts in memory. fastText: `wordNgrams=3, epoch=10, lr=0.5,
dim=10` on all cores, from tokenised files.

{table(["training", "s", "to ours", "test accuracy, %"], training)}
Single words alone (`--ngrams 1`): {shown["single words"]} %. Peak memory of training: {found["memory"]:,.0f} MB.

{table(["besides", OURS, SCIKIT_LEARN, "factor"], besides)}
That is {" and ".join(f"{speed:,.0f}" for speed in speeds)} predictions a second."""


def main():
    """Measure in a folder that is gone afterwards, and write the section."""
    with tempfile.TemporaryDirectory() as folder:
        write_section("Film reviews", "python -m benchmarks.sentiment", report(measure(Path(folder))))


if __name__ == "__main__":
    main()
