"""Faults of every kind, each met by hand first: what goes wrong is one line, and nothing is lost or let in."""

import csv
import gzip
import io
import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers import inside, run
from test_command_line import SIMULATED, fails
from test_sentiment import BAD, GOOD, archive

from projects.bikes import data as bikes_data
from projects.bikes.model import BikesModel
from projects.bikes.sample import simulate_hours
from projects.common import files, model_file, tables, text_tables
from projects.common.cli import LONGEST_MESSAGE, one_line
from projects.common.errors import ProjectError
from projects.sentiment import archive as archive_module
from projects.sentiment import cli as sentiment_cli
from projects.sentiment import data
from projects.sentiment.model import SentimentModel
from projects.sentiment.settings import Settings
from projects.sentiment.training import train

pytestmark = pytest.mark.slow

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"  # see `make fuzz`


# Archives


def test_fault_09_archive_members_that_lead_out_are_never_followed(tmp_path):
    for name in ("/etc/train/pos/1_9.txt", "../../train/pos/1_9.txt", "a/../../train/pos/1_9.txt"):
        path = archive(tmp_path / "reviews.tar.gz", {name: b"good", BAD.format(1): b"bad"})
        assert data.read_reviews(path, "train").texts == ["bad", "good"]
        with zipfile.ZipFile(tmp_path / "hours.zip", "w") as out:
            out.writestr(name.replace("train/pos/1_9.txt", "hour.csv"), "dteday\n")
        with pytest.raises(ProjectError, match="no column holds dates"):  # read where it is, written nowhere
            bikes_data.read_hours(tmp_path / "hours.zip")
    assert {path.name for path in tmp_path.iterdir()} == {"reviews.tar.gz", "hours.zip"}


def test_fault_10_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive_module, "LARGEST_ARCHIVE", 100_000)
    path = archive(tmp_path / "many.tar.gz", {GOOD.format(i): b"0" * 9000 for i in range(20)})
    with pytest.raises(ProjectError, match=r"with aclImdb/train/pos/\d+_9.txt it unpacks to more than 100,000 bytes"):
        data.read_reviews(path, "train")
    path = archive(tmp_path / "one.tar.gz", {"README": b"0" * 200_000})
    with pytest.raises(ProjectError, match=r"with README it unpacks to more"):
        data.read_reviews(path, "train")
    whole = archive(tmp_path / "tail.tar.gz", {GOOD.format(1): b"good", BAD.format(1): b"bad"})
    whole.write_bytes(gzip.compress(gzip.decompress(whole.read_bytes()) + bytes(1 << 22)))
    with pytest.raises(ProjectError, match=r"no whole tar\.gz archive"):
        data.read_reviews(whole, "train")


def header(name, size, kind):
    """The header of a member that says it has this size."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.USTAR_FORMAT)


READ = """
import re, sys
from pathlib import Path
from projects.common.errors import ProjectError
from projects.sentiment.data import read_reviews
try:
    read_reviews(Path(sys.argv[1]), "train")
except ProjectError as error:
    print(error)
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())  # of this program alone
print(peak[1], file=sys.stderr)
"""


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_fault_42_a_header_without_end_is_one_line_and_takes_no_memory(tmp_path, kind):
    size = 600_000_000
    with gzip.open(tmp_path / "evil.tar.gz", "wb", compresslevel=1) as file:
        file.write(header("x", size, kind))
        for _ in range(size // 10_000_000):
            file.write(b"a" * 10_000_000)
    command = [sys.executable, "-c", READ, str(tmp_path / "evil.tar.gz")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "a header of more than 1,048,576 bytes" in done.stdout
    assert done.stdout.count("\n") == 1
    assert int(done.stderr) < 300_000  # kilobytes


def test_fault_42_sparse_members_are_refused(tmp_path):
    """An archive of some kilobytes that would unpack to gigabytes: holes, with nothing in between."""
    with gzip.open(tmp_path / "evil.tar.gz", "wb") as file:
        for number in range(600):
            info = tarfile.TarInfo(GOOD.format(number))
            info.type = tarfile.GNUTYPE_SPARSE
            block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
            block[483:495] = b"%011o\0" % 10_000_000  # real size; no part of it is stored
            block[148:156] = b" " * 8
            block[148:156] = b"%06o\0 " % sum(block)
            file.write(bytes(block))
        file.write(bytes(1024))
    assert (tmp_path / "evil.tar.gz").stat().st_size < 10_000
    with pytest.raises(ProjectError, match=r"aclImdb/train/pos/0_9.txt is sparse, and no review"):
        data.read_reviews(tmp_path / "evil.tar.gz", "train")


@pytest.mark.parametrize("extended", [b"\0", b"\1"])
@pytest.mark.parametrize("length", [0, 1, 100, 511])
def test_fault_42_an_archive_that_ends_inside_a_sparse_header_is_one_line(tmp_path, extended, length):
    info = tarfile.TarInfo(GOOD.format(1))
    info.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[482:483] = extended
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    (tmp_path / "evil.tar.gz").write_bytes(gzip.compress(bytes(block) + bytes(length)))
    with pytest.raises(ProjectError, match=r"evil.tar.gz"):
        data.read_reviews(tmp_path / "evil.tar.gz", "train")


def test_fault_51_a_table_of_too_many_columns_is_refused_before_its_rows(tmp_path):
    names = [f"c{i}" for i in range(200_000)]
    for same in (names, [*names[:-1], "c0"]):
        (tmp_path / "wide.csv").write_text(",".join(same) + "\n" + ("1," * 199_999 + "1\n") * 3)
        with pytest.raises(ProjectError, match=r"wide.csv has 200,000 columns: at most 1,000 are read"):
            bikes_data.read_hours(tmp_path / "wide.csv")
        with pytest.raises(ProjectError, match=r"wide.csv has 200,000 columns: at most 1,000 are read"):
            data.read_reviews(tmp_path / "wide.csv", "train")


@pytest.mark.parametrize("word", ["now", "today", "NOW", "2012-12", "20121224", "2012-12-24 10:00"])
def test_fault_43_a_word_is_not_a_date(tmp_path, word):
    hours = simulate_hours().head(50).astype(str)
    hours.loc[7, "dteday"] = word
    hours.to_csv(tmp_path / "hours.csv", index=False)
    with pytest.raises(ProjectError, match=rf"line 9, column dteday: '{word}' is not a date like 2012-12-24"):
        bikes_data.read_hours(tmp_path / "hours.csv")


def test_fault_10_sizes_that_are_a_lie_are_found_out(tmp_path):
    for claimed, words in ((9_000_000, "no whole tar.gz archive, from aclImdb/train/pos/1_9.txt"), (1 << 40, "more")):
        info = tarfile.TarInfo(GOOD.format(1))
        info.size = claimed
        (tmp_path / "lie.tar.gz").write_bytes(gzip.compress(info.tobuf() + b"good" + bytes(2000)))
        with pytest.raises(ProjectError, match=words):
            data.read_reviews(tmp_path / "lie.tar.gz", "train")
    with zipfile.ZipFile(tmp_path / "lie.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("hour.csv", "a" * 100_000)
    whole = (tmp_path / "lie.zip").read_bytes()
    for claimed, words in ((10, "no whole zip"), (200_000, "no whole zip"), (1 << 31, "is larger than")):
        lie = whole.replace((100_000).to_bytes(4, "little"), claimed.to_bytes(4, "little"))
        (tmp_path / "lie.zip").write_bytes(lie)
        with pytest.raises(ProjectError, match=words):
            bikes_data.read_hours(tmp_path / "lie.zip")


def test_fault_10_thousands_of_empty_members_are_read(tmp_path):
    members = {kind.format(i): b"" for i in range(2000) for kind in (GOOD, BAD)}
    assert data.read_reviews(archive(tmp_path / "empty.tar.gz", members), "train").texts == [""] * 4000


def test_fault_11_members_of_the_same_name_are_refused(tmp_path):
    with tarfile.open(tmp_path / "twice.tar.gz", "w:gz") as tar:
        for name in (BAD.format(1), GOOD.format(1), GOOD.format(1)):
            tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(ProjectError, match=r"train/pos/1_9\.txt is there twice"):
        data.read_reviews(tmp_path / "twice.tar.gz", "train")
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as out:
        for folder in "ab":
            out.writestr(f"{folder}/hour.csv", "")
    with pytest.raises(ProjectError, match=r"holds hour.csv 2 times: a/hour.csv, b/hour.csv"):
        bikes_data.read_hours(tmp_path / "twice.zip")


# Model files


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A small model of each pipeline, saved: pipeline -> (its class, its file, what it predicts)."""
    from projects.bikes.model import train as train_bikes
    from projects.bikes.sample import simulate_hours
    from projects.bikes.settings import Settings as BikesSettings

    folder = tmp_path_factory.mktemp("models")
    hours = bikes_data.check_hours(simulate_hours().head(24 * 30).astype(str), "sample", targets=True)
    bikes = train_bikes(bikes_data.split(hours, 7, 7), BikesSettings(members=1, hidden_units=1, epochs=1))
    bikes.save(folder / "bikes.safetensors")
    texts = [f"{text} {i}" for i in range(10) for text in ("good film", "good !", "bad film", "bad bad")]
    reviews = data.Reviews(texts, [1, 1, 0, 0] * 10)
    sentiment = train([reviews], Settings(epochs=1, hidden_units=1))
    sentiment.save(folder / "sentiment.safetensors")
    return {
        "bikes": (BikesModel, folder / "bikes.safetensors", lambda model: model.predict(hours.head())),
        "sentiment": (
            SentimentModel,
            folder / "sentiment.safetensors",
            lambda model: model.probabilities(["good", "film"]),
        ),
    }


def outcome(load, path, predict):
    """What a file that may be damaged gives: predictions, or None if it is refused."""
    try:
        return predict(load(path))
    except ProjectError as error:
        assert str(path) in str(error)  # noqa: PT017
        return None


@pytest.mark.parametrize("pipeline", ["bikes", "sentiment"])
def test_fault_13_no_changed_byte_and_no_truncation_changes_a_prediction(models, tmp_path, pipeline):
    kind, whole, predict = models[pipeline]
    content, expected, path = whole.read_bytes(), predict(kind.load(whole)), tmp_path / "model"
    rng = np.random.default_rng(0)
    refused = 0
    for i in range(0, len(content), 1 if LONG else len(content) // 300):
        for changed in (content[:i] + bytes([content[i] ^ rng.integers(1, 256)]) + content[i + 1 :], content[:i]):
            path.write_bytes(changed)
            found = outcome(kind.load, path, predict)
            refused += found is None
            if found is not None:
                np.testing.assert_array_equal(found, expected)
    assert refused > 500


HOSTILE = """
import resource, struct, sys, json
from pathlib import Path
from projects.common.errors import ProjectError
from projects.common.model_file import load_model
path = Path(sys.argv[1])
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB
def refused(content):
    path.write_bytes(content)
    try: load_model(path, "bikes")
    except ProjectError: return
    sys.exit(f"let in: {content[:100]}")
refused(b"")
before = peak()
for claimed in (1 << 20, 100 << 30, 1 << 62, (1 << 64) - 1):
    refused(struct.pack("<Q", claimed) + b"{}")
    for shape in ([claimed], [claimed, 0], [1 << 32, 1 << 32]):
        header = json.dumps({"W1": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4 * claimed]}}).encode()
        refused(struct.pack("<Q", len(header)) + header)
deep = b'{"__metadata__": {"two-layer": "' + b"[" * 50_000 + b'"}}'
refused(struct.pack("<Q", len(deep)) + deep)
print(peak() - before)
"""


def test_fault_13_a_file_takes_no_more_memory_than_it_has_bytes_whatever_it_claims(tmp_path):
    done = subprocess.run([sys.executable, "-c", HOSTILE, tmp_path / "m"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 20_000  # KiB


CHANGES = {  # array: what a model file whose checksum is right may hold instead
    "bikes": {
        "W1.0": lambda a: a[:-1],
        "b1.0": lambda a: np.append(a, a),
        "W2.0": lambda a: a.T,
        "b2.0": lambda a: a[:1],
        "feature_mean": lambda a: a.astype(np.int64),
        "target_scale": lambda a: a[:1],
    },
    "sentiment": {
        "W1": lambda a: a[:-1],
        "b1": lambda a: a[np.newaxis],
        "W2": lambda a: np.hstack([a, a]),
        "b2": lambda a: a.astype(bool),
        "words": lambda a: a[:-5],
        "codes": lambda a: a[::-1],
        "counts": lambda a: a.astype(np.float32),
        "ratios": lambda a: a[1:],
    },
}


@pytest.mark.parametrize(("pipeline", "name"), [(p, name) for p, changes in CHANGES.items() for name in changes])
def test_fault_15_arrays_that_do_not_fit_are_refused_by_name(models, tmp_path, pipeline, name):
    kind, whole, _ = models[pipeline]
    arrays, settings = model_file.load_model(whole, pipeline)
    others = {other: array for other, array in arrays.items() if other != name}
    about = "codes" if name == "words" else "ratios" if name == "counts" else name
    for changed in (others | {name: CHANGES[pipeline][name](arrays[name])}, others):
        model_file.save_model(tmp_path / "m", pipeline, changed, settings)
        with pytest.raises(ProjectError, match=rf"({name}|{about}).*train a new model"):
            kind.load(tmp_path / "m")
    for setting in ("simulated", "members" if pipeline == "bikes" else "base_rates"):
        less = {key: value for key, value in settings.items() if key != setting}
        model_file.save_model(tmp_path / "m", pipeline, arrays, less)
        with pytest.raises(ProjectError, match=f"lacks the setting {setting}"):
            kind.load(tmp_path / "m")


# Training


def test_fault_30_training_that_never_leaves_the_starting_loss_says_what_to_change(workspace, tmp_path):
    for command, rate, *options in (("bikes", "1e-09", "--members", 1), ("sentiment", "1e-09"), ("sentiment", "1000")):
        lines = next((workspace / "data" / command).glob("*.csv")).read_text().splitlines(keepends=True)
        options += ["--data", table(tmp_path, "t.csv", "".join(lines[:2400]))]
        options += ["--epochs", 2, "--learning-rate", rate, "--run", tmp_path]
        code, _, errors = run(command, "train", *options, cwd=tmp_path)
        assert code == 0, errors
        assert errors.count("nothing was learned") == 1
        assert f"; lower --learning-rate ({rate}), or raise it if the loss has hardly moved\n" in errors
    for command, *options in (("bikes", "--members", 1), ("sentiment",)):
        assert "learned" not in run(command, "train", "--epochs", 3, "--run", tmp_path, *options, cwd=workspace)[2]


def test_fault_31_absurd_sizes_are_usage_errors_or_one_line(workspace):
    for command, *arguments in (
        ("bikes", "train", "--hidden-units", 10**30),
        ("sentiment", "train", "--hidden-units", 10**30),
        ("sentiment", "train", "--ngrams", 10**9),
        ("bikes", "backtest", "--days", 10**13),
        ("bikes", "backtest", "--step", 10**13),
        ("bikes", "backtest", "--origins", 10**9),
    ):
        code, output, errors = run(command, *arguments, cwd=workspace)
        assert (code, output) == (2, ""), arguments
        assert "is not in the range" in errors


def test_memory_that_is_not_there_is_one_line(monkeypatch, models, tmp_path, capsys):
    def none_left(self, texts):
        raise MemoryError("Unable to allocate 8 TiB")

    monkeypatch.setattr(SentimentModel, "probabilities", none_left)
    models["sentiment"][1].with_name("model.safetensors").write_bytes(models["sentiment"][1].read_bytes())
    with pytest.raises(SystemExit) as end:
        sentiment_cli.main(["predict", "fine", "--run", str(models["sentiment"][1].parent)])
    assert end.value.code == 1
    assert capsys.readouterr().err.startswith("Error: not enough memory: Unable to allocate 8 TiB; take smaller")


# Options


def test_options_that_would_be_ignored_are_usage_errors(workspace, tmp_path):
    for command, *arguments in (
        ("sentiment", "predict", "fine", "--text-column", "x"),
        ("sentiment", "predict", "fine", "-"),
        ("bikes", "predict", "hours.csv", "--temperature", "4"),
        ("bikes", "predict", "hours.csv", "--weather", "clear"),
        ("bikes", "predict", "hours.csv", "--holiday"),
        ("bikes", "download", "--sample", "--from", "x.zip"),
    ):
        code, output, errors = run(command, *arguments, cwd=workspace)
        assert (code, output) == (2, ""), arguments
        assert "Usage:" in errors
    archive(tmp_path / "reviews.tar.gz", {GOOD.format(1): b"good", BAD.format(1): b"bad"})
    arguments = ["--data", "reviews.tar.gz", "--text-column", "x"]
    assert "has no columns: leave out their names" in fails("sentiment", "train", *arguments, cwd=tmp_path)


# Files and streams that are not what they should be


def shell(line, folder):
    """A line of Bash that calls the console scripts: (exit code, stdout, stderr)."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_closed_streams_are_empty_ones(workspace, tmp_path):
    for line, expected in {
        "sentiment predict - <&-": (0, "", SIMULATED),
        "bikes predict <&-": (0, "", SIMULATED),
        "sentiment predict --run nowhere fine 2>&-": (1, "", ""),
        "sentiment predict fine >&-": (0, "", SIMULATED),
    }.items():
        assert shell(line, workspace) == expected
    code, output, _ = shell(f"bikes train --epochs 1 --members 1 --run {tmp_path}/closed 2>&-", workspace)
    assert code == 0
    assert "trained on" in output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here to write to")
def test_a_full_disk_under_the_output_is_one_line(workspace):
    for line in ("sentiment predict fine", "bikes --help", "bikes predict data/bikes/hour-SIMULATED.csv"):
        code, _, errors = shell(f"{line} > /dev/full", workspace)
        assert code == 1
        assert errors.removeprefix(SIMULATED) == (
            "Error: cannot read the input or write the output: No space left on device; name another file or folder\n"
        )


def test_paths_that_cannot_be_are_one_short_line(workspace, tmp_path, monkeypatch):
    monkeypatch.chdir(workspace)
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    for path in ("a" * 5000, tmp_path / "folder.csv", tmp_path / "loop.csv", "/dev/null/x.csv"):
        for command, *arguments in (
            ("bikes", "train", "--data", path),
            ("sentiment", "train", "--data", path),
            ("bikes", "predict", path),
            ("sentiment", "predict", "--file", path),
            ("bikes", "evaluate", "--run", path),
            ("bikes", "download", "--data-dir", path, "--from", path),
        ):
            code, output, errors = inside(command, *arguments)
            errors = errors.removeprefix(SIMULATED)
            assert (code in (1, 2), output) == (True, ""), arguments
            assert errors.count("\n") == (1 if code == 1 else 4), errors
            assert len(errors) < LONGEST_MESSAGE + 200
    assert len(one_line("é" * 10**6)) <= LONGEST_MESSAGE + 3


def test_what_an_earlier_command_wrote_may_be_damaged(workspace, tmp_path):
    for command in ("bikes", "sentiment"):
        assert run(command, "evaluate", cwd=workspace)[0] == 0
        run_folder = tmp_path / command
        run_folder.mkdir()
        names = ["metrics.json", "history.csv", *(["forecast.csv"] if command == "bikes" else [])]
        whole = {name: (workspace / "runs" / command / name).read_bytes() for name in names}
        shutil.copy(workspace / "runs" / command / "model.safetensors", run_folder)
        for name in names:
            damaged = [b'{"test": 3, "simulated": 1}', b"[" * 100_000] if name == "metrics.json" else [b"a,b\n1,2\n"]
            for content in [*damaged, whole[name][:30], whole[name].replace(b"0", b"x")]:
                for other in names:
                    (run_folder / other).write_bytes(content if other == name else whole[other])
                code, output, errors = inside(command, "plot", "--run", run_folder)
                assert (code, output) == (1, ""), (name, content[:40])
                assert errors.startswith("Error: ")
                assert name in errors
                assert errors.count("\n") == 1
        assert not list(run_folder.glob("*.png"))
        shutil.copytree(workspace / "runs" / command, run_folder, dirs_exist_ok=True)
        (run_folder / "losses.png").write_bytes(b"no picture")
        code, _, errors = inside(command, "report", "--run", run_folder)
        assert (code, errors) == (1, f"Error: {run_folder / 'losses.png'} is no PNG picture: draw it again\n")


# Text and streams


def table(folder, name, content):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


def predicted(*arguments, cwd, stdin=""):
    """The rows of `sentiment predict --json`."""
    code, output, errors = run("sentiment", "predict", "--json", *arguments, cwd=cwd, stdin=stdin)
    assert code == 0, errors
    return [json.loads(line) for line in output.split("\n")[:-1]]


def test_fault_28_labels_that_are_neither_are_listed(tmp_path):
    rows = "text,label,split\na,yes,train\nb,no,train\nc,maybe,train\n"
    with pytest.raises(ProjectError, match="3 texts with labels are too few to train on"):
        data.read_reviews(table(tmp_path, "t.csv", rows), "train")
    rows = "text,label,split\n" + "".join(f"text {number},{number},train\n" for number in range(30))
    with pytest.raises(ProjectError, match=r"30 different labels in 30 rows \('0', '1', .*name it with --label-column"):
        data.read_reviews(table(tmp_path, "t.csv", rows), "train")
    with pytest.raises(ProjectError, match="has only pos texts to train on, and two labels are needed"):
        data.read_reviews(table(tmp_path, "t.csv", "text,label\n" + "a,pos\n" * 9), "train")


def test_fault_34_a_line_too_long_is_refused_with_its_number(tmp_path, monkeypatch):
    monkeypatch.setattr(text_tables, "LONGEST_LINE", 100)
    for name, content, line in (
        ("t.csv", "text,label\nfine,1\n" + "x" * 101 + ",1\n", 3),
        ("t.csv", "x" * 101, 1),
        ("t.jsonl", '{"text": "a"}\n{"text": "' + "x" * 100 + '"}\n', 2),
        ("t.csv", 'text,label\nfine,1\n"' + "x\n" * 1000, 2),  # a quote that never ends
    ):
        with pytest.raises(ProjectError, match=rf"line {line}: (longer than 100 characters|field larger than field)"):
            list(tables.open_table(table(tmp_path, name, content)).rows())


def test_fault_34_long_texts_and_many_are_predicted_in_order_and_few_at_a_time(workspace, monkeypatch):
    lines = [f"{i} dull film" for i in range(3500)] + ["dull " * 500_000] * 6 + ["last one"]
    held = [len(chunk) for chunk in data.chunks((line, {}) for line in lines)]
    assert sum(held) == len(lines)
    assert held[:3] == [1000] * 3
    assert max(held[4:]) < 5  # 10 million characters at most, and one text
    rows = predicted("-", cwd=workspace, stdin="\n".join(lines[:3500]))
    assert [row["text"] for row in rows] == lines[:3500]


ODD = [
    "nul \0 byte", "bell \a and \x1b[31mred\x1b[0m", "😀 wonderful 🏳️‍🌈", "رائع wonderful מצוין", "dé\u0301jà vu",
    "good<br />film", "it&#39;s &lt;b&gt; &amp;", "\u2028one\u2029line\x85\x0b\x0c", "\ufeffmark", "\u202eto the left",
    "", "   ", "\t", "a\rb", "'\"", "=1+1", "\ud7ff\ue000\U0010ffff",
]  # fmt: skip


def test_fault_35_odd_characters_get_a_prediction_each_and_come_back_the_same(workspace, tmp_path):
    stdin = "\n".join(["first", *ODD]) + "\n"
    assert [row["text"] for row in predicted("-", cwd=workspace, stdin=stdin)] == ["first", *ODD]
    file = table(tmp_path, "t.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in [*ODD, "\ud800"]))
    assert [row["text"] for row in predicted("--file", file, cwd=workspace)] == [*ODD, "\ud800"]
    rows = io.StringIO()
    csv.writer(rows).writerows([["text"], *([text] for text in ODD)])
    code, output, errors = run(
        "sentiment", "predict", "--file", table(tmp_path, "t.csv", rows.getvalue()), cwd=workspace
    )
    assert code == 0, errors
    back = [row["text"] for row in csv.DictReader(io.StringIO(output, newline=""))]
    assert [text.replace("\r", "\n") for text in back] == [text.replace("\r", "\n") for text in ODD]
    code, output, _ = run("sentiment", "predict", "-", cwd=workspace, stdin=stdin)
    assert output.count("\n") >= len(ODD) + 1
    assert all(c.isprintable() or c in "\n\t" for c in output)


def test_fault_35_what_is_not_utf_8_is_refused_with_its_line(workspace, tmp_path):
    mostly = "text\n" + "un été à la plage\n" * 50
    bad = mostly.encode() + b"\xe9t\xe9\n" + mostly.encode()
    arguments = ("sentiment", "predict", "--file", table(tmp_path, "t.csv", bad))
    assert "line 52: not UTF-8 (character 1)" in fails(*arguments, cwd=workspace)
    assert "line 52: not UTF-8 (character 1)" in fails(*arguments, "--encoding", "utf-8", cwd=workspace)
    western = table(tmp_path, "w.csv", "text\nfine\nété\n".encode("cp1252"))
    code, output, errors = run("sentiment", "predict", "--file", western, cwd=workspace)
    assert code == 0, errors
    assert "w.csv: not UTF-8, so read as cp1252 (--encoding names another)" in errors
    assert "été" in output
    code, _, errors = shell(r"printf 'fine\n\xe9t\xe9\n' | sentiment predict -", workspace)
    assert code == 1
    assert errors == f"{SIMULATED}Error: standard input, line 2: not UTF-8 (character 1)\n"


def test_fault_35_control_characters_in_data_never_reach_the_terminal(workspace, tmp_path):
    file = table(tmp_path, "t\x1b[31m.csv", "text,la\x1b[31mbel\nfine\x07,\n")
    assert "\x1b" not in fails("sentiment", "train", "--data", file, cwd=workspace)
    output = on_a_terminal(f"sentiment predict --file '{file}'", workspace)
    assert "\x1b" not in output
    assert "\x07" not in output
    assert "fine" in output


def on_a_terminal(line, folder):
    """What a command shows whose three streams are a terminal."""
    ours, theirs = pty.openpty()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = subprocess.Popen(
        ["bash", "-c", line], cwd=folder, env=os.environ | {"PATH": path}, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 1 << 16):
            shown += part
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    process.wait()
    return shown.decode()


@pytest.mark.parametrize("command", ["bikes", "sentiment"])
def test_fault_36_no_input_on_a_terminal_is_answered_with_help(workspace, command):
    assert on_a_terminal(f"{command} predict", workspace).startswith(f"Usage: {command} predict")


def test_fault_36_the_bikes_too_end_quietly_in_a_closed_pipe(workspace):
    _, output, errors = shell("bikes predict data/bikes/hour-SIMULATED.csv | head -n 1", workspace)
    assert output.startswith("instant,")
    assert errors == SIMULATED


def test_fault_37_every_line_of_a_table_is_a_row(workspace, tmp_path):
    for content, texts in {
        "text\ngood\n\nbad\n\n": ["good", "", "bad", ""],
        "text\r\ngood\r\n\r\nbad": ["good", "", "bad"],
        '\ufefftext\n"a\n\nb"\n"c ""d"""\n': ["a\n\nb", 'c "d"'],
        "text,x\ngood,1\n\nbad,2\n": ["good", "bad"],
        "text\rgood\rbad\r": ["good", "bad"],
    }.items():
        file = table(tmp_path, "t.csv", content)
        assert [row["text"] for _, row in tables.open_table(file).rows()] == texts, content
    with pytest.raises(ProjectError, match="line 1: two columns have the same name, 'text'"):
        list(tables.open_table(table(tmp_path, "t.csv", "text,text\n1,2\n")).rows())
    huge = "x" * 200_000
    file = table(tmp_path, "t.csv", f"text\n{huge}\n")
    assert [row["text"] for row in predicted("--file", file, cwd=workspace)] == [huge]


def test_a_table_that_cannot_be_answered_whole_is_refused(workspace, tmp_path, monkeypatch):
    monkeypatch.chdir(workspace)
    for name, content, words in (
        ("t.jsonl", '{"text": ' + "9" * 5000 + "}\n", "after line 1: Exceeds the limit"),
        ("t.jsonl", '{"text": ' + "[" * 100_000 + "}\n", "after line 1: maximum recursion depth"),
    ):
        code, output, errors = inside("sentiment", "predict", "--file", table(tmp_path, name, content))
        assert (code, output, errors.count("\n")) == (1, "", 2)
        assert words in errors


def test_answers_take_the_place_of_columns_of_the_same_names_and_say_so(workspace, tmp_path):
    hours = (workspace / "data" / "bikes" / "hour-SIMULATED.csv").read_text().splitlines()[:2]
    for command, name, content, column in (
        (["sentiment", "predict", "--file"], "t.csv", "label,text\nmine,fine\n", "label"),
        (["bikes", "predict"], "h.csv", f"{hours[0]},prediction\n{hours[1]},mine\n", "prediction"),
    ):
        file = table(tmp_path, name, content)
        code, output, errors = run(*command, file, cwd=workspace)
        assert code == 0
        assert errors.endswith(f"{file} has a column {column} already: the answer is printed in its place\n")
        assert "mine" not in output
        assert file.read_text() == content


# Settings behind a right checksum, run folders, terminals

DATA = {"bikes": "data/bikes/hour-SIMULATED.csv", "sentiment": "data/sentiment/reviews-SIMULATED.csv"}


def forged(path, target, pipeline, settings=None, arrays=None):
    """The model with other settings or arrays, and a checksum that is right."""
    kept, about = model_file.load_model(path, pipeline)
    changed = {name: value for name, value in (about | (settings or {})).items() if value is not ...}
    model_file.save_model(target, pipeline, kept | (arrays or {}), changed)
    return target


@pytest.mark.parametrize(
    ("pipeline", "name", "value", "words"),
    [
        *(("bikes", "members", value, "the setting members: Expected `int`") for value in (0, 1.5, "2", None, True)),
        ("bikes", "members", ..., "lacks the setting members"),
        ("bikes", "features", None, "the setting features: Expected `array`, got `null`"),
        ("bikes", "features", [], "the setting features: Expected `array` of length >= 1"),
        ("bikes", "features", [1], "the setting features"),
        ("bikes", "first_hour", "yesterday", "the setting first_hour: Invalid"),
        ("sentiment", "label_names", [], "the setting label_names: Expected `array` of length"),
        ("sentiment", "min_count", -1, "the setting min_count: Expected `int` >= 1"),
        ("sentiment", "base_rates", [0.5, 2.0], "the setting base_rates[1]: Expected `float` <= 1.0"),
        ("sentiment", "simulated", "no", "the setting simulated: Expected `bool`"),
    ],
)
def test_fault_45_settings_of_another_kind_are_named(models, tmp_path, pipeline, name, value, words):
    kind = {"bikes": BikesModel, "sentiment": SentimentModel}[pipeline]
    path = forged(models[pipeline][1], tmp_path / "m", pipeline, {name: value})
    with pytest.raises(ProjectError, match=re.escape(words)):
        kind.load(path)


def test_fault_45_words_that_are_not_utf_8_are_refused(models, tmp_path):
    words, _ = model_file.load_model(models["sentiment"][1], "sentiment")
    spoiled = words["words"].copy()
    spoiled[0] = 0xFF
    path = forged(models["sentiment"][1], tmp_path / "m", "sentiment", arrays={"words": spoiled})
    with pytest.raises(ProjectError, match="words are not UTF-8"):
        SentimentModel.load(path)


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2", "BF16", "F4"])
def test_fault_45_arrays_of_exotic_types_are_one_line(models, tmp_path, dtype):
    bits = {"BF16": 16, "F4": 4}.get(dtype, 8)
    header = json.dumps({"W1.0": {"dtype": dtype, "shape": [2, 2], "data_offsets": [0, 4 * bits // 8]}}).encode()
    header += b" " * (-len(header) % 8)
    (tmp_path / "m").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4 * bits // 8))
    with pytest.raises(ProjectError, match=r"m (holds arrays of a type|is damaged|is a safetensors file)"):
        BikesModel.load(tmp_path / "m")


def test_fault_50_the_mode_of_a_replaced_file_stays_and_its_folder_is_flushed(tmp_path, monkeypatch):
    path, flushed = tmp_path / "file", []
    path.write_bytes(b"old")
    path.chmod(0o640)
    monkeypatch.setattr(files, "fsync_folder", flushed.append)
    files.write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert flushed == [tmp_path]


def test_fault_50_leftovers_of_killed_commands_go_and_those_of_living_ones_stay(workspace, tmp_path):
    run_folder = tmp_path / "run"
    (run_folder / "unfinished").mkdir(parents=True)
    shutil.copy(workspace / "runs/bikes/model.safetensors", run_folder)
    dead, alive = 2**22 + 1, os.getpid()  # no process has a number above 2²²
    for name in (".history.csv.{}.tmp", "unfinished/.model.safetensors.{}.tmp", ".working-{}-x/block"):
        for process in (dead, alive):
            path = run_folder / name.format(process)
            path.parent.mkdir(exist_ok=True)
            path.write_text("half")
    run("bikes", "report", "--run", run_folder, cwd=tmp_path)
    left = {str(path.relative_to(run_folder)) for path in run_folder.rglob("*") if path.is_file()}
    assert {name for name in left if str(dead) in name} == set()
    assert len([name for name in left if str(alive) in name]) == 3


def test_fault_39_a_second_training_in_a_run_folder_is_refused(workspace, tmp_path):
    fcntl = pytest.importorskip("fcntl", reason="locks of files are Unix's")
    (tmp_path / "run").mkdir()
    with open(tmp_path / "run/.lock", "w") as held:
        held.write("4711")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        for pipeline in ("bikes", "sentiment"):
            data = workspace / DATA[pipeline]
            code, _, errors = run(pipeline, "train", "--data", data, "--run", tmp_path / "run", cwd=tmp_path)
            assert code == 1
            assert f"process 4711 is training in {tmp_path / 'run'}: wait for it, or name another" in errors
            assert errors.count("\n") == 1
        assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]
    data = workspace / DATA["sentiment"]
    options = ("--data", data, "--run", tmp_path / "run", "--epochs", 1, "--quiet")
    assert run("sentiment", "train", *options, cwd=tmp_path)[0] == 0  # the lock of a dead process does not count
    assert not (tmp_path / "run/.lock").exists()


@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize("pipeline", ["bikes", "sentiment"])
def test_fault_50_a_closed_or_full_stderr_does_not_end_a_training(workspace, tmp_path, pipeline, stderr):
    script = Path(sys.executable).parent / pipeline
    data = workspace / DATA[pipeline]
    options = "--epochs 2" + (" --members 1" if pipeline == "bikes" else "")
    command = f"{script} train --data {data} --run {tmp_path} {options} {stderr}"
    done = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0
    assert "model:" in done.stdout
    assert (tmp_path / "model.safetensors").exists()


def test_fault_50_a_pipe_in_the_place_of_a_file_is_refused_at_once(workspace, tmp_path):
    (tmp_path / "run").mkdir()
    for name in ("pipe.csv", "hour.csv", "run/model.safetensors", "run/metrics.json"):
        os.mkfifo(tmp_path / name)
    for command in (
        ("sentiment", "train", "--data", "pipe.csv"),
        ("sentiment", "predict", "--file", "pipe.csv", "--run", workspace / "runs/sentiment"),
        ("sentiment", "evaluate", "--run", "run"),
        ("bikes", "train", "--data", "hour.csv"),
        ("bikes", "predict", "hour.csv", "--run", workspace / "runs/bikes"),
        ("bikes", "plot", "--run", "run"),
    ):
        code, _, errors = run(*command, cwd=tmp_path)
        assert code == 1
        assert "is a pipe: write its content to a file, and name that" in errors


UNPRINTABLE = "a \x9b31m \x7f \u202eevil\u200b \x1b[31m film"


def test_fault_44_nothing_unprintable_reaches_a_terminal(workspace, tmp_path):
    hostile = tmp_path / UNPRINTABLE.replace("/", "")
    shutil.copytree(workspace / "runs/sentiment", hostile)
    for command in (
        ("predict", UNPRINTABLE, "--json"),
        ("predict", UNPRINTABLE, "--explain"),
        ("plot",),
        ("report",),
        ("evaluate", "--data", workspace / DATA["sentiment"]),
    ):
        line = shlex.join(["sentiment", *map(str, command), "--run", str(hostile)])
        shown = on_a_terminal(line, tmp_path)
        coloured = re.sub("\x1b\\[(0|1|31|32)m", "", shown) if "--explain" in command else shown
        assert [c for c in coloured if not c.isprintable() and c not in "\r\n\t"] == []
    shown = on_a_terminal(shlex.join(["sentiment", "predict", UNPRINTABLE, "--json", "--run", str(hostile)]), tmp_path)
    assert json.loads(shown.splitlines()[-1])["text"] == UNPRINTABLE
    piped = run("sentiment", "predict", UNPRINTABLE, "--json", "--run", hostile, cwd=tmp_path)[1]
    assert "\u202e" in piped
    assert json.loads(piped)["text"] == UNPRINTABLE
    assert run("sentiment", "plot", "--run", hostile, cwd=tmp_path)[1].startswith(str(hostile))
