"""The pages of `report` in a real browser, against the commands they must agree with; and the exported graphs."""

import base64
import copy
import hashlib
import html
import html.entities
import json
import os
import random
import re
import shutil
import sys
import tomllib
import unicodedata
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from helpers import ROOT, contrast
from test_tokens import ODD_CHARACTERS, WORDS

from projects.bikes import report as bikes_report
from projects.bikes.cli import main as bikes_command
from projects.bikes.cli_options import WEATHER_WORDS
from projects.bikes.data import check_hours
from projects.bikes.model import BikesModel, fit
from projects.bikes.sample import simulate_hours
from projects.bikes.settings import Settings
from projects.bikes.weather import normalised
from projects.common import report
from projects.sentiment import report as sentiment_report
from projects.sentiment.cli import main as sentiment_command
from projects.sentiment.data import read_reviews
from projects.sentiment.model import SentimentModel
from projects.sentiment.tokens import tokens

pytestmark = pytest.mark.slow

FLAGS = (
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "hide-scrollbars",
)  # fmt: skip
TEXTS = [
    "a dull, lifeless film",
    "not a dull film! It isn't bland at all, nor lifeless and without a gripping plot; I'd NEVER call it tedious",
    "The acting isn't bland, it’s WONDERFUL! &amp; I didn't see it coming...",
    "caf&eacute; &copy &notit; &#x77;onderful &#100;ull &#1;awful &#128; &bogus; & &#xfdd0;bland &amp;amp; &#;",
    "superb 😀 ending 🎬 is not awful <br /> dull<br/>gripping <b>witty</b> </textarea> \u0130stanbul ΟΔΥΣ ½ ² 東京",
    "qwertz asdfgh",
    "",
    "  \n\t ",
    "The plot is superb. " * 50 + "What a lifeless, dull, awful, tedious cast! " * 80,
]
HOSTILE = "</script><script>document.title = 'taken'</script><img src=x onerror=alert(1)> {{weights}} <!-- &amp; \"'"
HOSTILE_TEXTS = [
    HOSTILE,
    "</textarea></style><style>body { display: none }</style><svg onload=\"document.title = 'taken'\">",
    "<base href='https://example.org/'><form action='https://example.org/'><input name=x autofocus onfocus=alert(1)>",
    "<a href=\"javascript:document.title='taken'\">here</a> <iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "</blockquote></li></ol><!-- \u202e\u200b\u009b \x7f ${alert(1)} {{script}} \\u003cscript> ]]>",
]


def invoke(command, *arguments):
    """Run a command in this process, which is faster than starting many."""
    return CliRunner().invoke({"bikes": bikes_command, "sentiment": sentiment_command}[command], arguments)


def answer(command, *arguments):
    """What a command that must succeed prints on stdout."""
    result = invoke(command, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def folder(workspace, tmp_path_factory):
    """A copy of the workspace, evaluated, drawn and reported."""
    folder = tmp_path_factory.mktemp("report") / "workspace"
    shutil.copytree(workspace, folder)
    for command in ("bikes", "sentiment"):
        path = folder / "runs" / command
        data = next((folder / "data" / command).glob("*SIMULATED.csv"))
        answer(command, "evaluate", "--run", str(path), "--data", str(data))
        answer(command, "plot", "--run", str(path))
        assert answer(command, "report", "--run", str(path)) == f"{path / 'report.html'}\n"
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium: pip install -e '.[browser]'")
    driver = shutil.which("chromedriver")
    if not driver:
        pytest.skip("no chromedriver on the PATH: install Chromium and its driver")
    options = webdriver.ChromeOptions()
    for flag in (*FLAGS, f"user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as chrome:
        yield chrome


def visit(browser, page):
    """Open the page and wait until its live part is there."""
    from selenium.webdriver.support.ui import WebDriverWait

    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(page.as_uri())
    WebDriverWait(browser, 30, 0.05).until(lambda b: not b.execute_script("return document.all.live.hidden"))


def value(browser, name):
    return float(browser.execute_script("return document.getElementById(arguments[0]).value", name))


def enter(browser, **values):
    """Set fields and say so to the page, as a person's moving of them does."""
    browser.execute_script(
        """for (const [name, value] of Object.entries(arguments[0])) {
             const field = document.querySelector(`[name=${name}], #${name}`);
             if (field.type === "checkbox") field.checked = value; else field.value = value;
             field.dispatchEvent(new Event("input", {bubbles: true}));
           }""",
        values,
    )


@pytest.fixture(scope="module")
def review_page(browser, folder):
    visit(browser, folder / "runs" / "sentiment" / "report.html")
    return browser


@pytest.fixture(scope="module")
def sentiment(folder):
    return SentimentModel.load(folder / "runs" / "sentiment" / "model.safetensors")


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_typed_text_has_the_probability_of_predict(review_page, folder, text):
    expected = json.loads(answer("sentiment", "predict", "--run", str(folder / "runs" / "sentiment"), "--json", text))
    enter(review_page, text=text)
    shown = {name: review_page.execute_script(f"return document.getElementById('{name}').textContent")
             for name in ("label", "note", "probability")}  # fmt: skip
    if not text.strip():
        assert shown == {"label": "type a text", "note": "", "probability": ""}
        return
    assert value(review_page, "probability") == pytest.approx(expected["probability"], abs=1e-4)
    assert shown["label"] == ("no known word" if "note" in expected else expected["label"])
    assert re.fullmatch(re.escape(expected.get("note", "")) or r"\d+ of \d+ words known", shown["note"])
    assert shown["probability"] == f"{expected['probability']:.3f}"


def test_the_page_counts_known_words_and_each_label_has_its_colour(review_page):
    def shown(name):
        return review_page.execute_script("return document.getElementById(arguments[0]).textContent", name)

    assert (shown("key-for"), shown("key-against")) == ("speaks for positive", "speaks for negative")
    for text, label in (("superb, qwertz asdfgh wonderful!", "positive"), ("dull qwertz asdfgh awful", "negative")):
        enter(review_page, text=text)
        assert shown("label") == label
        assert shown("note") == "2 of 4 words known"
        classes = review_page.execute_script(
            "return [...document.querySelectorAll('#mirror span[class], #bar')].map(e => e.className)"
        )
        assert set(classes) == {"for" if label == "positive" else "against"}


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_what_is_typed_stays_text(review_page, sentiment, text):
    enter(review_page, text=text)
    assert value(review_page, "probability") == pytest.approx(sentiment.probabilities([text])[0].max(), abs=1e-4)
    assert review_page.execute_script("return document.getElementById('mirror').textContent") == text + "\n"
    assert "taken" not in review_page.title
    assert_nothing_was_refused(review_page)


def test_keys_pressed_are_scored_and_coloured(review_page, sentiment):
    from selenium.webdriver.common.by import By

    box = review_page.find_element(By.ID, "text")
    box.clear()
    text = "The cast is superb. But I found the music dull"
    box.send_keys(text)
    assert value(review_page, "probability") == pytest.approx(sentiment.probabilities([text])[0].max(), abs=1e-4)
    colours = dict(review_page.execute_script(
        "return [...document.querySelectorAll('#mirror span')].map(s => [s.textContent, s.className])"))  # fmt: skip
    assert colours["superb"] == "for"
    assert colours["dull"] == "against"
    mirror = review_page.execute_script("return document.getElementById('mirror').textContent")
    assert mirror == text + "\n"  # letter for letter under what was typed


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_effects_are_those_of_explain(review_page, sentiment, text):
    found = review_page.execute_script(
        "const said = score(arguments[0]), list = e => [e.name, e.odds];"
        "return {words: [...said.words.values()].map(list), ngrams: said.ngrams.map(list)}", text)  # fmt: skip
    for kind, expected in sentiment.explain(text).items():
        assert dict(found[kind]) == pytest.approx(dict(expected), abs=4e-4)


def test_every_character_and_entity_is_read_as_in_training(review_page):
    assigned = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
    special = [*range(400), 0xD800, 0xFDEF, 0xFFFE, 0x1FFFF, 0x10FFFF, 0x110000]
    characters = " ".join(f"x{c}X{c}" for c in assigned)
    entities = " ".join(f"a&{name}b" for name in html.entities.html5)
    numbers = " ".join(f"a&#{n};b &#x{n:x}z" for n in special)
    scripts = " ".join(f"x{c}X{c} {c}ก" for c in assigned)
    for text in (characters, entities, numbers, scripts):
        found = review_page.execute_script("return tokens(arguments[0]).join(' ')", text).split(" ")
        assert found == tokens(text)


@pytest.mark.parametrize(("text", "words"), WORDS.items())
def test_words_by_hand_are_those_of_the_page(review_page, text, words):
    assert review_page.execute_script("return tokens(arguments[0])", text) == words.split()


def test_odd_texts_are_read_as_in_training(review_page):
    whole = [c for c in ODD_CHARACTERS if unicodedata.category(c) != "Cs"]  # half a character gets lost on the way
    draw = random.Random(0)
    texts = ["".join(draw.choices(whole, k=draw.randint(1, 12))) for _ in range(5000)]
    found = review_page.execute_script("return arguments[0].map(tokens)", texts)
    assert found == [tokens(text) for text in texts]


def test_every_piece_of_a_typed_text_stays_under_it(review_page):
    for text in WORDS:
        enter(review_page, text=text)
        mirror = review_page.execute_script("return document.getElementById('mirror').textContent")
        assert mirror == text + "\n"


def test_an_n_gram_of_three_words_is_found(review_page, sentiment):
    names = [sentiment.vocabulary.name(number) for number in sentiment.vocabulary.in_bag.tolist()]
    longest = max(names, key=lambda name: len(name.split()))
    assert len(longest.split()) == 3
    found = review_page.execute_script("return score(arguments[0]).ngrams.map(e => e.name)", longest)
    assert longest in found


def test_the_page_has_the_weights_of_the_model(review_page, sentiment):
    ratios, *W1 = review_page.execute_script("return [model.ratios, ...model.W1].map(list => Array.from(list))")
    kept = sentiment.vocabulary.in_bag
    in_bag = np.array([ratio is not None for ratio in ratios])  # NaN, which JSON lacks, outside it
    assert np.flatnonzero(in_bag).tolist() == kept.tolist()
    assert np.array(ratios)[in_bag].astype(np.float32).tolist() == sentiment.vocabulary.ratios[kept].tolist()
    units = sentiment_report.pack(sentiment)[0]["units"]
    for values, column, unit in zip(W1, sentiment.network.W1.T, units, strict=True):
        assert np.array(values)[in_bag].astype(float) == pytest.approx(column, abs=0.501 * unit)


@pytest.mark.parametrize("numbers", [[0], [127, 128], [1, 2**14 - 1, 2**14, 2**35, 0, 2**53 - 1]])
def test_varints_are_leb128(numbers):
    encoded, found, number, shift = sentiment_report.varints(np.array(numbers)), [], 0, 0
    for byte in encoded:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append(number)
            number = shift = 0
    assert found == numbers


HOURS = [
    {"date": "2012-12-24", "hour": 17, "temperature": 4, "humidity": 60, "wind": 12, "weather": "clear"},
    {"date": "2012-11-23", "hour": 8, "temperature": 12.5, "humidity": 35, "wind": 0, "weather": "mist"},
    {"date": "2012-11-22", "hour": 0, "temperature": -8, "humidity": 100, "wind": 67, "weather": "heavy-rain"},
    {"date": "2012-07-06", "hour": 18, "temperature": 39, "humidity": 20, "wind": 30, "weather": "light-rain"},
    {"date": "2012-07-04", "hour": 13, "temperature": 30, "humidity": 5, "wind": 9, "weather": "mist", "holiday": True},
    {"date": "2013-02-24", "hour": 11, "temperature": 10, "humidity": 50, "wind": 20, "weather": "clear"},
    {"date": "2011-01-01", "hour": 3, "temperature": 5, "humidity": 50, "wind": 20, "weather": "mist", "holiday": True},
    {"date": "2012-10-08", "hour": 8, "temperature": 12, "humidity": 50, "wind": 9, "weather": "mist", "holiday": True},
    {"date": "2013-11-29", "hour": 5, "temperature": 2, "humidity": 70, "wind": 3, "weather": "light-rain"},
    {"date": "2026-07-04", "hour": 3, "temperature": 25, "humidity": 60, "wind": 8, "weather": "clear"},
]


@pytest.mark.parametrize("hour", HOURS, ids=lambda hour: hour["date"])
def test_sliders_forecast_as_predict_does(browser, folder, hour):
    page = folder / "runs" / "bikes" / "report.html"
    if browser.current_url != page.as_uri():
        visit(browser, page)
    enter(browser, **{"holiday": False} | hour | {"weather": hour["weather"].replace("-", " ")})
    options = [f"--{name}={hour[name]}" for name in ("temperature", "humidity", "wind", "weather")]
    options += ["--holiday"] if hour.get("holiday") else []
    options += [f"--when={hour['date']}T{hour['hour']:02}", f"--run={page.parent}", "--json"]
    expected = json.loads(answer("bikes", "predict", *options))
    shown = {"prediction": "bikes", "low_80": "low", "high_80": "high"}
    unknown = hour["date"] > "2014"
    assert expected["beyond_known"] == unknown
    if unknown:
        assert {expected[f"{side}_{level}"] for side in ("low", "high") for level in (80, 95)} == {None}
        assert browser.execute_script("return document.getElementById('sure').hidden")
        shown = {"prediction": "bikes"}
    for key, name in shown.items():  # the command rounds to hundredths
        assert value(browser, name) == pytest.approx(expected[key], abs=0.006), key
    row = normalised(hour["temperature"], hour["humidity"], hour["wind"]) | {
        "dteday": hour["date"], "hr": hour["hour"], "holiday": int(hour.get("holiday", False)),
        "weathersit": 1 + WEATHER_WORDS.index(hour["weather"]),
    }  # fmt: skip
    model = BikesModel.load(page.with_name("model.safetensors"))
    forecast = model.forecast(check_hours(pd.DataFrame([row]), "the test", targets=False))
    for key, name in shown.items():
        assert value(browser, name) == pytest.approx(forecast[key].item(), rel=1e-4), key
    far = browser.execute_script("return document.getElementById('far').textContent")
    assert bool(far) == (expected["days_beyond_training"] > 60)
    assert ("beyond what is known" in far) == unknown


@pytest.fixture(scope="module")
def foreign_city(tmp_path_factory):
    """The run folder of a city that counts its bikes in one column and knows the temperature, in °F; SIMULATED."""
    folder = tmp_path_factory.mktemp("city")
    table = simulate_hours().head(24 * 70)
    celsius = table.temp * 47 - 8
    columns = {
        "When": table.dteday + " " + table.hr.astype(str) + ":00",
        "Bikes": table.cnt,
        "Temp (F)": 1.8 * celsius + 32,
    }
    pd.DataFrame(columns).to_csv(folder / "city.csv", index=False)
    options = ["--validation-days=10", "--test-days=0", "--epochs=3", "--members=2"]
    answer("bikes", "train", "--data", str(folder / "city.csv"), "--run", str(folder), *options)
    answer("bikes", "forecast", "--data", str(folder / "city.csv"), "--run", str(folder))
    answer("bikes", "evaluate", "--data", str(folder / "city.csv"), "--run", str(folder))
    answer("bikes", "plot", "--run", str(folder))
    answer("bikes", "report", "--run", str(folder))
    return folder


@pytest.mark.parametrize("hour", [{"date": "2011-03-15", "hour": 17}, {"date": "2011-11-25", "hour": 8}])
@pytest.mark.parametrize("celsius", [-5, 25])
def test_the_page_of_another_city_has_its_inputs_and_forecasts_as_predict_does(browser, foreign_city, hour, celsius):
    visit(browser, foreign_city / "report.html")
    enter(browser, **hour, temperature=celsius)
    asked = [f"--when={hour['date']}T{hour['hour']:02}", f"--temperature={celsius}C", f"--run={foreign_city}", "--json"]
    expected = json.loads(answer("bikes", "predict", *asked))
    for key, name in {"prediction": "bikes", "low_80": "low", "high_80": "high"}.items():
        assert value(browser, name) == pytest.approx(expected[key], abs=0.006), key
    hidden = "return [...document.querySelectorAll('#inputs [name]')].filter(i => i.parentNode.hidden).map(i => i.name)"
    assert browser.execute_script(hidden) == ["holiday", "weather", "humidity", "wind"]
    labels = browser.execute_script("return document.getElementById('inputs').textContent")
    assert f"{1.8 * celsius + 32:.0f} °F" in labels
    assert_nothing_was_refused(browser)


def test_a_page_without_weather_speaks_of_none(browser, folder, tmp_path):
    told = """const [shown] = document.querySelectorAll("#day + p"); return shown.innerText;"""
    visit(browser, folder / "runs" / "bikes" / "report.html")
    assert browser.execute_script(told).startswith("The whole day in this weather: forecast")
    path = tmp_path / "model.safetensors"
    table = simulate_hours().head(24 * 40)
    hours = check_hours(table, "hours", targets=True)[["time", "hr", "cnt", "workingday"]]
    model = fit(hours, None, Settings(members=1, epochs=1), less_than_a_year=True)
    known = BikesModel.load(folder / "runs" / "bikes" / "model.safetensors").settings
    model.settings = known | model.settings
    model.save(path)
    (tmp_path / "report.html").write_text(bikes_report.page(model, path, None, WEATHER_WORDS, 60))
    visit(browser, tmp_path / "report.html")
    assert browser.execute_script(told).startswith("The whole day: forecast (line) and 80 % band (shade). A click")
    assert "weather" not in browser.execute_script(told)


def test_settings_are_told_in_words(folder):
    page = Elements((folder / "runs" / "bikes" / "report.html").read_text()).text
    model = BikesModel.load(folder / "runs" / "bikes" / "model.safetensors")
    settings = model.settings
    hours = settings["train_rows"] + settings["validation_rows"]
    assert f"hours trained on{hours:,}, from 2011-01-01 00:00 to " in page
    assert "temperature: temp (fraction)" in page
    assert f"±{settings['bands']['widths']['80']:.2f}, 95 %: ±" in page
    assert "learnedfourth roots of the counts of casual riders and registered riders" in page
    assert not any(raw in page for raw in ("None", "wet factor", "held after days", "encoding:"))


@pytest.mark.parametrize("command", ["bikes", "sentiment"])
def test_nothing_is_fetched_and_nothing_goes_wrong(browser, folder, command):
    page = folder / "runs" / command / "report.html"
    text = page.read_text()
    assert not re.search(r"https?://", re.sub(r"(?s)<blockquote>.*?</blockquote>", "", text))
    assert page.stat().st_size <= 6_000_000
    visit(browser, page)
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert asked
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}
    assert_nothing_was_refused(browser)
    loaded = browser.execute_script("return [...document.images].map(i => i.complete && i.naturalWidth > 0 && i.alt)")
    assert len(loaded) == len(list(page.parent.glob("*.png")))
    assert all(loaded)


@pytest.mark.parametrize("command", ["bikes", "sentiment"])
def test_a_phone_can_show_it(browser, folder, command):
    size = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        visit(browser, folder / "runs" / command / "report.html")
        assert browser.execute_script("return document.documentElement.scrollWidth") == 360
        widths = "return [...document.querySelectorAll('.wide')].map(table => [table.scrollWidth, table.clientWidth])"
        assert all(inner <= outer for inner, outer in browser.execute_script(widths))
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


class Elements(HTMLParser):
    """The tags of a page in order, and all its text outside scripts and styles."""

    def __init__(self, page):
        super().__init__()
        self.opened, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.opened.append(tag)

    def handle_data(self, data):
        if self.opened[-1:] not in (["script"], ["style"]):
            self.text += data


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("command", ["bikes", "sentiment"])
def test_text_has_contrast_in_light_and_dark(browser, folder, command, scheme):
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    try:
        visit(browser, folder / "runs" / command / "report.html")
        pairs = browser.execute_script(
            """const ground = (element) => {
                 const colour = getComputedStyle(element).backgroundColor;
                 return colour === "rgba(0, 0, 0, 0)" ? ground(element.parentElement) : colour;
               };
               return [...document.querySelectorAll("h1, h2, p, th, td, figcaption, button, output, footer, #label")]
                 .map((element) => [getComputedStyle(element).color, ground(element)]);"""
        )
        assert len(pairs) > 20
        grounds = {ground for _, ground in pairs}
        assert ("rgb(15, 18, 21)" in grounds) == (scheme == "dark")
        for colour, ground in pairs:
            assert contrast(colour, ground) >= 4.5, (colour, ground)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_what_strangers_wrote_stays_text(folder, sentiment, tmp_path, request):
    path = folder / "runs" / "sentiment" / "model.safetensors"
    scores = json.loads((path.parent / "metrics.json").read_text())
    scores["mistakes"] = (scores["mistakes"] * 5)[:5]
    harmless = Elements(sentiment_report.page(sentiment, path, scores)[0])
    scores["mistakes"] = [{"label": text, "answer": text, "probability": 0.9, "text": text} for text in HOSTILE_TEXTS]
    names = {"label_names": [HOSTILE, HOSTILE], "data_sha256": HOSTILE}
    model = SentimentModel(sentiment.network, sentiment.vocabulary, sentiment.settings | names)
    page, fits = sentiment_report.page(model, path, scores)
    assert fits
    found = Elements(page)
    assert found.opened == harmless.opened
    assert all(found.text.count(text) >= 2 for text in HOSTILE_TEXTS)
    (tmp_path / "report.html").write_text(page)
    browser = request.getfixturevalue("browser")
    visit(browser, tmp_path / "report.html")
    assert "taken" not in browser.title.partition(HOSTILE)[0]
    quotes = "return [...document.querySelectorAll('blockquote')].map(quote => quote.textContent)"
    assert browser.execute_script(quotes) == [html.unescape(text) for text in HOSTILE_TEXTS]
    browser.execute_script("document.querySelector('.try').click()")
    assert value(browser, "probability") == pytest.approx(model.probabilities([HOSTILE])[0].max(), abs=1e-4)
    assert_nothing_was_refused(browser)


def assert_nothing_was_refused(browser):
    """The browser found nothing on the page that its policy forbids, and no script failed."""
    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def test_settings_of_a_bikes_model_stay_text(browser, folder, tmp_path):
    path = folder / "runs" / "bikes" / "model.safetensors"
    model = BikesModel.load(path)
    harmless = copy.copy(model)
    harmless.settings = model.settings | {"data_sha256": "x", "x": "x", "y": ["x"], "z": {"x": "x"}}
    hostile = copy.copy(model)
    hostile.settings = model.settings | {
        "data_sha256": HOSTILE,
        HOSTILE: HOSTILE,
        "y": [HOSTILE],
        "z": {HOSTILE: HOSTILE},
    }
    expected, page = (bikes_report.page(one, path, None, WEATHER_WORDS, 60) for one in (harmless, hostile))
    assert sorted(Elements(page).opened) == sorted(Elements(expected).opened)
    (tmp_path / "report.html").write_text(page)
    visit(browser, tmp_path / "report.html")
    assert browser.title == "How many bikes will be rented?"
    assert_nothing_was_refused(browser)


@pytest.mark.parametrize("command", ["bikes", "sentiment"])
@pytest.mark.parametrize(
    "name", ["<script>document.title='taken'<", "<img src=x onerror=alert(1)>", "a'b\"c & \u202e#?%41"]
)
def test_the_name_of_a_run_folder_does_nothing(browser, folder, tmp_path, command, name):
    run = shutil.copytree(folder / "runs" / command, tmp_path / name)
    (run / "report.html").unlink()
    answer(command, "report", "--run", str(run))
    assert (run / "report.html").read_bytes() == (folder / "runs" / command / "report.html").read_bytes()
    visit(browser, run / "report.html")
    assert_nothing_was_refused(browser)


def between(page, tag):
    """What stands between the last pair of these tags that has no attributes."""
    return re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[-1]


@pytest.mark.parametrize("command", ["bikes", "sentiment"])
def test_the_policy_allows_what_is_on_the_page_and_nothing_else(folder, command):
    page = (folder / "runs" / command / "report.html").read_text()
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    allowed = {}
    for tag in ("script", "style"):
        assert page.count(f"<{tag}>") == 1
        digest = hashlib.sha256(between(page, tag).encode()).digest()
        allowed[tag] = f"'sha256-{base64.b64encode(digest).decode()}'"
    assert dict(directive.split(" ", 1) for directive in policy.split("; ")) == {
        "default-src": "'none'",
        "script-src": allowed["script"],
        "style-src": allowed["style"],
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not re.search(r"<[^>]* style=", page)


INTRUDERS = {
    "script": "<script>document.title = 'taken'</script>",
    "handler": "<img src='data:,' onerror=\"document.title = 'taken'\">",
    "style": "<style>h1 { position: fixed }</style>",
    "attribute": "<i id='intruder' style='position: fixed'></i>",
    "base": "<base href='https://example.org/'>",
    "frame": "<iframe src='data:text/html,taken'></iframe>",
    "form": "<form id='intruder' action='taken.html'></form>",
}


@pytest.mark.parametrize("kind", INTRUDERS)
@pytest.mark.parametrize("command", ["bikes", "sentiment"])
def test_what_would_not_be_escaped_would_be_refused(browser, folder, tmp_path, command, kind):
    page = (folder / "runs" / command / "report.html").read_text()
    (tmp_path / "report.html").write_text(page.replace("<main>", "<main>" + INTRUDERS[kind], 1))
    (tmp_path / "taken.html").write_text("<title>taken</title>")
    visit(browser, tmp_path / "report.html")
    if kind == "form":
        browser.execute_script("document.getElementById('intruder').submit()")
    assert "Content Security Policy" in first_complaint(browser)
    assert browser.title != "taken"
    assert browser.current_url == browser.execute_script("return document.baseURI")
    placed = "return [...document.querySelectorAll('h1, #intruder')].map(e => getComputedStyle(e).position)"
    assert "fixed" not in browser.execute_script(placed)


def first_complaint(browser):
    """The first message in the browser's console, which may come a little after its cause."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 10, 0.05).until(lambda b: b.get_log("browser"))[0]["message"]


@pytest.mark.parametrize("width", [390, 1100, 1280])
def test_the_table_of_labels_is_in_its_own_box_and_whole(browser, folder, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        visit(browser, folder / "runs" / "sentiment" / "report.html")
        box = browser.execute_script(
            "const box = document.querySelector('.labels .wide'), place = box.getBoundingClientRect();"
            "return [getComputedStyle(box).overflowX, box.scrollWidth - box.clientWidth, place.right, innerWidth]"
        )
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert box[0] == "auto"
    assert box[1] <= 0
    assert box[2] <= box[3]


def test_settings_of_texts_are_named_for_people(folder):
    page = (folder / "runs" / "sentiment" / "report.html").read_text(encoding="utf-8")
    names = set(re.findall(r'<th scope="row">([^<]*)</th>', page.partition("<h2>Settings")[2] or page))
    assert {"texts held out to measure it", "words in an n-gram, at most", "training texts"} <= names
    assert not names & {"sure from", "ngrams", "row power", "l2", "validation reviews", "polarity cutoff", "refit"}


def test_json_in_a_script_can_close_nothing():
    text = report.as_json({"a": HOSTILE})
    assert "<" not in text
    assert json.loads(text) == {"a": HOSTILE}


@pytest.mark.parametrize("command", ["bikes", "sentiment"])
def test_simulated_data_are_marked(folder, command):
    page = (folder / "runs" / command / "report.html").read_text()
    assert Elements(page).text.count("SIMULATED DATA") == 1


@pytest.mark.parametrize("command", ["bikes", "sentiment"])
def test_the_data_have_their_fingerprint_where_it_is_known(folder, command):
    path = folder / "runs" / command / "model.safetensors"
    assert "of the data" not in report.fingerprints(path, None)
    text = Elements(report.fingerprints(path, "ab" * 32)).text
    assert "SHA-256 of the data" + "ab" * 32 in text
    assert hashlib.sha256(path.read_bytes()).hexdigest() in text


@pytest.mark.parametrize("command", ["bikes", "sentiment"])
def test_what_is_missing_says_its_command(workspace, tmp_path, command):
    result = invoke(command, "report", "--run", str(tmp_path))
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"run `{command} train` first" in result.stderr
    shutil.copy(workspace / "runs" / command / "model.safetensors", tmp_path)
    answer(command, "report", "--run", str(tmp_path))
    page = Elements((tmp_path / "report.html").read_text())
    assert "img" not in page.opened
    for verb in ("evaluate", "plot"):
        assert f"run {command} {verb}, then" in page.text


@pytest.mark.parametrize("command", ["bikes", "sentiment"])
def test_pictures_of_another_model_or_evaluation_are_left_out_until_they_are_drawn_again(folder, tmp_path, command):
    shutil.copytree(folder / "runs" / command, tmp_path / "run")
    here = ["--run", str(tmp_path / "run")]

    def page_without(*left_out):
        """Whether the page has the pictures in the folder but for these, and tells so."""
        answer(command, "report", *here)
        page = Elements((tmp_path / "run" / "report.html").read_text())
        drawn = {path.name for path in (tmp_path / "run").glob("*.png")}
        assert page.opened.count("img") == len(drawn - set(left_out))
        assert ("Left out, since drawn of another model or evaluation" in page.text) == bool(left_out)
        assert (f"Run {command} plot, then make this page again" in page.text) == bool(left_out)
        return drawn

    drawn = page_without()
    for path in (tmp_path / "run").glob("*.png"):
        os.utime(path, (0, 0))  # as a copy may have them
    page_without()
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(metrics))  # another one's, if only by its spaces
    of_the_texts = {"losses.png", "words.png", "ngrams.png", "ratios.png"}
    of_the_model = {"bikes": {"losses.png"}, "sentiment": of_the_texts}[command]
    page_without(*drawn - of_the_model)
    answer(command, "plot", *here)
    page_without()
    kind = {"bikes": BikesModel, "sentiment": SentimentModel}[command]
    model = kind.load(tmp_path / "run" / "model.safetensors")
    model.settings["seed"] = 9
    model.save(tmp_path / "run" / "model.safetensors")
    page_without(*drawn)


def test_the_texts_of_a_png_are_read_as_pillow_reads_them(folder):
    image = pytest.importorskip("PIL.Image", reason="no Pillow")
    for path in (folder / "runs").glob("*/*.png"):
        with image.open(path) as picture:
            assert report.png_texts(path.read_bytes()) == picture.text
    assert report.png_texts(b"") is report.png_texts(b"\x89PNG and no more") is None


def test_a_model_too_large_for_a_page_says_so(folder, sentiment, monkeypatch):
    path = folder / "runs" / "sentiment" / "model.safetensors"
    whole, fits = sentiment_report.page(sentiment, path, None)
    assert fits
    monkeypatch.setattr(report, "LARGEST_PAGE", len(whole.encode()) - 1)
    page, fits = sentiment_report.page(sentiment, path, None)
    assert not fits
    assert "too large" in page
    assert len(page) < len(whole) - len(sentiment_report.pack(sentiment)[1])
    assert "sentiment train --min-count" in Elements(page).text


def test_the_same_run_gives_the_same_page(folder):
    path = folder / "runs" / "sentiment" / "report.html"
    before = path.read_bytes()
    answer("sentiment", "report", "--run", str(path.parent))
    assert path.read_bytes() == before


def test_an_installed_package_has_the_templates():
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    files = [path for path in (ROOT / "projects").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {"*" + path.suffix for path in files if path.suffix not in (".py", ".md")} == set(packaged)


def test_bikes_in_onnx(folder):
    onnxruntime = pytest.importorskip("onnxruntime", reason="no onnxruntime: pip install -e '.[onnx]'")
    pytest.importorskip("onnx", reason="no onnx: pip install -e '.[onnx]'")
    file = folder / "bikes.onnx"
    assert answer("bikes", "export", "--run", str(folder / "runs" / "bikes"), "--onnx", str(file)) == f"{file}\n"
    session = onnxruntime.InferenceSession(file)
    hours = check_hours(simulate_hours().head(500).astype(str), "sample", targets=True)
    model = BikesModel.load(folder / "runs" / "bikes" / "model.safetensors")
    features = model.features(hours)
    assert session.get_modelmeta().custom_metadata_map["features"].split("\n") == list(features.columns)
    bikes = session.run(["bikes"], {"features": features.to_numpy(np.float32)})[0]
    expected = model.predict(hours)
    assert bikes.shape == (500, 1)
    np.testing.assert_allclose(bikes[:, 0], expected, rtol=1e-4, atol=1e-3)


def test_sentiment_in_onnx(folder, sentiment):
    onnxruntime = pytest.importorskip("onnxruntime", reason="no onnxruntime: pip install -e '.[onnx]'")
    pytest.importorskip("onnx", reason="no onnx: pip install -e '.[onnx]'")
    file = folder / "sentiment.onnx"
    result = invoke("sentiment", "export", "--run", str(folder / "runs" / "sentiment"), "--onnx", str(file))
    assert (result.exit_code, result.stdout) == (0, f"{file}\n")
    assert result.stderr.startswith("SIMULATED DATA")
    session = onnxruntime.InferenceSession(file)
    ngrams = session.get_modelmeta().custom_metadata_map["ngrams"].split("\n")
    assert [sentiment.vocabulary.name(number) for number in sentiment.vocabulary.in_bag] == ngrams
    texts = [*TEXTS, *read_reviews(folder / "data" / "sentiment" / "reviews-SIMULATED.csv", "test").texts[:200]]
    indices, indptr = sentiment.vocabulary.columns_of(texts)
    rows = np.zeros((len(texts), len(ngrams)), np.float32)
    rows[np.repeat(np.arange(len(texts)), np.diff(indptr)), indices] = 1
    probability = session.run(["probability"], {"ngrams": rows})[0]
    assert probability.shape == (len(texts), 1)
    np.testing.assert_allclose(probability[:, 0], sentiment.probabilities(texts)[:, 1], atol=1e-5)


@pytest.mark.parametrize("command", ["bikes", "sentiment"])
def test_export_without_onnx_says_how_to_get_it(workspace, tmp_path, monkeypatch, command):
    monkeypatch.setitem(sys.modules, "onnx", None)  # makes its import fail
    model, file = workspace / "runs" / command, tmp_path / "model.onnx"
    result = invoke(command, "export", "--run", str(model), "--onnx", str(file))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == "Error: export needs the package onnx: .venv/bin/pip install -e '.[onnx]'"
    assert not file.exists()
