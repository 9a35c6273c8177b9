"""Without an extra its tests are skipped, not failed: with each one absent, and with all of them."""

import ast
import os
import re
import subprocess
import sys
import tomllib

import pytest
from helpers import ROOT
from packaging.requirements import Requirement

pytestmark = pytest.mark.slow

EXTRAS = ["torch", "dask", "onnx", "browser"]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def packages_of(extra):
    """The packages that an extra brings, as they are imported: dask[distributed] is dask and distributed."""
    requirements = [Requirement(line) for line in DECLARED[extra]]
    names = {name for requirement in requirements for name in (requirement.name, *requirement.extras)}
    return {name.replace("-", "_") for name in names}


def names_of_tests_with(path, words):
    """The tests of a file whose code, or the code of a fixture or function that it uses, has one of these words."""
    source = path.read_text()
    functions = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    code = {name: ast.get_source_segment(source, node) for name, node in functions.items()}
    chosen = {name for name, text in code.items() if any(word in text for word in words)}
    size = -1
    while size < len(chosen):
        size = len(chosen)
        chosen |= {name for name, text in code.items() if chosen & set(re.findall(r"\w+", text))}
    return sorted(name for name in chosen if name.startswith("test_"))


def run_without(packages, tests, tmp_path):
    """Run tests where these packages can't be imported, in child processes either: how it ended."""
    for package in packages:
        (tmp_path / f"{package}.py").write_text(
            f"raise ModuleNotFoundError('No module named {package}', name={package!r})"
        )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", *tests],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("missing", [*([extra] for extra in EXTRAS), EXTRAS], ids=" ".join)
def test_without_an_extra_its_tests_are_skipped(missing, tmp_path):
    packages = {package for extra in missing for package in packages_of(extra)}
    files = [path for path in sorted(ROOT.glob("tests/test_*.py")) if path.name != "test_extras.py"]
    tests = [f"{path}::{name}" for path in files for name in names_of_tests_with(path, packages)]
    assert tests
    done = run_without(packages, tests, tmp_path)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b[1-9]\d* skipped", done.stdout.splitlines()[-1]), done.stdout


def test_a_test_that_fails_without_an_extra_is_noticed(tmp_path):
    package = "dask"
    careless = tmp_path / "test_careless.py"
    careless.write_text(f"def helper():\n    import {package}\n\n\ndef test_one():\n    helper()\n")
    assert names_of_tests_with(careless, {package}) == ["test_one"]
    done = run_without({package}, [f"{careless}::test_one"], tmp_path)
    assert done.returncode == 1
    assert "1 failed" in done.stdout.splitlines()[-1]


def test_every_extra_that_tests_use_is_tried():
    assert set(DECLARED) - {"dev", "benchmark"} == set(EXTRAS)
