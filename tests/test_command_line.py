"""The two commands as real processes: what they print, where, and how they end."""

import csv
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import click
import msgspec
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from helpers import run

from projects.bikes.cli import main as bikes
from projects.bikes.settings import Settings as BikesSettings
from projects.common import plots
from projects.sentiment.cli import main as sentiment
from projects.sentiment.cli_predict import coloured
from projects.sentiment.settings import Settings

pytestmark = pytest.mark.slow

HOUR = ["--when", "2012-12-24T17", "--temperature", "4", "--humidity", "60", "--wind", "12", "--weather", "clear"]
SIMULATED = "SIMULATED DATA: this model was trained on simulated data\n"
PNG = b"\x89PNG"


def fails(command, *arguments, cwd, stdin=""):
    """The one line on stderr of a command that must fail with exit code 1 and print nothing."""
    code, output, errors = run(command, *arguments, cwd=cwd, stdin=stdin)
    assert (code, output) == (1, ""), errors
    errors = errors.removeprefix(SIMULATED)  # what the model in use is worth, before what went wrong
    assert errors.count("\n") == 1, errors
    assert errors.startswith("Error: ")
    return errors


@pytest.mark.parametrize("command", [bikes, sentiment])
def test_help_lists_the_commands_in_the_order_of_use(command):
    result = CliRunner().invoke(command, ["-h"])
    listed = re.findall(r"^  (download|train|evaluate|plot|predict) ", result.output, re.MULTILINE)
    assert listed == ["download", "train", "evaluate", "plot", "predict"]


@pytest.mark.parametrize("command", [bikes, sentiment])
def test_help_is_whole_grouped_and_tells_how_to_complete(command):
    overview = CliRunner().invoke(command, ["--help"]).output
    assert "..." not in overview.partition("Commands:")[2]
    assert f"_{command.tool.upper()}_COMPLETE=bash_source {command.tool}" in overview
    sections = re.findall(r"^(\w.*):$", CliRunner().invoke(command, ["train", "--help"]).output, re.MULTILINE)
    assert sections == ["Files", "Data, model and training", "Options"]
    for verb in command.commands.values():
        for option in verb.params:
            assert not isinstance(option, click.Option) or option.help, (verb.name, option.name)


def test_the_shell_completes_commands(workspace):
    script = run("bikes", cwd=workspace, environment={"_BIKES_COMPLETE": "bash_source"})[1]
    assert "complete -o nosort -F _bikes_completion bikes" in script
    asked = {"_BIKES_COMPLETE": "bash_complete", "COMP_WORDS": "bikes ba", "COMP_CWORD": "1"}
    assert run("bikes", cwd=workspace, environment=asked)[1] == "plain,backtest\n"


def test_quiet_training_shows_only_its_result(workspace, tmp_path):
    data = workspace / "data" / "sentiment" / "reviews-SIMULATED.csv"
    code, output, errors = run("sentiment", "train", "--quiet", "--epochs", 2, "--data", data, cwd=tmp_path)
    assert (code, errors) == (0, "")
    assert re.search(r"texts held out \(always the same answer: [45]\d\.\d %\)", output)


@pytest.mark.parametrize("command", [bikes, sentiment])
def test_every_command_has_an_example_of_options_it_has(command):
    for name, subcommand in command.commands.items():
        text = CliRunner().invoke(command, [name, "--help"]).output
        example = re.search(r"Examples?: (.*)", text)[1]
        assert example.split()[1] == name or "|" in example
        known = {option for parameter in subcommand.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", example)) <= known


def test_training_leaves_model_and_history(workspace):
    for command, epochs in (("bikes", 3), ("sentiment", 6)):
        with open(workspace / "runs" / command / "history.csv") as file:
            rows = list(csv.DictReader(file))
        assert [int(row["epoch"]) for row in rows] == list(range(1, epochs + 1))
        assert all(float(row["validation_loss"]) > 0 for row in rows)
        assert (workspace / "runs" / command / "model.safetensors").stat().st_size > 1000


def test_training_prints_one_line_an_epoch_and_its_result_apart(workspace, tmp_path):
    data = workspace / "data" / "bikes" / "hour-SIMULATED.csv"
    code, output, errors = run("bikes", "train", "--data", data, "--epochs", 2, "--run", tmp_path / "run", cwd=tmp_path)
    assert code == 0
    worse = "the mean of the last four weeks forecasts the validation better than the network .*"  # after two epochs
    assert re.fullmatch(rf"(epoch [12] of 2: training loss [\d.]+, validation loss [\d.]+\n){{2}}({worse}\n)?", errors)
    assert output.startswith("SIMULATED DATA: trained on 17,040 hours")
    assert "next: bikes evaluate" in output


def test_the_same_seed_gives_the_same_model_file(workspace, tmp_path):
    for command, epochs in (("bikes", 3), ("sentiment", 6)):
        data = next((workspace / "data" / command).glob("*.csv"))
        code, _, errors = run(command, "train", "--data", data, "--epochs", epochs, "--run", "again", cwd=tmp_path)
        assert code == 0, errors
        first = workspace / "runs" / command / "model.safetensors"
        assert (tmp_path / "again" / "model.safetensors").read_bytes() == first.read_bytes()


def test_evaluate_then_plot(workspace):
    for command in ("bikes", "sentiment"):
        code, text, _ = run(command, "evaluate", cwd=workspace)
        assert code == 0
        assert text.startswith("SIMULATED DATA: ")
        code, output, _ = run(command, "evaluate", "--json", cwd=workspace)
        scores = json.loads(output)
        assert scores["simulated"] is True
        assert json.loads((workspace / "runs" / command / "metrics.json").read_text()) == scores
        code, output, errors = run(command, "plot", cwd=workspace)
        assert code == 0, errors
        pictures = [workspace / line for line in output.splitlines()]
        assert len(pictures) == {"bikes": 4, "sentiment": 7}[command]
        assert all(picture.read_bytes().startswith(PNG) for picture in pictures)


def test_evaluate_json_has_the_promised_keys(workspace):
    scores = json.loads(run("bikes", "evaluate", "--json", cwd=workspace)[1])
    assert set(scores) == {"simulated", "validation", "test", "baselines"}
    names = {"rows", "scaled_mse", "rmse", "mae", "rmsle", "r2"}
    assert set(scores["validation"]) == names
    assert set(scores["test"]) == names | {"coverage_80", "coverage_95"}
    assert set(scores["baselines"]) == {"mean", "last_four_weeks"}
    scores = json.loads(run("sentiment", "evaluate", "--json", cwd=workspace)[1])
    assert set(scores) == {
        "simulated", "test", "baselines", "labels", "means", "unknown", "left_out", "confusions", "by_length",
        "unsure", "reliability", "mistakes", "scored", "accuracy_range", "left_out_line", "data", "sure",
        "within_one_step",
    }  # fmt: skip
    expected = {"texts", "accuracy", "precision", "recall", "f1", "log_loss", "confusion"}
    assert set(scores["test"]) == expected | {"balanced_accuracy", "expected_calibration_error"}


def test_a_review_on_standard_input(workspace):
    code, output, _ = run("sentiment", "predict", "-", cwd=workspace, stdin="a dull, lifeless film\nwonderful!\n")
    assert code == 0
    rows = [line.split("\t") for line in output.splitlines()]
    assert [row[0] for row in rows] == ["negative", "positive"]
    assert min(float(row[1]) for row in rows) > 0.5  # of the label that is said
    assert rows[0][2] == "a dull, lifeless film"


def test_one_review_is_answered_without_the_libraries_that_load_slowly(workspace):
    code = "import sys; from projects.sentiment.cli import main; main(standalone_mode=False); print(*sys.modules)"
    command = [sys.executable, "-c", code, "predict", "a dull film", "--explain"]
    loaded = subprocess.run(command, cwd=workspace, capture_output=True, text=True, check=True).stdout.split()
    assert {"numpy", "safetensors"} <= set(loaded)
    assert not {"scipy", "pandas", "matplotlib", "requests", "tqdm"} & set(loaded)


def test_a_review_explained_as_json(workspace):
    code, output, _ = run("sentiment", "predict", "a dull plot, charming music", "--json", "--explain", cwd=workspace)
    assert code == 0
    answer = json.loads(output)
    assert answer["text"] == "a dull plot, charming music"
    probabilities = answer["probabilities"]
    assert probabilities.keys() == {"negative", "positive"}
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert answer["label"] == max(probabilities, key=probabilities.get)
    assert answer["probability"] == probabilities[answer["label"]]
    effects = {word["word"]: word["effect"] for word in answer["words"]}
    speaks_for, speaks_against = ("charming", "dull") if answer["label"] == "positive" else ("dull", "charming")
    assert effects[speaks_for] > 0 > effects[speaks_against]
    assert answer["unknown"] == []
    unknown = run("sentiment", "predict", "xyzzy, a dull plot. qwertz", "--explain", cwd=workspace)[1]
    assert unknown.splitlines()[-1] == "  not known, or of no weight: xyzzy, qwertz"
    assert {"a dull", "charming music"} <= {ngram["ngram"] for ngram in answer["ngrams"]}


def test_the_defaults_that_help_shows_are_those_of_the_model():
    for command, settings in ((bikes, BikesSettings()), (sentiment, Settings())):
        options = {option.name: option for option in command.commands["train"].params}
        for name, value in msgspec.structs.asdict(settings).items():
            assert options[name].default == value


def test_an_explained_review_has_its_words_in_colour():
    effects = {"dull": -0.6, "charming": 0.1, "plot": 0.01}
    text = click.unstyle(coloured("A dull plot, charming!", effects, negation=False))
    assert text == "a dull plot, charming!"
    red, green = click.style("dull", fg="red", bold=True), click.style("charming", fg="green", bold=False)
    assert coloured("A dull plot, charming!", effects, negation=False) == f"a {red} plot, {green}!"


def test_a_negated_word_has_the_colour_of_its_negation():
    effects = {"bad": -0.4, "not … bad": 0.5}
    red, green = click.style("bad", fg="red", bold=True), click.style("bad", fg="green", bold=True)
    assert coloured("not bad. bad", effects, negation=True) == f"not {green}. {red}"
    assert coloured("not bad. bad", effects, negation=False) == f"not {red}. {red}"


def test_own_data_with_own_names(workspace, tmp_path):
    table = tmp_path / "mails.csv"
    table.write_text("body,kind\n" + "".join(f"buy cheap {w},spam\nsee you {w},ham\n" for w in "abcdefgh" * 5))
    names = ["--data", table, "--text-column", "body", "--label-column", "kind", "--positive", "spam"]
    code, _, errors = run("sentiment", "train", *names, "--balanced", cwd=tmp_path)
    assert code == 0, errors
    assert run("sentiment", "predict", "cheap", cwd=tmp_path)[1].startswith("spam\t")
    code, output, errors = run("sentiment", "evaluate", *names[:-2], cwd=tmp_path)  # the model knows its labels
    assert code == 0, errors
    assert "ham texts: " in output


def test_fault_33_an_unknown_review_gets_the_base_rate_and_is_told_so(workspace):
    output = run("sentiment", "predict", "xyzzy", "", cwd=workspace)[1]
    assert output.count("no known word: this is the base rate") == 2


def test_a_table_of_reviews_comes_back_with_two_columns_more(workspace, tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text('id,review\n1,"dull, ""awful""\nand bland"\n2,charming and witty\n')
    code, output, errors = run("sentiment", "predict", "--file", table, cwd=workspace)
    assert code == 0, errors
    rows = list(csv.DictReader(io.StringIO(output)))
    assert [(row["id"], row["review"], row["label"]) for row in rows] == [
        ("1", 'dull, "awful"\nand bland', "negative"),
        ("2", "charming and witty", "positive"),
    ]
    assert min(float(row["probability"]) for row in rows) > 0.5
    assert "no column text" in fails("sentiment", "predict", "--file", table, "--text-column", "text", cwd=workspace)


def test_fault_35_control_characters_do_not_reach_the_terminal(workspace):
    output = run("sentiment", "predict", "dull\x1b[31m \x07film", cwd=workspace)[1]
    assert "\x1b" not in output
    assert "\x07" not in output


def test_words_and_similar(workspace):
    code, output, _ = run("sentiment", "words", "-n", "3", cwd=workspace)
    assert code == 0
    assert len(output.splitlines()) == 4
    code, output, _ = run("sentiment", "similar", "dull", "-n", "2", cwd=workspace)
    assert code == 0
    assert len(output.splitlines()) == 2
    assert "'xyzzy' is not among the" in fails("sentiment", "similar", "xyzzy", cwd=workspace)


def test_one_hour_in_human_units(workspace):
    code, output, errors = run("bikes", "predict", *HOUR, cwd=workspace)
    assert (code, errors) == (0, SIMULATED)
    assert re.fullmatch(
        r"\d+ bikes on Monday 2012-12-24 from 17:00 \(4 °C, .*clear\)\n80 of 100 such hours should see \d+ to \d+\n",
        output,
    )
    answer = json.loads(run("bikes", "predict", *HOUR, "--json", cwd=workspace)[1])
    assert answer["when"] == "2012-12-24T17"
    assert 0 <= answer["prediction"] < 2000


def test_an_hour_far_beyond_the_training_is_warned_of(workspace):
    errors = run("bikes", "predict", "--when", "2013-12-24T17", *HOUR[2:], cwd=workspace)[2]
    assert "378 days after the last hour trained on" in errors


def test_a_backtest_is_tabled_saved_and_drawn(workspace):
    options = ["--origins", "1", "--days", "2", "--first", "2011-04-01", "--run", "tested"]
    code, output, errors = run("bikes", "backtest", *options, cwd=workspace)
    assert code == 0, errors
    assert output.startswith("SIMULATED DATA: 2 days from each of 1 origin")
    assert "2 trainings, two for each origin" in errors
    assert (workspace / "tested" / "backtest.csv").read_text().startswith("origin,hours,rmse")
    answer = json.loads(run("bikes", "backtest", *options, "--json", cwd=workspace)[1])
    assert answer["simulated"] is True
    assert answer["origins"][0]["origin"] == "2011-04-01"
    message = fails("bikes", "backtest", "--first", "2010-01-01", cwd=workspace)
    assert "an origin must lie between 2011-03-09 and" in message


def test_a_backtest_that_the_last_four_weeks_win_says_so(tmp_path):
    time = pd.date_range("2024-01-01", periods=24 * 120, freq="h")
    half_as_many = np.where(time < "2024-03-01", 300, 150)  # from then on, and never another number
    pd.DataFrame({"time": time, "bikes": half_as_many}).to_csv(tmp_path / "city.csv", index=False)
    options = ["--data", "city.csv", "--origins", 1, "--days", 7]
    code, output, errors = run("bikes", "backtest", *options, cwd=tmp_path)
    assert code == 0, errors
    network, weeks = (float(word) for word in (output.splitlines()[-2].split()[i] for i in (2, -1)))
    assert weeks < network
    better = f"better than the network (mean RMSE {weeks} against {network}, better from 1 of 1 origin)"
    assert f"{better}: take that, the column last_four_weeks of `bikes forecast`" in errors


def test_what_to_do_after_a_training_on_all_days_can_be_done(tmp_path):
    time = pd.date_range("2024-01-01", periods=24 * 30, freq="h")
    pd.DataFrame({"time": time, "bikes": 10 + time.hour}).to_csv(tmp_path / "my city.csv", index=False)
    days = ["--test-days", 0, "--validation-days", 7, "--members", 1, "--epochs", 2]
    code, output, errors = run("bikes", "train", "--data", "my city.csv", *days, cwd=tmp_path)
    assert code == 0, errors
    commands = output.splitlines()[-1].removeprefix("next: ").split(", ")
    assert commands == ["bikes forecast 'my city.csv'", "bikes report", "bikes predict --help"]
    for command in commands:
        code, _, errors = run(*shlex.split(command), cwd=tmp_path)
        assert code == 0, errors


@pytest.mark.parametrize("tool", ["bikes", "sentiment"])
def test_what_to_do_next_can_be_done_with_another_folder_and_table(workspace, tmp_path, tool):
    sample = next((workspace / "data" / tool).glob("*-SIMULATED.csv"))
    shutil.copy(sample, tmp_path / "my table.csv")
    given = ["--data", "my table.csv", "--run", "my run", "--epochs", 1]
    code, output, errors = run(tool, "train", "-q", *given, cwd=tmp_path)
    assert code == 0, errors
    commands = output.splitlines()[-1].removeprefix("next: ").split(", ")
    assert commands == [
        f"{tool} evaluate 'my table.csv' --run 'my run'",
        f"{tool} plot --run 'my run'",
        f"{tool} predict --run 'my run' --help",
    ]
    for command in commands:
        code, _, errors = run(*shlex.split(command), cwd=tmp_path)
        assert code == 0, errors


@pytest.mark.parametrize("model_is", [False, True])
def test_errors_of_a_backtest_are_marked_by_its_own_data_not_the_model_s(workspace, tmp_path, monkeypatch, model_is):
    if not (workspace / "runs" / "bikes" / "metrics.json").exists():
        assert run("bikes", "evaluate", cwd=workspace)[0] == 0
    shutil.copytree(workspace / "runs" / "bikes", tmp_path / "run")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text()) | {"simulated": model_is}
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(metrics))
    columns = "origin,hours,rmse,mae,rmsle,last_four_weeks_rmse,last_four_weeks_mae,last_four_weeks_rmsle,coverage_80,"
    row = f"coverage_95,simulated\n2012-01-01,48,2,1,0.1,3,2,0.2,0.8,0.9,{int(not model_is)}\n"
    (tmp_path / "run" / "backtest.csv").write_text(columns + row)
    marked = {}
    monkeypatch.setattr(plots, "save_figure", lambda figure, path, simulated, _: marked.update({path.name: simulated}))
    result = CliRunner().invoke(bikes, ["plot", "--run", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert marked.pop("backtest.png") is not model_is
    assert set(marked.values()) == {model_is}


def test_hours_of_a_file_and_of_standard_input(workspace, tmp_path):
    lines = (workspace / "data" / "bikes" / "hour-SIMULATED.csv").read_text().splitlines()[:40]
    header = lines[0].split(",")
    (tmp_path / "hours.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    code, output, errors = run("bikes", "predict", tmp_path / "hours.csv", cwd=workspace)
    assert code == 0, errors
    rows = list(csv.DictReader(io.StringIO(output)))
    assert list(rows[0]) == [*header, "prediction", "low_80", "high_80", "low_95", "high_95", "beyond_known"]
    assert [row["instant"] for row in rows] == [line.split(",")[0] for line in reversed(lines[1:])]
    assert all(float(row["prediction"]) >= 0 for row in rows)
    without_counts = "\n".join(",".join(line.split(",")[:14]) for line in lines) + "\n"
    code, piped, errors = run("bikes", "predict", "-", cwd=workspace, stdin=without_counts)
    assert code == 0, errors
    predictions = [row["prediction"] for row in csv.DictReader(io.StringIO(piped))]
    assert predictions == [row["prediction"] for row in reversed(rows)]


def test_fault_36_empty_input_gives_no_rows(workspace):
    for command in ("bikes", "sentiment"):
        assert run(command, "predict", "-", cwd=workspace, stdin="") == (0, "", SIMULATED)


def test_expected_failures_are_one_line(workspace, tmp_path):
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "columns.csv").write_text("a,b\n1,2\n")
    cases = {
        ("bikes", "train"): "no data in data/bikes: name your table, or run `bikes download` first",
        ("sentiment", "train"): "no data in data/sentiment: name your table, or run `sentiment download` first",
        ("bikes", "train", "--data", "nowhere.csv"): "no file at nowhere.csv",
        ("bikes", "predict", "--run", workspace / "runs" / "bikes", "no.csv"): "no file at no.csv: name a table",
        ("bikes", "train", "--data", "empty.csv"): "empty.csv is empty",
        ("bikes", "train", "--data", "columns.csv"): "columns.csv: no column holds dates: name it with --time-column",
        (
            "sentiment",
            "train",
            "--data",
            "columns.csv",
        ): "columns.csv: which column holds the texts (--text-column) and",
        ("sentiment", "train", "--data", "nowhere.tar.gz"): "no file at nowhere.tar.gz",
        ("bikes", "evaluate"): "no model at runs/bikes/model.safetensors: run `bikes train` first",
        ("sentiment", "predict", "fine"): "no model at runs/sentiment/model.safetensors: run `sentiment train` first",
        ("bikes", "plot"): "run `bikes train` first",
        ("sentiment", "plot"): "run `sentiment train` first",
        ("bikes", "download", "--from", "nowhere.zip"): "no file at nowhere.zip",
        ("bikes", "download", "--from", "columns.csv"): "columns.csv: no column holds dates",
        ("sentiment", "download", "--from", "columns.csv"): "columns.csv is not the published archive",
        ("bikes", "predict", "--run", workspace / "runs" / "sentiment", *HOUR): "is a model of `sentiment`, not of",
        ("bikes", "predict", "--run", workspace / "runs" / "bikes", "columns.csv"): "lacks the column dteday",
        (
            "sentiment",
            "predict",
            "--run",
            workspace / "runs" / "sentiment",
            "--file",
            "none.csv",
        ): "no file at none.csv",
    }
    for (command, *arguments), words in cases.items():
        assert words in fails(command, *arguments, cwd=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["columns.csv", "empty.csv"]


@pytest.mark.parametrize("command", ["bikes", "sentiment"])
def test_fault_01_no_network_is_one_line_and_data_are_simulated_on_request(command, tmp_path):
    nowhere = "http://127.0.0.1:9/data"
    assert f"cannot reach {nowhere}" in fails(command, "download", "--from", nowhere, cwd=tmp_path)
    code, output, errors = run(command, "download", "--from", nowhere, "--sample-if-offline", cwd=tmp_path)
    assert code == 0
    assert "SIMULATED" in output
    assert errors == f"no internet: going on with SIMULATED data ({command} download --sample)\n"


def test_fault_30_training_that_explodes_says_what_to_lower_and_keeps_the_old_model(workspace):
    model = workspace / "runs" / "bikes" / "model.safetensors"
    assert run("bikes", "evaluate", cwd=workspace)[0] == 0
    before = {path.name: path.read_bytes() for path in model.parent.iterdir()}
    code, output, errors = run("bikes", "train", "--learning-rate", "1e9", cwd=workspace)
    assert (code, output) == (1, "")
    last = errors.splitlines()[-1]
    assert re.fullmatch(r"Error: the loss is no longer a number in epoch \d: lower --learning-rate \(1e\+09\)", last)
    assert "Warning" not in errors
    after = {path.name: path.read_bytes() for path in model.parent.iterdir()}
    assert after == before


def test_fault_31_usage_errors_exit_2(workspace):
    for command, *arguments in (
        ("bikes", "train", "--learning-rate", "-1"),
        ("bikes", "train", "--epochs", "0"),
        ("bikes", "train", "--learning-rate", "nan"),
        ("bikes", "train", "--seed", "-1"),
        ("bikes", "predict", "--temperature", "4"),
        ("bikes", "predict", "--when", "2012-12-24T17"),
        ("bikes", "predict", "--when", "2012-13-24T17", *HOUR[2:]),
        ("bikes", "predict", "hours.csv", *HOUR),
        ("bikes", "predict", *HOUR[:-1], "sunny"),
        ("sentiment", "train", "--dropout", "1"),
        ("sentiment", "nonsense"),
    ):
        code, output, errors = run(command, *arguments, cwd=workspace)
        assert (code, output) == (2, ""), arguments
        assert "Usage:" in errors


def test_fault_36_a_closed_pipe_ends_quietly(workspace):
    script = Path(sys.executable).parent / "sentiment"
    command = f"yes 'a dull film' | head -n 20000 | {script} predict - | head -n 1"
    done = subprocess.run(["bash", "-c", command], cwd=workspace, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("negative")
    assert done.stderr == SIMULATED


def test_interrupted_training_exits_130(workspace, tmp_path):
    script = Path(sys.executable).parent / "bikes"
    data = workspace / "data" / "bikes" / "hour-SIMULATED.csv"
    training = subprocess.Popen(
        [script, "train", "--data", data, "--epochs", "100000"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    assert training.stderr.readline().startswith("epoch 1 of 100000")
    os.kill(training.pid, signal.SIGINT)
    errors = training.communicate(timeout=30)[1]
    assert training.returncode == 130
    assert errors.endswith("interrupted\n")
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("typed", "highest", "number"),
    [("0,8", 1, 0.8), ("80%", 1, 0.8), ("80,5 %", 1, 0.805), ("60%", 100, 60), ("1.2", 1, None), ("150%", 1, None),
     ("0,8,1", 1, None), ("nan", 1, None), ("%", 1, None)],
)  # fmt: skip
def test_numbers_are_taken_as_people_type_them(typed, highest, number):
    from click import BadParameter

    from projects.common.cli import Finite

    if number is None:
        with pytest.raises(BadParameter):
            Finite(0, highest).convert(typed, None, None)
    else:
        assert Finite(0, highest).convert(typed, None, None) == pytest.approx(number)
