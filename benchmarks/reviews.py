"""The reviews that several benchmarks take, and the settings of `sentiment train` as an estimator has them."""

from dataclasses import asdict

from msgspec.structs import replace

from benchmarks.report import REAL_DATA
from projects.sentiment.data import PUBLISHED, Reviews, read_reviews
from projects.sentiment.fits import training_settings
from projects.sentiment.sample import simulate_reviews
from projects.sentiment.settings import Settings, complete

ARCHIVE = REAL_DATA / PUBLISHED.name


def some_reviews(part: str) -> Reviews:
    """The published reviews of one part, "train" or "test"; without the archive simulated ones."""
    return read_reviews(ARCHIVE, part) if ARCHIVE.exists() else simulated_reviews(part)


def simulated_reviews(part: str) -> Reviews:
    """SIMULATED reviews of one part."""
    rows = [row for row in simulate_reviews() if row["split"] == part]
    texts = [str(row["text"]) for row in rows]
    labels = [int(row["label"] == "positive") for row in rows]
    return Reviews(texts, labels, simulated=True)


def estimator_settings(settings: Settings, n_texts: int) -> dict[str, object]:
    """What makes a `TwoLayerClassifier` train on so many texts as `sentiment train` does, for two labels.

    It is given texts without excerpts, which would make batches as many times as large.
    """
    completed = replace(complete(settings, n_labels=2), excerpts=0)
    return asdict(training_settings(completed, n_texts)) | {"hidden_units": completed.hidden_units}
