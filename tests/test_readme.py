"""What README and help say is so: Python prints what is shown, commands run, line counts are right."""

import contextlib
import csv
import functools
import gzip
import io
import json
import re
import runpy
import shlex
import shutil
import subprocess
import tarfile
import zipfile

import pytest
from helpers import ROOT, inside, run

from nn.functions import ACTIVATIONS
from projects.bikes import backtest
from projects.bikes.cli import main as bikes
from projects.bikes.settings import Settings
from projects.sentiment.cli import main as sentiment

pytestmark = pytest.mark.slow

README = (ROOT / "README.md").read_text()
OWN = {"sentiment": "## Your own texts", "bikes": "## Your own city"}  # sections that are walked from line to line
PAGES = ["README.md", "CONTRIBUTING.md", "nn/README.md", "projects/README.md", "data/README.md"]
DOCS = ("change-it", "cli", "how-it-works", "own-data", "python", "reliability", "results", "scale")
PAGES += [f"docs/{name}.md" for name in DOCS]
VERBS = ("download", "check", "train", "evaluate", "plot", "report", "export", "predict")


def commands(text):
    return re.findall(r"^\$ (.*)$", text, re.MULTILINE)


def section(heading):
    return README.partition(f"{heading}\n")[2].partition("\n## ")[0]


WALKS = {tool: commands(section(heading)) for tool, heading in OWN.items()}
COMMANDS = [line for line in commands(README) if line not in [*WALKS["sentiment"], *WALKS["bikes"]]]


@pytest.mark.parametrize(
    ("page", "n_blocks"),
    [("README.md", 1), ("docs/change-it.md", 2), ("docs/how-it-works.md", 4), ("docs/python.md", 3)],
)
def test_python_prints_what_is_shown(page, n_blocks, monkeypatch):
    monkeypatch.delitem(ACTIVATIONS, "softsign", raising=False)  # a page puts it there: gone again afterwards
    blocks = re.findall(r"```python\n(.*?)```\n```\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert len(blocks) == n_blocks
    names = {}
    for code, shown in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, names)
        assert printed.getvalue() == shown


def examples(command):
    """The lines that the help of each command gives as examples."""
    for verb in command.commands.values():
        text = verb.help.partition("Example")[2].partition("\n\n")[0].strip()
        yield from (line.strip() for line in text.removeprefix("s").removeprefix(":").splitlines())


HELP = [line for command in (bikes, sentiment) for line in examples(command)]


@pytest.fixture(scope="module")
def folder(workspace, tmp_path_factory):
    """A copy of the workspace, evaluated, with the files that examples name."""
    folder = shutil.copytree(workspace, tmp_path_factory.mktemp("readme"), dirs_exist_ok=True)
    table = (folder / "data" / "bikes" / "hour-SIMULATED.csv").read_bytes()
    (folder / "hours.csv").write_bytes(b"".join(table.splitlines(keepends=True)[:30]))
    with zipfile.ZipFile(folder / "Bike-Sharing-Dataset.zip", "w") as archive:
        archive.writestr("hour.csv", table)
    hours = [f"2024-05-23 {hour:02}:00" for hour in range(24)]
    (folder / "counts.csv").write_text("time,bikes\n" + "".join(f"{hour},{30 + i}\n" for i, hour in enumerate(hours)))
    names = "time,prediction,low_80,high_80,low_95,high_95,last_four_weeks\n"
    (folder / "week.csv").write_text(names + "".join(f"{hour},40,30,50,20,60,35\n" for hour in hours))
    (folder / "reviews.csv").write_text("text\nfine\n")
    reviews = list(csv.DictReader((folder / "data" / "sentiment" / "reviews-SIMULATED.csv").open()))
    mails = "".join(f"{row['text']}\t{'spam' if row['label'] == 'negative' else 'ham'}\n" for row in reviews)
    (folder / "mails.csv").write_text("body,kind\n" + mails.replace(",", "").replace("\t", ","))
    with tarfile.open(folder / "aclImdb_v1.tar.gz", "w:gz") as archive:
        for number, row in enumerate(reviews[:20]):
            member = tarfile.TarInfo(f"aclImdb/{'train' if number % 5 else 'test'}/{row['label'][:3]}/{number}_1.txt")
            member.size = len(row["text"].encode())
            archive.addfile(member, io.BytesIO(row["text"].encode()))
    for part in range(2):
        with gzip.open(folder / f"reviews-{part}.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in reviews[part::2])
    return folder


SHOWN = sorted(set(COMMANDS + HELP), key=lambda line: (" evaluate" not in line, line))
EXPORTS = [line for line in SHOWN if " export " in line]


@pytest.mark.parametrize("line", [line for line in SHOWN if line not in EXPORTS])
def test_command_runs(folder, line, monkeypatch):
    monkeypatch.setattr(backtest, "Settings", functools.partial(Settings, epochs=1))
    run_line(folder, line, monkeypatch)


@pytest.fixture(scope="module")
def onnx():
    return pytest.importorskip("onnx", reason="no onnx: pip install -e '.[onnx]'")


@pytest.mark.parametrize("line", EXPORTS)
def test_export_runs(onnx, folder, line, monkeypatch):
    run_line(folder, line, monkeypatch)


def run_line(folder, line, monkeypatch):
    """Run a line that is shown, with less training, and with all that it writes in other places."""
    monkeypatch.chdir(folder)
    before, _, line = line.rpartition(" | ")
    command, *arguments = shlex.split(line)
    if arguments[0] == "train":
        arguments += ["--epochs", "1", "--run", "elsewhere"]
    if arguments[0] == "tune":
        arguments += ["--minutes", "0.3"]
    if arguments[0] == "download":
        arguments += ["--data-dir", "elsewhere"]
    stdin = subprocess.run(shlex.split(before), capture_output=True, text=True, check=True).stdout if before else ""
    code, output, errors = inside(command, *arguments, stdin=stdin)
    assert code == 0, errors
    assert output


NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


def test_the_models_of_the_published_data_say_what_is_shown(bikes_zip, reviews_archive, tmp_path):
    """Words and signs to the letter, numbers nearly: their last digits depend on the machine."""
    for command, data in (("bikes", bikes_zip), ("sentiment", reviews_archive)):
        code, _, errors = run(command, "train", "-q", "--data", data, cwd=tmp_path)
        assert code == 0, errors
    block = section("## Start").partition("```console\n")[2].partition("```")[0]
    shown = re.findall(r"^\$ (.*)\n((?:[^$].*\n)+)", block, re.MULTILINE)
    assert len(shown) == 3
    for line, expected in shown:
        before, _, asked = line.rpartition(" | ")
        typed = "".join(f"{word}\n" for word in shlex.split(before)[1:])
        command, *arguments = shlex.split(asked)
        code, output, errors = run(command, *arguments, cwd=tmp_path, stdin=typed)
        assert code == 0, errors
        assert NUMBER.sub("#", output) == NUMBER.sub("#", expected)
        numbers = [[float(number) for number in NUMBER.findall(text)] for text in (output, expected)]
        assert numbers[0] == pytest.approx(numbers[1], rel=0.02, abs=0.01)


@pytest.mark.parametrize("tool", ["bikes", "sentiment"])
def test_own_data_go_the_way_that_is_shown(tmp_path, folder, tool, monkeypatch):
    shutil.copy(folder / "data" / "bikes" / "hour-SIMULATED.csv", tmp_path / "stadt.csv")
    shutil.copy(folder / "mails.csv", tmp_path)
    (tmp_path / "new.csv").write_text("number,body\n1,a dull film\n2,\n")
    monkeypatch.chdir(tmp_path)
    assert len(WALKS[tool]) >= 4
    for line in WALKS[tool]:
        command, *arguments = shlex.split(line)
        short = ["--epochs", "1"] if arguments[0] == "train" else []
        code, _, errors = inside(command, *arguments, *short)
        assert code == 0, errors
    if tool == "bikes":
        assert len((tmp_path / "week.csv").read_text().splitlines()) == 1 + 7 * 24
    else:
        rows = list(csv.DictReader((tmp_path / "answers.csv").open()))
        assert [row["number"] for row in rows] == ["1", "2"]
        assert rows[1]["label"] == "no text"


@pytest.mark.parametrize(("tool", "command"), [("bikes", bikes), ("sentiment", sentiment)])
def test_every_command_has_an_example_in_its_help(tool, command):
    shown = {shlex.split(line.rpartition(" | ")[2])[1] for line in examples(command)}
    assert shown == set(command.commands)
    assert shown > set(VERBS)


def test_the_page_of_commands_is_that_of_the_commands():
    page = runpy.run_path(str(ROOT / "docs" / "cli.py"))["page"]()
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == page, "run make docs"


def test_make_targets_exist():
    text = README + (ROOT / "CONTRIBUTING.md").read_text()
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert targets >= {"bikes", "sentiment", "test", "check"}
    for target in targets:
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, target


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_exist(page):
    page = ROOT / page
    for target in re.findall(r"\]\((?!http)([^)]*)\)", page.read_text()):
        path, _, heading = target.partition("#")
        assert not path or (page.parent / path).exists(), target
        headings = [line.lstrip("# ").lower().replace(" ", "-") for line in page.read_text().splitlines()]
        assert path or heading in headings, target


def test_dependency_table_is_complete():
    text = (ROOT / "pyproject.toml").read_text()
    declared = re.findall(r'"([a-z-]+)>=', text.partition("dependencies = [")[2].partition("]")[0])
    assert set(re.findall(r"^\| ([a-z-]+) \|", README, re.MULTILINE)) >= set(declared)
