"""What is done in a faster way comes to the same as what is plain."""

import gzip
import io
import tarfile

import numpy as np
import pytest
import scipy.sparse as sp
from test_sentiment import BAD, GOOD, archive

from nn.batches import drop, without_dropped
from projects.common.errors import ProjectError
from projects.sentiment import counting
from projects.sentiment.archive import CHUNK, ForwardStream, review_members
from projects.sentiment.counting import texts_with


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_that_leaves_entries_out_is_dropout_that_sets_them_to_0(rate):
    rng = np.random.default_rng(0)
    X = sp.random_array((60, 40), density=0.2, format="csr", dtype=np.float32, rng=rng)
    X.data[X.indptr[7] : X.indptr[8]] = 0
    X = sp.csr_matrix(X)
    before = X.toarray()
    expected = X.copy()
    drop(expected.data, rate, np.random.default_rng(1))
    found = without_dropped(X, rate, np.random.default_rng(1))
    np.testing.assert_array_equal(found.toarray(), expected.toarray())
    np.testing.assert_array_equal(X.toarray(), before)
    assert found.nnz < X.nnz
    assert found.has_canonical_format
    W = rng.standard_normal((40, 3)).astype(np.float32)
    D = rng.standard_normal((60, 3)).astype(np.float32)
    np.testing.assert_array_equal(found @ W, expected @ W)  # bit for bit
    np.testing.assert_array_equal(found.T @ D, expected.T @ D)


def test_nothing_left_after_dropout_is_a_matrix_still():
    X = sp.csr_matrix(np.eye(3, dtype=np.float32))
    found = without_dropped(X, 0.999999, np.random.default_rng(0))
    assert (found.nnz, found.shape) == (0, (3, 3))
    assert not (found @ np.ones((3, 2), np.float32)).any()


@pytest.mark.parametrize("few_numbers", [0, 1_000_000])
@pytest.mark.parametrize("n_labels", [2, 5])
def test_texts_of_a_label_are_counted_alike_in_arrays_and_in_sparse_matrices(few_numbers, n_labels, monkeypatch):
    monkeypatch.setattr(counting, "FEW_NUMBERS", few_numbers)
    rng = np.random.default_rng(n_labels)
    has = rng.random((70, 30)) < 0.2
    labels = rng.integers(0, n_labels - 1, 70)  # the last label has no text
    chosen = rng.random(70) < 0.6
    expected = np.zeros((n_labels, 30), int)
    for text in range(70):
        for ngram in range(30):
            expected[labels[text], ngram] += has[text, ngram] and chosen[text]
    found = counting.sparse(texts_with(sp.csr_matrix(has.astype(np.int32)), labels, chosen, n_labels))
    np.testing.assert_array_equal(found.toarray(), expected)
    assert found.dtype == np.int64


SIZES = 0, 1, 511, 512, 513, CHUNK - 1536, CHUNK - 512, CHUNK, CHUNK + 1, 3 * CHUNK + 700


@pytest.mark.parametrize("skipped", [0, 1, 511, 512, CHUNK - 700, 5 * CHUNK + 3])
def test_reviews_of_any_size_are_read_whatever_is_skipped_between(tmp_path, skipped):
    texts, members = {}, {}
    for number, size in enumerate(SIZES):
        texts[number] = "".join(chr(97 + (number + i) % 26) for i in range(size))
        members[f"aclImdb/train/unsup/{number}_0.txt"] = b"x" * skipped
        members[(GOOD if number % 2 else BAD).format(number)] = texts[number].encode()
        members[f"aclImdb/train/urls_{number}.txt"] = b"y" * (skipped // 2)
    found = review_members(archive(tmp_path / "reviews.tar.gz", members), "train")
    assert {review.number: review.text for review in found} == texts
    assert [review.label for review in found] == [number % 2 for number in range(len(SIZES))]


def test_a_stream_read_forward_gives_what_a_file_does():
    rng = np.random.default_rng(0)
    content = rng.bytes(4 * CHUNK + 123)
    stream, file = ForwardStream(io.BytesIO(content)), io.BytesIO(content)
    stream.allow_up_to(len(content) + CHUNK)
    while True:
        skip, size = (int(n) for n in rng.integers(0, CHUNK // 2, 2))
        file.seek(skip, io.SEEK_CUR)
        stream.seek(stream.tell() + skip)
        assert stream.tell() == file.tell()
        read = file.read(size)
        assert stream.read(size) == read
        if len(read) < size:
            break
    stream = ForwardStream(io.BytesIO(content))
    stream.allow_up_to(1000)
    assert len(stream.read(1000)) == 1000
    with pytest.raises(tarfile.ReadError, match="a header of more than"):
        stream.read(1)


@pytest.mark.parametrize("empty", [False, True])
def test_fault_11_a_header_that_is_damaged_at_the_end_loses_no_review_silently(tmp_path, empty):
    path = tmp_path / "reviews.tar"
    with tarfile.open(path, "w") as tar:
        for name, content in ((GOOD.format(1), b"good"), (BAD.format(2), b"" if empty else b"bad")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(BAD.format(2).encode())] ^= 1
    (tmp_path / "reviews.tar.gz").write_bytes(gzip.compress(bytes(damaged)))
    with pytest.raises(ProjectError, match=r"no whole tar\.gz archive.*a damaged header"):
        review_members(tmp_path / "reviews.tar.gz", "train")
