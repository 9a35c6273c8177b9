"""The planner with counts of her own city: any table is read, checked, trained on and forecast from."""

import csv
import io
import json
import zipfile
from codecs import BOM_UTF8

import numpy as np
import pandas as pd
import pytest
from helpers import real_data, run
from test_tables import workbook

from projects.bikes import check, closed, data, decimal_commas, layout, outlook, plots, sun, times, weather
from projects.bikes.evaluation import effects
from projects.bikes.model import BikesModel, fit, train
from projects.bikes.scenarios import SCENARIOS, bounds, typical_weather, usual_weather
from projects.bikes.settings import Settings
from projects.common.errors import ProjectError

pytestmark = pytest.mark.slow


def usual_bikes(time):
    """The bikes that SIMULATED riders of a made-up city take in an hour, on average."""
    hour, working = time.dt.hour, time.dt.day_of_week < 5
    commute = 90 * np.exp(-((hour - 8) ** 2) / 2) + 110 * np.exp(-((hour - 17) ** 2) / 4)
    leisure = 60 * np.exp(-((hour - 14) ** 2) / 18)
    return 5 + commute.where(working, 0) + leisure.where(~working, 15)


def simulated_city(days=150, seed=0):
    """Hours of the made-up city from 4 March 2024 on: time and bikes, SIMULATED."""
    time = pd.Series(pd.date_range("2024-03-04", periods=24 * days, freq="h"))
    return pd.DataFrame({"time": time, "bikes": np.random.default_rng(seed).poisson(usual_bikes(time))})


def read(text, tmp_path, **given):
    """The hours of a table of this text."""
    path = tmp_path / "city.csv"
    path.write_text(text, encoding="utf-8")
    return data.read_table(path, given)


def table_of(rows, header):
    return "\n".join([header, *rows]) + "\n"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["2024-12-01", "2024-12-02"], "%Y-%m-%d"),
        (["1/12/2017", "2/12/2017", "13/12/2017"], "%d/%m/%Y"),
        (["12/1/2017", "12/2/2017", "12/13/2017"], "%m/%d/%Y"),
        (["1/12/2017", "2/12/2017", "3/12/2017"], "%d/%m/%Y"),  # a day from row to row, not a month
        (["12/1/2017", "12/2/2017", "12/3/2017"], "%m/%d/%Y"),
        (["31.12.2023 23:00", "01.01.2024 00:00"], "%d.%m.%Y %H:%M"),
        (["2024-01-01T00:00:00+01:00", "2024-01-01T01:00:00+01:00"], "%Y-%m-%dT%H:%M:%S"),
        (["2024-01-01T00:00Z"], "%Y-%m-%dT%H:%M"),
        (["2024-01-01 00:00:00.000"], "%Y-%m-%d %H:%M:%S.%f"),
        (["1/31/2024 5:00 PM", "1/31/2024 6:00 PM"], "%m/%d/%Y %I:%M %p"),
        (["20240131"], "%Y%m%d"),
        (["now", "today"], None),
        (["17", "18"], None),
        ([""], None),
    ],
)
def test_the_format_of_times_is_found(written, expected):
    assert times.find_time_format(pd.Series(written)) == expected


def test_times_are_those_that_the_clocks_showed():
    written = pd.Series(["2024-01-31T17:30:00+09:00", "2024-02-30T00:00:00", "1024-01-31T17:30:00"])
    parsed = times.parse_times(written, "%Y-%m-%dT%H:%M:%S")
    assert parsed[0] == pd.Timestamp("2024-01-31 17:30")
    assert parsed[1:].isna().all()


HEADERS = {
    "Date,Hour,y": ("Date", "Hour", "y"),
    "Datum,Stunde,Anzahl Fahrten": ("Datum", "Stunde", "Anzahl Fahrten"),
    "dteday,hr,cnt": ("dteday", "hr", "cnt"),
    "day,hour,Total bikes": ("day", "hour", "Total bikes"),
}


@pytest.mark.parametrize("header", HEADERS)
def test_columns_are_found_by_name_in_several_languages(header, tmp_path):
    found = read(table_of([f"2024-01-0{1 + n // 24},{n % 24},{n}" for n in range(48)], header), tmp_path)
    assert (found.layout.time, found.layout.hour, found.layout.count) == HEADERS[header]
    assert found.hours.cnt.tolist() == list(range(48))
    assert list(found.hours) == ["hr", "cnt", "time", "workingday"] or header.startswith("dteday")


def test_units_are_read_from_names_and_options(tmp_path):
    header = "time,rides,Temp (°F),Relative Humidity,Wind speed (m/s),Precip (inches)"
    rows = [f"2024-01-01 {hour:02}:00,{hour},{32 + 18 * (hour % 2)},0.{hour:02},10,{hour // 23}" for hour in range(24)]
    hours = read(table_of(rows, header), tmp_path).hours
    assert hours.temp.head(2).tolist() == pytest.approx([8 / 47, 18 / 47])  # 0 and 10 °C
    assert hours.hum.tolist() == pytest.approx([hour / 100 for hour in range(24)])
    assert hours.windspeed[0] == pytest.approx(36 / 67)
    assert hours.weathersit.tolist() == [1] * 23 + [4]  # 25.4 mm
    header = "time,rides,temperature,humidity,wind"
    rows = [f"2024-01-01 {hour:02}:00,{hour},50,{hour},10" for hour in range(24)]
    hours = read(table_of(rows, header), tmp_path, fahrenheit=True, wind_unit="mph").hours
    assert hours.temp[0] == pytest.approx(18 / 47)
    assert hours.hum[23] == pytest.approx(0.23)
    assert hours.windspeed[0] == pytest.approx(16.09344 / 67)


def test_weather_as_words_and_codes():
    words = pd.Series(["Clear", "Sunny", "Partly cloudy", "Light Rain", "Thunderstorm", "Nebel", "Starkregen", "?"])
    assert weather.sky_from_words(words).tolist()[:7] == [1, 1, 2, 3, 4, 2, 4]
    assert weather.sky_from_words(words).isna().tolist() == [False] * 7 + [True]
    assert weather.sky_from_wmo(pd.Series([0, 3, 45, 61, 65, 95])).tolist() == [1, 2, 2, 3, 4, 4]
    rain, snow = pd.Series([0.0, 0.2, 9.0, 0.0]), pd.Series([0.0, 0.0, 0.0, 1.0])
    assert weather.sky_from_amounts(rain, snow).tolist() == [1, 3, 4, 3]


def test_decimal_commas_are_read_in_tables_that_commas_do_not_delimit(tmp_path):
    time = pd.date_range("2024-01-01", periods=24 * 40, freq="h")
    celsius = np.arange(len(time)) % 40 / 2
    bikes = [f"{count:,}" for count in np.arange(len(time)) * 2]
    city = pd.DataFrame({"Zeit": time, "Fahrten": bikes, "Temperatur": celsius, "Wind": 12.0})
    city.to_csv(tmp_path / "city.csv", index=False, sep=";", decimal=",")
    assert "2024-01-01 01:00:00;2;0,5;12,0\n" in (tmp_path / "city.csv").read_text()
    code, output, errors = run("bikes", "check", "city.csv", cwd=tmp_path)
    assert code == 0, errors
    assert "column Fahrten: '1,000' is read as 1000, with a comma before thousands" in errors
    assert "commas are read as decimal ones in Temperatur ('0,0'), Wind ('12,0')" in errors
    assert "Temperatur, read as °C: 0.0 to 19.5 °C" in output
    hours = data.read_hours(tmp_path / "city.csv")
    assert hours.cnt.tolist() == list(range(0, 2 * len(time), 2))
    assert (hours.temp * 47 - 8).tolist() == pytest.approx(celsius)
    days = ["--validation-days", 7, "--test-days", 0, "--members", 1, "--epochs", 1]
    code, _, errors = run("bikes", "train", "--data", "city.csv", *days, cwd=tmp_path)
    assert code == 0, errors
    coming = pd.DataFrame({"Zeit": time[-24:] + pd.Timedelta(days=1), "Temperatur": 21.5, "Wind": 3.25})
    coming.to_csv(tmp_path / "weather.tsv", index=False, sep="\t", decimal=",")
    arguments = ["--data", "city.csv", "--weather", "weather.tsv", "--days", 1, "--json"]
    code, output, errors = run("bikes", "forecast", *arguments, cwd=tmp_path)
    assert code == 0, errors
    assert {hour["temperature"] for hour in json.loads(output)["hours"]} == {21.5}
    code, output, errors = run("bikes", "predict", "weather.tsv", cwd=tmp_path)
    assert code == 0, errors
    assert '"21,5","3,25",' in output.splitlines()[1]  # as it was written


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1,200", "1,300"], [1.2, 1.3]),  # told, since it could be either
        (["0,500", "120"], [0.5, 120]),
        (["1,200", "950", "12,345,678"], [1200, 950, 12345678]),
        (["-3,5", "", "4"], [-3.5, np.nan, 4]),
    ],
)
def test_commas_are_decimal_unless_they_must_be_before_thousands(values, expected):
    text, remarks = decimal_commas.with_points(pd.DataFrame({"a": values}), ";")
    np.testing.assert_array_equal(pd.to_numeric(text["a"]), expected)
    assert len(remarks) == 1
    for column, delimiter in ((values, ","), ([*values, "1.5"], ";"), ([*values, *"abcd"], ";")):
        text, remarks = decimal_commas.with_points(pd.DataFrame({"a": column}), delimiter)
        assert text["a"].tolist() == column
        assert remarks == []


def test_snow_that_lies_does_not_fall(tmp_path):
    depth = [0, 0, 2, 2, 2, 5, 5, 5, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0]
    rows = [f"2024-01-01 {hour:02}:00,{hour},{snow}" for hour, snow in enumerate(depth)]
    found = read(table_of(rows, "time,rides,Snowfall (cm)"), tmp_path)
    assert found.layout.snow_lies
    assert np.flatnonzero(found.hours.weathersit == 3).tolist() == [2, 5]
    fallen = [f"2024-01-01 {hour:02}:00,{hour},{snow}" for hour, snow in enumerate([0] * 10 + [3, 2, 1, 4] + [0] * 10)]
    found = read(table_of(fallen, "time,rides,Snowfall (cm)"), tmp_path)
    assert np.flatnonzero(found.hours.weathersit == 3).tolist() == [10, 11, 12, 13]


def test_holidays_come_from_a_column_or_from_the_country(tmp_path):
    rows = [f"{day} {hour:02}:00,{hour}" for day in ("2024-07-03", "2024-07-04") for hour in range(24)]
    hours = read(table_of(rows, "time,rides"), tmp_path, country="US").hours
    assert hours.holiday.tolist() == [0] * 24 + [1] * 24
    assert hours.workingday.tolist() == [True] * 24 + [False] * 24
    assert "holiday" not in read(table_of(rows, "time,rides"), tmp_path).hours
    named = [f"{row},{'Independence Day' if '07-04' in row else 'No Holiday'}" for row in rows]
    assert read(table_of(named, "time,rides,Holiday"), tmp_path).hours.holiday.tolist() == [0] * 24 + [1] * 24
    with pytest.raises(ProjectError, match="no holidays are known of country ZZ: give a code of two letters"):
        read(table_of(rows, "time,rides"), tmp_path, country="ZZ")
    with pytest.raises(ProjectError, match="US has no subdivision XX; it has AK, AL"):
        read(table_of(rows, "time,rides"), tmp_path, country="US", subdivision="XX")


def test_all_that_is_wrong_is_said_in_one_message(tmp_path):
    with pytest.raises(
        ProjectError, match=r"no column holds dates: .*; no column is a count of bikes: .* \(it has a, b\)"
    ):
        read("a,b\nx,y\n", tmp_path)
    rows = [f"2024-01-01 {hour:02}:00,{hour},20,50" for hour in range(24)]
    rows[3], rows[7], rows[8] = "2024-01-41 03:00,3,20,50", "2024-01-01 07:00,-7,20,50", "2024-01-01 08:00,8,900,150"
    with pytest.raises(ProjectError) as caught:
        read(table_of(rows, "time,rides,temperature,humidity"), tmp_path)
    message = str(caught.value)
    assert "line 5, column time: '2024-01-41 03:00' is not a date like 2012-12-24 17:00" in message
    assert "line 9, column rides: '-7' is not a whole number" in message
    assert "line 10, column temperature: '900' is not a number from -60 to 60" in message
    assert "line 10, column humidity: '150' is not a number from 0 to 100" in message
    with pytest.raises(ProjectError, match="there is no column bikes"):
        read(table_of(rows, "time,rides,temperature,humidity"), tmp_path, count_column="bikes")
    daily = [f"2024-01-{day:02},0,{day}" for day in range(1, 29)]
    with pytest.raises(ProjectError, match="has a row a day: bikes by the hour are needed"):
        read(table_of(daily, "date,hour,rides"), tmp_path)


def test_empty_cells_are_filled_or_left_out_and_told(tmp_path):
    rows = [f"2024-01-01 {hour:02}:00,{hour},{hour}" for hour in range(24)]
    rows[5], rows[9] = "2024-01-01 05:00,5,", "2024-01-01 09:00,,9"
    found = read(table_of(rows, "time,rides,temperature"), tmp_path)
    assert len(found.hours) == 23
    assert found.hours.temp[5] == pytest.approx((5 + 8) / 47)  # between 4 and 6 °C
    assert found.remarks == [
        "1 row without a count is left out, the first at line 11",
        "column temperature: 1 empty cell is filled from the rows around (line 7)",
    ]


def test_an_encoding_that_was_stated_is_remembered(tmp_path):
    rows = "".join(f"2024-01-01 {hour:02}:00,{hour}\n" for hour in range(24))
    path = tmp_path / "city.csv"
    path.write_bytes(f"time,Fahrräder rides\n{rows}".encode("cp437"))
    layout = data.read_table(path, {"encoding": "cp437"}).layout
    assert (layout.count, layout.encoding) == ("Fahrräder rides", "cp437")
    assert data.read_table(path, layout=layout).hours.cnt.tolist() == list(range(24))


def test_quarters_of_an_hour_are_added_up(tmp_path):
    rows = [f"2024-01-01 {quarter // 4:02}:{quarter % 4 * 15:02},{quarter},{quarter % 4}" for quarter in range(96)]
    found = read(table_of(rows, "time,rides,temperature"), tmp_path)
    assert found.hours.cnt.tolist() == [16 * hour + 6 for hour in range(24)]
    assert found.hours.temp.unique() == pytest.approx([(1.5 + 8) / 47])
    assert found.remarks == ["96 rows are added up to 24 hours"]


def hours_of_clocks(first, days, zone):
    """Each hour from midnight of the first day on, as the clocks of the zone show it, with its number as bikes."""
    time = pd.date_range(first, periods=24 * days, freq="h", tz=zone).tz_localize(None)
    return pd.DataFrame({"time": time, "bikes": range(len(time)), "temperature": 10})


def test_an_hour_that_the_clocks_go_through_twice_is_one_and_one_that_they_skip_is_none(tmp_path):
    hours_of_clocks("2023-03-01", 250, "Europe/Berlin").to_csv(tmp_path / "city.csv", index=False)
    code, output, errors = run("bikes", "check", "city.csv", cwd=tmp_path)
    assert code == 0, errors
    told = "2023-10-29 02:00 is there twice, since the clocks went back: the mean of the two is kept as one hour"
    assert told in errors
    assert "missing      1 hour, simply left out: 2023-03-26 02:00 to 02:59 (the clocks go forward)" in output
    hours = data.read_hours(tmp_path / "city.csv")
    first_of_both = 242 * 24 - 1 + 2  # 242 days after the first of March, less the hour that was skipped
    doubled = hours[hours.time == "2023-10-29 02:00"]
    assert doubled.cnt.tolist() == [first_of_both + 0.5]
    assert doubled.temp.tolist() == pytest.approx([18 / 47])
    assert hours.time.is_unique
    assert hours.cnt.iloc[-1] == 250 * 24 - 1


@pytest.mark.parametrize(
    ("first", "zone", "given"),
    [
        ("2023-11-01", "America/New_York", {}),
        ("2023-04-01", "Australia/Sydney", {}),
        ("2023-10-20", "Europe/Lisbon", {"country": "PT"}),
        ("2023-10-20", "Europe/Athens", {"latitude": 37.98, "longitude": 23.73}),
    ],
)
def test_clocks_go_back_where_the_city_lies(first, zone, given, tmp_path):
    written = hours_of_clocks(first, 20, zone).to_csv(index=False)
    found = read(written, tmp_path, **given)
    assert len(found.hours) == 20 * 24 - 1
    with pytest.raises(ProjectError, match="is there twice: a table needs one row for each time"):
        read(written, tmp_path, country="KR")  # whose clocks never change
    lines = written.splitlines()
    with pytest.raises(ProjectError, match=f"line {len(lines) + 1}: .* is there twice.*add up the rows of stations"):
        read("\n".join([*lines, lines[-1]]), tmp_path, **given)
    with pytest.raises(ProjectError, match="is there twice"):
        read("\n".join([*lines, *lines[1:]]), tmp_path, **given)


def test_quarters_of_an_hour_that_is_there_twice_are_added_up_once(tmp_path):
    time = pd.date_range("2023-10-28", periods=3 * 96, freq="15min", tz="Europe/Berlin").tz_localize(None)
    found = read(pd.DataFrame({"time": time, "bikes": 2}).to_csv(index=False), tmp_path, country="DE")
    assert found.hours.cnt.unique().tolist() == [8]
    assert len(found.hours) == 71


def test_fault_51_long_runs_of_zeros_are_closed_hours_and_quiet_nights_are_not(tmp_path):
    city = simulated_city(30)
    city["bikes"] *= 3
    city.loc[24 * 10 : 24 * 12 - 1, "bikes"] = 0  # two days
    city.loc[24 * 20 + 8 : 24 * 20 + 15, "bikes"] = 0  # eight hours
    city.loc[city.time.dt.hour < 5, "bikes"] = 0  # nobody rides at night
    found = read(city.to_csv(index=False), tmp_path)
    spans = [closed.describe_span(*span) for span in closed.closed_spans(found.closed)]
    assert spans == ["2024-03-14 00:00 to 2024-03-16 04:59", "2024-03-24 08:00 to 15:59"]  # with the night after
    assert len(found.closed) == 48 + 5 + 8
    assert found.hours.attrs["closed_hours"] == len(found.closed)


def test_a_city_lies_in_the_nearest_time_zone():
    assert sun.nearest_time_zone(37.57, 126.98) == "Asia/Seoul"
    assert sun.nearest_time_zone(38.9, -77.04) == "America/New_York"
    assert sun.nearest_time_zone(52.5, 13.4) == "Europe/Berlin"
    assert sun.nearest_time_zone(-33.9, 18.4) in ("Africa/Johannesburg", "Africa/Windhoek")
    assert sun.degrees("-0740023") == pytest.approx(-(74 + 23 / 3600))


def published_by_hand(path):
    """The published hours as the documentation of the data has them, without this project's reader."""
    with zipfile.ZipFile(path) as archive, archive.open("hour.csv") as file:
        table = pd.read_csv(file)
    day = pd.to_datetime(table.dteday, format="%Y-%m-%d")
    columns = ["hr", "holiday", "weathersit", "temp", "hum", "windspeed", "casual", "registered", "cnt"]
    hours = table[columns].assign(time=day + pd.to_timedelta(table.hr, unit="h"))
    return hours.assign(workingday=(day.dt.day_of_week < 5) & (table.holiday == 0))


def test_the_published_hours_give_the_same_bytes_as_when_they_were_read_by_themselves(bikes_zip):
    hours, by_hand = data.read_hours(bikes_zip), published_by_hand(bikes_zip)
    assert list(hours) == list(by_hand)
    for column in hours:
        assert hours[column].to_numpy().tobytes() == by_hand[column].to_numpy(hours[column].dtype).tobytes(), column
    models = [train(data.split(table), Settings(members=1, epochs=1)) for table in (hours, by_hand)]
    assert models[0].scaling.keys() == models[1].scaling.keys()
    for name, array in models[0].scaling.items():
        assert array.tobytes() == models[1].scaling[name].tobytes(), name
    for name in ("W1", "b1", "W2", "b2"):
        ours, theirs = (getattr(model.networks[0], name) for model in models)
        assert ours.tobytes() == theirs.tobytes()
    assert models[0].settings["data_sha256"] == models[1].settings["data_sha256"]


@pytest.fixture(scope="module")
def city():
    """A model of the made-up city: the total of its bikes, and nothing but time."""
    table = simulated_city().rename(columns={"bikes": "cnt"})
    hours = table.assign(hr=table.time.dt.hour, workingday=table.time.dt.day_of_week < 5)
    hours.attrs["layout"] = layout.Layout(time="time", time_format="%Y-%m-%d %H:%M", count="bikes")
    return hours, train(data.split(hours, 20, 0), Settings(members=2, epochs=30))


def test_a_total_without_weather_is_enough(city, tmp_path):
    hours, model = city
    assert model.settings["targets"] == ["cnt"]
    assert model.networks[0].W2.shape[1] == 1
    assert set(model.settings["groups"]).isdisjoint({"sky", "temperature", "rain", "holiday", "sun", "weather before"})
    error = model.predict(hours) - usual_bikes(hours.time)
    assert np.sqrt((error**2).mean()) < 0.15 * usual_bikes(hours.time).std()
    assert model.predict(hours).sum() == pytest.approx(hours.cnt.sum())
    assert set(effects(model, hours).input) == {"hour"}
    model.save(tmp_path / "model.safetensors")
    loaded = BikesModel.load(tmp_path / "model.safetensors")
    assert loaded.settings == model.settings
    assert loaded.layout == hours.attrs["layout"]
    np.testing.assert_array_equal(loaded.predict(hours), model.predict(hours))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"layout": {"time": "t", "time_format": "%Y", "temperature_unit": "K"}},
            "the setting layout.temperature_unit",
        ),
        ({"layout": {"time": "t"}}, "lacks the setting layout.time_format"),
        ({"targets": []}, "the setting targets"),
        ({"ranges": {"temperature": [1], "wind": [0, 1]}}, "the setting ranges.temperature"),
        ({"day_widths": {"80": -1, "95": 2}}, "the setting day_widths.80"),
    ],
)
def test_fault_45_what_a_model_file_says_of_its_table_is_checked(city, tmp_path, change, words):
    model = city[1]
    BikesModel(model.networks, model.scaling, model.settings | change).save(tmp_path / "model.safetensors")
    with pytest.raises(ProjectError, match=words):
        BikesModel.load(tmp_path / "model.safetensors")


def test_a_feature_that_was_never_seen_moves_no_forecast(city):
    _, model = city
    names = model.settings["features"]
    assert not any(network.W1[names.index("christmas")].any() for network in model.networks)
    assert not any("thanksgiving" in name for name in names)  # nobody said that the city is American


def test_the_outlook_forecasts_what_the_riders_do(city):
    hours, model = city
    found = outlook.outlook(model, hours, hours[:0], 7, None)
    assert found.hours.time.iloc[0] == hours.time.iloc[-1] + pd.Timedelta(hours=1)
    assert len(found.hours) == 7 * 24
    expected = usual_bikes(found.hours.time)
    sums = expected.groupby(found.hours.time.dt.normalize()).sum().to_numpy()
    np.testing.assert_allclose(found.days.prediction, sums, rtol=0.15)
    assert ((found.days.low_95 < sums) & (sums < found.days.high_95)).mean() > 0.8
    assert (found.days.low_95 <= found.days.low_80).all()
    assert (found.days.high_80 <= found.days.high_95).all()
    np.testing.assert_allclose(found.days.prediction, found.hours.prediction.to_numpy().reshape(7, 24).sum(axis=1))


def test_the_mean_of_four_weeks_stands_beside_the_forecast(city):
    hours, model = city
    found = outlook.outlook(model, hours, hours[:0], 2, None)
    start = found.hours.time.iloc[0]
    for moment, mean in zip(found.hours.time, found.hours.last_four_weeks, strict=True):
        alike = [
            bikes
            for time, bikes in zip(hours.time, hours.cnt, strict=True)
            if time >= start - pd.Timedelta(days=28)
            and time.hour == moment.hour
            and (time.day_of_week < 5) == (moment.day_of_week < 5)
        ]
        assert mean == pytest.approx(sum(alike) / len(alike))
    by_day = found.hours.last_four_weeks.to_numpy().reshape(2, 24).sum(axis=1)
    np.testing.assert_allclose(found.days.last_four_weeks, by_day)


def test_usual_weather_is_that_of_the_nearest_days_of_the_year():
    time = pd.Series(pd.date_range("2022-01-01", "2023-12-31 23:00", freq="h"))
    past = pd.DataFrame({"time": time, "temp": time.dt.day_of_year.astype(float)})
    scenarios = usual_weather(past, pd.date_range("2024-07-01", periods=48, freq="h"), ["temp"])
    assert len(scenarios) == SCENARIOS
    first_days = [scenario.temp.iloc[0] for scenario in scenarios]
    assert abs(np.array(first_days) - 183).max() <= SCENARIOS / 4
    assert all(scenario.temp.iloc[-1] == scenario.temp.iloc[0] + 1 for scenario in scenarios)
    with pytest.raises(ProjectError, match="the data are shorter than the forecast"):
        usual_weather(past[:24], pd.date_range("2024-07-01", periods=48, freq="h"), ["temp"])


def test_the_weather_of_a_forecast_is_told_in_words():
    skies = ([1, 3, 2, 4], [1, 3, 2, 1], [4, 1, 3, 2])
    scenarios = [pd.DataFrame({"weathersit": sky, "temp": [8 / 47] * 4}) for sky in skies]
    rows = outlook.for_csv(typical_weather(scenarios))
    assert rows.weather.tolist() == ["clear", "light rain", "mist", "clear"]
    assert rows.temperature.tolist() == [0.0] * 4
    assert weather.sky_from_words(pd.Series(weather.SKIES)).tolist() == [1, 2, 3, 4]  # what is written can be read


def test_the_spread_of_the_weather_widens_the_bands_as_squares_add_up():
    limits = bounds(np.array([100.0]), {80: np.array([3.0]), 95: np.array([3.0])}, np.array([4 / 1.2816]))
    assert limits["high_80"][0] == pytest.approx(15**2)  # 10 + √(3² + 4²)
    assert limits["low_80"][0] == pytest.approx(5**2)


@pytest.mark.real_data
def test_seoul_is_read_as_it_is_downloaded_and_its_closed_hours_are_named(tmp_path):
    path = real_data("own/SeoulBikeData.csv")
    code, output, errors = run("bikes", "check", path, cwd=tmp_path)
    assert code == 0, errors
    assert "CSV, comma, cp1252; 8,760 hours" in output
    assert "295 hours, left out of training: 2018-04-11, 2018-05-10, 2018-09-18 to 2018-09-19, " in output
    assert "2018-10-06 00:00 to 06:59" in output
    assert "Temperature(°C), read as °C: -17.8 to 39.4 °C" in output
    assert f"next: bikes train {path}" in output
    found = data.read_table(path)
    assert (len(found.hours), len(found.closed)) == (8465, 295)
    zeros = closed.closed_by_zeros(pd.concat([found.hours, found.closed]).sort_values("time", ignore_index=True))
    assert zeros.sum() == 295  # the counts alone tell it, too


@pytest.mark.real_data
def test_seoul_is_forecast_from_three_options(tmp_path):
    path = real_data("own/SeoulBikeData.csv")
    options = ["--data", path, "--latitude", 37.57, "--longitude", 126.98]
    code, _, errors = run("bikes", "train", *options, "--quiet", cwd=tmp_path)
    assert code == 0, errors
    assert "295 hours in which the service was closed are left out" in errors
    assert "343 days are less than a year" in errors
    code, output, errors = run("bikes", "evaluate", "--data", path, "--json", cwd=tmp_path)
    assert code == 0, errors
    test = json.loads(output)["test"]
    assert test["rows"] == 504
    assert test["rmse"] <= 150
    assert test["r2"] >= 0.85


def test_a_better_baseline_and_short_data_are_warned_of():
    scores = {
        "validation": {"rmse": 50.0},
        "baselines": {"last_four_weeks": {"validation": {"rmse": 40.0}}, "mean": {"validation": {"rmse": 90.0}}},
    }
    warning = check.warn_of_baseline(scores, "validation")
    assert warning.startswith("the mean of the last four weeks forecasts the validation better than the network")
    assert "(RMSE 40.0 against 50.0)" in warning
    scores["validation"]["rmse"] = 39.0
    assert check.warn_of_baseline(scores, "validation") is None
    time = pd.DataFrame({"time": pd.date_range("2023-01-01", periods=365 * 24, freq="h")})
    assert check.warn_of_short_data(time) is None
    assert check.warn_of_short_data(time[1:]).startswith("365 days are less than a year")
    assert check.fitting_periods(365) == []
    assert check.fitting_periods(50) == ["--validation-days", "16", "--test-days", "7"]


@pytest.mark.parametrize("packing", ["xlsx", "jsonl", "csv.zip"])
def test_the_same_hours_are_read_whatever_they_are_packed_in(packing, tmp_path):
    rows = [{"time": f"2024-01-{1 + n // 24:02} {n % 24:02}:00", "rides": n, "temperature": n / 4} for n in range(72)]
    path, text = tmp_path / f"city.{packing}", pd.DataFrame(rows).to_csv(index=False)
    (tmp_path / "plain.csv").write_text(text)
    if packing == "xlsx":
        path.write_bytes(workbook([list(rows[0]), *(list(row.values()) for row in rows)]))
    elif packing == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("whatever.csv", text)
    pd.testing.assert_frame_equal(data.read_hours(path), data.read_hours(tmp_path / "plain.csv"))


def test_the_planners_walk(tmp_path):
    """From counts of her own to next week, as real processes: total only, no weather, German columns."""
    city = simulated_city()
    written = pd.DataFrame({"Zeitpunkt": city.time.dt.strftime("%d.%m.%Y %H:%M"), "Ausleihen": city.bikes})
    (tmp_path / "stadt.csv").write_text(written.to_csv(index=False, sep=";"), encoding="cp1252")

    def bikes(*arguments):
        code, output, errors = run("bikes", *arguments, cwd=tmp_path)
        assert code == 0, errors
        return output, errors

    output, errors = bikes("check", "stadt.csv")
    assert "CSV, semicolon, UTF-8; 3,600 hours" in output
    assert "count        Ausleihen: " in output
    assert "150 days are less than a year" in errors
    assert output.splitlines()[-1] == "next: bikes train stadt.csv"
    output, errors = bikes("train", "--data", "stadt.csv", "--test-days", 0, "--members", 2, "--validation-days", 20)
    assert "trained on 3,600 hours from 2024-03-04 to 2024-07-31" in output
    assert "next: bikes forecast stadt.csv" in output
    output, errors = bikes("evaluate", "--data", "stadt.csv")
    assert "validation  network" in output
    assert "none are left to test it on; `bikes forecast` says what comes after them" in errors
    output, _ = bikes("forecast", "--data", "stadt.csv", "--days", 7, "--out", "week.csv")
    assert len([line for line in output.splitlines() if line[4:9] == "2024-"]) == 7
    written_week = (tmp_path / "week.csv").read_bytes()
    assert written_week.startswith(BOM_UTF8)
    rows = list(csv.DictReader(io.StringIO(written_week.decode("utf-8-sig")), delimiter=";"))
    assert [rows[0]["time"], rows[-1]["time"]] == ["2024-08-01 00:00", "2024-08-07 23:00"]
    found = pd.DataFrame(rows)
    expected = usual_bikes(pd.to_datetime(found.time))
    assert found.prediction.str.replace(",", ".").astype(float).sum() == pytest.approx(expected.sum(), rel=0.1)
    answer = json.loads(bikes("forecast", "--data", "stadt.csv", "--json")[0])
    assert [len(answer["days"]), len(answer["hours"])] == [7, 168]
    output, _ = bikes("plot")
    assert (tmp_path / "runs" / "bikes" / "outlook.png").read_bytes().startswith(b"\x89PNG")
    bikes("report")
    page = (tmp_path / "runs" / "bikes" / "report.html").read_text()
    assert "It knows nothing but date and time." in page
    output, _ = bikes("predict", "--when", "2024-08-01T17")
    assert 80 < float(output.split()[0]) < 160  # 5 + 110 and a little of the morning
    written.head(5).drop(columns="Ausleihen").to_csv(tmp_path / "hours.csv", index=False, sep=";")
    output, _ = bikes("predict", "hours.csv")
    assert output.startswith("Zeitpunkt,prediction,low_80")
    assert len(output.splitlines()) == 6


def test_weather_to_come_is_taken_from_a_table_with_columns_of_its_own(tmp_path):
    hours = simulated_city(60).rename(columns={"bikes": "cnt"})
    cold = np.random.default_rng(1).normal(10, 8, len(hours))
    hours = hours.assign(hr=hours.time.dt.hour, workingday=hours.time.dt.day_of_week < 5, temp=(cold + 8) / 47)
    hours["cnt"] = (hours.cnt * np.clip(cold / 10, 0.1, 3)).round()
    hours.attrs["layout"] = layout.Layout(time="t", time_format="%Y-%m-%d %H:%M", count="n", temperature="warmth")
    model = fit(hours, None, Settings(members=1), less_than_a_year=True)
    model.settings |= {"bands": BANDS, "day_widths": {"80": 1.0, "95": 2.0}, "layout": as_saved(hours.attrs["layout"])}
    coming = pd.date_range(hours.time.iloc[-1] + pd.Timedelta(hours=1), periods=48, freq="h")
    sums = {}
    for celsius in (0, 20):
        rows = [f"{time:%d.%m.%Y %H:%M};{celsius}" for time in coming]
        (tmp_path / "weather.csv").write_text(table_of(rows, "Zeit;Temperatur"))
        found = outlook.outlook(model, hours, hours[:0], 2, tmp_path / "weather.csv")
        assert found.remarks == []
        sums[celsius] = found.days.prediction.sum()
    assert sums[20] > 3 * sums[0]
    (tmp_path / "weather.csv").write_text(table_of(rows[:24], "Zeit;Temperatur"))
    found = outlook.outlook(model, hours, hours[:0], 2, tmp_path / "weather.csv")
    assert "has 24 of the 48 hours to come: usual weather is taken for the others" in found.remarks[0]
    assert found.weather.endswith(
        "weather.csv for 24 of 48 hours, of the others in weather that is usual for the season"
    )
    drawn = plots.plot_outlook(hours.tail(48), found)
    assert drawn.get_supxlabel() == found.weather
    a_year_ago = [f"{time - pd.DateOffset(years=1):%d.%m.%Y %H:%M};5" for time in coming]
    (tmp_path / "weather.csv").write_text(table_of(a_year_ago, "Zeit;Temperatur"))
    with pytest.raises(ProjectError, match="none of the 48 hours to come, from 2024-05-03 00:00 to"):
        outlook.outlook(model, hours, hours[:0], 2, tmp_path / "weather.csv")
    (tmp_path / "weather.csv").write_text(table_of(rows, "Zeit;Wind"))
    with pytest.raises(ProjectError, match="has no column for warmth, which the model was trained on; it has Zeit"):
        outlook.outlook(model, hours, hours[:0], 2, tmp_path / "weather.csv")


BANDS = {"scales": [1.0] * 10, "wet_factor": 1.0, "widths": {"80": 1.0, "95": 2.0}}


def as_saved(found):
    import msgspec

    return json.loads(msgspec.json.encode(found))
