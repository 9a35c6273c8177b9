"""What planners stumbled over: files for Excel, dates as people write them, seasons that no table has."""

import csv
import datetime as dt
import io
import json
import re
import shutil
import zipfile
from codecs import BOM_UTF8
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import test_report
from helpers import run
from matplotlib.figure import Figure
from test_city import simulated_city, usual_bikes
from test_report import enter, value, visit

from nn import TwoLayerNetwork
from projects.bikes import (
    backtest,
    bands,
    check,
    closed,
    comparison,
    data,
    decimal_commas,
    events,
    features,
    forecast,
    layout,
    load,
    low_days,
    outlook,
    plots,
    seasons,
    temperatures,
    times,
    train,
    weather,
)
from projects.bikes import model as bike_model
from projects.bikes.evaluation import in_a_sentence
from projects.bikes.layout import Event
from projects.bikes.model import train as train_on
from projects.bikes.settings import Settings
from projects.common.checkpoint import Checkpoint
from projects.common.errors import ProjectError
from projects.common.words import counted

pytestmark = pytest.mark.slow

browser = test_report.browser  # a fixture
WEEK = ["forecast", "--data", "stadt.csv", "--days", 2]


@pytest.fixture(scope="module")
def spring(tmp_path_factory):
    """A folder with 80 SIMULATED days from 4 March 2024 on, semicolons and decimal commas, and a model of them."""
    folder = tmp_path_factory.mktemp("spring")
    city = simulated_city(80)
    city.loc[city.time.dt.strftime("%d.%m.").isin(["20.03.", "17.04."]), "bikes"] *= 3
    events_known = "20.03.2024;Stadtfest\n17.04.2024;Stadtfest\n29.05.2024;stadtfest \n05.06.2024;Finale\n"
    (folder / "feste.csv").write_text("Datum;Anlass\n" + events_known)
    written = pd.DataFrame({"Zeitpunkt": city.time.dt.strftime("%d.%m.%Y %H:%M"), "Ausleihen": city.bikes})
    warmth = np.random.default_rng(1).normal(10, 3, len(city)).round(1)
    written["Temperatur"] = pd.Series(warmth).map(lambda celsius: f"{celsius:.1f}".replace(".", ","))
    written.to_csv(folder / "stadt.csv", index=False, sep=";")
    options = ["--validation-days", 20, "--test-days", 7, "--members", 2, "--epochs", 8, "--country", "DE"]
    options += ["--events", "feste.csv"]
    code, output, errors = run("bikes", "train", "--data", "stadt.csv", *options, cwd=folder)
    assert code == 0, errors
    (folder / "train.txt").write_text(output)
    (folder / "remarks.txt").write_text(errors)
    return folder


def bikes(folder, *arguments):
    """Standard output and error of a command that succeeds, as a real process."""
    code, output, errors = run("bikes", *arguments, cwd=folder)
    assert code == 0, errors
    return output, errors


def test_a_forecast_is_written_as_its_name_ends(spring):
    import python_calamine as calamine

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


def test_answers_for_a_table_are_written_as_their_name_ends(spring):
    import python_calamine as calamine

    header, *given = (spring / "stadt.csv").read_text().splitlines()[:30]
    (spring / "stunden.csv").write_text("\n".join([header, *given]))
    printed, _ = bikes(spring, "predict", "stunden.csv", "--json")
    predictions = [json.loads(line)["prediction"] for line in printed.splitlines()]
    assert len(predictions) == 29
    for ending in ("csv", "tsv", "xlsx"):
        output, _ = bikes(spring, "predict", "stunden.csv", "--out", f"antworten.{ending}")
        assert output == f"antworten.{ending}: 29 rows\n"
    plain = (spring / "antworten.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(plain), delimiter=";"))
    assert [";".join(list(row.values())[:3]) for row in rows] == given  # the table as it was
    assert [float(row["prediction"].replace(",", ".")) for row in rows] == predictions
    tabbed = (spring / "antworten.tsv").read_bytes().decode("utf-8-sig")
    assert list(csv.DictReader(io.StringIO(tabbed), delimiter="\t")) == rows
    names, *cells = calamine.CalamineWorkbook.from_path(spring / "antworten.xlsx").get_sheet_by_index(0).to_python()
    assert names == list(rows[0])
    assert [row[names.index("prediction")] for row in cells] == predictions
    assert pd.Timestamp(cells[1][0]) == pd.Timestamp("2024-03-04 01:00")
    warmth = [float(row["Temperatur"].replace(",", ".")) for row in rows]
    assert [row[names.index("Temperatur")] for row in cells] == warmth
    before = (spring / "stunden.csv").read_bytes()
    for out, said in (
        ("stunden.csv", "would take the place of stunden.csv"),
        ("a.ods", "a.ods: a forecast is written"),
    ):
        code, _, errors = run("bikes", "predict", "stunden.csv", "--out", out, cwd=spring)
        assert code == 1
        assert said in errors
    assert (spring / "stunden.csv").read_bytes() == before


def test_the_only_column_of_whole_numbers_is_the_count_and_it_is_said(tmp_path):
    city = simulated_city(70)
    table = pd.DataFrame({"Fecha y hora": city.time.dt.strftime("%d/%m/%Y %H:%M"), "Salidas": city.bikes})
    table.to_csv(tmp_path / "salidas.csv", index=False, sep=";")
    output, errors = bikes(tmp_path, "check", "salidas.csv")
    assert f"Salidas: {city.bikes.sum():,} bikes" in output
    assert "counts are taken from 'Salidas', the only column of whole numbers" in errors + output
    table.rename(columns={"Salidas": "Préstamos"}).to_csv(tmp_path / "named.csv", index=False, sep=";")
    output, errors = bikes(tmp_path, "check", "named.csv")
    assert f"Préstamos: {city.bikes.sum():,} bikes" in output
    assert "counts are taken" not in errors + output
    both = {"casual": city.bikes, "registered": city.bikes, "Distrito": city.time.dt.hour % 3}
    riders = table.drop(columns="Salidas").assign(**both)
    riders.to_csv(tmp_path / "riders.csv", index=False, sep=";")
    output, errors = bikes(tmp_path, "check", "riders.csv")
    assert f"casual + registered: {2 * city.bikes.sum():,} bikes" in output
    assert "counts are taken" not in errors + output
    table.assign(Devoluciones=city.bikes + 1).to_csv(tmp_path / "two.csv", index=False, sep=";")
    code, _, errors = run("bikes", "check", "two.csv", cwd=tmp_path)
    assert code == 1
    assert "no column is a count of bikes" in errors


def test_errors_of_a_backtest_stand_in_a_sentence():
    """Three hours of 10, 20 and 60 bikes: off by 1, 2 and 6, so 3 on average; the weeks by 9, 8 and 1, so 6."""
    forecasts = pd.DataFrame(
        {
            "origin": [1, 1, 2],
            "cnt": [10, 20, 60],
            "prediction": [11.0, 18.0, 66.0],
            "last_four_weeks": [19.0, 12.0, 61.0],
            "low_80": [9.0, 21.0, 50.0],
            "high_80": [12.0, 30.0, 70.0],
        }
    )
    assert backtest.in_a_sentence(forecasts, 7) == (
        "forecasts of 7 days are off by 3.0 bikes an hour on average (an average hour sees 30); the mean of the four "
        "weeks before by 6.0 bikes; the 80 % band held 67 of 100 hours (50 to 100 by origin)"
    )
    usual = {"usual_weather_prediction": [16.0, 26.0, 54.0], "usual_weather_low_80": 0.0, "usual_weather_high_80": 50.0}
    assert backtest.in_a_sentence(forecasts.assign(**usual), 7).endswith(
        "(50 to 100 by origin). That is with the weather as it was; in usual weather, as `bikes forecast` takes it, "
        "6.0 bikes, and the band holds 67"
    )
    without_bands = backtest.in_a_sentence(forecasts.assign(low_80=np.nan, high_80=np.nan), 1)
    assert without_bands == (
        "forecasts of 1 day are off by 3.0 bikes an hour on average (an average hour sees 30); the mean of the four "
        "weeks before by 6.0 bikes"
    )


def test_the_losses_are_drawn_before_an_evaluation(spring, tmp_path):
    shutil.copytree(spring / "runs", tmp_path / "runs")
    (tmp_path / "runs" / "bikes" / "metrics.json").unlink(missing_ok=True)
    output, errors = bikes(tmp_path, "plot")
    assert output.split() == [str(Path("runs", "bikes", "losses.png"))]
    assert "`bikes evaluate`, then this again" in errors


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2024-06-29 12:00", False),  # 45 days after 15 May, from 12:00 on
        ("2024-06-29 13:00", True),
        ("2024-12-25", True),
        ("2025-01-20", False),  # 40 days before 1 March
        ("2024-01-10", True),  # 51 days before it
        ("2023-04-01", False),  # the same season of another year
    ],
)
def test_a_season_is_unseen_beyond_45_days_of_the_year(time, expected):
    trained = {"first_hour": "2024-03-01 00:00:00", "last_hour": "2024-05-15 12:00:00", "less_than_a_year": True}
    times = pd.Series([pd.Timestamp(time)])
    assert seasons.is_unseen(trained, times).tolist() == [expected]
    assert not seasons.is_unseen(trained | {"less_than_a_year": False}, times).any()


def test_a_forecast_of_a_season_never_seen_is_called_a_guess_and_has_no_band(spring):
    output, _ = bikes(spring, "predict", "--when", "2024-10-09T17", "--temperature", 9)
    assert output.endswith("no band: no data of October: a guess, without bands\n")
    _, errors = bikes(spring, *WEEK[:-1], 70)
    assert "no data of June, July: a guess, without bands\n" in errors
    weather = "Zeitpunkt;Temperatur\n15.05.2024 08:00;9,5\n09.10.2024 08:00;9,5\n"
    (spring / "two.csv").write_text(weather)
    output, errors = bikes(spring, "predict", "two.csv")
    near, far = csv.DictReader(io.StringIO(output))
    assert near["low_80"]
    assert far["low_80"] == ""
    assert far["beyond_known"] == "True"
    assert "no data of October: a guess, without bands\n" in errors


def test_the_page_knows_public_holidays_and_unseen_seasons_as_predict_does(browser, spring):
    bikes(spring, "report")
    visit(browser, spring / "runs" / "bikes" / "report.html")
    found = {}
    for date, holiday in (("2024-05-09", True), ("2024-05-16", False), ("2024-10-03", True)):  # Ascension; Thursdays
        enter(browser, date=date, hour=8, temperature=9)
        assert browser.execute_script("return document.getElementById('inputs').elements.holiday.checked") is holiday
        output, _ = bikes(spring, "predict", "--when", f"{date}T08", "--temperature", 9, "--json")
        found[date] = json.loads(output)["prediction"]
        assert value(browser, "bikes") == pytest.approx(found[date], rel=1e-3)
    assert found["2024-05-09"] < found["2024-05-16"]
    told = browser.execute_script("return document.getElementById('far').textContent")
    assert told == "No data of October: a guess, and there is no band."
    assert not browser.execute_script("return document.getElementById('low').textContent")


def test_the_page_knows_the_events_of_the_city_as_predict_does(browser, spring):
    bikes(spring, "report")
    visit(browser, spring / "runs" / "bikes" / "report.html")
    for date, name in (("2024-05-29", "Stadtfest"), ("2024-06-12", None), ("2024-06-05", "Finale")):  # Wednesdays
        enter(browser, date=date, hour=17, temperature=9)
        output, _ = bikes(spring, "predict", "--when", f"{date}T17", "--temperature", 9, "--json")
        expected = json.loads(output)
        for key, shown in {"prediction": "bikes", "low_80": "low", "high_80": "high"}.items():
            assert value(browser, shown) == pytest.approx(expected[key], rel=1e-3), (date, key)
        moment = browser.execute_script("return document.getElementById('moment').textContent")
        assert moment == f"on Wednesday {date}{f' ({name})' if name else ''} from 17:00"


def test_events_of_the_city_are_forecast_without_another_option(spring):
    """Thrice the bikes were rented on two of them: a third one sees clearly more than an ordinary Wednesday."""
    remarks = (spring / "remarks.txt").read_text()
    days = "Stadtfest (3 days, 2024-03-20 to 2024-05-29); Finale (2024-06-05)"
    assert f"feste.csv, Datum and Anlass: {days}\n" in remarks
    assert "no hour trained on is of Finale: what such a day does is not known" in remarks
    asked = {"event": "2024-05-29T17", "usual": "2024-06-12T17", "final": "2024-06-05T17"}
    found = {}
    for name, when in asked.items():
        output, _ = bikes(spring, "predict", "--when", when, "--temperature", 9, "--json")
        found[name] = json.loads(output)
    assert found["event"]["prediction"] > 1.7 * found["usual"]["prediction"]
    assert found["final"]["prediction"] == pytest.approx(found["usual"]["prediction"], rel=0.3)
    roots = {name: {key: np.sqrt(row[key]) for key in ("prediction", "high_80")} for name, row in found.items()}
    widths = {name: root["high_80"] - root["prediction"] for name, root in roots.items()}
    assert widths["final"] == pytest.approx(2 * widths["usual"], rel=0.01)  # a special day
    output, _ = bikes(spring, "predict", "--when", "29.05.2024 17:00", "--temperature", 9)
    assert "(9 °C, Stadtfest)" in output
    (spring / "hours.csv").write_text("Zeitpunkt;Temperatur\n29.05.2024 17:00;9\n12.06.2024 17:00;9\n")
    output, _ = bikes(spring, "predict", "hours.csv")
    of_table = [float(row["prediction"]) for row in csv.DictReader(io.StringIO(output))]
    assert of_table == [found[name]["prediction"] for name in ("event", "usual")]


def test_the_days_of_a_forecast_are_marked_as_events(spring):
    output, _ = bikes(spring, "forecast", "--data", "stadt.csv", "--days", 8)
    marked = [line[:14] for line in output.splitlines() if line.endswith("  Stadtfest")]
    assert marked == ["Wed 2024-05-29"]


def test_a_day_may_be_a_feast_and_a_public_holiday():
    coming = pd.DataFrame({"time": pd.date_range("2024-05-01 22:00", periods=27, freq="h")})
    coming["holiday"] = coming.time.dt.day.isin([1, 2]).astype(int)
    named = [Event(dt.date(2024, 5, 2), "Fair"), Event(dt.date(2024, 5, 3), "Match")]
    model = SimpleNamespace(city=features.City("2024-03-01", "2024-05-01", events=named))
    assert outlook.occasions(model, coming) == ["public holiday", "Fair, public holiday", "Match"]


def test_how_far_off_a_forecast_is_stands_in_a_sentence():
    """By hand: 168 hours of 90 and 110 bikes in turn."""
    hours = pd.DataFrame({"cnt": [90, 110] * 84})
    scores = {
        "test": {"mae": 16.6, "coverage_80": 0.812},
        "validation": {"mae": 8.44},
        "baselines": {"last_four_weeks": {"test": {"mae": 40.4}, "validation": {"mae": 1234.5}}},
    }
    assert in_a_sentence(scores, "test", hours) == (
        "over the 7 test days the forecast is off by 17 bikes an hour on average (an average hour sees 100); "
        "the mean of the four weeks before by 40 bikes; the 80 % band held 81 of 100 hours"
    )
    assert in_a_sentence(scores, "validation", hours) == (
        "over the 7 validation days the forecast is off by 8.4 bikes an hour on average (an average hour sees 100); "
        "the mean of the four weeks before by 1,234 bikes"
    )


def test_train_and_evaluate_end_with_it(spring):
    assert "\nover the 20 validation days the forecast is off by " in (spring / "train.txt").read_text()
    output, _ = bikes(spring, "evaluate", "--data", "stadt.csv")
    scores = json.loads((spring / "runs" / "bikes" / "metrics.json").read_text())["test"]
    last = output.splitlines()[-1]
    assert last.startswith(f"over the 7 test days the forecast is off by {scores['mae']:.1f} bikes")  # below ten
    held = f"the 80 % band held {100 * scores['coverage_80']:.0f} of 100 hours"
    assert f"{held} (given the weather as it was: " in last


@pytest.mark.parametrize(
    ("written", "likely", "expected"),
    [
        ("24.12.2024 17:00", "%Y-%m-%d", "2024-12-24 17:00"),
        ("24.12.2024T17", "%Y-%m-%d", "2024-12-24 17:00"),
        ("2024-12-24 17", "%d.%m.%Y %H:%M", "2024-12-24 17:00"),
        ("07/04/2024 5 PM", "%m/%d/%Y %H:%M", "2024-07-04 17:00"),
        ("07/04/2024 5:30 PM", "%d/%m/%Y", "2024-04-07 17:30"),
        ("24.12.2024", "%d.%m.%Y", None),
        ("2024-13-24T17", "%Y-%m-%d", None),
    ],
)
def test_a_moment_is_read_as_people_write_it(written, likely, expected):
    found = times.parse_moment(written, likely)
    assert found == (None if expected is None else pd.Timestamp(expected))


def test_when_and_numbers_are_taken_as_germans_write_them(spring):
    usual = bikes(spring, "predict", "--when", "2024-05-24T17", "--temperature", "9.5")
    assert bikes(spring, "predict", "--when", "24.05.2024 17:00", "--temperature", "9,5") == usual
    code, _, errors = run("bikes", "predict", "--when", "24.05.2024", "--temperature", 9, cwd=spring)
    assert code == 2
    assert "'24.05.2024' is no date with an hour, such as 2012-12-24T17" in errors
    assert "%Y" not in errors
    code, _, errors = run("bikes", "predict", "--when", "2024-05-24T17", "--temperature", "9,5,1", cwd=spring)
    assert code == 2
    assert "'9,5,1' is no number, alone or with °C or °F" in errors


def test_check_names_the_longest_gaps_first_and_a_count_that_may_be_a_slip(tmp_path):
    city = simulated_city(30)
    city.loc[400, "bikes"] = 9999
    for first, hours in ((30, 1), (100, 2), (200, 1), (300, 1), (500, 1), (600, 7), (700, 1)):
        city = city.drop(index=range(first, first + hours))
    usual = int(np.sort(city.bikes)[-2])  # of fewer than 1,000 hours the next is the one that 99.9 % stay below
    city.to_csv(tmp_path / "city.csv", index=False)
    output, _ = bikes(tmp_path, "check", "city.csv")
    ratio = round(9999 / usual)
    slip = f"9,999 bikes, on 2024-03-20 from 16:00: {ratio} times what 999 of 1,000 hours stay below: check it"
    assert f"highest      {slip}\n" in output
    missing = next(line for line in output.splitlines() if line.startswith("missing"))
    spans = "2024-03-29 00:00 to 06:59, 2024-03-08 04:00 to 05:59, 2024-03-05 06:00 to 06:59"
    assert missing.startswith(f"missing      14 hours, simply left out: {spans}, ")
    assert missing.endswith(" and 2 more times")
    city.assign(bikes=city.bikes.clip(upper=usual)).to_csv(tmp_path / "city.csv", index=False)
    output, _ = bikes(tmp_path, "check", "city.csv")
    assert f"highest      {usual} bikes, on " in output
    assert "check it" not in output


def hours_from_march(days):
    return simulated_city(days).rename(columns={"bikes": "cnt"})


def test_origins_are_as_late_as_short_data_allow():
    """An origin needs 67 days before it: of data from 4 March on, 10 May at the earliest."""
    assert backtest.origins(hours_from_march(75), 12, 1, 7) == [pd.Timestamp("2024-05-11")]
    assert backtest.origins(hours_from_march(130), 12, 1, 21) == [pd.Timestamp("2024-06-01")]
    assert backtest.origins(hours_from_march(140), 12, 1, 7) == [pd.Timestamp("2024-06-01"), pd.Timestamp("2024-07-01")]
    advice = "an origin needs 67 days before it and --days 21 after it; lower --days to 8"
    with pytest.raises(ProjectError, match=f"75 days are too few: {advice}"):
        backtest.origins(hours_from_march(75), 12, 1, 21)
    assert backtest.origins(hours_from_march(75), 12, 1, 8)
    with pytest.raises(ProjectError, match="wait for more data"):
        backtest.origins(hours_from_march(60), 12, 1, 21)


def test_a_country_may_be_written_small(tmp_path):
    hours = simulated_city(70).rename(columns={"bikes": "rides"})
    hours.to_csv(tmp_path / "city.csv", index=False)
    found = [data.read_hours(tmp_path / "city.csv", country=country) for country in ("DE", "de")]
    pd.testing.assert_frame_equal(*found)
    assert found[1].holiday.sum() == 4 * 24  # Good Friday and Easter Monday, 1 May, Ascension


@pytest.mark.parametrize(("number", "expected"), [(0, "0 rows"), (1, "1 row"), (1200, "1,200 rows")])
def test_one_row_is_a_row(number, expected):
    assert counted(number, "row") == expected


DOTTED = ["980", "1.140", "12.345", ""]


@pytest.mark.parametrize(
    ("delimiter", "others", "expected"),
    [
        (";", ["1", "2", "3", "4"], ["980", "1140", "12345", ""]),
        ("\t", ["1,5", "2,5", "3", "4"], ["980", "1140", "12345", ""]),  # decimal commas: dots are none
        ("\t", ["1", "2", "3", "4"], DOTTED),
        (";", ["1.5", "2.5", "3.25", "4"], DOTTED),  # decimal points
        (",", ["1", "2", "3", "4"], DOTTED),
    ],
)
def test_dots_before_thousands_are_read_where_they_cannot_be_decimal(delimiter, others, expected):
    text = pd.DataFrame({"time": ["24.12.2024 17:00"] * 4, "rides": DOTTED, "other": others}, dtype=object)
    read, remarks = decimal_commas.with_points(text, delimiter)
    assert read.rides.tolist() == expected
    assert read.time.tolist() == text.time.tolist()
    told = "column rides: '1.140' is read as 1140, with a dot before thousands"
    assert (told in remarks) is (expected != DOTTED)


def test_counts_with_dots_before_thousands_are_whole_in_check(tmp_path):
    rows = [
        f"{1 + hour // 24:02}.03.2024 {hour % 24:02}:00;{f'{900 + hour:,}'.replace(',', '.')}" for hour in range(240)
    ]
    (tmp_path / "city.csv").write_text("\n".join(["Zeitpunkt;Ausleihen", *rows]))
    output, errors = bikes(tmp_path, "check", "city.csv")
    assert f"count        Ausleihen: {sum(range(900, 1140)):,} bikes" in output
    assert "column Ausleihen: '1.000' is read as 1000, with a dot before thousands" in errors


@pytest.mark.parametrize("command", ["forecast", "evaluate"])
def test_without_data_the_table_that_was_trained_on_is_named(spring, command):
    code, _, errors = run("bikes", command, cwd=spring)
    assert code == 1
    assert "a table of your own (stadt.csv at that time): name it, up to now, with --data" in errors


FALLAS = [
    Event(dt.date(2024, 3, 15), "Fallas"),
    Event(dt.date(2024, 3, 16), "Fallas"),
    Event(dt.date(2024, 4, 1), "Copa"),
]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("Fecha;Fiesta\n15/03/2024;Fallas\n16/03/2024; fallas\n01/04/2024;Copa", "Fecha and Fiesta"),
        ("nr,date,what it is\n1,2024-03-15,Fallas\n2,2024-03-16,Fallas\n3,2024-04-01,Copa", "date and what it is"),
        ("Tag,Art\n15.03.2024,Fallas\n16.03.2024,FALLAS\n17.03.2024,\n18.03.2024,no\n01.04.2024,Copa", "Tag and Art"),
        (
            "Hour,Event\n15.03.2024 9:00,Fallas\n15.03.2024 10:00,Fallas\n16.03.2024 0:00,Fallas\n01.04.2024 9:00,Copa",
            "Hour and Event",
        ),
    ],
)
def test_a_table_of_events_is_read_as_people_write_it(table, columns, tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(table)
    found, remark = events.read_events(path, "%d/%m/%Y %H:%M")
    assert found == FALLAS
    assert remark == f"{path}, {columns}: Fallas (2 days, 2024-03-15 to 2024-03-16); Copa (2024-04-01)"


def test_events_may_be_a_frame_or_a_mapping_and_have_no_name(tmp_path):
    frame = pd.DataFrame({"day": pd.to_datetime([day for day, _ in FALLAS]), "name": [name for _, name in FALLAS]})
    assert events.read_events(frame, "")[0] == FALLAS
    assert events.read_events(dict(FALLAS), "")[0] == FALLAS
    assert events.read_events({"2024-03-15": "Fallas", "2024-03-16": "Fallas", "2024-04-01": "Copa"}, "")[0] == FALLAS
    (tmp_path / "dates.csv").write_text("Fecha\n04/03/2024\n05/08/2024\n")
    alone = [Event(dt.date(2024, 3, 4), "event"), Event(dt.date(2024, 8, 5), "event")]
    assert events.read_events(tmp_path / "dates.csv", "%d/%m/%Y %H:%M")[0] == alone  # the order of the hours' table
    (tmp_path / "dates.csv").write_text("Fecha,Fiesta\n04/03/2024,1\n05/08/2024,sí\n06/08/2024,0\n")
    assert events.read_events(tmp_path / "dates.csv", "%d/%m/%Y %H:%M")[0] == alone


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("name,city\nFallas,Valencia\n", "no column holds dates .it has name, city.: events are a row for each day"),
        ("date,name\n2024-03-15,\n", "no row names an event"),
        ("date,name\n", "no column holds dates"),
        (
            "date,name\n2024-03-15,Fallas\n2024-03-16,Fallas\n2024-03-99,Fallas\nsoon,Fallas\n",
            "line 4, column date: '2024-03-99' is not a date like 2012-12-24 .and 1 more row.",
        ),
    ],
)
def test_a_table_that_is_none_of_events_says_so(table, words, tmp_path):
    (tmp_path / "events.csv").write_text(table)
    with pytest.raises(ProjectError, match=words):
        events.read_events(tmp_path / "events.csv", "%Y-%m-%d")
    with pytest.raises(ProjectError, match=r"no file at .*none.csv: --events takes a table"):
        events.read_events(tmp_path / "none.csv", "%Y-%m-%d")


def city_with_events(days, of):
    """Hours of the made-up city, from 4 March 2024 on, with these events."""
    table = simulated_city(days).rename(columns={"bikes": "rides"})
    return data.read_hours(table, events=of)


def test_each_kind_of_feast_is_a_feature_by_plain_loops():
    of = {"2024-03-05": "Fair", "2024-03-06": "Match", "2024-03-12": "Fair", "2024-03-15": "Final", "2023-03-04": "Old"}
    hours = city_with_events(30, of)
    city = features.City.learned_from(hours[: 8 * 24])  # to 11 March: neither Final nor Old
    assert city.learned_events == ["Fair", "Match"]
    assert features.City.from_json(json.loads(json.dumps(city.to_json()))) == city
    names = features.available_groups(hours.columns, city)
    built = features.build_groups(hours, city, names)["events of the city"]
    assert list(built) == ["event_Fair", "event_Match"]
    special = city.is_special(hours)
    for row, time in enumerate(hours.time):
        name = of.get(f"{time:%Y-%m-%d}")
        assert built.iloc[row].tolist() == [float(name == "Fair"), float(name == "Match")], time
        assert special[row] == (name is not None), time
    without = features.City.learned_from(city_with_events(30, {"2023-03-04": "Old"}))
    assert "events of the city" not in features.available_groups(hours.columns, without)


def test_a_training_with_other_events_is_not_resumed():
    checkpoint, settings = Checkpoint(), Settings(members=1, epochs=1)
    for of in ({"2024-03-05": "Fair"}, {"2024-03-06": "Fair"}):
        hours = data.split(city_with_events(30, of), 10, 0)
        if of == {"2024-03-05": "Fair"}:
            model = train_on(hours, settings, checkpoint=checkpoint)
            assert "event_Fair" in model.settings["features"]
            continue
        with pytest.raises(ProjectError, match="is of another training: layout"):
            train_on(hours, settings, checkpoint=checkpoint)


def test_a_backtest_learns_events_from_the_past_alone():
    hours = city_with_events(130, {"2024-03-20": "Fair", "2024-05-25": "Match", "2024-06-20": "Match"})
    origins = [pd.Timestamp("2024-05-20"), pd.Timestamp("2024-06-10")]
    found = backtest.backtest(hours, origins, 14)
    assert found.prediction.notna().all()
    match = found.time.dt.normalize().isin([pd.Timestamp("2024-05-25"), pd.Timestamp("2024-06-20")])
    assert match.sum() == 48


def test_nights_that_are_closed_for_two_weeks_are_noticed_and_quiet_ones_are_not():
    city = simulated_city(120).rename(columns={"bikes": "cnt"})
    shut = city.time.between("2024-05-01 23:00", "2024-05-15 05:00") & ~city.time.dt.hour.between(6, 22)
    found = closed.closed_by_zeros(city.assign(cnt=city.cnt.where(~shut, 0)))
    assert found.tolist() == shut.tolist()
    six = shut & (city.time >= "2024-05-09 06:00")
    assert not closed.closed_by_zeros(city.assign(cnt=city.cnt.where(~six, 0))).any()  # may be chance


def test_the_quietest_hours_of_a_closed_night_are_closed_too():
    """SIMULATED: at 1 and 3 o'clock fewer than two bikes are usual, which alone would say nothing."""
    time = pd.Series(pd.date_range("2024-03-04", periods=24 * 120, freq="h"))
    usual = np.array([12, 1, 9, 1, 8] + 19 * [60])[time.dt.hour]
    city = pd.DataFrame({"time": time, "cnt": np.random.default_rng(0).poisson(usual)})
    shut = time.between("2024-05-01", "2024-05-12 23:00") & (time.dt.hour < 5)
    found = closed.closed_by_zeros(city.assign(cnt=city.cnt.where(~shut, 0)))
    assert found[shut].all()
    assert not found[~shut].any()


POLISH = "Data i godzina;Liczba wypożyczeń;Temperatura powietrza;Wilgotność;Prędkość wiatru (m/s);Opad (mm);Święto"


@pytest.fixture(scope="module")
def gdansk(tmp_path_factory):
    """A folder with 150 SIMULATED days in cp1250 as Poles write them, and a model of all but the last 10."""
    folder = tmp_path_factory.mktemp("gdansk")
    city = simulated_city(150)
    rows = [
        f"{time:%d.%m.%Y %H:%M};{bikes + 1000:,};12,5;60;3,5;{'0,4' if bikes % 7 == 0 else '0,0'};nie".replace(
            f"{bikes + 1000:,}", f"{bikes + 1000:,}".replace(",", "\u00a0")
        )
        for time, bikes in zip(city.time, city.bikes, strict=True)
    ]
    (folder / "all.csv").write_text("\n".join([POLISH, *rows]), encoding="cp1250")
    (folder / "mevo.csv").write_text("\n".join([POLISH, *rows[: -10 * 24]]), encoding="cp1250")
    (folder / "truth.csv").write_text("\n".join([POLISH, *rows[-10 * 24 :]]), encoding="cp1250")
    place = ["--country", "PL", "--latitude", 54.35, "--longitude", 18.65]
    fast = ["--validation-days", 20, "--test-days", 0, "--members", 1, "--epochs", 2]
    code, _, errors = run("bikes", "train", "mevo.csv", *place, *fast, cwd=folder)
    assert code == 0, errors
    return folder


def test_columns_are_found_by_their_polish_names(gdansk):
    layout = load(gdansk / "runs" / "bikes" / "model.safetensors").layout
    names = POLISH.split(";")
    roles = ("time", "count", "temperature", "humidity", "wind", "rain", "holiday")
    assert [getattr(layout, role) for role in roles] == names
    assert layout.place.time_zone == "Europe/Warsaw"  # Kaliningrad is nearer
    output, errors = bikes(gdansk, "check", "mevo.csv")
    assert "column Liczba wypożyczeń: '1 " in errors
    assert "not used" not in output
    assert "holidays     Święto: 0 days" in output


def test_any_column_may_be_named(tmp_path):
    header = "time;rides;nass;frei"
    rows = [
        f"2024-03-{1 + hour // 24:02} {hour % 24:02}:00;{hour % 24};{hour % 2};{int(hour < 24)}" for hour in range(72)
    ]
    (tmp_path / "t.csv").write_text("\n".join([header, *rows]))
    found = data.read_table(tmp_path / "t.csv", {"column": ("rain=nass", "holiday=frei")})
    assert (found.layout.rain, found.layout.holiday) == ("nass", "frei")
    assert found.hours.holiday.sum() == 24
    for wrong in ("nass", "wet=nass"):
        with pytest.raises(ProjectError, match="before the = stands one of time, hour, count"):
            data.read_table(tmp_path / "t.csv", {"column": (wrong,)})
    options = ["--column", "rain=nass", "--column", "holiday=frei"]
    output, _ = bikes(tmp_path, "check", "t.csv", *options)
    assert "--column rain=nass --column holiday=frei" in output.splitlines()[-1]
    output, _ = bikes(tmp_path, "check", "t.csv")
    assert "not used     nass, frei (--column says what one is)" in output


def test_a_model_of_all_days_is_scored_on_those_that_come_later(gdansk):
    output, errors = bikes(gdansk, "evaluate", "--data", "all.csv", "--json")
    scores = json.loads(output)
    assert scores["test"]["rows"] == 240
    _, errors = bikes(gdansk, "evaluate", "--data", "mevo.csv")
    assert "none are left to test it on" in errors
    code, _, errors = run("bikes", "evaluate", "--data", "truth.csv", cwd=gdansk)
    assert code == 1
    assert "these 240 hours lack those that the model was trained on, up to 2024-07-21 23:00:00" in errors


def test_another_table_is_not_taken_for_events_and_they_are_read_as_the_data(gdansk):
    days = "".join(f"{day:%d.%m.%Y};1\n" for day in pd.date_range("2024-03-04", periods=140))
    (gdansk / "days.csv").write_text(f"Data;Liczba\n{days}")
    code, _, errors = run("bikes", "check", "mevo.csv", "--events", "days.csv", cwd=gdansk)
    assert code == 1
    assert "days.csv has events on 140 of 140 days: a table of events names special days" in errors
    (gdansk / "events.csv").write_text("Data;Nazwa\n26.07.2024;Jarmark św. Dominika\n", encoding="cp1250")
    _, errors = bikes(gdansk, "check", "mevo.csv", "--events", "events.csv")
    assert "Jarmark św. Dominika (2024-07-26)" in errors


@pytest.mark.parametrize("seed", range(3))
def test_in_a_small_town_no_night_is_closed(seed):
    """SIMULATED counts from 0 to 20: most nights have zeros, more of them in winter."""
    time = pd.Series(pd.date_range("2024-01-01", periods=24 * 730, freq="h"))
    summer = 1 - 0.8 * np.cos(2 * np.pi * time.dt.dayofyear / 365)
    by_hour = 0.2 + 6 * np.exp(-((time.dt.hour - 14) ** 2) / 20)
    counts = np.minimum(np.random.default_rng(seed).poisson(summer * by_hour), 20)
    assert (counts == 0).mean() > 0.3
    assert not closed.closed_by_zeros(pd.DataFrame({"time": time, "cnt": counts})).any()


def test_check_names_a_strike_but_no_feast_and_no_rain(tmp_path):
    city = simulated_city(90)
    strike = city.time.dt.strftime("%Y-%m-%d") == "2024-04-17"
    city.loc[strike, "bikes"] = (city.bikes[strike] * 0.15).astype(int)
    city.to_csv(tmp_path / "city.csv", index=False)
    (tmp_path / "strikes.csv").write_text("date,name\n2024-04-17,strike\n")
    usual = np.median([city.bikes[(city.time.dt.date == dt.date(2024, 4, 17) + dt.timedelta(7 * week))].sum()
                       for week in (-4, -3, -2, -1, 1, 2, 3, 4)])  # fmt: skip
    output, _ = bikes(tmp_path, "check", "city.csv")
    told = f"2024-04-17 ({city.bikes[strike].sum()} bikes for {round(usual):,})"
    assert f"far below    what is usual for the weekday: {told}: a strike" in output
    output, _ = bikes(tmp_path, "check", "city.csv", "--events", "strikes.csv")
    assert "far below" not in output
    assert output.endswith("next: bikes train city.csv --events strikes.csv\n")
    hours = city.rename(columns={"bikes": "cnt"}).assign(weathersit=1, hr=city.time.dt.hour)
    assert [low.day for low in low_days.low_days(hours)] == [pd.Timestamp("2024-04-17")]
    hours.loc[strike & (hours.hr > 15), "weathersit"] = 3
    assert low_days.low_days(hours) == []


SPANISH = "%d/%m/%Y %H:%M"


def excel_of(table, path):
    """Write a table with genuine times, which Excel shows as a Spaniard writes them."""
    writer = pytest.importorskip("xlsxwriter")
    book = writer.Workbook(path, {"default_date_format": "dd/mm/yyyy hh:mm"})
    sheet = book.add_worksheet()
    for row, values in enumerate([list(table), *table.itertuples(index=False)]):
        for column, cell in enumerate(values):
            sheet.write(row, column, cell.to_pydatetime() if isinstance(cell, pd.Timestamp) else cell)
    book.close()


@pytest.fixture(scope="module")
def valencia(tmp_path_factory):
    """A folder with 80 SIMULATED days in Spanish, as CSV and as Excel, the weather of two days more, and their models.

    Of the weather temperature, rain and wind are known, and no humidity.
    """
    folder = tmp_path_factory.mktemp("valencia")
    rng = np.random.default_rng(3)
    city = simulated_city(82)
    table = pd.DataFrame({"Fecha y hora": city.time, "Préstamos": city.bikes})
    table["Temperatura (°C)"] = rng.normal(15, 4, len(city)).round(1)
    table["Lluvia (mm)"] = (rng.random(len(city)) < 0.1) * 1.5
    table["Viento (km/h)"] = rng.gamma(3, 4, len(city)).round(0)
    data, weather = table[: 80 * 24], table[80 * 24 :].drop(columns="Préstamos")
    for name, part in (("datos", data), ("prevision", weather)):
        excel_of(part, folder / f"{name}.xlsx")
        written = part.assign(**{"Fecha y hora": part["Fecha y hora"].dt.strftime(SPANISH)})
        written.to_csv(folder / f"{name}.csv", index=False, sep=";", decimal=",")
    options = ["--validation-days", 20, "--test-days", 0, "--members", 2, "--epochs", 8, "--count-column", "Préstamos"]
    for kind in ("csv", "xlsx"):
        bikes(folder, "train", "--data", f"datos.{kind}", "--run", kind, *options)
    return folder


def test_the_same_hours_give_the_same_from_excel_and_from_text_whatever_was_trained_on(valencia):
    told = {}
    for trained in ("csv", "xlsx"):
        for given in ("csv", "xlsx"):
            weather = f"prevision.{given}"
            arguments = ["--data", f"datos.{given}", "--run", trained, "--weather", weather, "--days", 2, "--json"]
            output, errors = bikes(valencia, "forecast", *arguments)
            assert "filled" not in errors
            rows, errors = bikes(valencia, "predict", weather, "--run", trained)
            numbers = [row["prediction"] for row in csv.DictReader(io.StringIO(rows))]
            told[trained, given] = [json.loads(output)["hours"], numbers]
            read_otherwise = "column Fecha y hora: dates are read like 24/12/2012 17:00" in errors
            assert read_otherwise is ((trained, given) == ("xlsx", "csv"))
    assert len(told["csv", "csv"][0]) == 48
    assert told["csv", "csv"] == told["csv", "xlsx"] == told["xlsx", "csv"] == told["xlsx", "xlsx"]


def test_python_takes_real_times_whatever_was_trained_on(valencia):
    text = pd.read_csv(valencia / "datos.csv", sep=";", decimal=",")
    typed = text.assign(**{"Fecha y hora": pd.to_datetime(text["Fecha y hora"], format=SPANISH)})
    model = load(valencia / "csv" / "model.safetensors")
    weeks = [forecast(model, table, days=2).hours for table in (text, typed)]
    pd.testing.assert_frame_equal(*weeks)


def test_days_as_real_dates_go_with_a_column_of_hours():
    city = simulated_city(30)
    by_day = pd.DataFrame({"day": city.time.dt.normalize(), "hour": city.time.dt.hour, "rides": city.bikes})
    hours = data.read_hours(by_day)
    assert hours.time.tolist() == city.time.tolist()
    read_by = data.read_table(by_day).layout
    written = by_day.assign(day=city.time.dt.strftime("%Y-%m-%d"))
    assert data.read_table(written, layout=read_by).hours.time.tolist() == city.time.tolist()


def test_dates_without_a_time_of_day_are_no_hours(valencia):
    (valencia / "days.csv").write_text("Fecha y hora;Temperatura (°C);Lluvia (mm);Viento (km/h)\n2024-05-23;9;0;4\n")
    code, _, errors = run("bikes", "predict", "days.csv", "--run", "csv", cwd=valencia)
    assert code == 1
    assert "'2024-05-23' is not a date like 24/12/2012 17:00" in errors


def predicted(folder, run_folder, *options):
    """Bikes in an hour of a Friday, as `predict` says, and what it tells of its options."""
    output, errors = bikes(folder, "predict", "--run", run_folder, "--when", "2024-05-24T17", *options, "--json")
    return json.loads(output)["prediction"], errors


def test_wind_counts_where_humidity_is_not_known(browser, valencia):
    calm, _ = predicted(valencia, "csv", "--temperature", 15, "--wind", 0)
    storm, _ = predicted(valencia, "csv", "--temperature", 15, "--wind", 60)
    assert calm != storm
    damp, told = predicted(valencia, "csv", "--temperature", 15, "--wind", 60, "--humidity", 90)
    assert damp == storm
    assert "--humidity: not counted, since the data that the model was trained on had none" in told
    code, _, errors = run(
        "bikes", "predict", "--run", "csv", "--when", "2024-05-24T17", "--temperature", 15, cwd=valencia
    )
    assert code == 2
    assert "--when needs --wind too" in errors
    model = load(valencia / "csv" / "model.safetensors")
    hours = data.read_hours(valencia / "datos.csv", count_column="Préstamos")
    damp = model.forecast(hours.assign(hum=0.9))
    pd.testing.assert_frame_equal(damp, model.forecast(hours))
    with pytest.raises(ProjectError, match="the model was trained with windspeed, which these hours lack"):
        model.forecast(hours.drop(columns="windspeed"))
    bikes(valencia, "report", "--run", "csv")
    visit(browser, valencia / "csv" / "report.html")
    assert "it knows temperature, wind and weather." in browser.page_source
    assert "humidity and wind" not in browser.page_source
    hidden = "return [...document.querySelectorAll('#inputs [name]')].filter(i => i.parentNode.hidden).map(i => i.name)"
    assert browser.execute_script(hidden) == ["holiday", "humidity"]
    for wind, expected in ((0, calm), (60, storm)):
        enter(browser, date="2024-05-24", hour=17, temperature=15, wind=wind, weather="clear")
        assert value(browser, "bikes") == pytest.approx(expected, abs=0.006)


def test_what_read_hours_gives_is_trained_on_and_forecast_from(tmp_path):
    """With an hour that is there twice in autumn, holidays that were looked up, and closed days."""
    time = pd.date_range("2023-09-01", periods=24 * 80, freq="h", tz="Europe/Madrid").tz_localize(None)
    city = pd.DataFrame({"Zeit": time, "Fahrten": usual_bikes(pd.Series(time)).round().astype(int)})
    city.loc[240:290, "Fahrten"] = 0
    city.loc[time == "2023-10-29 02:00", "Fahrten"] = 51, 52
    city.to_csv(tmp_path / "city.csv", index=False)
    hours = data.read_hours(tmp_path / "city.csv", country="ES", subdivision="VC")
    assert 51.5 in hours.cnt.to_numpy()
    how = {"validation_days": 10, "members": 1, "epochs": 2}
    models = [train(tmp_path / "city.csv", country="ES", subdivision="VC", **how), train(hours, **how)]
    assert models[0].settings == models[1].settings
    weeks = [forecast(models[0], tmp_path / "city.csv", days=7), forecast(models[1], hours.sample(frac=1), days=7)]
    pd.testing.assert_frame_equal(weeks[0].days, weeks[1].days)
    with pytest.raises(ProjectError, match="these hours were read already: say country to `read_hours`"):
        train(hours, country="PT", **how)
    with pytest.raises(ProjectError, match="these hours lack values of cnt"):
        train(hours.assign(cnt=hours.cnt.where(hours.hr > 3)), **how)


@pytest.fixture(scope="module")
def fiestas(valencia):
    """The folder, with a model that knows of each hour nothing but whether it is on an event day, and another of less.

    Hardly anybody rides on the event days.
    """
    table = pd.read_csv(valencia / "datos.csv", sep=";")[["Fecha y hora", "Préstamos"]]
    table.to_csv(valencia / "solo.csv", index=False, sep=";")
    event = table["Fecha y hora"].str[:2].isin(["04", "10", "16", "22", "28"])
    table["Préstamos"] = table["Préstamos"].where(~event, 3)
    table["Festivo"] = event.map({True: "Fiesta mayor", False: ""})
    table.to_csv(valencia / "fiestas.csv", index=False, sep=";")
    for name in ("solo", "fiestas"):
        options = ["--validation-days", 20, "--test-days", 0, "--members", 1, "--count-column", "Préstamos"]
        bikes(valencia, "train", "--data", f"{name}.csv", "--run", name, *options)
    return valencia


def test_holidays_of_the_table_of_hours_to_come_count(fiestas):
    coming = pd.read_csv(fiestas / "prevision.csv", sep=";")
    coming["Festivo"] = ["Fiesta mayor"] * 24 + [""] * 24
    coming.to_csv(fiestas / "todo.csv", index=False, sep=";")
    coming[["Fecha y hora", "Festivo"]].head(24).to_csv(fiestas / "dia.csv", index=False, sep=";")
    arguments = ["forecast", "--data", "fiestas.csv", "--run", "fiestas", "--days", 2, "--json"]
    unknown = "are not known, and none are expected: mark them in the column Festivo of the table of --weather"
    output, errors = bikes(fiestas, *arguments)
    usual = [day["prediction"] for day in json.loads(output)["days"]]
    assert f"holidays to come {unknown}" in errors
    output, errors = bikes(fiestas, *arguments, "--weather", "todo.csv")
    assert "not known" not in errors
    assert "todo.csv: only Festivo is counted, since the data that the model was trained on had no weather" in errors
    told = json.loads(output)
    days = [day["prediction"] for day in told["days"]]
    assert days[0] < usual[0] / 3
    assert days[1] == usual[1]
    rows, _ = bikes(fiestas, "predict", "todo.csv", "--run", "fiestas")
    by_predict = [float(row["prediction"]) for row in csv.DictReader(io.StringIO(rows))]
    assert [hour["prediction"] for hour in told["hours"]] == pytest.approx(by_predict)
    output, errors = bikes(fiestas, *arguments, "--weather", "dia.csv")
    assert [day["prediction"] for day in json.loads(output)["days"]] == days
    assert f"holidays to come in 24 of 48 hours {unknown}" in errors


def test_weather_that_a_model_does_not_know_is_not_counted_and_told(fiestas):
    arguments = ["forecast", "--data", "solo.csv", "--run", "solo", "--days", 2]
    without, _ = bikes(fiestas, *arguments)
    told = "prevision.csv: not counted, since the data that the model was trained on had no weather\n"
    output, errors = bikes(fiestas, *arguments, "--weather", "prevision.csv")
    assert output == without
    assert told in errors
    output, errors = bikes(
        fiestas, *[*arguments[:1], "--data", "fiestas.csv", "--run", "fiestas"], "--weather", "prevision.csv"
    )
    assert told in errors
    code, _, errors = run("bikes", *arguments, "--weather", "nowhere.csv", cwd=fiestas)
    assert code == 1
    assert "no file at nowhere.csv" in errors


def test_a_missing_column_has_the_name_that_was_trained_on(valencia):
    weather = pd.read_csv(valencia / "prevision.csv", sep=";")
    arguments = ["forecast", "--data", "datos.csv", "--run", "csv", "--weather", "corto.csv"]
    for lacking, named in (
        (["Lluvia (mm)"], "Lluvia (mm)"),
        (["Temperatura (°C)", "Viento (km/h)"], "Temperatura (°C), Viento (km/h)"),
    ):
        weather.drop(columns=lacking).to_csv(valencia / "corto.csv", index=False, sep=";")
        code, _, errors = run("bikes", *arguments, cwd=valencia)
        assert code == 1
        assert f"corto.csv has no column for {named}, which the model was trained on; it has Fecha y hora" in errors


@pytest.mark.parametrize(
    ("written", "code"),
    [("Spain", "ES for Spain"), ("España", "ES for Spain"), ("méxico", "MX for Mexico"), ("ZZ", "ES for Spain")],
)
def test_a_country_by_name_is_told_its_code(written, code):
    with pytest.raises(ProjectError, match=f"give a code of two letters, such as {code}$"):
        data.read_hours(simulated_city(10), country=written)


def write_events(folder, text):
    (folder / "events.csv").write_text(text)
    return folder / "events.csv"


def test_an_event_may_go_from_a_first_to_a_last_day(tmp_path):
    table = "Dal;Al;Evento\n14/04/2026;16/04/2026;Fiera\n01/05/2026;;Sciopero\n"
    found, told = events.read_events(write_events(tmp_path, table), "%d/%m/%Y %H:%M")
    assert found == [
        *(Event(dt.date(2026, 4, day), "Fiera") for day in (14, 15, 16)),
        Event(dt.date(2026, 5, 1), "Sciopero"),
    ]
    assert "Dal and Al and Evento: Fiera (3 days, 2026-04-14 to 2026-04-16); Sciopero (2026-05-01)" in told


def test_a_later_date_that_is_no_end_is_none(tmp_path):
    table = "date;name;published\n2026-04-14;fair;2026-04-20\n2026-04-15;match;2199-01-01\n"
    found, _ = events.read_events(write_events(tmp_path, table), "%Y-%m-%d")
    assert [event.day.day for event in found] == [14, 15]


def test_what_was_measured_comes_before_what_was_forecast():
    text = pd.DataFrame({"temp_forecast": ["1"], "temp": ["2"]})
    assert layout.find_column(text, "temperature", {}) == "temp"
    assert layout.find_column(text[["temp_forecast"]], "temperature", {}) == "temp_forecast"


def test_events_without_a_header_are_refused_and_names_that_look_alike_told(tmp_path):
    with pytest.raises(ProjectError, match="the first row looks like data \\(14/04/2026\\), not like names of columns"):
        events.read_events(write_events(tmp_path, "14/04/2026;Fiera\n15/04/2026;Fiera\n"), "%d/%m/%Y")
    table = "Data;Evento\n14/04/2026;Fiera\n15/04/2026;Fiera\n03/11/2026;Fiere\n05/11/2026;Sciopero\n"
    _, told = events.read_events(write_events(tmp_path, table), "%d/%m/%Y")
    assert told.endswith("; Fiere looks like Fiera: give one kind one name")


def test_events_that_become_known_later_are_forecast_as_those_learned(spring):
    (spring / "neu.csv").write_text("Datum;Anlass\n24.05.2024;STADTFEST\n23.05.2024;Konzert\n")
    before = json.loads(bikes(spring, *WEEK, "--json")[0])["days"]
    output, errors = bikes(spring, *WEEK, "--events", "neu.csv", "--json")
    after = json.loads(output)["days"]
    assert [day["occasion"] for day in after] == ["Konzert", "Stadtfest"]
    assert after[1]["prediction"] > 1.5 * before[1]["prediction"]  # on days of the feast there were three times as many
    assert after[0]["prediction"] == before[0]["prediction"]  # nobody knows what a concert does:
    wider = [day["high_80"] - day["low_80"] for day in (after[0], before[0])]
    assert wider[0] > 1.5 * wider[1]
    (spring / "neu.csv").write_text("Datum;Anlass\n24.05.2024;Stadtfst\n")
    assert "is of Stadtfst (did you mean Stadtfest?): what" in bikes(spring, *WEEK, "--events", "neu.csv")[1]
    assert "no hour trained on is of Konzert: what such a day does is not known, and only the bands are wider" in errors


def test_bands_are_wider_on_events_the_less_the_more_days_were_learned_from_by_hand():
    of = {"2024-03-05": "Fair", "2024-03-06": "Fair", "2024-03-12": "Fair", "2024-03-20": "Fair", "2024-03-21": "Final"}
    hours = city_with_events(30, of)
    city = features.City.learned_from(hours[: 10 * 24])  # three days of the fair
    by_day = city.unfamiliarity(hours).reshape(30, 24)
    assert (by_day == by_day[:, :1]).all()
    known = dict(zip(range(4, 34), by_day[:, 0], strict=True))  # by the day of March
    assert known[4] == 0
    assert known[20] == pytest.approx(1 / 2)  # 1 / √(1 + 3)
    assert known[21] == 1
    special = np.array([0.0, 0.5, 1.0])
    np.testing.assert_allclose(bands.known_factor(special, np.zeros(3)), [1, 1.5, 2])


def test_columns_of_weather_to_come_are_found_as_services_write_them_or_named(spring):
    hours = pd.date_range("2024-05-23", periods=48, freq="h")
    for column in ("Temp. prevista (°C)", "T (°C)", "Temperatura prevista"):
        pd.DataFrame({"Data/ora": hours, column: 12.5}).to_csv(spring / "meteo.csv", index=False)
        output, _ = bikes(spring, *WEEK, "--weather", "meteo.csv")
        assert "in the weather of meteo.csv" in output
    assert layout.read_name("Velocità vento (km/h)").plain == "velocita vento"
    assert re.fullmatch(layout.NAMES["wind"], "velocita vento")
    pd.DataFrame({"Data/ora": hours, "warm": 12.5}).to_csv(spring / "meteo.csv", index=False)
    code, _, errors = run("bikes", *WEEK, "--weather", "meteo.csv", cwd=spring)
    assert code == 1
    assert "say which it is by --column 'temperature=NAME'" in errors
    named = ["--column", "temperature=warm"]
    output, _ = bikes(spring, *WEEK, "--weather", "meteo.csv", *named)
    assert "in the weather of meteo.csv" in output
    code, _, errors = run("bikes", *WEEK, *named, cwd=spring)
    assert code == 2
    assert "--column is of the table of --weather" in errors


def test_a_table_to_predict_may_call_its_columns_otherwise(spring):
    hours = pd.date_range("2024-05-23 08:00", periods=3, freq="h")
    for names in (("Zeitpunkt", "Temperatur"), ("Data/ora", "Temp. prevista (°C)")):
        pd.DataFrame(dict(zip(names, (hours, 12.5), strict=True))).to_csv(spring / "stunden.csv", index=False)
        output, _ = bikes(spring, "predict", "stunden.csv", "--json")
        predictions = [json.loads(line)["prediction"] for line in output.splitlines()]
        if names[0] == "Zeitpunkt":
            expected = predictions
    assert predictions == expected


def test_columns_of_a_table_to_predict_are_named_where_they_are_not_found(spring):
    hours = pd.date_range("2024-05-23 08:00", periods=3, freq="h")
    pd.DataFrame({"Zeitpunkt": hours, "Temperatur": 12.5}).to_csv(spring / "trained.csv", index=False)
    pd.DataFrame({"Wann": hours, "warm": 12.5}).to_csv(spring / "other.csv", index=False)
    code, _, errors = run("bikes", "predict", "other.csv", cwd=spring)
    assert code == 1
    assert "other.csv" in errors
    answers = [
        bikes(spring, "predict", *arguments)[0].splitlines()
        for arguments in (["trained.csv"], ["other.csv", "--column", "temperature=warm"])
    ]
    assert [line.split(",")[2:] for line in answers[0]] == [line.split(",")[2:] for line in answers[1]]
    assert len(answers[0]) == 4
    code, _, errors = run("bikes", "predict", "other.csv", "--column", "temperature=cold", cwd=spring)
    assert code == 1
    assert "cold" in errors
    code, _, errors = run("bikes", "predict", "--when", "2024-05-23T17", "--column", "rain=nass", cwd=spring)
    assert code == 2
    assert "--column goes with a table" in errors


def test_words_for_the_weather_may_have_a_space_or_capitals(valencia):
    given = ["--run", "csv", "--temperature", 15, "--wind", 10, "--weather"]
    answers = [
        run("bikes", "predict", "--when", "2024-05-24T17", *given, word, cwd=valencia)[:2]
        for word in ("light-rain", "light rain", "Light Rain")
    ]
    assert answers[0][0] == 0
    assert answers == [answers[0]] * 3
    code, _, errors = run("bikes", "predict", "--when", "2024-05-24T17", *given, "frogs", cwd=valencia)
    assert code == 2
    assert "'light-rain'" in errors


def test_coordinates_that_are_swapped_are_refused_where_the_country_tells(tmp_path):
    (tmp_path / "t.csv").write_text("time,bikes\n2024-01-01 00:00,3\n2024-01-01 01:00,4\n")
    swapped = ["--country", "ITA", "--latitude", 11.34, "--longitude", 44.49]
    code, _, errors = run("bikes", "check", "t.csv", *swapped, cwd=tmp_path)
    assert code == 1
    assert re.search(
        r"--latitude 11.34 --longitude 44.49 lies 4,\d{3} km from where IT is: swap the two numbers", errors
    )
    right = ["--country", "ita", "--latitude", 44.49, "--longitude", 11.34]
    output, _ = bikes(tmp_path, "check", "t.csv", *right)
    assert "(Europe/Rome)" in output
    output, _ = bikes(tmp_path, "check", "t.csv", "--latitude", 11.34, "--longitude", 44.49)  # nobody said where
    assert "sun at 11.34, 44.49" in " ".join(output.split())


def test_holidays_of_a_part_of_the_country_are_named(tmp_path):
    time = pd.date_range("2025-09-01", "2025-11-30 23:00", freq="h")
    pd.DataFrame({"time": time, "bikes": 5 + time.hour}).to_csv(tmp_path / "t.csv", index=False)
    output, _ = bikes(tmp_path, "check", "t.csv", "--country", "IT", "--subdivision", "BO")
    assert "of IT, BO: 3 days, of BO alone 2025-10-04" in output  # San Petronio
    code, _, errors = run("bikes", "check", "t.csv", "--country", "IT", "--subdivision", "Cesen", cwd=tmp_path)
    assert code == 1
    assert "IT has no subdivision Cesen: did you mean Cesena?" in errors


def test_times_of_day_may_have_a_dot():
    written = pd.Series([f"26/06/2025 {hour:02}.00" for hour in range(24)])
    assert times.find_time_format(written) == "%d/%m/%Y %H.%M"
    assert times.parse_moment("27-10-2026 17.00", "%d/%m/%Y %H:%M") == dt.datetime(2026, 10, 27, 17)


def test_an_hour_far_above_its_usual_bikes_is_named_and_an_event_is_not(tmp_path):
    city = simulated_city(90)
    slip = city.time == pd.Timestamp("2024-04-17 03:00")
    usual = int(np.median([city.bikes[city.time == pd.Timestamp("2024-04-17 03:00") + pd.Timedelta(weeks=week)].item()
                           for week in (-4, -3, -2, -1, 1, 2, 3, 4)]))  # fmt: skip
    city.loc[slip, "bikes"] = 5 * usual + int(city.bikes.mean()) + 20
    city.to_csv(tmp_path / "city.csv", index=False)
    output, _ = bikes(tmp_path, "check", "city.csv")
    assert f"far above    what is usual for the hour: 2024-04-17 03:00 ({city.bikes[slip].item()} bikes for" in output
    (tmp_path / "fair.csv").write_text("date,name\n2024-04-17,fair\n")
    output, _ = bikes(tmp_path, "check", "city.csv", "--events", "fair.csv")
    assert "far above" not in output


def test_a_forecast_says_that_four_weeks_were_better_where_the_validation_did(spring):
    model = load(spring / "runs" / "bikes" / "model.safetensors")
    network = model.settings["validation"]["rmse"]
    for weeks, said in ((network / 2, True), (2 * network, False), (None, False)):
        model.settings["last_four_weeks_rmse"] = weeks
        told = check.warn_of_measured_baseline(model.settings)
        assert (told is not None) == said
    model.settings |= {"last_four_weeks_rmse": 5.2, "validation": {"rmse": 10.04}}
    assert (
        "nearer to what happened (RMSE 5.2 against 10.0): take the column last_four_weeks"
        in check.warn_of_measured_baseline(model.settings)
    )


def test_bands_that_are_too_wide_or_too_narrow_are_told():
    assert check.warn_of_bands({}) is None
    assert check.warn_of_bands({"coverage_80": 0.84}) is None
    assert "wider than they need be (97 % of the hours in the 80 % band)" in check.warn_of_bands({"coverage_80": 0.97})
    assert "too narrow for these days (50 % of the hours" in check.warn_of_bands({"coverage_80": 0.5})


def test_hours_of_a_forecast_have_their_occasion_and_peoples_units(spring):
    model = load(spring / "runs" / "bikes" / "model.safetensors")
    coming = forecast(model, spring / "stadt.csv", days=14)
    assert "temp" not in coming.hours
    assert coming.hours.temperature.between(-5, 25).all()
    feast = coming.hours[coming.hours.time.dt.normalize() == pd.Timestamp("2024-05-29")]
    assert set(feast.occasion) == {"Stadtfest"}


def test_a_network_of_another_activation_is_kept_whole_and_not_saved(tmp_path):
    rng = np.random.default_rng(0)
    network = TwoLayerNetwork(3, 4, hidden="tanh", random_state=1)
    wider = bike_model.with_all_features(network, np.array([True, False, True, True]))
    X = rng.normal(size=(5, 4))
    np.testing.assert_array_equal(wider.predict(X), network.predict(X[:, [0, 2, 3]]))
    with pytest.raises(
        ProjectError, match="a hidden layer of tanh: model files, the page and ONNX know sigmoids alone"
    ):
        bike_model.BikesModel([wider], {}, {}).save(tmp_path / "m")


# What came of a forecast


@pytest.fixture(scope="module")
def two_weeks():
    """Three hours that were forecast, of which bikes are known for the first two; the second one has no band."""
    times = pd.to_datetime(["2024-05-23 00:00", "2024-05-23 01:00", "2024-05-24 00:00"])
    forecast_hours = pd.DataFrame(
        {
            "time": times,
            "prediction": [12.0, 30.0, 9.0],
            "low_80": [8.0, np.nan, 5.0],
            "high_80": [14.0, np.nan, 12.0],
            "low_95": [11.0, np.nan, 1.0],
            "high_95": [13.0, np.nan, 20.0],
            "last_four_weeks": [16.0, 21.0, 10.0],
        }
    )
    return forecast_hours, pd.DataFrame({"time": times[:2], "cnt": [10, 20]})


def test_a_forecast_beside_what_came_by_hand(two_weeks):
    forecast_hours, hours = two_weeks
    both = comparison.beside_truth(forecast_hours, hours)
    scores = comparison.compare(both)
    assert scores["forecast"]["mae"] == 6  # (2 + 10) / 2
    assert scores["last_four_weeks"]["mae"] == 3.5  # (6 + 1) / 2
    assert (scores["coverage_80"], scores["coverage_95"]) == (1, 0)  # of the one hour that has a band
    assert comparison.in_a_sentence(both, scores, 3) == (
        "over 2 hours the forecast was off by 6.0 bikes an hour on average (an average hour sees 15); the mean of the "
        "four weeks before by 3.5 bikes; the 80 % band held 100 of 100 hours, the 95 % band 0; here that mean was the "
        "better forecast (1 more hour of the forecast is not known yet)"
    )
    _, day, together = comparison.comparison_table(comparison.by_day(both)).splitlines()
    assert day.split() == ["Thu", "2024-05-23", "2", "30", "42", "+40", "%", "1", "of", "1", "37"]
    assert together.split() == ["together", "2", "30", "42", "+40", "%", "1", "of", "1", "37"]
    without_bands = comparison.comparison_table(comparison.by_day(both.assign(low_80=np.nan)))
    assert without_bands.splitlines()[1].endswith("not known               37")


def test_a_forecast_of_other_hours_is_compared_with_nothing(two_weeks):
    forecast_hours, hours = two_weeks
    later = hours.assign(time=hours.time + pd.Timedelta(days=7))
    with pytest.raises(ProjectError, match=r"2024-05-23 00:00 to 2024-05-24 00:00, .* no hour is in both"):
        comparison.beside_truth(forecast_hours, later)


@pytest.mark.parametrize("ending", ["csv", "tsv", "xlsx"])
def test_what_came_is_compared_with_a_file_of_the_forecast_and_needs_no_weather(spring, ending):
    bikes(spring, *WEEK, "--out", f"then.{ending}")
    written = "\n".join(f"{day}.05.2024 {hour:02}:00;{hour}" for day in (23, 24) for hour in range(24))
    (spring / "came.csv").write_text(f"Wann;Wieviele\n{written}\n")
    scores = json.loads(bikes(spring, "compare", f"then.{ending}", "came.csv", "--json")[0])
    code, answer, _ = run("bikes", *WEEK, "--json", cwd=spring)
    assert code == 0
    predicted = [hour["prediction"] for hour in json.loads(answer)["hours"]]
    off = np.abs(np.array(predicted) - np.tile(np.arange(24), 2))
    assert scores["forecast"]["mae"] == pytest.approx(off.mean(), abs=0.01)
    output, _ = bikes(spring, "compare", f"then.{ending}", "came.csv")
    assert output.splitlines()[1].startswith("Thu 2024-05-23      24       276")
    code, _, errors = run("bikes", "compare", "came.csv", f"then.{ending}", cwd=spring)
    assert code == 1
    assert "came.csv is no file of `bikes forecast`: it lacks the column time, prediction" in errors


def test_a_last_day_before_the_first_is_named(tmp_path):
    table = "von;bis;was\n2024-07-18;2024-07-27;Feesten\n2025-07-26;2025-07-17;Feesten\n2025-09-15;;autovrij\n"
    table += "2025-10-01;2025-10-02;Messe\n"
    with pytest.raises(ProjectError, match=r"line 3, column bis: '2025-07-17' is not a day from that of von on"):
        events.read_events(write_events(tmp_path, table), "%Y-%m-%d")


def test_a_temperature_that_no_hour_had_is_told_and_one_that_is_near_is_not(spring):
    model = load(spring / "runs" / "bikes" / "model.safetensors")
    warmest = model.settings["ranges"]["seen"][1]
    for degrees, told in ((warmest + 1.9, False), (warmest + 2.1, True), (41.5, True)):
        line = temperatures.beyond_temperatures(model, pd.DataFrame([weather.normalised(degrees, 0, 0)]))
        assert (line is not None) is told
    assert line.startswith("1 hour with 41.5 °C, where the hours trained on had ")
    _, errors = bikes(spring, "predict", "--when", "2024-05-23T17", "--temperature", 41.5)
    assert line in errors


def test_the_days_of_a_long_forecast_have_room_in_the_picture():
    days = pd.DataFrame({"date": pd.date_range("2026-04-06", periods=120), "hours": 24, "prediction": 100.0})
    days = days.assign(low_80=80.0, high_80=120.0, last_four_weeks=90.0, occasion="")
    days.loc[100:109, "occasion"] = "Feesten"
    days.loc[104, "occasion"] = "Feesten, public holiday"
    axes = Figure().subplots()
    plots.draw_days(axes, days)
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert len(names) <= 20
    assert np.diff(sorted(axes.get_xticks())).min() >= 7  # none over another
    assert [name for name in names if "Feesten" in name] == ["Wed 15 Jul\nFeesten"]
    assert not axes.texts  # no numbers over each other


def test_a_time_without_quotes_is_told_to_need_them(spring):
    code, _, errors = run("bikes", "predict", "--when", "17/07/2026", "17:00", cwd=spring)
    assert code == 2
    assert "a time with a space needs quotes: --when '17/07/2026 17:00'" in errors


def test_a_new_training_keeps_what_was_forecast(tmp_path):
    simulated_city(80).to_csv(tmp_path / "city.csv", index=False)
    options = ["--validation-days", 10, "--test-days", 7, "--members", 1, "--epochs", 1, "-q"]
    bikes(tmp_path, "train", "city.csv", *options)
    bikes(tmp_path, "forecast", "city.csv", "--days", 1)
    bikes(tmp_path, "evaluate", "city.csv")
    output, _ = bikes(tmp_path, "train", "city.csv", *options)
    assert "in the place of an earlier one, whose scores, pictures and page are gone, too" in output
    kept = {path.name for path in (tmp_path / "runs" / "bikes").iterdir()}
    assert kept == {"model.safetensors", "history.csv", "outlook.csv", "outlook.png"}


# A city that counts in °F and writes the month first


@pytest.fixture(scope="module")
def columbus(tmp_path_factory):
    """A folder with 90 SIMULATED days to 4 January 2026, in °F and mph, the warmer the more rides, and a model."""
    folder = tmp_path_factory.mktemp("columbus")
    time = pd.date_range("2025-10-07", "2026-01-04 23:00", freq="h")
    rng = np.random.default_rng(4)
    fahrenheit = (45 + np.repeat(rng.normal(0, 12, 90), 24)).round()
    trips = rng.poisson(usual_bikes(pd.Series(time)) * np.clip(fahrenheit - 10, 2, None) / 40)
    written = {"starts_at": time.strftime("%m/%d/%Y %I:%M %p"), "trips": trips, "temp_F": fahrenheit, "wind_mph": 6}
    pd.DataFrame(written).to_csv(folder / "city.csv", index=False)
    options = ["--validation-days", 20, "--test-days", 0, "--members", 2, "--epochs", 8]
    bikes(folder, "train", "city.csv", *options)
    return folder


def coming_weather(columns, days=2):
    """The weather of days from 5 January 2026 on, in °F and mph."""
    time = pd.date_range("2026-01-05", periods=24 * days, freq="h").strftime("%m/%d/%Y %I:%M %p")
    return pd.DataFrame(dict(zip(columns, (time, 40, 6), strict=True)))


@pytest.mark.parametrize("days", [1, 2])
def test_units_and_order_of_day_and_month_are_those_trained_on_where_weather_to_come_says_nothing(columbus, days):
    forecasts, answers = [], []
    for columns in (("starts_at", "temp_F", "wind_mph"), ("valid", "Air temp", "Wind")):
        coming_weather(columns, days).to_csv(columbus / "coming.csv", index=False)
        named = ["--column", f"temperature={columns[1]}"] if columns[0] == "valid" else []
        arguments = ["city.csv", "--days", days, "--weather", "coming.csv", *named, "--json"]
        output, errors = bikes(columbus, "forecast", *arguments)
        line = "coming.csv: taken as in the table trained on: Air temp in °F, Wind in mph; write another unit"
        assert (line in errors) == (columns[0] == "valid")
        forecasts.append([hour["prediction"] for hour in json.loads(output)["hours"]])
        rows, told = bikes(columbus, "predict", "coming.csv", *named)
        assert (line in told) == (columns[0] == "valid")
        answers.append([row["prediction"] for row in csv.DictReader(io.StringIO(rows))])
    assert forecasts[0] == forecasts[1]
    assert answers[0] == answers[1]
    assert len(answers[0]) == 24 * days
    celsius = coming_weather(("valid", "Air temp (°C)", "Wind (mph)"), days).assign(**{"Air temp (°C)": 4.444})
    celsius.to_csv(columbus / "coming.csv", index=False)
    arguments = ["city.csv", "--days", days, "--weather", "coming.csv", "--column", "temperature=Air temp (°C)"]
    output, errors = bikes(columbus, "forecast", *arguments, "--json")
    assert "taken as in the table trained on" not in errors
    np.testing.assert_allclose([hour["prediction"] for hour in json.loads(output)["hours"]], forecasts[0], rtol=0.01)


def test_the_bikes_of_a_single_day_are_compared_whichever_way_round_its_date_is(columbus):
    bikes(columbus, "forecast", "city.csv", "--days", 2, "--out", "week.csv")
    time = pd.date_range("2026-01-05", periods=24, freq="h")
    for written in (time.strftime("%m/%d/%Y %I:%M %p"), time.strftime("%Y-%m-%d %H:%M")):
        pd.DataFrame({"starts_at": written, "trips": range(24)}).to_csv(columbus / "came.csv", index=False)
        output, errors = bikes(columbus, "compare", "week.csv", "came.csv")
        assert output.splitlines()[1].startswith("Mon 2026-01-05      24       276")
        is_swapped = "came.csv: day and month are read the other way round" in errors
        assert is_swapped == ("/" in written[0])


def test_several_days_are_summed_and_a_single_one_is_not(columbus):
    lines = bikes(columbus, "forecast", "city.csv", "--days", 3)[0].splitlines()
    days, together = lines[2:5], lines[5]
    assert together.startswith("together")
    numbers = [[int(number.replace(",", "")) for number in re.findall(r"[\d,]+", line[16:])] for line in lines[2:6]]
    np.testing.assert_allclose(np.sum(numbers[:3], axis=0), numbers[3], atol=2)
    assert len(days) == 3
    sums = pd.DataFrame({"prediction": [10.0, 2000.0], "low_80": [5.0, 1500.0], "high_80": [20.0, 2500.0]})
    assert plots.in_sum(sums) == "2,010 bikes (1,505 to 2,520)"
    assert plots.in_sum(sums.assign(low_80=[np.nan, 1500.0])) == "2,010 bikes"
    assert "together" not in bikes(columbus, "forecast", "city.csv", "--days", 1)[0]


def test_weather_of_an_hour_is_typed_in_any_unit_and_without_one_in_that_of_the_table(columbus, valencia):
    def answer(folder, *given):
        return bikes(folder, "predict", "--when", "2026-01-05T17", *given)[0]

    usual = answer(columbus, "--temperature", 41, "--wind", 8)
    assert "(41 °F, wind 8 mph" in usual
    in_celsius = answer(columbus, "--temperature", "5 °C", "--wind", "12.874752km/h")
    assert "(5 °C, wind 12.8748 km/h" in in_celsius
    assert in_celsius.split()[0] == usual.split()[0]
    assert answer(columbus, "--temperature", "41F", "--wind", "8mph") == usual
    assert answer(columbus, "--temperature", "5,0C", "--wind", 8).split()[0] == usual.split()[0]
    assert "(15 °C, wind 10 km/h" in answer(valencia, "--run", "csv", "--temperature", 15, "--wind", 10)
    for typed, words in (("warm", "is no number, alone or with °C or °F"), ("45K", "alone or with °C or °F"),
                         ("200", "200 °F is not in the range from -76 to 140")):  # fmt: skip
        given = ["--temperature", typed, "--wind", 8]
        code, _, errors = run("bikes", "predict", "--when", "2026-01-05T17", *given, cwd=columbus)
        assert code == 2
        assert words in errors


def test_a_place_with_a_sign_too_few_is_refused_where_the_country_is_known(columbus):
    place = ["--country", "US", "--latitude", 39.96, "--longitude"]
    assert "sun at 39.96, -83" in " ".join(bikes(columbus, "check", "city.csv", *place, -83)[0].split())
    code, _, errors = run("bikes", "check", "city.csv", *place, 83, cwd=columbus)
    assert code == 1
    assert "--latitude 39.96 --longitude 83 lies 6,975 km from where US is: did you mean --longitude -83?" in errors
