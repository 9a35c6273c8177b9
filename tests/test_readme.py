"""What the README says is so: its Python prints what it shows, its commands run, its line counts are right."""

import contextlib
import io
import re
import shlex
import subprocess

import pytest
from conftest import ROOT, run
from test_architecture import lines

README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^\$ (.*)$", README, re.MULTILINE)
COMMON = {"train", "evaluate", "plot", "report", "export", "predict"}
VERBS = {"bikes": COMMON | {"backtest"}, "sentiment": COMMON | {"words", "similar"}}


@pytest.mark.parametrize(("page", "n_blocks"), [("README.md", 2), ("docs/how-it-works.md", 4)])
def test_python_prints_what_is_shown(page, n_blocks):
    blocks = re.findall(r"```python\n(.*?)```\n```\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert len(blocks) == n_blocks
    names = {}
    for code, shown in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, names)
        assert printed.getvalue() == shown


@pytest.fixture(scope="module")
def folder(workspace):
    table = (workspace / "data" / "bikes" / "hour-SIMULATED.csv").read_text().splitlines()
    (workspace / "hours.csv").write_text("\n".join(table[:30]) + "\n")
    (workspace / "reviews.csv").write_text("text\nfine\n")
    for command in ("bikes", "sentiment"):
        assert run(command, "evaluate", cwd=workspace)[0] == 0
    return workspace


@pytest.mark.parametrize("line", COMMANDS)
def test_command_runs(folder, line):
    before, _, line = line.rpartition(" | ")
    command, *arguments = shlex.split(line)
    if arguments[0] == "export":
        pytest.importorskip("onnx", reason="no onnx: pip install -e '.[onnx]'")
    if arguments[0] == "train":
        arguments += ["--epochs", "1", "--run", "elsewhere"]
    stdin = subprocess.run(shlex.split(before), capture_output=True, text=True, check=True).stdout if before else ""
    code, output, errors = run(command, *arguments, cwd=folder, stdin=stdin)
    assert code == 0, errors
    assert output


def test_every_verb_is_shown_running():
    shown = {command: set() for command in VERBS}
    for line in COMMANDS:
        command, verb, *_ = shlex.split(line.rpartition(" | ")[2])
        shown[command].add(verb)
    assert shown == VERBS


def test_line_counts_are_right():
    whole, heart = map(int, re.search(r"`nn/`: (\d+) lines, of which the heart .* is (\d+)", README).groups())
    assert whole == lines(*(path.stem for path in ROOT.glob("nn/*.py")))
    assert heart == lines("functions", "network", "training")


def test_feature_count_is_right():
    from projects.bikes.data import check_hours
    from projects.bikes.features import build_features
    from projects.bikes.sample import simulate_hours

    hours = check_hours(simulate_hours().head(1).astype(str), "sample", targets=True)
    assert f"becomes {build_features(hours).shape[1]} features" in README


def test_make_targets_exist():
    for target in set(re.findall(r"\bmake ([a-z]+)", README)) - {"an"}:
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, target


@pytest.mark.parametrize("page", ["README.md", "nn/README.md", "data/README.md", "docs/how-it-works.md"])
def test_links_and_pictures_exist(page):
    page = ROOT / page
    for target in re.findall(r"\]\((?!http)([^)]*)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_dependency_table_is_complete():
    text = (ROOT / "pyproject.toml").read_text()
    declared = re.findall(r'"([a-z]+)>=', text.partition("dependencies = [")[2].partition("]")[0])
    assert set(re.findall(r"^\| ([a-z]+) \|", README, re.MULTILINE)) >= set(declared)
