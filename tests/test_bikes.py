"""Reading hours, the features of an hour, and the bike model."""

import io
import zipfile
from itertools import product

import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import num2date
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import partial_dependence

from projects.bikes import (
    backtest,
    bands,
    calendar,
    cli_options,
    cli_predict,
    data,
    features,
    plots,
    report,
    sun,
    weather,
)
from projects.bikes.evaluation import effects, evaluate
from projects.bikes.hours import hours_of
from projects.bikes.last_four_weeks import last_four_weeks
from projects.bikes.model import BikesModel, fit, train
from projects.bikes.sample import simulate_hours
from projects.bikes.settings import Settings
from projects.common.errors import ProjectError
from projects.common.plots import plot_losses

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def table():
    return simulate_hours().iloc[: 24 * 7 * 8]


@pytest.fixture
def csv(table, tmp_path):
    """A function that writes the simulated table, with changes, and gives its path."""

    def write(change=lambda table: table, name="hour.csv"):
        path = tmp_path / name
        change(table.astype(object).copy()).to_csv(path, index=False)
        return path

    return write


def with_value(column, value, row=5):
    def change(table):
        table.loc[row, column] = value
        return table

    return change


def test_the_page_knows_every_group_of_features():
    """A new one has to be worked out in report.js, too, and held to this in tests/test_report.py."""
    assert set(report.KNOWN_GROUPS) == set(features.GROUPS)


def test_a_page_of_features_that_it_does_not_know_is_refused():
    report.refuse_unknown_groups([*features.GROUPS])
    with pytest.raises(ProjectError, match=r"the page does not know the features 'odd hours': .*report\.js"):
        report.refuse_unknown_groups([*features.GROUPS, "odd hours"])


def test_simulated_hours_are_marked_and_peak_when_people_commute():
    table = simulate_hours()
    assert (table.simulated == 1).all()
    assert len(table) == 731 * 24
    by_hour = table[table.workingday == 1].groupby("hr").cnt.mean()
    assert by_hour.idxmax() in (17, 18)
    assert by_hour[8] > 2 * by_hour[10]
    summer, winter = (table[table.mnth == month].cnt.mean() for month in (7, 1))
    assert summer > 1.5 * winter
    pd.testing.assert_frame_equal(table, simulate_hours())


def refused(path, words):
    with pytest.raises(ProjectError, match=words):
        data.read_hours(path)


def test_fault_21_a_file_without_rows_is_refused(csv, tmp_path):
    for content in (b"", b"\n\n"):
        (tmp_path / "empty").write_bytes(content)
        refused(tmp_path / "empty", "empty is empty: it should have a column of times and one of counts")
    refused(csv(lambda table: table.iloc[:0]), "has a header, but no rows")


def test_fault_22_a_missing_misnamed_or_doubled_column_is_named(csv):
    counts = ["casual", "registered", "cnt"]
    refused(csv(lambda table: table.drop(columns=counts)), "no column is a count of bikes.*it has instant, dteday")
    refused(csv(lambda table: table.drop(columns="hr")), "column dteday holds dates without a time of day")
    refused(csv(lambda table: table[["hr", "cnt"]].assign(hr=30)), "no column holds dates: name it with --time-column")
    refused(csv(lambda table: table.rename(columns={"atemp": "temp"})), "two columns have the same name, 'temp'")
    layout = data.read_hours(csv()).attrs["layout"]
    text = simulate_hours().head(3).astype(str).drop(columns=["hum", "temp"])
    with pytest.raises(ProjectError, match="test lacks the column temp, hum; it has instant, dteday"):
        hours_of(text, layout, "test", targets=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (with_value("temp", "warm"), r"line 7, column temp: 'warm' is not a number"),
        (with_value("temp", "-"), r"line 7, column temp: '-' is not a number"),
        (with_value("hr", 1.5), r"line 7, column hr: '1.5' is not a whole number"),
        (with_value("cnt", 10**6), r"line 7, column cnt: '1000000' is not casual \+ registered"),
    ],
)
def test_fault_23_what_is_no_number_is_refused_with_line_and_column(csv, change, words):
    refused(csv(change), words)


@pytest.mark.parametrize("rows", [slice(5, 6), slice(None)])
def test_fault_23_ragged_rows_are_refused_with_their_line(csv, rows):
    header, *lines = csv().read_text().splitlines()
    changes = {lambda line: line + ",1": "19 fields", lambda line: line.rpartition(",")[0]: "17 fields"}
    for change, words in changes.items():
        ragged = list(lines)
        ragged[rows] = map(change, ragged[rows])
        path = csv()
        path.write_text("\n".join(["", header, "", *ragged]))  # empty lines are no rows, but they count
        refused(path, f"line {4 + (rows.start or 0)}: {words}, but the header has 18, the last of them simulated")


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e300"])
@pytest.mark.parametrize("column", ["hr", "temp", "hum", "windspeed", "weathersit", "casual", "registered", "cnt"])
def test_fault_24_numbers_that_are_none_or_without_bounds_are_refused(csv, column, value):
    refused(csv(with_value(column, value)), f"line 7, column {column}: '{value}' is not a .*number from [01] to ")


@pytest.mark.parametrize(
    ("column", "value", "allowed"),
    [
        ("hr", 25, "a whole number from 0 to 23"),
        ("hr", -1, "a whole number from 0 to 23"),
        ("weathersit", 7, "a whole number from 1 to 4"),
        ("holiday", 2, "a whole number from 0 to 1"),
        ("hum", 4, "a number from 0 to 1"),
        ("casual", -3, "a whole number from 0 to 1000000"),
        ("dteday", "2011-00-10", "a date like 2012-12-24, from 1900 to 2199"),
        ("dteday", "2011-02-29", "a date"),
        ("dteday", "0001-01-01", "a date"),
        ("dteday", "9999-12-31", "a date"),
        ("dteday", "01/02/2011", "a date"),
    ],
)
def test_fault_25_what_is_out_of_range_is_refused_with_the_range(csv, column, value, allowed):
    refused(csv(with_value(column, value)), f"line 7, column {column}: '{value}' is not {allowed}")


def test_fault_27_rows_are_put_in_the_order_of_time(csv):
    hours = data.read_hours(csv(lambda table: table.iloc[::-1]))
    assert hours.time.is_monotonic_increasing
    assert hours.attrs["simulated"]


def test_fault_27_missing_hours_are_accepted(csv):
    assert len(data.read_hours(csv(lambda table: table.drop(range(30, 60))))) == 24 * 7 * 8 - 30


def test_fault_27_an_hour_that_is_there_twice_is_refused(csv):
    refused(csv(with_value("hr", 4)), r"line 7: 2011-01-01 04:00:00 is there twice")


def test_files_that_are_no_tables_are_refused(tmp_path):
    binary, quote, broken = (tmp_path / name for name in ("binary", "quote", "broken"))
    binary.write_bytes(bytes(range(128, 256)) * 10)
    quote.write_text('dteday,hr\n2011-01-01,"1\n2011-01-01,2\n')
    broken.write_bytes(b"PK\3\4 not really")
    refused(tmp_path / "nowhere.csv", "no file at")
    refused(binary, "neither UTF-8 nor text in another known encoding")
    refused(quote, "after line 1: unexpected end of data")
    refused(broken, "no whole zip")


def test_zip_is_read_and_one_without_hours_refused(csv, tmp_path):
    path, other = tmp_path / "bikes.zip", tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(csv(), "folder/hour.csv")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("day.csv", "a,b\n")
    pd.testing.assert_frame_equal(data.read_hours(path), data.read_hours(csv()))
    refused(other, "other.zip: no column holds dates")  # one table alone may have any name
    with zipfile.ZipFile(other, "a") as archive:
        archive.writestr("week.csv", "a,b\n")
    refused(other, "holds no hour.csv, only day.csv, week.csv")


def test_zip_bomb_is_not_believed(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "LARGEST_TABLE", 1000)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("hour.csv", b"0" * 10**6)
    with pytest.raises(ProjectError, match="larger than 1,000 bytes"):
        data.read_hours(path)


def test_units_turn_into_the_data_columns_and_back():
    row = weather.normalised(temperature=39, humidity=50, wind=33.5)
    assert row == {"temp": 1.0, "hum": 0.5, "windspeed": 0.5}
    assert weather.normalised(-8, 0, 0) == {"temp": 0.0, "hum": 0.0, "windspeed": 0.0}


NO_DAYS = pd.DataFrame({"time": pd.to_datetime(["2012-01-01 00:00"]), "cnt": [1.0]})  # to learn nothing from


def features_of(*rows):
    columns = ["dteday", "hr", "holiday", "weathersit", "temp", "hum", "windspeed"]
    text = pd.DataFrame([[str(value) for value in row] for row in rows], columns=columns)
    hours = data.check_hours(text, "test", targets=False)
    return features.build_features(hours, features.City.learned_from(NO_DAYS))


def test_features_of_a_working_hour_and_of_a_holiday():
    row = features_of(("2012-12-21", 8, 0, 1, 0.5, 0.5, 0.5)).iloc[0]
    assert row[[f"working_{hour:02}h" for hour in range(24)]].sum() == row["working_08h"] == 1
    assert row["fri"] == row["weather_1"] == 1
    assert row["holiday"] == row["christmas"] == row["free_08h"] == 0
    row = features_of(("2012-12-25", 8, 1, 3, 0.5, 0.5, 0.5)).iloc[0]
    assert row["free_08h"] == row["tue"] == row["holiday"] == row["christmas"] == row["weather_3"] == 1
    assert row.index.is_unique
    assert row["working_08h"] == 0


def test_offices_close_early_on_christmas_eve_and_not_open_after_thanksgiving():
    days = ("2012-12-24", "2012-11-23", "2012-11-30", "2012-12-02")
    found = features_of(*((day, 8, 0, 1, 0.5, 0.5, 0.5) for day in days))
    assert found.free_08h.tolist() == [0.5, 1, 0, 1]
    assert found.friday_08h.tolist() == [0, 0, 1, 0]
    assert found.sunday_08h.tolist() == [0, 0, 0, 1]


def test_thanksgiving_is_the_fourth_thursday_of_november():
    found = features_of(*((f"2012-11-{day:02}", 0, 0, 1, 0, 0, 0) for day in range(1, 31)))
    assert found.index[found.thanksgiving == 1].tolist() == [21]
    assert found.index[found.thanksgiving_friday == 1].tolist() == [22]


def test_weather_before_is_looked_up_by_time_not_by_row():
    rows = [("2012-05-01", hour, 0, weather, 0.5, 0.5, 0.5) for hour, weather in ((3, 1), (4, 3), (9, 2))]
    found = features_of(*rows)
    assert found.previous_weather.tolist() == [1, 1, 2]  # unknown at 3 and at 9: their own
    assert found.recent_weather.tolist() == [1, 2, 2.5]  # the last six hours, as far as they are known
    backwards = features_of(*rows[::-1])
    assert backwards.previous_weather.tolist() == [2, 1, 1]


def test_of_an_hour_that_is_there_twice_the_later_row_is_looked_up():
    found = features_of(
        *(("2012-05-01", hour, 0, weather, 0.5, 0.5, 0.5) for hour, weather in ((4, 3), (4, 1), (5, 2)))
    )
    assert found.previous_weather.tolist() == [3, 1, 1]
    assert found.recent_weather.iloc[2] == 1.5


def test_warming_is_the_temperature_less_its_mean_over_the_last_day():
    hours = (("2012-05-01", 3, 0.2), ("2012-05-01", 4, 0.4), ("2012-05-02", 3, 0.6))
    found = features_of(*((day, hour, 0, 1, temp, 0.5, 0.5) for day, hour, temp in hours))
    np.testing.assert_allclose(found.warming, [0, 0.1, 0.1], atol=1e-12)


def test_rain_is_looked_up_around_the_hour():
    weather = {0: 3, 1: 1, 2: 1, 3: 1, 4: 4, 23: 3}
    found = features_of(*(("2012-05-01", hour, 0, kind, 0.5, 0.5, 0.5) for hour, kind in weather.items()))
    np.testing.assert_allclose(found.recent_rain, [1, 1 / 2, 1 / 3, 0, 1 / 3, 1])
    np.testing.assert_allclose(found.rain_over_the_day, 3 / 6)
    assert found.next_rain.tolist() == [0, 0, 0, 1, 1, 1]  # unknown at 4 and at 23: as they are
    alone = features_of(("2012-05-01", 4, 0, 3, 0.5, 0.5, 0.5)).iloc[0]
    assert alone.recent_rain == alone.rain_over_the_day == alone.next_rain == 1


def test_hours_around_are_looked_up_in_what_comes_before_and_after(small):
    city = features.City.learned_from(small.train)
    hours = small.test.assign(weathersit=1 + small.test.index.to_numpy() % 4)
    whole = features.build_features(hours, city, before=small.validation.tail(24))
    for start in range(24, 48):
        part = slice(start, start + 3)
        alone = features.build_features(hours[part], city, before=hours[:start], after=hours[start + 3 :])
        np.testing.assert_allclose(alone, whole[part], atol=1e-12)


def test_the_sun_stands_where_spherical_astronomy_has_it():
    # 21 June 2012, Washington: declination 23.44°, true noon at 13:10; 13:30 is 5° later, and
    # sin e = sin 38.9° sin 23.44° + cos 38.9° cos 23.44° cos 5°, so e = 74.0°
    noon = pd.Series(pd.to_datetime(["2012-06-21 13:00"]))
    assert sun.sun_elevation(noon, sun.WASHINGTON)[0] == pytest.approx(74.0, abs=0.2)
    # 20 March 2012 at the equator: declination 0; at 12:30 UTC the true sun, 7.4 minutes slow, is 5.65° past noon
    equator = sun.Place(0, 0, "UTC")
    midday = pd.Series(pd.to_datetime(["2012-03-20 12:00", "2012-03-20 00:00"]))
    np.testing.assert_allclose(sun.sun_elevation(midday, equator), [84.35, -84.35], atol=0.3)
    # clocks differ, the sun does not: 8:00 in summer and 7:00 in winter in Washington are 12:00 UTC
    for local, utc in (("2012-07-01 08:00", "2012-07-01 12:00"), ("2012-12-01 07:00", "2012-12-01 12:00")):
        found = sun.sun_elevation(pd.Series(pd.to_datetime([local])), sun.WASHINGTON)
        same = sun.sun_elevation(pd.Series(pd.to_datetime([utc])), sun.WASHINGTON._replace(time_zone="UTC"))
        np.testing.assert_allclose(found, same, atol=1e-9)


def test_hours_that_the_clocks_leave_out_or_go_through_twice_have_a_sun():
    times = pd.Series(pd.to_datetime(["2012-03-11 02:00", "2012-11-04 01:00", "2012-11-04 00:00"]))
    assert (sun.sun_elevation(times, sun.WASHINGTON) < -30).all()


def commuting_hours(special, first="2011-05-02", days=56):
    """Days of 100 riders an hour, of which the morning's 3 hours have 400 on working days and as `special` says."""
    time = pd.Series(pd.date_range(first, periods=24 * days, freq="h"))
    date = time.dt.strftime("%Y-%m-%d")
    riders = pd.Series(np.where(time.dt.day_of_week < 5, 400.0, 100.0))
    riders[date.isin(list(special))] = date.map(special)
    cnt = riders.where(time.dt.hour.between(7, 9), 100.0)
    return pd.DataFrame({"time": time, "cnt": cnt, "holiday": date.isin(list(special)).astype(int)})


def test_a_holidays_working_share_is_learned_from_its_morning_and_remembered_for_its_anniversary():
    # a morning's share of the day: 1200 of 3300 riders on working days, 300 of 2400 on free ones;
    # 3·191.3 of 2100 + 3·191.3 on the holiday, which is half-way between these two
    hours = commuting_hours({"2011-05-30": 226.05})
    learned = calendar.learn_special_days(hours, "US")
    half_way = (3 * 226.05) / (2100 + 3 * 226.05)
    expected = (half_way - 300 / 2400) / (1200 / 3300 - 300 / 2400)
    assert [(day.date, day.kind) for day in learned] == [("2011-05-30", "holiday")]
    assert learned[0].share == pytest.approx(expected, abs=1e-3) == pytest.approx(0.5, abs=0.01)
    later = pd.to_datetime(["2012-05-28", "2012-05-29", "2012-05-30", "2012-06-30", "2012-09-03", "2012-05-30"])
    rows = pd.DataFrame({"time": later, "holiday": [1, 0, 1, 1, 1, 0]})
    remembered = learned[0].share / (1 + calendar.SHRINKAGE)
    shares = calendar.working_share(rows, learned, "US")
    assert shares.tolist() == pytest.approx([remembered, 1, remembered, 0, 0, 1])
    assert calendar.working_share(rows.drop(columns="holiday"), learned, "US").tolist() == [1, 1, 1, 0, 1, 1]


def test_nothing_is_learned_from_half_a_day_or_where_nobody_commutes():
    hours = commuting_hours({"2011-05-30": 226.05})
    broken = (hours.time.dt.strftime("%Y-%m-%d") == "2011-05-30") & (hours.time.dt.hour > 15)
    assert calendar.learn_special_days(hours[~broken], "US") == []
    assert calendar.learn_special_days(hours.assign(cnt=100.0), "US") == []
    assert calendar.learn_special_days(hours.assign(cnt=0.0), "US") == []


def forecasts_of(hours, bikes, special=False, days_away=0):
    """Forecasts on a working day."""
    rows = len(hours)
    working = pd.Series(1.0, hours.index)
    return bands.Forecasts(hours, np.array(bikes), working, np.full(rows, special), np.full(rows, days_away))


def test_bands_worked_out_by_hand():
    # two kinds of hours, off by 1 and by 3 on the scale of roots, seen 80 and 20 times: by 1.4 on average
    hours = pd.DataFrame({"hr": [12] * 80 + [17] * 20, "cnt": 100})
    bikes = [81.0] * 80 + [49.0] * 20
    exact = forecasts_of(hours[:0], [])  # no hour trained on
    found = bands.fit_bands(exact, forecasts_of(hours, bikes))
    midday, evening = (80 / 1.4 + 100) / 180, (20 * 3 / 1.4 + 100) / 120
    assert found["scales"][2:4] == pytest.approx([midday, evening])
    assert found["scales"][:2] == found["scales"][4:6] == [1, 1]  # never seen
    assert found["wet_factor"] == 1
    # of 101 hours, the 81st smallest error in scales is one of the evening's; 100 hours are 4 days and a sixth
    student = {level: stats.t.ppf(0.5 + level / 200, 100 / 24) for level in (80, 95)}
    of_the_evening = 3 / evening * student[80] / stats.norm.ppf(0.9)
    # of the 97th and larger ones there are too few: the root mean square counts
    of_all = ((80 / midday**2 + 20 * 9 / evening**2) / 100) ** 0.5 * student[95]
    exactly = {"80": of_the_evening, "95": of_all}
    assert found["widths"] == pytest.approx(exactly, rel=1e-4)
    root_80, root_95 = of_the_evening * evening, of_all * evening
    last = hours[-1:]
    bounds = bands.band_bounds(found, forecasts_of(last, [49.0]))
    assert bounds["low_80"][0] == pytest.approx((7 - root_80) ** 2, rel=1e-4)
    assert bounds["high_95"][0] == pytest.approx((7 + root_95) ** 2, rel=1e-4)
    assert bands.band_bounds(found, forecasts_of(last, [49.0], days_away=60)) == bounds
    later = bands.band_bounds(found, forecasts_of(last, [49.0], days_away=60 + 365))
    assert later["high_80"][0] == pytest.approx((7 + 3 * root_80) ** 2, rel=1e-4)
    special = bands.band_bounds(found, forecasts_of(last, [49.0], special=True))
    assert special["high_80"][0] == pytest.approx((7 + 2 * root_80) ** 2, rel=1e-4)
    # the same errors tell of half as much where they were on special days, and of a third a year later
    for days, factor in (({"special": True}, 2), ({"days_away": 60 + 365}, 3)):
        seen = bands.fit_bands(exact, forecasts_of(hours, bikes, **days))
        assert seen["scales"] == pytest.approx(found["scales"])
        assert seen["widths"] == pytest.approx({level: width / factor for level, width in exactly.items()}, rel=1e-4)


def test_hours_trained_on_tell_kinds_of_hours_apart_that_the_validation_lacks():
    fitted = pd.DataFrame({"hr": [12] * 5000 + [3] * 5000, "weathersit": [1, 1, 1, 3] * 2500, "cnt": 100})
    root = 10 - np.where(fitted.hr == 12, 0.5, 0.1) * np.where(fitted.weathersit == 3, 3, 1)
    validation = pd.DataFrame({"hr": [12] * 100, "weathersit": 1, "cnt": 100})
    found = bands.fit_bands(forecasts_of(fitted, root**2), forecasts_of(validation, [64.0] * 100))
    assert found["scales"][2] / found["scales"][0] == pytest.approx(5, rel=0.05)
    assert found["wet_factor"] == pytest.approx(3, rel=0.05)
    hours = pd.DataFrame({"hr": [12, 12, 3], "weathersit": [1, 3, 1]})
    bounds = bands.band_bounds(found, forecasts_of(hours, [64.0] * 3))
    reach = np.sqrt(bounds["high_80"]) - 8
    reach *= 1.2816 / stats.t.ppf(0.9, 100 / 24)  # what comes of there being so few
    assert reach == pytest.approx([2, 2 * found["wet_factor"], 2 * found["scales"][0] / found["scales"][2]])


def test_the_widths_of_few_days_are_those_of_students_tables():
    errors = np.array([1.0, 2.0] * 6)  # their root mean square is √2.5
    of_twelve = {"80": 1.356 * 2.5**0.5, "95": 2.179 * 2.5**0.5}
    assert bands.widths_of(errors, days=12) == pytest.approx(of_twelve, rel=1e-3)
    # of 1,440 errors from 1 to 1,440 the 1,153rd and the 1,369th, whose 60 days are nearly enough
    widths = bands.widths_of(np.arange(1440.0, 0, -1), days=60)
    assert widths == pytest.approx({"80": 1153 * 1.296 / 1.2816, "95": 1369 * 2.0003 / 1.96}, rel=1e-3)


def test_sums_of_special_days_may_be_further_off():
    time = pd.Series(pd.date_range("2012-01-02", periods=48, freq="h"))
    hours = pd.DataFrame({"time": time, "cnt": 100})
    apart = np.sqrt(2400) - np.sqrt(24 * 81)
    usual = forecasts_of(hours, [81.0] * 48)
    of_two = {"80": 1.8856, "95": 4.3027}  # Student's quantiles of two days
    expected = {level: apart * student for level, student in of_two.items()}
    assert bands.fit_day_widths(usual) == pytest.approx(expected, rel=1e-4)
    one_of_two = usual._replace(special=np.arange(48) < 24)  # errors of `apart` and half of it
    expected = {level: apart * student * (1.25 / 2) ** 0.5 for level, student in of_two.items()}
    assert bands.fit_day_widths(one_of_two) == pytest.approx(expected, rel=1e-4)
    both = usual._replace(special=~usual.special)
    expected = {level: apart / 2 * student for level, student in of_two.items()}
    assert bands.fit_day_widths(both) == pytest.approx(expected, rel=1e-4)


def test_special_days_are_holidays_and_those_around_christmas_and_thanksgiving():
    days = {
        "2012-11-20": 0, "2012-11-21": 1, "2012-11-22": 1, "2012-11-23": 1, "2012-11-25": 1, "2012-11-26": 0,
        "2012-12-21": 0, "2012-12-22": 1, "2012-12-24": 1, "2012-12-29": 1, "2013-01-02": 1, "2013-01-03": 0,
        "2011-11-23": 1, "2013-12-01": 1, "2013-12-02": 0,
    }  # fmt: skip
    rows = pd.DataFrame({"time": pd.to_datetime(list(days))})
    assert calendar.is_special(rows, "US").tolist() == [bool(special) for special in days.values()]
    elsewhere = [bool(special) and day[5:7] != "11" and day[5:] != "12-01" for day, special in days.items()]
    assert calendar.is_special(rows, "DE").tolist() == elsewhere
    assert calendar.is_special(rows.assign(holiday=1), "DE").tolist() == [
        special or day.day_of_week < 5 for special, day in zip(elsewhere, rows.time, strict=True)
    ]


def test_split_counts_from_the_end(csv):
    parts = data.split(data.read_hours(csv()), validation_days=3, test_days=2)
    assert [len(part) for part in parts] == [24 * (56 - 5), 72, 48]
    assert parts.train.time.max() < parts.validation.time.min() < parts.test.time.min()
    with pytest.raises(ProjectError, match="too few"):
        data.split(data.read_hours(csv()))


@pytest.fixture(scope="module")
def small(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "hour.csv"
    table.to_csv(path, index=False)
    return data.split(data.read_hours(path), validation_days=4, test_days=3)


def test_scaling_has_seen_the_training_rows_only(small):
    settings = {"members": 1, "seed": 0, "epochs": 1}
    model = fit(small.train, small.validation, Settings(**settings))
    spoiled = small.validation.assign(temp=1.0, hum=1.0, casual=9999)
    for name, values in fit(small.train, spoiled, Settings(**settings)).scaling.items():
        np.testing.assert_array_equal(values, model.scaling[name])


def test_the_final_fit_knows_the_validation_hours_but_not_the_test(small):
    model = train(small, Settings(epochs=1))
    assert model.settings["last_hour"] == str(small.validation.time.iloc[-1])
    spoiled = small._replace(test=small.test.assign(casual=9999, cnt=9999, temp=1.0))
    np.testing.assert_array_equal(train(spoiled, Settings(epochs=1)).predict(small.test), model.predict(small.test))


def test_an_ensemble_is_the_mean_of_its_networks_unbiased_over_what_it_was_fitted_to(small):
    model = fit(small.train, None, Settings(members=3, seed=0, epochs=3))
    inputs = model.features(small.test)
    members = [BikesModel([network], model.scaling, model.settings) for network in model.networks]
    alone = [member.transformed_counts(inputs) for member in members]
    positive = np.min(alone, axis=0) > 0  # elsewhere a network alone is cut off at 0
    assert positive.mean() > 0.8
    np.testing.assert_allclose(model.transformed_counts(inputs)[positive], np.mean(alone, axis=0)[positive], rtol=1e-5)
    assert model.predict(small.train).sum() == pytest.approx(small.train.cnt.sum())


def test_bands_hold_their_share_of_the_validation_hours(small):
    settings = {"members": 2, "seed": 0, "epochs": 3}
    model = train(small, Settings(**settings))
    first = fit(small.train, small.validation, Settings(**settings), less_than_a_year=True)
    widths = model.settings["bands"]["widths"]
    days = len(small.validation) / 24
    of_many_days = {str(level): stats.norm.ppf(0.5 + level / 200) for level in (80, 95)}
    of_these = {str(level): stats.t.ppf(0.5 + level / 200, days) for level in (80, 95)}
    plain = {level: width * of_many_days[level] / of_these[level] for level, width in widths.items()}
    first.settings["bands"] = model.settings["bands"] | {"widths": plain}
    forecast = first.forecast(small.validation, small.train.tail(24))
    for level in (80, 95):
        inside = small.validation.cnt.between(forecast[f"low_{level}"], forecast[f"high_{level}"])
        assert inside.mean() == pytest.approx(level / 100, abs=0.02)


def test_all_days_can_be_trained_on_but_then_not_tested(small):
    hours = pd.concat(small)
    whole = data.split(hours, validation_days=7, test_days=0)
    model = train(whole, Settings(members=1, epochs=1))
    assert model.settings["last_hour"] == str(hours.time.iloc[-1])
    scores = evaluate(model, whole)
    assert "test" not in scores
    assert set(scores["baselines"]["mean"]) == {"validation"}


def test_a_backtest_trains_on_the_past_only(small, monkeypatch):
    monkeypatch.setattr(backtest, "VALIDATION_DAYS", 7)
    hours = pd.concat(small)
    first = hours.time.iloc[0] + pd.Timedelta(days=31)
    moments = backtest.origins(hours, 1, 1, 7, first)
    found = backtest.backtest(hours, moments, 7)
    assert len(found) == 7 * 24
    spoiled = hours.assign(cnt=hours.cnt.where(hours.time < first, 0), casual=hours.casual.where(hours.time < first, 0))
    np.testing.assert_array_equal(backtest.backtest(spoiled, moments, 7).prediction, found.prediction)
    frozen = hours.assign(temp=hours.temp.where(hours.time < first, 0), weathersit=1)
    frozen.loc[hours.time < first, "weathersit"] = hours.weathersit
    in_frost = backtest.backtest(frozen, moments, 7)
    assert (in_frost.prediction < found.prediction).mean() > 0.8
    for name in ("prediction", "low_80", "high_95"):
        np.testing.assert_array_equal(in_frost[f"usual_weather_{name}"], found[f"usual_weather_{name}"])
    scores = backtest.summary(found).iloc[0]
    assert scores.rmse == pytest.approx(((found.prediction - found.cnt) ** 2).mean() ** 0.5)
    assert scores.usual_weather_rmse == pytest.approx(((found.usual_weather_prediction - found.cnt) ** 2).mean() ** 0.5)
    assert scores.coverage_80 == pytest.approx(((found.low_80 <= found.cnt) & (found.cnt <= found.high_80)).mean())
    with pytest.raises(ProjectError, match=r"no 7 days can be forecast from 2011-01-05: .* an origin must lie between"):
        backtest.origins(hours, 1, 1, 7, pd.Timestamp("2011-01-05"))
    for closed in (hours.time < first) & (hours.time >= first - pd.Timedelta(days=7)), hours.time >= first:
        with pytest.raises(ProjectError, match=r"no hours in the 7 days before 2011-02-01, or in the 7 days from it"):
            backtest.backtest(hours[~closed], moments, 7)


@pytest.mark.parametrize(("months", "first"), [(1, pd.Timestamp("9999-12-01")), (1200, None)])
def test_origins_beyond_the_calendar_are_refused(months, first):
    hours = pd.DataFrame({"time": pd.date_range("2011-01-01", "2012-12-31 23:00", freq="h")})
    with pytest.raises(ProjectError, match="leave the calendar"):
        backtest.origins(hours, 22, months, 21, first)


def test_default_origins_are_the_latest_that_the_data_allow():
    hours = pd.DataFrame({"time": pd.date_range("2011-01-01", "2012-12-31 23:00", freq="h")})
    assert backtest.origins(hours, 12, 1, 21) == list(pd.date_range("2012-01-01", periods=12, freq="MS"))
    assert backtest.origins(hours, 2, 3, 40) == [pd.Timestamp("2012-08-01"), pd.Timestamp("2012-11-01")]


def test_model_comes_back_from_its_file_the_same(small, tmp_path):
    model = train(small, Settings(epochs=2))
    model.save(tmp_path / "model.safetensors")
    loaded = BikesModel.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict(small.test), model.predict(small.test))
    assert loaded.settings == model.settings


def test_the_same_seed_gives_the_same_file_and_another_seed_another(small, tmp_path):
    contents = []
    for seed in (3, 3, 4):
        path = tmp_path / "model.safetensors"
        train(small, Settings(seed=seed, epochs=2)).save(path)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_fault_26_a_constant_column_is_scaled_by_1(small):
    still = small._replace(train=small.train.assign(windspeed=0.25), validation=small.validation.assign(windspeed=0.25))
    model = train(still, Settings(epochs=1))
    assert np.isfinite(model.predict(still.validation)).all()
    assert model.scaling["feature_scale"][model.settings["features"].index("windspeed")] == 1


def test_scores_stand_beside_baselines_worked_out_by_hand(small):
    model = train(small, Settings(epochs=5))
    scores = evaluate(model, small)
    past = pd.concat([small.train, small.validation])
    error = small.test.cnt - past.cnt.mean()
    assert scores["baselines"]["mean"]["test"]["rmse"] == pytest.approx((error**2).mean() ** 0.5)
    assert scores["test"]["scaled_mse"] == pytest.approx(
        ((model.predict(small.test, past.tail(24)) - small.test.cnt) ** 2).mean() / past.cnt.var()
    )
    assert scores["simulated"] is True
    names = {"rows", "scaled_mse", "rmse", "mae", "rmsle", "r2"}
    assert set(scores["validation"]) == names
    assert set(scores["test"]) == names | {"coverage_80", "coverage_95"}


def test_rows_that_were_trained_on_are_not_scored(small):
    model = train(small, Settings(epochs=1))
    earlier = data.split(pd.concat(small[:2]), validation_days=4, test_days=3)
    with pytest.raises(ProjectError, match="the model was trained on hours up to"):
        evaluate(model, earlier)


def test_last_four_weeks_is_the_mean_of_the_same_hour_and_kind_of_day(small):
    past, now = pd.concat([small.train, small.validation]), small.test
    recent = past[past.time >= now.time.iloc[0] - pd.Timedelta(days=28)]
    row = now.iloc[30]
    alike = recent[(recent.hr == row.hr) & (recent.workingday == row.workingday)]
    assert last_four_weeks(past, now)[30] == pytest.approx(alike.cnt.mean())


def test_real_hours_reach_the_stated_validation_error(bikes_zip):
    hours = data.split(data.read_hours(bikes_zip))
    assert [len(part) for part in hours] == [15_435, 1_440, 504]
    assert pd.concat(hours[:2]).cnt.std() == pytest.approx(182.1021, abs=1e-4)
    scores = evaluate(train(hours), hours)
    assert scores["validation"]["scaled_mse"] <= 0.075
    assert scores["validation"]["scaled_mse"] < scores["baselines"]["last_four_weeks"]["validation"]["scaled_mse"] / 3


@pytest.fixture(scope="module")
def hasty(small):
    return train(small, Settings(members=1, epochs=1))


@pytest.fixture
def predicted(hasty, monkeypatch, capsys):
    """A function that forecasts hours as a stream, in chunks of so many rows: the predictions, and stderr."""

    def predict(hours, chunk=10**6):
        table = hours.assign(dteday=hours.time.dt.strftime("%Y-%m-%d"))
        text = table[["dteday", "hr", "holiday", "weathersit", "temp", "hum", "windspeed"]].to_csv(index=False)
        monkeypatch.setattr(cli_predict, "CHUNK", chunk)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        cli_predict.predict_file(hasty, "-", (), out=None, as_json=False)
        output, errors = capsys.readouterr()
        return pd.read_csv(io.StringIO(output)).prediction.tolist(), errors

    return predict


def test_chunks_of_a_stream_are_forecast_like_the_whole_file(small, predicted):
    whole, _ = predicted(small.test)
    assert len(whole) == len(small.test)
    assert predicted(small.test, chunk=7)[0] == whole


def test_fault_27_unsorted_hours_are_forecast_as_if_sorted_while_their_chunks_are_in_order(small, predicted):
    shuffled = pd.concat(part.sample(frac=1, random_state=0) for part in (small.test[:36], small.test[36:]))
    whole = pd.Series(predicted(small.test)[0], small.test.index)
    assert predicted(shuffled, chunk=36)[0] == whole[shuffled.index].tolist()


def test_hours_far_from_the_training_are_warned_of_once_with_the_largest_distance(small, predicted):
    days = [pd.Timedelta(days=days) for days in (0, 800, 400)]
    later = pd.concat([small.test.assign(time=small.test.time + shift) for shift in days])
    assert predicted(small.test)[1] == ""
    message = "803 days after the last hour trained on: beyond what is known, and without bands\n"
    assert predicted(later)[1] == predicted(later, chunk=50)[1] == message
    soon = small.test.assign(time=small.test.time + pd.Timedelta(days=100))
    guess = "no data of June: a guess, without bands\n"
    assert predicted(soon)[1] == f"{guess}103 days after the last hour trained on: the trend is held\n"
    earlier = small.test.assign(time=small.test.time - days[1])
    assert predicted(earlier, chunk=50)[1].startswith("747 days before the first hour trained on: beyond")


def test_the_trend_stands_still_after_the_data_and_beyond_a_year_there_is_no_band(small, hasty):
    last = small.validation.time.iloc[-1]
    hour = small.test.iloc[[12]]
    at = [last + pd.Timedelta(days=days) for days in (364, 366, 5000)]
    at.append(small.train.time.iloc[0] - pd.Timedelta(days=366))
    forecasts = [hasty.forecast(hour.assign(time=moment)).iloc[0] for moment in at]
    trends = [hasty.features(hour.assign(time=moment)).trend.item() for moment in at]
    years = (last - pd.Timestamp("2011-01-01")) / pd.Timedelta(days=365.25)
    assert trends[0] == trends[1] == trends[2] == pytest.approx(years)  # of less than a year it is held at once
    longer = BikesModel(
        hasty.networks, hasty.scaling, hasty.settings | {"city": hasty.settings["city"] | {"held_after_days": 30}}
    )
    soon, in_time, later, never = (
        longer.features(hour.assign(time=last + pd.Timedelta(days=days))).trend.item() for days in (20, 30, 31, 300)
    )
    assert years < soon < in_time == pytest.approx(years + 30 / 365.25)
    assert later == never == pytest.approx(in_time)
    assert forecasts[0].notna().all()
    for far in forecasts[1:]:
        assert far.prediction >= 0
        assert far.drop("prediction").isna().all()


WEATHER = ["temp", "hum", "windspeed", "weathersit"]


@pytest.mark.parametrize(
    "missing", [["holiday"], ["hum"], WEATHER[:3], WEATHER[3:], ["holiday", "workingday", *WEATHER]]
)
def test_what_a_table_lacks_is_left_out_of_the_features(small, missing):
    train_hours, validation = (part.drop(columns=missing) for part in small[:2])
    model = fit(train_hours, validation, Settings(members=2, seed=0, epochs=10))
    without = {name for name, group in features.GROUPS.items() if set(group.needs) & set(missing)}
    without |= {"humidity and wind"} if {"hum", "windspeed"} <= set(missing) else set()
    without.add("events of the city")  # none were given
    assert set(model.settings["groups"]) == set(features.GROUPS) - without
    error = model.predict(validation) - validation.cnt
    assert (error**2).mean() < (validation.cnt - train_hours.cnt.mean()).pow(2).mean() / 2


def test_each_member_does_without_a_group_of_its_own(small):
    model = fit(small.train, None, Settings(members=7, seed=0, epochs=1))
    columns = {name: [model.settings["features"].index(column) for column in part] for name, part in
               features.build_groups(small.test, model.city, model.settings["groups"]).items()}  # fmt: skip
    unseen = [{name for name in columns if not network.W1[columns[name]].any()} for network in model.networks]
    left_out = ["second yearly wave", "sun", "weather before", "warming", "rain", "weekday", "second yearly wave"]
    assert unseen == [{name} for name in left_out]
    whole = fit(small.train, None, Settings(members=1, epochs=1))
    seen = whole.features(small.train).any().to_numpy()
    assert not seen.all()  # Thanksgiving is in none of these weeks: its weights are those it began with, so they are 0
    np.testing.assert_array_equal(whole.networks[0].W1.any(axis=1), seen)


@pytest.mark.parametrize("left_out", ["the second year", "days here and there"])
def test_other_years_of_which_some_days_are_missing_can_be_learnt(csv, left_out):
    table = simulate_hours()
    day = np.arange(len(table)) // 24
    left = {"the second year": day < 365, "days here and there": day * 7919 % 6 > 0}[left_out]
    dates = pd.to_datetime(table.dteday) + pd.Timedelta(weeks=418)
    path = csv(lambda _: table.assign(dteday=dates.dt.strftime("%Y-%m-%d"))[left])
    hours = data.split(data.read_hours(path))
    assert hours.train.time.iloc[0].year == 2019
    scores = evaluate(train(hours, Settings(members=1, epochs=4)), hours)
    assert scores["test"]["scaled_mse"] < scores["baselines"]["mean"]["test"]["scaled_mse"] / 3


def test_effects_are_those_that_scikit_learn_finds(small):
    class Judged(RegressorMixin, BaseEstimator):
        def fit(self, X, y):
            self.fitted_ = True
            return self

        def predict(self, X):
            return model.bikes(X.assign(temp_squared=(X.temp - 0.5) ** 2))

    model = train(small, Settings(members=2, epochs=10))
    found = effects(model, small.train)
    warmth = found[found.input == "temperature"]
    inputs = model.features(small.train)[::11]
    grid = {"temp": ((warmth.value + 8) / 47).to_numpy()}
    judged = partial_dependence(Judged().fit(inputs, None), inputs, ["temp"], custom_values=grid, method="brute")
    np.testing.assert_allclose(warmth.bikes, judged["average"][0])
    celsius = 47 * small.train.temp - 8
    assert celsius.min() <= warmth.value.min() < warmth.value.max() <= celsius.max()


def test_the_effect_of_the_hour_is_the_mean_of_hours_changed_one_by_one(small, hasty):
    hours = small.validation
    found = effects(hasty, hours).set_index(["input", "kind", "value"]).bikes
    saturdays = [row for row in hours.index[::11] if hours.time[row].day_of_week == 5]
    changed = (hours.assign(hr=hours.hr.where(hours.index != row, 12)) for row in saturdays)
    alone = [hasty.predict(each)[hours.index == row] for each, row in zip(changed, saturdays, strict=True)]
    assert len(alone) >= 3
    assert found["hour", "Saturday", 12] == pytest.approx(np.mean(alone))
    assert set(found["hour"].index) == set(product(["working day", "Saturday", "Sunday or holiday"], range(24)))


def test_pictures_say_what_the_data_say(small):
    rows = [("temperature", "", celsius, 10 + celsius) for celsius in (0, 10, 20)]
    rows += [("hour", "working day", hour, 100 - abs(hour - 9)) for hour in range(24)]
    table = pd.DataFrame(rows, columns=["input", "kind", "value", "bikes"])
    titles = [axes.get_title(loc="left") for axes in plots.plot_effects(table).axes]
    assert titles == ["20 °C brings 3.0 times the bikes of 0 °C", "Busiest: working days 9:00"]
    errors = pd.DataFrame({"time": pd.date_range("2012-01-01", periods=48, freq="h"), "cnt": 10, "weathersit": 1})
    errors = errors.assign(prediction=10 + 5 * (errors.time.dt.hour == 7), weathersit=1 + (errors.time.dt.hour >= 12))
    titles = [axes.get_title(loc="left") for axes in plots.plot_errors(errors, cli_options.WEATHER_WORDS).axes]
    assert titles == [
        "The forecast errs most at 7:00, by 5 bikes",
        "Largest error: clear,\n0.4 bikes an hour",
    ]
    assert (
        plots.plot_errors(errors[:18:2], cli_options.WEATHER_WORDS).axes[1].get_title(loc="left") == ""
    )  # too few hours of each
    history = pd.DataFrame({"epoch": [1, 2, 3], "training_loss": [3, 2, 1], "validation_loss": [3, 1, 2.0]})
    title = plot_losses(history, "loss").axes[0].get_title(loc="left")
    assert title == "After all 3 epochs the validation loss is 2.000 (lowest: 1.000, after epoch 2)"


def test_the_forecast_names_no_day_outside_it(small):
    bands = {f"{side}_{level}": small.test.cnt for side in ("low", "high") for level in (80, 95)}
    figure = plots.plot_forecast(
        small.test.assign(prediction=small.test.cnt, **bands), {"mae": 1, "coverage_80": 0.8, "coverage_95": 0.9}
    )
    ticks = pd.to_datetime(num2date(figure.axes[0].get_xticks())).tz_localize(None)
    assert len(ticks) >= 2
    assert small.test.time.min() <= ticks.min() <= ticks.max() <= small.test.time.max()
