"""docs/reliability.md and the tests of faults agree."""

import re
import runpy

import pytest
from helpers import ROOT

SCRIPT = runpy.run_path(str(ROOT / "docs" / "reliability.py"))
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
FAULTS = SCRIPT["faults"](PAGE)


def test_the_faults_are_numbered_from_1_without_a_gap():
    assert all(number == row for row, number in enumerate(FAULTS, start=1))
    assert len(FAULTS) >= 51


def test_the_readme_says_how_many_faults_there_are():
    (number,) = re.findall(r"lists (\d+) faults", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert int(number) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_a_test(fault):
    assert SCRIPT["tests_by_fault"]().get(fault), f"no test is named test_fault_{fault:02}_…"


def test_every_test_of_a_fault_has_its_row():
    assert set(SCRIPT["tests_by_fault"]()) - set(FAULTS) == set()


def test_no_test_of_a_fault_is_named_so_that_the_page_misses_it():
    sources = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/*.py"))
    named = re.findall(r"^ *(?:async )?def (test_fault\w*)", sources, re.MULTILINE)
    assert len(named) == sum(map(len, SCRIPT["tests_by_fault"]().values()))


def test_the_names_of_the_tests_are_those_there_are():
    assert SCRIPT["with_tests"](PAGE) == PAGE, "run make docs"
