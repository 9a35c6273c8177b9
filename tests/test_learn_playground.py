"""docs/learn/playground.html in a real browser: its arithmetic against nn, and what a person does with it."""

import json
import re
import shutil
import time

import numpy as np
import pytest
from helpers import ROOT, contrast
from test_learn import load

from nn.batches import ArrayBatches, compute_step
from nn.gradient import Gradient
from nn.network import TwoLayerNetwork
from nn.optimizer import SGD

PAGE = ROOT / "docs" / "learn" / "playground.html"
build = load("playground/build.py")
FLAGS = (
    "headless",
    "no-sandbox",
    "disable-gpu",
    "disable-quic",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
    "hide-scrollbars",
)
STEPS = 10
TRAIN_IN_THE_PAGE = """
const [network, settings, batches] = arguments;
const velocity = zerosLike(network);
const losses = [];
for (const { X, y, masks } of batches) {
  takeStep(network, velocity, gradientOf(network, X, y, masks), settings);
  losses.push(meanLoss(network, X, y));
}
return [network, losses];
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    reason = "no selenium: pip install -e '.[browser]'"
    webdriver = pytest.importorskip("selenium.webdriver", reason=reason)
    driver = shutil.which("chromedriver")
    if not driver:
        pytest.skip("no chromedriver on the PATH: install Chromium and its driver")
    options = webdriver.ChromeOptions()
    for flag in (*FLAGS, f"user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as chrome:
        yield chrome


@pytest.fixture
def page(browser):
    """The page as it is when it has just been opened."""
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(PAGE.as_uri())
    return browser


def text(page, name):
    return page.find_element("id", name).text


def choose(page, **values):
    """Set controls and tell the page, as a person's typing does."""
    for name, value in values.items():
        page.execute_script(
            "const control = document.getElementById(arguments[0]); control.value = arguments[1];"
            "control.dispatchEvent(new Event('input', {bubbles: true}))",
            name,
            str(value),
        )


def wait_for(page, seconds, condition):
    """Whether the condition came true within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_the_page_is_the_one_that_make_playground_writes():
    assert PAGE.read_text() == build.build()


def test_a_line_that_nn_no_longer_has_is_refused():
    with pytest.raises(ValueError, match="0 lines that start with 'delta3"):
        build.line_that_starts("delta2 = 1\n", "delta3")


def as_lists(network):
    """The network's parameters as the page has them."""
    return {
        "hidden": network.hidden,
        "output": network.output,
        "W1": network.W1.tolist(),
        "b1": network.b1.tolist(),
        "W2": network.W2[:, 0].tolist(),
        "b2": float(network.b2[0]),
    }


@pytest.mark.parametrize(
    ("hidden", "output", "dropout"),
    [
        ("sigmoid", "sigmoid", 0.0),
        ("tanh", "sigmoid", 0.0),
        ("relu", "sigmoid", 0.4),
        ("sigmoid", "linear", 0.3),
        ("tanh", "linear", 0.0),
        ("relu", "linear", 0.0),
    ],
)
def test_ten_steps_equal_those_of_nn(page, hidden, output, dropout):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 2))
    y = X[:, :1] * 0.5 if output == "linear" else (X[:, :1] * X[:, 1:] > 0).astype(float)
    network = TwoLayerNetwork(2, 5, hidden=hidden, output=output, random_state=4)
    network.b1 = rng.normal(size=5)
    network.b2 = 0.3
    start = as_lists(network)
    source = ArrayBatches(X, y, batch_size=4, hidden_dropout=dropout)
    optimizer = SGD(network, momentum=0.9, l2=0.01)
    gradient = Gradient(network.shapes, network.parameters.dtype)
    batches, losses = [], []
    for X_batch, y_batch, _ in source.batches(rng):
        mask = source.hidden_mask(len(y_batch), network, rng)
        step = compute_step(network, X_batch, y_batch, None, mask, gradient)
        optimizer.step(network, step.gradient, 0.2)
        losses.append(network.mean_loss(X_batch, y_batch))
        masks = None if mask is None else mask.tolist()
        batches.append({"X": X_batch.tolist(), "y": y_batch[:, 0].tolist(), "masks": masks})
    assert len(batches) == STEPS
    settings = {"rate": 0.2, "momentum": 0.9, "l2": 0.01}
    trained, page_losses = page.execute_script(TRAIN_IN_THE_PAGE, start, settings, batches)
    expected = as_lists(network)
    assert not np.allclose(start["W1"], expected["W1"], atol=1e-3)  # the ten steps went somewhere
    for name in ("W1", "b1", "W2", "b2"):
        np.testing.assert_allclose(trained[name], expected[name], rtol=0, atol=1e-6)
    np.testing.assert_allclose(page_losses, losses, rtol=0, atol=1e-6)


def test_xor_with_four_units_is_solved_within_ten_seconds_of_run(page):
    choose(page, set="xor", units=4)
    assert "100 %" not in text(page, "right")
    page.find_element("id", "run").click()
    assert wait_for(page, 10, lambda: text(page, "right").count("100 %") == 2)
    page.find_element("id", "run").click()
    assert float(text(page, "unseen-loss")) < 0.1


def test_a_spiral_with_eight_units_is_tried(page):
    choose(page, set="spiral", units=8, hidden="tanh")
    before = float(text(page, "training-loss"))
    page.find_element("id", "run").click()
    assert wait_for(page, 20, lambda: float(text(page, "training-loss")) < before / 2)


@pytest.mark.parametrize("name", ["xor", "circles", "moons", "spiral", "line"])
def test_every_set_is_learned_from(page, name):
    choose(page, set=name, units=8, hidden="tanh")
    before = float(text(page, "training-loss"))
    page.find_element("id", "run").click()
    assert wait_for(page, 20, lambda: float(text(page, "training-loss")) < 0.9 * before)


def test_step_pause_and_reset_by_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    start = text(page, "numbers-hidden")
    page.find_element("id", "step").send_keys(Keys.ENTER)
    assert text(page, "progress") == "epoch 0, step 1"
    assert text(page, "numbers-hidden") != start
    page.find_element("id", "run").send_keys(Keys.SPACE)
    assert wait_for(page, 10, lambda: text(page, "progress") != "epoch 0, step 1")
    assert text(page, "run") == "pause"
    page.find_element("id", "run").send_keys(Keys.SPACE)
    paused = text(page, "progress")
    time.sleep(0.3)
    assert text(page, "progress") == paused
    assert text(page, "run") == "run"
    page.find_element("id", "reset").send_keys(Keys.ENTER)
    assert text(page, "progress") == "epoch 0, step 0"
    assert text(page, "numbers-hidden") == start


def test_tab_reaches_every_control_in_order(page):
    from selenium.webdriver.common.keys import Keys

    reached = []
    for _ in range(13):
        page.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(page.execute_script("return document.activeElement.id"))
    controls = "run step reset set units hidden rate momentum batch l2 dropout seed row"
    assert reached == controls.split()


def test_the_four_lines_are_those_of_nn_with_numbers_that_fit(page):
    source = (ROOT / "nn" / "network.py").read_text()
    items = page.find_elements("css selector", "#lines code")
    assert len(items) == 4
    for item in items:
        assert item.text in source
    choose(page, units=3, row=7)
    for _ in range(5):  # away from biases of 0
        page.find_element("id", "step").click()
    X, *W1, b1, sums, hidden = vectors(text(page, "numbers-hidden"))
    np.testing.assert_allclose(np.dot(X, W1) + b1, sums, atol=0.005)
    np.testing.assert_allclose(hidden, 1 / (1 + np.exp(-sums)), atol=0.002)
    line = text(page, "numbers-prediction")
    (W2,) = vectors(line)
    b2, total, prediction = numbers(line.rpartition("]")[2])
    assert b2 != 0
    assert np.dot(W2, hidden) + b2 == pytest.approx(total, abs=0.005)
    assert prediction == pytest.approx(1 / (1 + np.exp(-total)), abs=0.002)
    _, target, delta2 = numbers(text(page, "numbers-delta2"))
    assert prediction - target == pytest.approx(delta2, abs=0.001)
    slope, delta1 = vectors(text(page, "numbers-delta1"))
    np.testing.assert_allclose(slope, hidden * (1 - hidden), atol=0.002)
    np.testing.assert_allclose(delta2 * W2 * slope, delta1, atol=0.002)


NUMBER = r"−?\d+\.\d+(?:e-\d+)?"


def numbers(line):
    """The numbers with a decimal point in a line of the page."""
    return np.array([float(number.replace("−", "-")) for number in re.findall(NUMBER, line)])


def vectors(line):
    """The numbers between each pair of square brackets."""
    return [numbers(inside) for inside in re.findall(r"\[([^][]+)\]", line)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0.000"), (-1.23456, "−1.235"), (0.0001234, "0.000123"), (-1.24e-9, "−1.2e-9")],
)
def test_small_numbers_are_not_shown_as_zero(page, value, shown):
    assert page.execute_script("return number(arguments[0])", value) == shown


def test_a_caption_never_touches_its_picture(browser, page):
    for width in (390, 768, 1280):
        size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        try:
            gaps = page.execute_script(
                "return [...document.querySelectorAll('figcaption')].map((caption) => {"
                "const range = document.createRange(); range.selectNodeContents(caption);"
                "const picture = caption.nextElementSibling.getBoundingClientRect();"
                "return picture.top - range.getBoundingClientRect().bottom})"
            )
        finally:
            browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        assert min(gaps) >= 6, (width, gaps)


def test_a_click_chooses_the_nearest_row(page):
    choose(page, row=1)
    place = page.execute_script(
        "const c = document.getElementById('answer'); const s = c.clientWidth / c.width;"
        "return placeOf(state.rows.training.X[41], state.rows.training.y[41], c.width)"
        ".map((v) => v * s)"
    )
    page.execute_script(
        "const c = document.getElementById('answer'); const box = c.getBoundingClientRect();"
        "c.dispatchEvent(new MouseEvent('click', {clientX: box.left + c.clientLeft + arguments[0],"
        "clientY: box.top + c.clientTop + arguments[1]}))",
        *place,
    )
    assert page.find_element("id", "row").get_attribute("value") == "42"


def test_a_setting_out_of_range_is_told_and_the_network_stays(page):
    choose(page, units=9)
    choose(page, momentum=1)
    complaint = text(page, "complaint")
    assert "hidden units must be a whole number from 1 to 8" in complaint
    assert "momentum must be a number from 0 to 0.99" in complaint
    assert page.execute_script("return state.network.b1.length") == 4
    choose(page, units=8, momentum=0.5)
    assert not page.find_element("id", "complaint").is_displayed()
    assert page.execute_script("return state.network.b1.length") == 8


def test_weights_are_lines_by_width_and_colour(page):
    choose(page, units=2)
    page.execute_script("state.network.W2[0] = 3; state.network.W2[1] = -1; draw()")
    wires = page.execute_script(
        "return [...document.querySelectorAll('#wires line')]"
        ".map((w) => [w.textContent, w.getAttribute('class'), +w.getAttribute('stroke-width')])"
    )
    assert len(wires) == 6
    above, below = (next(w for w in wires if w[0].startswith(f"W2[{j}")) for j in (0, 1))
    assert (above[1], below[1]) == ("above", "below")
    assert above[2] > below[2]


def test_nothing_is_fetched_and_nothing_goes_wrong(page):
    source = PAGE.read_text()
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", source)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', source)[1]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for name in ("xor", "line"):
        choose(page, set=name)
        page.find_element("id", "step").click()
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    requests = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert requests
    assert {url.partition(":")[0] for url in requests} <= {"file", "data", "blob"}
    log = [entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert log == []


@pytest.mark.parametrize("width", [360, 390])
def test_a_phone_can_show_it(browser, page, width):
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get(PAGE.as_uri())
        choose(page, units=8)
        assert page.execute_script("return document.documentElement.scrollWidth") == width
        heights = page.execute_script(
            "return [...document.querySelectorAll('button')].map((b) => b.getBoundingClientRect().height)"
        )
        assert min(heights) >= 44
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_light_and_dark(browser, page, scheme):
    """At least 4.5 to 1, by the formula of WCAG 2.2."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    try:
        browser.get(PAGE.as_uri())
        pairs = page.execute_script(
            "const paper = getComputedStyle(document.body).backgroundColor;"
            "const panel = getComputedStyle(document.querySelector('form')).backgroundColor;"
            "return ['h1', '#progress', '.blue', '.orange', 'figcaption', 'label', 'code']"
            ".flatMap((s) => [paper, panel].map((b) => [getComputedStyle(document.querySelector(s)).color, b]))"
        )
        assert pairs[0][1] == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(22, 24, 28)")
        for text_colour, ground in pairs:
            assert contrast(text_colour, ground) >= 4.5, (text_colour, ground)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
