"""Random input of every kind: whatever comes in, a valid result or a ProjectError comes out.

`make fuzz` tries many more than `make test`.
"""

import gzip
import io
import math
import tarfile
import zipfile
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_sentiment import BAD, GOOD

from projects.bikes import data as bikes_data
from projects.bikes.model import BikesModel
from projects.bikes.sample import simulate_hours
from projects.common import tables
from projects.common.errors import ProjectError
from projects.sentiment import data
from projects.sentiment.model import SentimentModel

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)  # surrogates too
BYTES = st.binary(max_size=8) | st.sampled_from([b"\0", b"\n", b"\r", b'"', b",", b"\xff", b"1e999", b"-1", b"nan"])


@st.composite
def edited(draw, whole):
    """The bytes with some replaced, inserted, removed, or repeated, and perhaps cut off."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        content[start : start + draw(st.integers(0, 8))] = draw(BYTES)
    if draw(st.booleans()):
        start, length, at = (draw(st.integers(0, len(content))) for _ in range(3))
        content[at:at] = content[start : start + length]
    if draw(st.integers(0, 4)) == 0:
        del content[draw(st.integers(0, len(content))) :]
    return bytes(content)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Writes the content to a file and returns its path; one file for all examples."""
    path = tmp_path_factory.mktemp("fuzz")

    def write(name, content):
        (path / name).write_bytes(content)
        return path / name

    return write


def refused(read, *arguments):
    """What `read` gives, or None if it refuses; any other exception is a failure."""
    try:
        return read(*arguments)
    except ProjectError as error:
        assert str(error)  # noqa: PT017
        return None


@pytest.fixture(scope="module")
def sentiment(workspace):
    return SentimentModel.load(workspace / "runs" / "sentiment" / "model.safetensors")


@pytest.fixture(scope="module")
def bikes(workspace):
    return BikesModel.load(workspace / "runs" / "bikes" / "model.safetensors")


@given(st.lists(ANY_TEXT | st.sampled_from(["dull", "wonderful", "&#xD800; dull", "&#0;", "<br />"]), max_size=5))
def test_any_text_gets_a_probability_and_effects(sentiment, texts):
    probabilities = sentiment.probabilities(texts)
    assert probabilities.shape == (len(texts), 2)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    for text in texts[:1]:
        assert all(math.isfinite(effect) for pairs in sentiment.explain(text).values() for _, effect in pairs)


def hours_csv(rows):
    return simulate_hours().head(rows).to_csv(index=False, lineterminator="\n").encode()


@given(edited(hours_csv(30)))
def test_any_table_of_hours_is_forecast_or_refused(bikes, file, content):
    path = file("hours.csv", content)
    hours = refused(bikes_data.read_hours, path)
    if hours is not None:
        assert hours.time.is_monotonic_increasing
        forecast = refused(bikes.forecast, hours)  # which may lack the weather that the model needs
        assert forecast is None or (np.isfinite(forecast) & (forecast >= 0)).all(axis=None)


CONTENTS = {
    "t.csv": b'text,label,split\n"a ""fine"" film",pos,train\nbad,neg,train\n' + b"good,pos,test\nbad,neg,test\n" * 3,
    "t.tsv": b"text\tlabel\n" + b"good\tpos\nbad\tneg\n" * 6,
    "t.jsonl": b'{"text": "good", "label": "1"}\n{"text": "b\\u00e9 \\ud83d", "label": 0}\n' * 6,
}


@given(st.sampled_from(sorted(CONTENTS)).flatmap(lambda name: st.tuples(st.just(name), edited(CONTENTS[name]))))
def test_any_table_of_reviews_is_read_or_refused(file, table):
    path = file(*table)
    for part in ("train", "test"):
        reviews = refused(data.read_reviews, path, part)
        if reviews is not None:
            assert len(reviews.texts) == len(reviews.labels) > 1
            assert len(set(reviews.labels)) > 1  # an edited label is a third one
            assert set(reviews.labels) <= set(range(len(reviews.label_names)))
            assert len(set(reviews.label_names)) == len(reviews.label_names)
    refused(lambda: list(tables.open_table(path).rows()))


def reviews_tar():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for kind in (GOOD, BAD):
            for number in (1, 2):
                info = tarfile.TarInfo(kind.format(number))
                info.size = 5
                tar.addfile(info, io.BytesIO(b"words"))
        tar.addfile(tarfile.TarInfo("a/" * 80 + "long"))  # with a header of its own for the name
        tar.addfile(tarfile.TarInfo("é" * 80))
    return out.getvalue()


@given(edited(reviews_tar()) | edited(reviews_tar()[:4096]), st.booleans(), st.data())
def test_any_archive_is_read_or_refused(file, tar, broken, more):
    packed = gzip.compress(tar, 1, mtime=0)
    path = file("reviews.tar.gz", more.draw(edited(packed)) if broken else packed)
    reviews = refused(data.read_reviews, path, "train")
    assert reviews is None or len(reviews.texts) == len(reviews.labels)


def hours_zip(method):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("Readme.txt", "hello")
        archive.writestr(zipfile.ZipInfo("hour.csv"), hours_csv(3), method)
    return out.getvalue()


METHODS = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2


@given(st.sampled_from([hours_zip(method) for method in METHODS]).flatmap(edited))
def test_any_zip_is_read_or_refused(file, content):
    hours = refused(bikes_data.read_hours, file("hours.zip", content))
    assert hours is None or hours.time.diff().min() >= timedelta(hours=1)


@pytest.fixture(scope="module")
def expected(bikes, sentiment):
    hours = bikes_data.check_hours(simulate_hours().head(3).astype(str), "sample", targets=False)
    predictions = {
        "bikes": lambda path: BikesModel.load(path).predict(hours),
        "sentiment": lambda path: SentimentModel.load(path).probabilities(["a dull film"]),
    }
    return predictions, {"bikes": bikes.predict(hours), "sentiment": sentiment.probabilities(["a dull film"])}


@pytest.mark.parametrize("pipeline", ["bikes", "sentiment"])
@given(choice=st.data())
def test_any_model_file_predicts_the_same_or_is_refused(workspace, file, expected, pipeline, choice):
    whole = (workspace / "runs" / pipeline / "model.safetensors").read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    edited_header = edited(whole[:header]).map(lambda start: start + whole[header:])
    content = choice.draw(edited(whole) | edited_header)
    predictions, right = expected
    found = refused(predictions[pipeline], file("model", content))
    if found is not None:
        np.testing.assert_array_equal(found, right[pipeline])
