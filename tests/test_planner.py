"""What planners stumbled over: files for Excel, dates as people write them, seasons that no table has."""

import csv
import io
import zipfile
from codecs import BOM_UTF8

import numpy as np
import pandas as pd
import pytest
from helpers import run
from test_city import simulated_city

WEEK = ["forecast", "--data", "stadt.csv", "--days", 2]


@pytest.fixture(scope="module")
def spring(tmp_path_factory):
    """A folder with 80 SIMULATED days from 4 March 2024 on, semicolons and decimal commas, and a model of them."""
    folder = tmp_path_factory.mktemp("spring")
    city = simulated_city(80)
    written = pd.DataFrame({"Zeitpunkt": city.time.dt.strftime("%d.%m.%Y %H:%M"), "Ausleihen": city.bikes})
    warmth = np.random.default_rng(1).normal(10, 3, len(city)).round(1)
    written["Temperatur"] = pd.Series(warmth).map(lambda celsius: f"{celsius:.1f}".replace(".", ","))
    written.to_csv(folder / "stadt.csv", index=False, sep=";")
    options = ["--validation-days", 20, "--test-days", 7, "--members", 2, "--epochs", 8, "--country", "DE"]
    code, output, errors = run("bikes", "train", "--data", "stadt.csv", *options, cwd=folder)
    assert code == 0, errors
    (folder / "train.txt").write_text(output)
    return folder


def bikes(folder, *arguments):
    """Standard output and error of a command that succeeds, as a real process."""
    code, output, errors = run("bikes", *arguments, cwd=folder)
    assert code == 0, errors
    return output, errors


def test_a_forecast_is_written_as_its_name_ends(spring):
    pytest.importorskip("xlsxwriter")
    calamine = pytest.importorskip("python_calamine", reason="no python-calamine: pip install -e '.[excel]'")
    for ending in ("csv", "tsv", "xlsx"):
        bikes(spring, *WEEK, "--out", f"week.{ending}")
    plain = (spring / "week.csv").read_bytes()
    assert plain.startswith(BOM_UTF8)
    tabbed = (spring / "week.tsv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(plain.decode("utf-8-sig")), delimiter=";"))
    assert list(csv.DictReader(io.StringIO(tabbed), delimiter="\t")) == rows
    assert rows[0]["time"] == "2024-05-23 00:00"
    assert "," in rows[0]["prediction"]
    book = calamine.CalamineWorkbook.from_path(spring / "week.xlsx")
    assert book.sheet_names == ["hours", "days"]
    (names, *hours), (_, *days) = (book.get_sheet_by_name(name).to_python() for name in ("hours", "days"))
    assert names == list(rows[0])
    assert pd.Timestamp(hours[0][0]) == pd.Timestamp("2024-05-23")
    numbers = [float(row["prediction"].replace(",", ".")) for row in rows]
    assert [row[1] for row in hours] == pytest.approx(numbers)
    assert [row[2] for row in days] == [round(sum(numbers[:24])), round(sum(numbers[24:]))]
    with zipfile.ZipFile(spring / "week.xlsx") as archive:
        for number in (1, 2):
            sheet = archive.read(f"xl/worksheets/sheet{number}.xml").decode()
            assert 'ySplit="1"' in sheet  # the first row stays in sight
            assert 'customWidth="1"' in sheet
    code, _, errors = run("bikes", *WEEK, "--out", "week.ods", cwd=spring)
    assert code == 1
    assert "week.ods: a forecast is written as .csv, .tsv, .xlsx" in errors
    assert not (spring / "week.ods").exists()
