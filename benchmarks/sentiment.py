"""`sentiment` beside what people would use instead: python -m benchmarks.sentiment

Training: ours and fastText from the published archive to a model, fastText with the settings of three that are best on
a tenth of the training texts; scikit-learn's counts and tf-idf with LogisticRegression from texts that are in memory.
Then batches of predictions, and one prediction from a cold start. The sides take turns in each round; the figures are
medians.
"""

import os
import re
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
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from benchmarks.report import machine, table, write_section
from benchmarks.reviews import ARCHIVE
from projects.common.run_folder import working_folder
from projects.sentiment.bags import Bags
from projects.sentiment.characters import MARKS, clean
from projects.sentiment.corpus import read_corpus
from projects.sentiment.counting import choose_vocabulary, count_candidates
from projects.sentiment.data import File, read_reviews
from projects.sentiment.engine import Engine
from projects.sentiment.fits import save_bags
from projects.sentiment.model import SentimentModel
from projects.sentiment.sample import simulate_reviews
from projects.sentiment.settings import Settings
from projects.sentiment.store import Store
from projects.sentiment.training import train

ROUNDS = 5
SEEDS = 5  # for our accuracy
STARTS = 5  # cold ones
TEXT = "a dull, lifeless film"
OURS, COUNTS, TF_IDF, FASTTEXT = "two-layer", "scikit-learn, counts", "scikit-learn, tf-idf", "fastText"
CHOICES = (  # of fastText, which is told nothing of how many n-grams and epochs a text needs
    {"wordNgrams": 3, "epoch": 10, "lr": 0.5},
    {"wordNgrams": 2, "epoch": 10, "lr": 0.5},
    {"wordNgrams": 2, "epoch": 25, "lr": 0.2},
)
MARK = re.compile(b"([%s])" % MARKS.encode())
HELD_OUT = 10  # every tenth text, to choose by


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
        from projects.common.cli_output import to_csv

        path = folder / "reviews-SIMULATED.csv"
        path.write_text(to_csv(simulate_reviews()))
    training = read_reviews(path, "train")
    return path, training, read_reviews(path, "test"), training.simulated


def train_ours(path, model_path):
    model = train([File(path)])
    model.save(model_path)
    return model


def train_on_texts(reviews, model_path):
    model = train([reviews])
    model.save(model_path)
    return model


def build_features(reviews):
    """The vocabulary of these reviews and their rows, as `train` makes them before its first step; no excerpts."""
    settings = Settings(excerpts=0)
    engine = Engine()
    with working_folder(None) as folder:
        store = Store(folder)
        corpus = read_corpus([reviews], store, settings, engine, label_names=reviews.label_names)
        candidates = count_candidates(corpus, settings, engine)
        counts = candidates.training + candidates.held_out
        texts = corpus.texts_of_label + corpus.held_out_of_label
        vocabulary, columns = choose_vocabulary(candidates, counts, texts, settings)
        bags = Bags("all", store, vocabulary)
        for _ in engine.map(save_bags, corpus.blocks, bags, columns):
            pass
        return bags.read(corpus.blocks, [bags.rows(block, None) for block in corpus.blocks]).X


def write_fasttext(path, reviews):
    """A line a text, with the words and marks that ours has, in the fastest way that we know."""
    pairs = zip(reviews.texts, reviews.labels, strict=True)
    lines = (b"__label__%d %s\n" % (label, MARK.sub(rb" \1 ", clean(text))) for text, label in pairs)
    path.write_bytes(b"".join(lines))
    return path


def train_fasttext(path, choice):
    return fasttext.train_supervised(str(path), dim=10, thread=os.cpu_count(), verbose=0, **choice)


def choose_fasttext(folder, training):
    """The settings among CHOICES with the best accuracy on texts that were held out of the training ones."""
    rows = np.arange(len(training.texts))
    is_held_out = rows % HELD_OUT == 0
    fitted = write_fasttext(folder / "fitted.txt", training.take(rows[~is_held_out]))
    held_out = write_fasttext(folder / "held-out.txt", training.take(rows[is_held_out]))
    accuracies = [fasttext_accuracy(train_fasttext(fitted, choice), held_out) for choice in CHOICES]
    return CHOICES[int(np.argmax(accuracies))]


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
    tokenised = folder / "train.txt"
    test_file = write_fasttext(folder / "test.txt", test)
    found = {"simulated": simulated, "reviews": len(training.texts), "test": len(test.texts)}
    memory = peak_memory(path, folder / "run")  # before anything else is a child of this process
    choice = choose_fasttext(folder, training)
    times = {}

    def timed(name, function, *arguments, **settings):
        spent, result = seconds(function, *arguments, **settings)
        times.setdefault(name, []).append(spent)
        print(f"{name}: {spent:.2f} s", file=sys.stderr)
        return result

    for _ in range(ROUNDS):
        model = timed("ours", train_ours, path, folder / "model.safetensors")
        texts = timed("fasttext reading", read_reviews, path, "train")
        timed("fasttext writing", write_fasttext, tokenised, texts)
        other = timed("fasttext training", train_fasttext, tokenised, choice)
        timed("ours, texts", train_on_texts, training, folder / "of-texts.safetensors")
        timed("features ours", build_features, training)
        counter = vectorizer()
        counts = timed("features sklearn", counter.fit_transform, training.texts)
        regression = timed("sklearn counts", LogisticRegression(solver="liblinear").fit, counts, training.labels)
        weights = timed("tf-idf weights", TfidfTransformer().fit, counts)
        weighted = timed("tf-idf", weights.transform, counts)
        on_tf_idf = timed("sklearn tf-idf", LogisticRegression(solver="liblinear").fit, weighted, training.labels)
        timed("predict ours", model.predict, test.texts)
        pipeline = make_pipeline(counter, regression)
        probability = timed("predict sklearn", pipeline.predict_proba, test.texts)[:, 1]
    joblib.dump(pipeline, folder / "pipeline.joblib")
    scripts = Path(sys.executable).parent
    load = f"import joblib; print(joblib.load({str(folder / 'pipeline.joblib')!r}).predict_proba([{TEXT!r}]))"
    for _ in range(STARTS):
        start = [scripts / "sentiment", "predict", TEXT, "--run", folder / "run"]
        times.setdefault("start ours", []).append(cold_start(start))
        times.setdefault("start sklearn", []).append(cold_start([sys.executable, "-c", load]))
    of_tf_idf = on_tf_idf.predict_proba(weights.transform(counter.transform(test.texts)))[:, 1]
    seeds = [our_accuracy(Settings(seed=seed), training, test) for seed in range(SEEDS)]
    single = [our_accuracy(Settings(seed=seed, ngrams=1), training, test) for seed in range(SEEDS)]
    return found | {
        "times": {name: statistics.median(values) for name, values in times.items()},
        "accuracy": {OURS: seeds, "single words": single, COUNTS: [accuracy(probability, test)],
                     TF_IDF: [accuracy(of_tf_idf, test)], FASTTEXT: [fasttext_accuracy(other, test_file)]},
        "choice": ", ".join(f"{name}={value}" for name, value in choice.items()),
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
    fasttext_all = times["fasttext reading"] + times["fasttext writing"] + times["fasttext training"]
    of_counts = times["features sklearn"] + times["sklearn counts"]
    of_tf_idf = times["features sklearn"] + times["tf-idf weights"] + times["tf-idf"] + times["sklearn tf-idf"]
    training = [
        [f"{OURS}, archive to saved model", times["ours"], shown[OURS]],
        [f"{OURS}, texts to saved model", times["ours, texts"], ""],
        [f"{FASTTEXT}, archive to model", fasttext_all, shown[FASTTEXT]],
        ["— reading the archive", times["fasttext reading"], ""],
        ["— writing its tokenised file", times["fasttext writing"], ""],
        ["— its training alone", times["fasttext training"], ""],
        [f"{COUNTS}, texts to model", of_counts, shown[COUNTS]],
        [f"{TF_IDF}, texts to model", of_tf_idf, shown[TF_IDF]],
    ]
    training = [[name, f"{s:.1f}", f"{s / times['ours']:.2f}", right] for name, s, right in training]
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
Ours: the default model, {found["ngrams"]:,} n-grams, both fits included; its accuracy is the mean and the standard
deviation of seeds 0 to {SEEDS - 1}. fastText: `{found["choice"]}, dim=10` on all cores, the best of {len(CHOICES)}
settings on a tenth of the training texts; it is given our reader of the archive and our tokens. scikit-learn:
`CountVectorizer(ngram_range=(1, 3), binary=True, min_df=3)`, alone or with `TfidfTransformer`, and
`LogisticRegression(solver="liblinear")`, from texts in memory.

{table(["training", "s", "to ours", "test accuracy, %"], training)}
Single words alone (`--ngrams 1`): {shown["single words"]} %. Peak memory of training: {found["memory"]:,.0f} MB.

{table(["besides", OURS, COUNTS, "factor"], besides)}
That is {" and ".join(f"{speed:,.0f}" for speed in speeds)} predictions a second."""


def main():
    """Measure in a folder that is gone afterwards, and write the section."""
    with tempfile.TemporaryDirectory() as folder:
        write_section("Film reviews", "python -m benchmarks.sentiment", report(measure(Path(folder))))


if __name__ == "__main__":
    main()
