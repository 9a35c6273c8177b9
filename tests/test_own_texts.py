"""Tables as people have them: from a file to answers in a file, as real processes."""

import csv
import gzip
import io
import json
import math
import random
import re
import shlex
import subprocess
import zipfile
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pandas as pd
import pytest
from helpers import ROOT, inside, real_data, run
from matplotlib.backends.backend_agg import FigureCanvasAgg

from projects.common import tables
from projects.common.errors import ProjectError
from projects.common.plots import drawable
from projects.sentiment import doubts, load, train
from projects.sentiment.check import groups_of_stars, middle_left_out
from projects.sentiment.cli import layout_in_words, plots_of_scores
from projects.sentiment.columns import LABEL_NAMES, usual
from projects.sentiment.confidence import wilson_interval
from projects.sentiment.data import drawn, labelled_texts
from projects.sentiment.evaluation import scores_of_the_sure, within_one_step
from projects.sentiment.labels import alike, order_shown
from projects.sentiment.layout import Layout, LeftOut, find_layout, is_slip, joined_alike, parse_label_map, usable_rows
from projects.sentiment.measuring import sure_from
from projects.sentiment.mistakes import write_mistakes
from projects.sentiment.model import Answer
from projects.sentiment.plain_words import recommendation
from projects.sentiment.plots import plot_check, plot_label_words, plot_unsure, plot_words, unsure_helps
from projects.sentiment.report import mistakes
from projects.sentiment.score_table import no_better_in_words

pytestmark = pytest.mark.slow

GOOD = ["très bien", "gentil et rapide", "superbe séjour", "je reviendrai 😍", "parfait :)"]
BAD = ["très mauvais", "sale et bruyant", "personnel désagréable", "plus jamais 😡", "cher et froid :("]


def rows_of(good, bad, n=400, seed=0):
    """SIMULATED texts of three pieces, most of them of their label."""
    rng = random.Random(seed)
    rows = []
    for number in range(n):
        own, other = (good, bad) if number % 2 else (bad, good)
        pieces = [rng.choice(own), rng.choice(own), rng.choice(own if rng.random() < 0.7 else other)]
        rows.append((f"{', '.join(pieces)} ({number})", number % 2))
    return rows


def csv_of(rows, delimiter=",", names=("text", "label")):
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([names, *rows])
    return lines.getvalue()


def zipped(name, content):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def excel_of(rows):
    xlsxwriter = pytest.importorskip("xlsxwriter")
    pytest.importorskip("python_calamine")
    content = io.BytesIO()
    workbook = xlsxwriter.Workbook(content)
    sheet = workbook.add_worksheet("Avis")
    for number, row in enumerate([("text", "label"), *rows]):
        sheet.write_row(number, 0, row)
    workbook.close()
    return content.getvalue()


def french():
    return rows_of(GOOD, BAD)


def stars(rows):
    rng = random.Random(1)
    return [(text, rng.choice([4, 5]) if good else rng.choice([1, 2])) for text, good in rows]


def western():
    """The French rows without what cp1252 lacks."""
    return [(text.replace("😍", "").replace("😡", ""), label) for text, label in french()]


def decomposed():
    return [(text.replace("é", "e\u0301").replace("è", "e\u0300"), label) for text, label in french()]


KINDS = {  # file name -> its bytes
    "semicolon-cp1252.csv": lambda: csv_of(western(), ";").encode("cp1252"),
    "tab-utf16.txt": lambda: csv_of(french(), "\t").encode("utf-16"),
    "bar.csv": lambda: csv_of(french(), "|").encode(),
    "mark.csv": lambda: b"\xef\xbb\xbf" + csv_of(french()).encode(),
    "list.json": lambda: json.dumps([{"text": text, "label": label} for text, label in french()]).encode(),
    "lines.jsonl": lambda: "".join(json.dumps({"text": t, "label": y}) + "\n" for t, y in french()).encode(),
    "packed.csv.zip": lambda: zipped("export.csv", csv_of(french(), ";")),
    "packed.csv.gz": lambda: gzip.compress(csv_of(french()).encode()),
    "lines-in-quotes.csv": lambda: csv_of([(text.replace(", ", ",\n"), label) for text, label in french()]).encode(),
    "empty-label.csv": lambda: csv_of([*french()[:-1], ("sans avis", "")]).encode(),
    "book.xlsx": lambda: excel_of(french()),
    "yes-no.csv": lambda: csv_of([(text, "Yes" if label else "No") for text, label in french()]).encode(),
    "five-stars.csv": lambda: csv_of(stars(french())).encode(),
    "decomposed.csv": lambda: csv_of(decomposed()).encode(),
    "chinese.csv": lambda: csv_of(rows_of(["房间很好", "服务热情"], ["房间很差", "服务冷淡"])).encode(),
    "japanese.csv": lambda: csv_of(rows_of(["とても良い", "素晴らしい"], ["ひどい部屋", "最悪でした"])).encode(),
    "hindi.csv": lambda: csv_of(rows_of(["बहुत अच्छा है", "सुंदर कमरा"], ["बहुत बुरा है", "गंदा कमरा"])).encode(),
    "thai.csv": lambda: csv_of(rows_of(["ดีมากค่ะ", "สะอาดและสวย"], ["แย่มากค่ะ", "สกปรกและแพง"])).encode(),
    "arabic.csv": lambda: csv_of(rows_of(["فندق جميل جدا", "خدمة ممتازة"], ["فندق سيئ جدا", "خدمة رديئة"])).encode(),
}  # fmt: skip
OUTPUTS = {"book.xlsx": "answers.xlsx", "list.json": "answers.jsonl", "tab-utf16.txt": "answers.tsv"}


def test_a_small_new_file_is_read_in_the_encoding_of_the_training(tmp_path):
    """Of a model trained on Hungarian texts in cp1250; three lines alone read as cp1252, in which ő is õ."""
    good, bad = ["gyönyörű szoba", "kitűnő étel", "kedves személyzet"], ["szörnyű idő", "túl drága", "rossz ízű étel"]
    (tmp_path / "t.csv").write_bytes(csv_of(rows_of(good, bad), ";").encode("cp1250"))
    options = ["--encoding", "cp1250", "--epochs", 2]
    assert run("sentiment", "train", "-q", "--data", "t.csv", *options, cwd=tmp_path)[0] == 0
    (tmp_path / "new.csv").write_bytes("nr;text\r\n1;kitűnő idő\r\n2;szörnyű\r\n".encode("cp1250"))
    code, _, errors = run("sentiment", "predict", "new.csv", "--out", "a.jsonl", cwd=tmp_path)
    assert code == 0, errors
    assert "read as cp1250" in errors
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == ["kitűnő idő", "szörnyű"]


@pytest.mark.parametrize("name", KINDS)
def test_from_a_table_to_answers_in_a_file(name, tmp_path):
    (tmp_path / name).write_bytes(KINDS[name]())
    code, output, errors = run("sentiment", "check", name, cwd=tmp_path)
    assert code == 0, errors
    assert "train with:  sentiment train" in output
    code, _, errors = run("sentiment", "train", "-q", "--data", name, "--epochs", 6, cwd=tmp_path)
    assert code == 0, errors
    assert ("left out: 1 row without label" in errors) == (name == "empty-label.csv")
    code, output, errors = run("sentiment", "evaluate", "--data", name, "--json", cwd=tmp_path)
    assert code == 0, errors
    accuracy = json.loads(output)["test"]["accuracy"]
    assert accuracy > (0.4 if name == "five-stars.csv" else 0.9)  # stars of one side can't be told apart
    out = OUTPUTS.get(name, "answers.csv")
    code, output, errors = run("sentiment", "predict", name, "--out", out, cwd=tmp_path)
    assert code == 0, errors
    from projects.common.tables import open_table

    asked, answered = open_table(tmp_path / name), open_table(tmp_path / out)
    assert answered.columns == ("text", "label", "probability")
    texts = [row["text"] for _, row in asked.rows()]
    assert [row["text"] for _, row in answered.rows()] == texts
    labels = {"Yes", "No"} if name == "yes-no.csv" else {"1", "2", "4", "5"} if name == "five-stars.csv" else {"0", "1"}
    assert {str(row["label"]) for _, row in answered.rows()} <= labels
    assert all(0.2 <= float(str(row["probability"]).replace(",", ".")) <= 1 for _, row in answered.rows())


def test_stars_become_two_labels_and_three_is_left_out(tmp_path):
    rows = [*stars(french()), *((f"moyen {i}", 3) for i in range(30))]
    (tmp_path / "t.csv").write_text(csv_of(rows, names=("avis", "note")))
    options = ["--text-column", "avis", "--label-column", "note", "--labels", "1,2=negative 4,5=positive"]
    code, output, errors = run("sentiment", "train", "-q", "--data", "t.csv", *options, cwd=tmp_path)
    assert code == 0, errors
    assert "left out: 30 rows with a label that --labels does not name: 3 (30) (the first: t.csv, line 402)" in errors
    code, output, errors = run("sentiment", "evaluate", "--data", "t.csv", "--json", cwd=tmp_path)  # nothing said again
    assert code == 0, errors
    scores = json.loads(output)
    assert [scored["label"] for scored in scores["labels"]] == ["negative", "positive"]
    assert scores["test"]["accuracy"] > 0.9
    code, output, errors = run("sentiment", "predict", "t.csv", cwd=tmp_path)
    assert code == 0, errors
    assert output.startswith("avis,note,label,probability\n")


def scored(folder, name):
    """The line in which `evaluate` says which texts of a table it scored, and its scores."""
    code, output, errors = run("sentiment", "evaluate", "--data", name, cwd=folder)
    assert code == 0, errors
    return output.splitlines()[1], json.loads((folder / "runs" / "sentiment" / "metrics.json").read_text())


def test_a_new_file_is_scored_whole_and_no_text_is_that_was_trained_on(tmp_path):
    rows = french()
    known, new = rows_of(GOOD, BAD, n=60, seed=1), rows_of(GOOD, BAD, n=100, seed=2)
    known = [(f"{text} x", label) for text, label in known]
    new = [(f"{text} y", label) for text, label in new]
    (tmp_path / "t.csv").write_text(csv_of([*rows, *known]))
    (tmp_path / "new.jsonl").write_text("".join(json.dumps({"text": t, "label": y}) + "\n" for t, y in new))
    (tmp_path / "both.csv").write_text(csv_of([*new, *known]))
    split = [(*row, "test" if number < 30 else "train") for number, row in enumerate(new)]
    (tmp_path / "split.csv").write_text(csv_of(split, names=("text", "label", "split")))
    assert run("sentiment", "train", "-q", "--data", "t.csv", "--epochs", 3, cwd=tmp_path)[0] == 0
    kept = sum(drawn(text) < 0.2 for text, _ in [*rows, *known])
    line, scores = scored(tmp_path, "t.csv")
    known_words = "texts that the model was trained on, or copies of such texts"
    assert line == f"{kept} test texts; left out: {460 - kept} {known_words}"
    assert scores["test"]["texts"] == kept
    assert scores["scored"] == {"parts": ["new"], "trained_on": 460 - kept}
    line, scores = scored(tmp_path, "new.jsonl")
    assert line == "100 test texts: all that are there, as the model was trained on none of them"
    assert sum(label["texts"] for label in scores["labels"]) == 100
    n_known = sum(drawn(text) >= 0.2 for text, _ in known)
    assert scored(tmp_path, "both.csv")[0].startswith(
        f"{160 - n_known} test texts; left out: {n_known} texts that the model"
    )
    assert scored(tmp_path, "split.csv")[0] == "30 test texts"
    (tmp_path / "old.csv").write_text(csv_of([row for row in rows if drawn(row[0]) >= 0.2]))
    code, _, errors = run("sentiment", "evaluate", "--data", "old.csv", cwd=tmp_path)
    assert code == 1
    assert "the model was trained on all " in errors
    assert errors.rstrip().endswith("give other texts with --data")


def test_a_model_that_remembers_no_texts_is_scored_on_the_fifth_that_is_never_trained_on(tmp_path, monkeypatch):
    monkeypatch.setattr("projects.sentiment.hashes.MOST_REMEMBERED", 100)
    (tmp_path / "t.csv").write_text(csv_of(french()))
    model = train(tmp_path / "t.csv", epochs=2)
    assert model.trained_on is None
    model.save(tmp_path / "runs" / "sentiment" / "model.safetensors")
    line, scores = scored(tmp_path, "t.csv")
    kept = sum(drawn(text) < 0.2 for text, _ in french())
    assert line.startswith(f"{kept} test texts: the fifth that is never trained on")
    assert scores["scored"] == {"parts": ["drawn"], "trained_on": 0}


def test_without_a_test_all_rows_are_trained_on_and_none_is_scored(tmp_path):
    """The same model as from Python, which is given all texts; a table with `split` keeps those that say test."""
    rows = french()
    (tmp_path / "t.csv").write_text(csv_of(rows))
    _, output, errors = run("sentiment", "train", "-q", "--data", "t.csv", "--no-test", "--epochs", 3, cwd=tmp_path)
    assert f"then fitted to all {len(rows)}" in output
    assert "evaluate" not in output.splitlines()[-1]
    assert "split" not in errors
    model = load(tmp_path / "runs" / "sentiment" / "model.safetensors")
    texts, labels = zip(*rows, strict=True)
    same = train(list(texts), [str(label) for label in labels], epochs=3)
    np.testing.assert_array_equal(model.probabilities(texts), same.probabilities(texts))
    code, _, errors = run("sentiment", "evaluate", "--data", "t.csv", cwd=tmp_path)
    assert code == 1
    assert "trained on all 400 texts of t.csv: give other texts with --data, or train without --no-test" in errors
    assert run("sentiment", "report", cwd=tmp_path)[0] == 0
    assert "none were kept to score it on" in (tmp_path / "runs" / "sentiment" / "report.html").read_text()
    split = [(*row, "test" if number < 30 else "train") for number, row in enumerate(rows)]
    (tmp_path / "split.csv").write_text(csv_of(split, names=("text", "label", "split")))
    _, output, errors = run("sentiment", "train", "-q", "--data", "split.csv", "--no-test", cwd=tmp_path)
    assert "then fitted to all 370" in output
    assert "split.csv says itself which texts are for testing" in errors


def test_a_model_that_remembers_neither_its_texts_nor_kept_any_is_not_scored(tmp_path, monkeypatch):
    monkeypatch.setattr("projects.sentiment.hashes.MOST_REMEMBERED", 100)
    (tmp_path / "t.csv").write_text(csv_of(french()))
    train(tmp_path / "t.csv", epochs=2, test=False).save(tmp_path / "runs" / "sentiment" / "model.safetensors")
    code, _, errors = run("sentiment", "evaluate", "--data", "t.csv", cwd=tmp_path)
    assert code == 1
    assert "--no-test on so many texts that it does not know which" in errors


def test_the_range_by_chance_ends_where_the_sample_is_as_far_off_as_chance_goes():
    """Wilson's bounds are the shares p that lie 1.96 of their own standard deviations from the share that was seen."""
    for n_right, n in ((21, 23), (1, 9), (905, 1000), (50, 100)):
        seen = n_right / n
        for bound in wilson_interval(n_right, n):
            deviation = math.sqrt(bound * (1 - bound) / n)
            assert abs(seen - bound) / deviation == pytest.approx(1.959964)
    assert wilson_interval(0, 5)[0] == 0
    assert wilson_interval(5, 5)[1] == 1


def test_evaluation_begins_with_a_sentence_and_accounts_for_every_row(tmp_path):
    """SIMULATED: 18 new texts of which 15 are as usual and 3 turned round, 4 old ones, 3 rows that can't be used."""
    old = rows_of(["superbe", "parfait"], ["sale", "froid"], n=200)
    old = [(text, "bon" if good else "mal") for text, good in old]
    (tmp_path / "t.csv").write_text(csv_of(old))
    assert run("sentiment", "train", "-q", "--data", "t.csv", cwd=tmp_path)[0] == 0
    new = [(f"superbe, parfait, superbe {n}", "bon" if n < 8 else "mal") for n in range(11)]
    new += [(f"sale, froid, sale {n}", "mal") for n in range(7)]
    known = [row for row in old if drawn(row[0]) >= 0.2][:4]
    (tmp_path / "new.csv").write_text(csv_of([*new, *known, ("", "bon"), ("sans avis", ""), ("", "mal")]))
    code, output, errors = run("sentiment", "evaluate", "--data", "new.csv", cwd=tmp_path)
    assert code == 0, errors
    first, second = output.splitlines()[:2]
    assert first == (
        "Of 100 texts 83 are right (61 to 94, as 18 were scored); always answering bon: 44. "
        "It takes mal for bon 3 times in 10, and bon for mal 0 times in 8."
    )
    assert second == "18 test texts; left out: 4 texts that the model was trained on, or copies of such texts"
    assert "left out: 2 rows without text (the first: new.csv, line 24); 1 row without label" in errors
    assert first not in run("sentiment", "evaluate", "--data", "new.csv", "--json", cwd=tmp_path)[1]
    (tmp_path / "empty.csv").write_text(csv_of([("superbe", ""), ("froid", "")]))
    code, output, errors = run("sentiment", "evaluate", "--data", "empty.csv", cwd=tmp_path)
    assert (code, output) == (1, "")
    assert "no row of empty.csv has a label that the model knows (bon, mal): " in errors


def test_of_stars_it_is_said_how_many_are_right_or_one_off(tmp_path):
    """SIMULATED, some of them answered one star or more off; 10 comes after 9, though not in a dictionary."""
    words = {8: "faible", 9: "moyen", 10: "superbe"}
    rng = random.Random(0)
    rows = [(f"{words[8 + n % 3]} {n}", 8 + n % 3 if rng.random() < 0.6 else rng.choice([*words])) for n in range(400)]
    (tmp_path / "t.csv").write_text(csv_of(rows))
    assert run("sentiment", "train", "-q", "--data", "t.csv", "--epochs", 5, cwd=tmp_path)[0] == 0
    new = [("faible a", 8), ("faible b", 9), ("faible c", 10), ("superbe a", 8), ("superbe b", 10), ("superbe c", 9)]
    new += [("moyen a", 8), ("moyen b", 10), ("moyen c", 9), ("moyen d", 7)]  # one that was never trained on
    (tmp_path / "new.csv").write_text(csv_of(new))
    code, output, errors = run("sentiment", "evaluate", "--data", "new.csv", cwd=tmp_path)
    assert code == 0, errors
    assert output.startswith("Of 100 texts 30 are right (")
    assert output.splitlines()[0].endswith(" 70 are right or one step off.")
    _, output, _ = run("sentiment", "evaluate", "--data", "new.csv", "--json", cwd=tmp_path)
    assert json.loads(output)["within_one_step"] == pytest.approx(0.7)
    confusion = np.array([[5, 2, 1], [1, 4, 0], [3, 0, 9]])
    assert within_one_step(confusion, ["4,5", "10", "5"]) == 1 - (2 + 1) / 25  # 4.5 for 10 or back
    assert within_one_step(confusion, ["1 star", "9 stars", "2 stars"]) == 1 - (2 + 1) / 25
    assert within_one_step(confusion, ["a", "b", "c"]) is None
    assert within_one_step(confusion[:2, :2], ["0", "1"]) is None


def test_the_limit_that_training_chose_is_recommended_where_it_is_needed():
    def scores(accuracy, limit, unsure, of_the_others):
        sure = {"limit": limit, "unsure": unsure, "accuracy": of_the_others}
        return {"test": {"texts": 100, "accuracy": accuracy}, "sure": sure if limit else None}

    assert recommendation(scores(0.9, 0.8, 0.13, 0.94)) == (
        "with --unsure 0.8, as training chose it: 13 of 100 unsure, 94 % of the others right"
    )
    assert recommendation(scores(0.96, 0.8, 0.13, 0.99)) is None  # nothing is needed
    assert "60 of 100 unsure" in str(recommendation(scores(0.9, 0.9, 0.6, 0.99)))
    assert recommendation(scores(0.9, 0.9, 0.95, 1.0)) is None  # 5 texts are left, too few to tell
    assert recommendation(scores(0.9, None, 0.0, 0.9)) is None


def test_what_an_unsure_limit_does_is_counted_on_the_test_with_the_limit_of_the_texts_held_out(tmp_path):
    rows = rows_of(GOOD, BAD, n=600)
    (tmp_path / "t.csv").write_text(
        csv_of([(text, label if number % 7 else 1 - label) for number, (text, label) in enumerate(rows)])
    )
    assert run("sentiment", "train", "-q", "--data", "t.csv", "--epochs", 3, cwd=tmp_path)[0] == 0
    model = load(tmp_path / "runs" / "sentiment" / "model.safetensors")
    model.settings["sure_from"] = 0.8123
    model.save(tmp_path / "runs" / "sentiment" / "model.safetensors")
    _, scores = scored(tmp_path, "t.csv")
    kept = [text for text, _ in rows if drawn(text) < 0.2]
    confidence = model.probabilities(kept).max(axis=1)
    assert scores["sure"]["limit"] == 0.81
    assert scores["sure"]["unsure"] == pytest.approx(np.mean(confidence < 0.81))


def test_picture_and_command_name_the_same_n_grams_by_words_with_a_meaning(tmp_path):
    """SIMULATED texts in which “of the” goes with praise; the picture's limit is the command's, and is said."""
    good, bad = ["of the", "splendid room", "friendly"], ["to a", "dreadful room", "filthy"]
    (tmp_path / "t.csv").write_text(csv_of(rows_of(good, bad, n=60)))
    assert run("sentiment", "train", "-q", "--data", "t.csv", "--epochs", 5, cwd=tmp_path)[0] == 0
    code, output, errors = run("sentiment", "words", "-n", 1000, cwd=tmp_path)
    assert code == 0, errors
    model = load(tmp_path / "runs" / "sentiment" / "model.safetensors")
    assert f"n-grams in {model.named_from} training texts or more" in errors
    assert model.named_from < 50
    axes = plot_words(model).axes[0]
    assert f"in at least {model.named_from} texts" in axes.get_title("left")
    named = re.findall("“(.*?)”", axes.get_title("left"))
    assert len(named) == 2
    assert set(named) <= {"splendid", "friendly", "room", "dreadful", "filthy"}
    drawn_names = {text.get_text() for text in axes.texts}
    assert drawn_names
    renderer = FigureCanvasAgg(axes.figure).get_renderer()
    axes.figure.draw(renderer)
    inside = axes.get_window_extent(renderer)
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    assert all(inside.x0 < box.x0 and box.x1 < inside.x1 and inside.y0 < box.y0 for box in boxes)
    known = {model.vocabulary.said(number) for number in model.vocabulary.in_bag.tolist()}
    assert drawn_names <= known
    shown = set(re.findall(r"[+]\d+[.]\d\d (.+?) \(\d+\)", output))
    bars = plot_label_words(model)
    assert {label.get_text() for axes in bars.axes for label in axes.get_yticklabels()} <= shown
    code, output, errors = run("sentiment", "similar", "filthy", "-n", 2, cwd=tmp_path)
    assert code == 0, errors
    assert "distance of what two n-grams do in the hidden layer" in errors
    assert len(output.splitlines()) == 2


def test_pictures_of_a_small_table_name_its_telling_words(tmp_path):
    """SIMULATED: words that tell are in few of 900 texts, beside frequent ones that tell next to nothing."""
    rng = random.Random(0)
    telling = {1: [f"bon{letter * 3}" for letter in "abcdefgh"], 0: [f"mal{letter * 3}" for letter in "abcdefgh"]}
    rows = []
    for number in range(900):
        label = number % 2
        often = rng.choices([f"mot{letter * 2}" for letter in "abcdefghijklmnopqrst"], k=8)
        own = rng.choice(telling[label if rng.random() < 0.95 else 1 - label])
        rows.append((" ".join([*often, own, str(number)]), label))
    (tmp_path / "t.csv").write_text(csv_of(rows))
    code, _, errors = run("sentiment", "train", "-q", "--data", "t.csv", "--epochs", 5, cwd=tmp_path)
    assert code == 0, errors
    model = load(tmp_path / "runs" / "sentiment" / "model.safetensors")
    trained = model.settings["train_texts"]
    assert model.named_from == math.ceil(math.sqrt(trained / 10))  # 50 of 25,000
    model.settings["train_texts"] = 1_000_000
    assert 10 < model.named_from <= 50
    model.settings["train_texts"] = trained
    for axes, label in zip(plot_label_words(model).axes, (1, 0), strict=True):
        shown = {tick.get_text() for tick in axes.get_yticklabels()}
        assert len(shown & set(telling[label])) >= 6
        named = re.findall("“(.*?)”", axes.get_title("left"))
        assert len(named) == 2
        assert set(named) <= set(telling[label])
        assert axes.get_title("left").startswith(f"What speaks for {label}:")
    figure = plot_label_words(model, 100)
    assert figure.get_suptitle().endswith("in at least 100 texts")
    assert not any(tick.get_text() in telling[1] for tick in figure.axes[0].get_yticklabels())
    picture = tmp_path / "runs" / "sentiment" / "words.png"
    pictures = set()
    for more in ([], ["--min-count", 100]):
        code, _, errors = run("sentiment", "plot", *more, cwd=tmp_path)
        assert code == 0, errors
        pictures.add(picture.read_bytes())
    assert len(pictures) == 2


def test_a_model_with_pieces_says_how_many_it_has_and_answers_by_them(tmp_path):
    """SIMULATED; of “recommanderez” only pieces are known, and the answer is not the base rate."""
    rows = rows_of(["je recommandais", "vous recommandions"], ["lamentablement", "incompréhensible"], n=300)
    (tmp_path / "t.csv").write_text(csv_of(rows))
    code, output, errors = run("sentiment", "train", "-q", "--data", "t.csv", "--characters", cwd=tmp_path)
    assert code == 0, errors
    model = load(tmp_path / "runs" / "sentiment" / "model.safetensors")
    n_pieces = len(model.second.pieces)
    assert n_pieces > 0
    assert f"n-grams and {n_pieces:,} pieces of characters" in output
    assert f"{n_pieces:,} pieces" in repr(model)
    code, output, errors = run("sentiment", "predict", "recommanderez", "xyz", cwd=tmp_path)
    assert code == 0, errors
    known, unknown = output.split("xyz")[0], output.split("xyz")[1]
    assert "no known word" not in known
    assert "no known word: this is the base rate" in unknown


@pytest.mark.filterwarnings("error")
def test_pictures_have_no_boxes_for_emoji_and_say_what_they_are_of(tmp_path):
    """SIMULATED; the font has no thumbs, of which only the name can be drawn, and no Chinese."""
    assert drawable("so 👍, 很好 ☹") == "so :thumbs up:, □□ ☹"
    rows = rows_of(["superbe 👍", "parfait"], ["sale 👎", "froid"], n=120)
    (tmp_path / "t.csv").write_text(csv_of([(text, "👍" if good else "👎") for text, good in rows]))
    for verb in (["train", "-q", "--data", "t.csv"], ["evaluate", "--data", "t.csv"], ["plot"]):
        code, _, errors = run("sentiment", *verb, cwd=tmp_path, environment={"PYTHONWARNINGS": "error"})
        assert code == 0, errors
        assert "Warning" not in errors
    model = load(tmp_path / "runs" / "sentiment" / "model.safetensors")
    first, second = plot_label_words(model).axes
    titles = [axes.get_title("left").split("\n")[0] for axes in (first, second)]
    assert titles == ["What speaks for :thumbs down::", "What speaks for :thumbs up::"]
    for axes, label in ((first, 1), (second, 0)):
        best, _ = model.strongest(label, 12)
        strongest = [drawable(model.vocabulary.said(model.vocabulary.in_bag[i])) for i in best]
        assert [tick.get_text() for tick in axes.get_yticklabels()][::-1] == strongest
    scores = json.loads((tmp_path / "runs" / "sentiment" / "metrics.json").read_text())
    figure = plots_of_scores(scores, model.label_names)["confusion.png"]
    assert figure.get_supxlabel() == f"{scores['test']['texts']} texts of t.csv"


def test_no_picture_of_limits_where_none_helps_and_its_title_has_a_point_of_it():
    confidence = np.linspace(0.5, 1, 100)
    scores = {"unsure": scores_of_the_sure(confidence, np.ones(100, bool))}
    assert not unsure_helps(scores)
    scores = {"unsure": scores_of_the_sure(confidence, confidence > 0.55)}
    assert unsure_helps(scores)
    limit, unsure = 0.6, np.mean(confidence < 0.6)
    title = plot_unsure(scores).axes[0].get_title("left")
    assert title == f"90.0 % right; with --unsure {limit}: {100 * unsure:.1f} % unsure, 100.0 % of the others right"


def test_labels_that_are_numbers_are_in_order_and_others_by_their_texts():
    assert order_shown(["1", "2", "10", "3"], [5, 9, 1, 7], 3) == [0, 1, 3]
    assert order_shown(["10", "9", "(never trained on)"], [1, 2, 3], 9) == [1, 0, 2]
    assert order_shown(["10 points", "2 points", "1 point"], [1, 2, 3], 9) == [2, 1, 0]
    assert order_shown(["a", "b", "c"], [5, 9, 7], 2) == [1, 2]


def test_limits_beside_points_never_lie_on_each_other():
    confidence = np.linspace(0.97, 1, 50)
    found = scores_of_the_sure(confidence, np.arange(50) % 10 > 0)
    figure = plot_unsure({"unsure": found})
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    texts = figure.axes[0].texts
    assert [text.get_text() for text in texts] == ["0.5 to 0.95", "0.98"]
    boxes = [text.get_window_extent(renderer) for text in texts]
    assert not boxes[0].overlaps(boxes[1])
    axes_box = figure.axes[0].get_window_extent(renderer)
    assert all(axes_box.y0 < box.y0 and box.x1 < figure.bbox.x1 for box in boxes)


def test_answers_have_four_digits_and_a_second_writing_is_said(tmp_path):
    """SIMULATED; an entity in a mistake is shown as the character it stands for."""
    rows = [*rows_of(GOOD, BAD, n=60), *((f"superbe &#128545; {number}", 0) for number in range(9))]
    (tmp_path / "t.csv").write_text(csv_of(rows))
    assert run("sentiment", "train", "-q", "--data", "t.csv", "--epochs", 2, cwd=tmp_path)[0] == 0
    written = [run("sentiment", "predict", "t.csv", "--out", "a.csv", cwd=tmp_path)[1] for _ in range(2)]
    assert [line.rpartition("/")[2] for line in written] == ["a.csv: 69 rows\n", "a.csv (replaced): 69 rows\n"]
    answers = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert all(len(row["probability"]) <= len("0.1234") for row in answers)
    model = load(tmp_path / "runs" / "sentiment" / "model.safetensors")
    exact = model.probabilities([text for text, _ in rows]).max(axis=1)
    assert np.array([float(row["probability"]) for row in answers]) == pytest.approx(exact, abs=0.501e-4)
    mistake = {"label": "mal", "answer": "bon", "probability": 0.9, "text": "so happy &#128077;<br />x"}
    assert "so happy 👍\nx</blockquote>" in mistakes({"mistakes": [mistake]})


def test_a_table_that_is_not_there_is_no_text(tmp_path):
    """SIMULATED; one of more words than a name has, or that ends otherwise, is a text."""
    (tmp_path / "t.csv").write_text(csv_of(rows_of(GOOD, BAD, n=60)))
    (tmp_path / "februar.csv").write_text("text\nsuperbe\n")
    assert run("sentiment", "train", "-q", "--data", "t.csv", "--epochs", 2, cwd=tmp_path)[0] == 0
    for written, said in (
        (["feb.csv"], "no file at feb.csv: did you mean februar.csv?"),
        ([tmp_path / "Februar.csv"], f"no file at {tmp_path / 'Februar.csv'}: did you mean {tmp_path}/februar.csv?"),
        (["nowhere/at/all.xlsx"], "no file at nowhere/at/all.xlsx"),
        (["februar.csv", "q*.jsonl", "--out", "answers"], "no file at q*.jsonl"),
        (["februar.csv", "--out", "a.xls"], ".csv, .tsv, .jsonl, .parquet or .xlsx, or to a folder"),
    ):
        code, output, errors = run("sentiment", "predict", *written, cwd=tmp_path)
        assert (code, output, errors.count("\n")) == (1, "", 1), errors
        assert said in errors
    assert not (tmp_path / "a.xls").exists()
    for text in ("all that I think is in februar.csv", "superbe.pdfs"):
        code, output, errors = run("sentiment", "predict", text, cwd=tmp_path)
        assert (code, output.count("\t")) == (0, 2), errors
    code, output, errors = run("sentiment", "predict", "febr*.csv", cwd=tmp_path)
    assert (code, output.splitlines()[0]) == (0, "text,label,probability"), errors
    for arguments, said in (
        (["superbe", "--out", "a.csv"], "--out goes with a table: "),
        (["superbe", "--engine", "dask"], "--engine dask goes with --out: "),
    ):
        code, _, errors = run("sentiment", "predict", *arguments, cwd=tmp_path)
        assert code == 2
        assert said in errors


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        ("1,2=negative;4,5=positive", "'1,2=negative 4,5=positive'"),
        ("very bad,bad=no; good=yes", "'very bad,bad=no; good=yes'"),
    ],
)
def test_labels_to_join_are_shown_as_a_shell_takes_them(labels, shown):
    words = layout_in_words(Layout(label_map=parse_label_map(labels)))
    assert words == f" --labels {shown}"
    parsed = subprocess.run(["sh", "-c", f"printf '%s|' {words}"], capture_output=True, text=True, check=True).stdout
    assert parse_label_map(parsed.split("|")[1]) == parse_label_map(labels)


def test_strict_refuses_what_is_left_out_otherwise(tmp_path):
    (tmp_path / "t.csv").write_text(csv_of([*french(), ("", 1), ("x", "")]))
    assert "line 402: without text" in inside("sentiment", "train", "--data", tmp_path / "t.csv", "--strict")[2]
    code, output, errors = inside("sentiment", "check", tmp_path / "t.csv")
    assert code == 0, errors
    assert "left out: 1 row without text (the first: " in output
    assert "; 1 row without label" in output


def test_check_finds_what_is_wrong(tmp_path):
    rows = [*french(), *french()[:3], (french()[0][0], 1), ("nur einer", "selten")]
    (tmp_path / "t.csv").write_text(csv_of(rows, ";", ("Aussage", "Urteil")))
    code, output, errors = inside("sentiment", "check", tmp_path / "t.csv", "--plot", tmp_path / "t.png")
    assert code == 0, errors
    for words in (
        "CSV, semicolon, UTF-8",
        "columns: Aussage, Urteil",
        "texts from 'Aussage', labels from 'Urteil'",
        "405 rows",
        "4 texts repeat an earlier one, 1 with two labels",
        "note: 1 label has fewer than 50 texts ('selten')",
        "note: 1 text is there with two labels",
    ):
        assert words in output
    assert "taking texts from column 'Aussage'" in errors
    assert (tmp_path / "t.png").stat().st_size > 5_000
    found = json.loads(inside("sentiment", "check", tmp_path / "t.csv", "--json")[1])
    assert found["labels"] == {"0": 202, "1": 202, "selten": 1}


def test_check_says_how_to_join_stars(tmp_path):
    rows = [*stars(french()), *((f"moyen {i}", 3) for i in range(60))]
    (tmp_path / "t.csv").write_text(csv_of(rows))
    code, output, errors = run("sentiment", "check", "t.csv", cwd=tmp_path)
    assert code == 0, errors
    joined = re.search("^or, good and bad alone:  (.*)$", output, re.MULTILINE)[1]
    assert joined == 'sentiment train t.csv --labels "1,2=negative 4,5=positive"'
    code, _, errors = run(*shlex.split(joined), "-q", "--epochs", 2, cwd=tmp_path)
    assert code == 0, errors
    assert "left out: 60 rows" in errors
    said, _, apart = output.splitlines()[-1].strip().partition("; they stay apart with --labels ")
    assert said == "texts of the middle (3) get good or bad then"
    options = ["--labels", *shlex.split(apart)]
    code, output, errors = run("sentiment", "train", "-q", "--data", "t.csv", "--epochs", 2, *options, cwd=tmp_path)
    assert code == 0, errors
    labels = load(tmp_path / "runs" / "sentiment" / "model.safetensors").label_names
    assert labels == ["negative", "neutral", "positive"]


def test_groups_of_stars_by_hand():
    assert groups_of_stars(["1", "2", "3"]) == "1=negative 3=positive"
    assert groups_of_stars(["3", "0", "1", "2"]) == "0,1=negative 2,3=positive"
    assert groups_of_stars(list(map(str, range(1, 11)))) == "1,2,3,4,5=negative 6,7,8,9,10=positive"
    assert middle_left_out(["1", "2", "3", "4"], "1,2=negative 3,4=positive") is None
    for no_stars in (["0", "1"], ["1", "2", "4"], ["1", "2", "x"], list(map(str, range(11)))):
        assert groups_of_stars(no_stars) is None


@pytest.mark.parametrize("empty_column", [False, True])
def test_check_describes_texts_without_labels_and_says_how_to_answer_them(tmp_path, empty_column):
    rows = [(number, text, "") for number, (text, _) in enumerate([*french(), *french()[:2], ("", "")])]
    names = ("nr", "avis", "label") if empty_column else ("nr", "avis")
    (tmp_path / "new.csv").write_text(csv_of([row[: len(names)] for row in rows], ";", names))
    code, output, errors = run("sentiment", "check", "new.csv", "--plot", "p.png", cwd=tmp_path)
    assert code == 0, errors
    for words in (
        "texts from 'avis'; no column has labels",
        "403 rows",
        "left out: 1 row without text (the first: new.csv, line 404)",
        "2 texts repeat an earlier one",
        "letters: Latin 100 %",
        "answer with:  sentiment predict new.csv --out answers.csv",
    ):
        assert words in output
    assert "two labels" not in output


def test_a_first_row_that_is_data_is_said_to_be_taken_for_names(tmp_path):
    (tmp_path / "t.csv").write_text(csv_of(french()[1:], names=french()[0]))
    code, _, errors = run("sentiment", "check", "t.csv", cwd=tmp_path)
    assert code == 0, errors
    assert "t.csv: the first row looks like data, not like names of columns ('0')" in errors
    assert "put a row of names, such as text,label, above it" in errors
    (tmp_path / "t.csv").write_text(csv_of(french(), names=("Avis", "Note")))
    assert "first row" not in run("sentiment", "check", "t.csv", cwd=tmp_path)[2]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_lines_above_the_header_are_named(tmp_path, delimiter):
    above = "Export of 2026-01-01\r\n\r\n"
    (tmp_path / "t.csv").write_text(above + csv_of(french(), delimiter, ("Avis", "Note")), newline="")
    code, output, errors = run("sentiment", "check", "t.csv", cwd=tmp_path)
    assert code == 0, errors
    assert errors.strip() == "t.csv: the columns are named in line 3 (Avis, Note), what stands above is left out"
    assert "texts from 'Avis', labels from 'Note'" in output


def test_no_limit_that_is_enough_is_said(tmp_path):
    known = [(f"{text} {number}", label) for number, (text, label) in enumerate(french() * 4)]
    for share_of_slips, is_learned in ((0.5, False), (0.25, True)):
        slips = [random.Random(number).random() < share_of_slips for number in range(len(known))]
        rows = [(text, 1 - label if slip else label) for (text, label), slip in zip(known, slips, strict=True)]
        (tmp_path / "t.csv").write_text(csv_of(rows))
        code, output, errors = run("sentiment", "train", "-q", "--data", "t.csv", "--epochs", 3, cwd=tmp_path)
        assert code == 0, errors
        assert ("no limit for --unsure reaches 95 % of right answers" in output) == is_learned
        assert ("better than always answering" in output) != is_learned


def table_of(columns, rows):
    from pathlib import Path

    from projects.common.table import Table

    return Table(Path("t.csv"), "CSV", columns, lambda: ((f"line {i}", row) for i, row in enumerate(rows, 2)))


def test_columns_are_found_by_name_or_by_what_is_in_them():
    rows = [
        {"id": str(i), "wann": f"2024-01-{i % 28:02}", "was": "x" * (20 + i % 3), "wie": "ab"[i % 2]} for i in range(60)
    ]
    found = find_layout(table_of(("id", "wann", "was", "wie"), rows), Layout(), labelled=True)
    assert (found.text_column, found.label_column) == ("was", "wie")
    found = find_layout(table_of(("Review", "Stars", "sentiment"), []), Layout(), labelled=True)
    assert (found.text_column, found.label_column) == ("Review", "sentiment")
    with pytest.raises(ProjectError, match=r"which column holds the texts .*and which the labels"):
        find_layout(table_of(("a", "b"), [{"a": 1, "b": 2}]), Layout(), labelled=True)
    with pytest.raises(ProjectError, match=r"t.csv has no column x and no column y; it has a, b"):
        find_layout(table_of(("a", "b"), []), Layout("x", "y"), labelled=True)


FEEDBACK = ("Nr", "Ort", "Bemerkung", "Sterne", "Kanal")


def feedback():
    """SIMULATED rows as a shop exports them: stars, and columns that have fewer values."""
    rng = random.Random(2)
    places, channels = ("Köln", "Paris", "Zürich"), ("App", "Web")
    return [
        (f"K{number:04}", rng.choice(places), text, 3 if number % 9 == 0 else star, rng.choice(channels))
        for number, (text, star) in enumerate(stars(western()))
    ]


@pytest.mark.parametrize(
    ("name", "column"),
    [("text", "Comentario"), ("text", "RESEÑA"), ("text", "Bemerkung"), ("label", "Étoiles"), ("label", "puntuación")],
)
def test_columns_are_found_by_their_names_in_several_languages(name, column):
    other = {"text": "sentiment", "label": "review"}[name]
    found = find_layout(table_of((column, other), []), Layout(), labelled=True)
    assert {"text": found.text_column, "label": found.label_column}[name] == column


def test_labels_are_rather_a_scale_than_what_has_fewer_values():
    rows = [dict(zip(("Nr", "Ort", "Was", "S", "K"), row, strict=True)) for row in feedback()]
    table = table_of(("Nr", "Ort", "Was", "S", "K"), rows)
    assert find_layout(table, Layout(), labelled=True).label_column == "S"
    joined = Layout(label_map=(("App", "a"), ("Web", "w")))
    assert find_layout(table, joined, labelled=True).label_column == "K"
    other_case = find_layout(table, Layout("was", "s"), labelled=True)
    assert (other_case.text_column, other_case.label_column) == ("Was", "S")
    numbered = [{"nr": n, "text": "x" * 20, "stars": n % 5 + 1} for n in range(60)]
    by_labels = find_layout(table_of(("nr", "text", "stars"), numbered), Layout(label_map=(("7", "a"),)), True)
    assert by_labels.label_column == "stars"  # 7 is a number of a row alone, which is no label


def test_check_names_the_columns_that_could_be_labels(tmp_path):
    (tmp_path / "t.csv").write_bytes(csv_of(feedback(), ";", FEEDBACK).encode("cp1252"))
    code, output, errors = run("sentiment", "check", "t.csv", cwd=tmp_path)
    assert code == 0, errors
    assert "texts from 'Bemerkung', labels from 'Sterne'\n" in output
    assert "other columns that could be labels: Kanal (2 values), Ort (3 values): --label-column" in output
    assert "sentiment predict" not in output
    without_stars = [row[:3] + row[4:] for row in feedback()]
    (tmp_path / "new.csv").write_text(csv_of(without_stars, ";", FEEDBACK[:3] + FEEDBACK[4:]))
    code, output, errors = run("sentiment", "check", "new.csv", cwd=tmp_path)
    assert code == 0, errors
    assert "labels from 'Kanal' (guessed by what is in it: --label-column names another)" in output
    assert "note: no column is called as labels usually are: perhaps the texts have none" in output
    assert "or, if these are no labels, answer with:  sentiment predict new.csv --out answers.csv" in output
    output = run("sentiment", "check", "new.csv", "--label-column", "ort", cwd=tmp_path)[1]
    assert "labels from 'Ort'\n" in output
    assert "perhaps" not in output
    errors = run("sentiment", "train", "-q", "--data", "new.csv", "--epochs", 1, cwd=tmp_path)[2]
    assert "labels from column 'Kanal' (--label-column names another: Ort (3 values))" in errors


def test_labels_that_do_not_occur_are_named(tmp_path):
    (tmp_path / "t.csv").write_text(csv_of(feedback(), ";", FEEDBACK))
    options = ["--data", "t.csv", "-q", "--epochs", 1, "--labels", "1,2=negative 4,5=positive"]
    code, _, errors = run("sentiment", "train", *options, "--label-column", "Kanal", cwd=tmp_path)
    assert code == 1
    line = "t.csv: column 'Kanal' has App and Web, none of 1, 2, 4, 5; column 'Sterne' has them: --label-column Sterne"
    assert errors.strip() == f"Error: {line}"
    output = run("sentiment", "check", "t.csv", *options[-2:], "--label-column", "Kanal", cwd=tmp_path)[1]
    assert f"note: {line}" in output
    options[-1] = "1,2=negative 4,5,6=positive"
    code, _, errors = run("sentiment", "train", *options, cwd=tmp_path)
    assert code == 0, errors
    assert "6, named by --labels, does not occur" in errors.splitlines()
    assert (
        "note: 6, named by --labels, does not occur"
        in run("sentiment", "check", "t.csv", *options[-2:], cwd=tmp_path)[1]
    )


def test_a_training_that_learns_nothing_says_so_beside_the_texts_held_out(tmp_path):
    (tmp_path / "t.csv").write_text(csv_of(feedback(), ";", FEEDBACK))
    options = ["--data", "t.csv", "-q", "--epochs", 3, "--labels", "1,2=negative 4,5=positive"]
    code, output, errors = run("sentiment", "train", *options, cwd=tmp_path)
    assert code == 0, errors
    assert "than always answering" not in output
    code, output, errors = run("sentiment", "train", *options[:-2], "--label-column", "kanal", cwd=tmp_path)
    assert code == 0, errors
    settings = load(tmp_path / "runs" / "sentiment" / "model.safetensors").settings
    most_frequent = settings["label_names"][int(np.argmax(settings["label_shares"]))]
    assert f"better than always answering {most_frequent!r}: look whether 'Kanal' is the column of labels" in output
    said = float(re.search(r"always the same answer: ([\d.]+) %", output)[1])
    held_out = settings["validation_texts"]
    assert f"of {held_out} texts held out" in output
    n_right = said / 100 * held_out
    assert abs(n_right - round(n_right)) < held_out * 0.0006  # a share of the texts held out
    assert settings["validation_baseline"] == pytest.approx(round(n_right) / held_out)


def test_what_is_no_better_than_one_answer_by_hand():
    settings = {"validation_baseline": 0.5, "validation_texts": 100, "validation_accuracy": 0.5, "balanced": False}
    settings |= {"label_shares": [0.4, 0.6], "label_names": ["App", "Web"], "label_column": None}
    assert no_better_in_words(settings) == "no better than always answering 'Web': give more texts"
    # two standard errors: 2 √(0.5 · 0.5 / 100) = 0.1
    line = no_better_in_words(settings | {"validation_accuracy": 0.59, "label_column": "Kanal"})
    assert line.startswith("not clearly better than always answering 'Web': look whether 'Kanal' is")
    assert no_better_in_words(settings | {"validation_accuracy": 0.61}) is None


def test_labels_that_look_like_one_are_joined_by_the_command_that_check_gives(tmp_path):
    spelled = {1: ["gut"] * 5 + ["Gut", "GUT"], 0: ["nicht gut"] * 6 + ["Nicht  gut"]}
    rng = random.Random(3)
    rows = [(text, rng.choice(spelled[label])) for text, label in french()]
    rows[1:3] = [(rows[1][0], "gutt"), (rows[2][0], "nicht gu")]
    (tmp_path / "t.csv").write_text(csv_of(rows))
    code, output, errors = run("sentiment", "check", "t.csv", cwd=tmp_path)
    assert code == 0, errors
    note = next(line for line in output.splitlines() if "look like one label" in line)
    groups, _, command = note.removeprefix("note: these look like one label: ").partition(": ")
    expected = [{"gut", "Gut", "GUT", "gutt"}, {"nicht gut", "Nicht  gut", "nicht gu"}]
    found = [set(group.split(", ")) for group in groups.split("; and ")]
    assert sorted(found, key=len) == sorted(expected, key=len)
    options = shlex.split(command)
    code, _, errors = run("sentiment", "train", "-q", "--data", "t.csv", "--epochs", 1, *options, cwd=tmp_path)
    assert code == 0, errors
    assert load(tmp_path / "runs" / "sentiment" / "model.safetensors").label_names == ["gut", "nicht gut"]
    assert "look like" not in run("sentiment", "check", "t.csv", *options, cwd=tmp_path)[1]


def test_labels_that_look_like_one_by_hand():
    assert alike({"gut": 100, "Gut": 5, "gutt": 2, "schlecht": 90}) == [["gut", "Gut", "gutt"]]
    assert alike({"gut": 100, "gutt": 90}) == []  # both are frequent
    assert alike({"Devolução": 90, "Devolucao": 80, "Entrega": 5}) == [["Devolução", "Devolucao"]]
    assert alike({"5": 90, "5 estrelas": 40, "4": 70, "12 dias": 3}) == [["5", "5 estrelas"]]
    assert alike({"item11": 100, "item12": 1}) == []
    assert alike({"positive": 100, "Positive": 50, "neg": 3}) == []  # one label anyway
    assert joined_alike(["gut", "gutt", "so, so"], [["gut", "gutt"]]) is None  # a comma can't be written
    assert joined_alike(["gut", "gutt"], [["gut", "gutt"]]) is None  # nothing is left to tell apart
    assert joined_alike(["gut", "gutt", "mau"], [["gut", "gutt"]]) == "gut,gutt=gut mau=mau"


@pytest.mark.parametrize("column", ["Sterne", "Kanal"])
def test_five_rows_are_too_few_and_no_command_is_given_that_fails(tmp_path, column):
    texts = ("schnell geliefert", "leider kaputt", "passt genau", "wie beschrieben", "nie wieder")
    rows = [(number, "Köln", text, number % 4 + 1, ("App", "Web")[number % 2]) for number, text in enumerate(texts)]
    (tmp_path / "t.csv").write_text(csv_of(rows, ";", FEEDBACK))
    code, output, errors = run("sentiment", "check", "t.csv", "--label-column", column, cwd=tmp_path)
    assert code == 0, errors
    assert "sentiment train" not in output
    assert re.search(r"^\d texts with labels are too few to train on: some 200 are a start", output, re.MULTILINE)
    code, _, errors = run("sentiment", "train", "-q", "--data", "t.csv", "--label-column", column, cwd=tmp_path)
    assert code == 1
    assert re.search(r"\d texts with labels are too few to train on: some 200 are a start", errors)
    assert "--label-column" not in errors.replace("--text-column", "")


def test_labels_to_join():
    assert parse_label_map("1,2=negative 4,5=positive") == (
        ("1", "negative"), ("2", "negative"), ("4", "positive"), ("5", "positive"),
    )  # fmt: skip
    assert parse_label_map("very bad, bad = no; good=yes") == (("very bad", "no"), ("bad", "no"), ("good", "yes"))
    for wrong, words in {
        "1,2": "is no group such as",
        "1=a": "two names at least",
        "1=a 1=b": "'1' is in two groups",
        "=a 1=b": "is no group such as",
        "late delivery=a broken=b": "between groups whose labels have spaces stands a semicolon",
    }.items():
        with pytest.raises(ProjectError, match=words):
            parse_label_map(wrong)


def test_a_number_that_excel_or_json_keeps_as_a_float_is_the_same_label():
    rows = [{"text": "a", "label": value} for value in (4, 4.0, "4", " 4 ", True, None, "", 4.5)]
    left_out = LeftOut()
    table = table_of(("text", "label"), rows)
    found = [label for _, _, label, _ in usable_rows(table, Layout("text", "label"), left_out)]
    assert found == ["4", "4", "4", "4", "True", "4.5"]
    assert left_out.rows == {"without label": (2, "t.csv, line 7")}


def test_a_table_gets_an_answer_for_each_row(tmp_path):
    (tmp_path / "t.csv").write_text(csv_of(french()))
    model = train(tmp_path / "t.csv", epochs=6)
    model.save(tmp_path / "runs" / "sentiment" / "model.safetensors")
    texts = ["très bien, superbe séjour, parfait :)", "", "plus jamais 😡, sale et bruyant, cher :(", "xyzzy"]
    (tmp_path / "mails.csv").write_text(csv_of(enumerate(texts, 1), names=("nr", "text")))
    code, output, errors = run("sentiment", "predict", "mails.csv", "--out", "a.csv", "--unsure", 0.8, cwd=tmp_path)
    assert code == 0, errors
    assert "mails" not in errors.replace("a.csv", "")
    assert "1 row has no text" in errors
    answers = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert [list(row) for row in answers] == [["nr", "text", "label", "probability", "best_guess"]] * 4
    assert [row["label"] for row in answers] == ["1", "no text", "0", "unsure"]
    assert [row["best_guess"] for row in answers[:3]] == ["1", "", "0"]
    assert answers[3]["best_guess"] in ("0", "1")
    assert answers[1]["probability"] == ""
    assert "4 rows, 1 of them unsure" in output
    code, output, errors = run("sentiment", "predict", "mails.csv", cwd=tmp_path)  # a name of a file is no text
    assert code == 0, errors
    assert output.splitlines()[0] == "nr,text,label,probability"
    two = run("sentiment", "predict", "mails.csv", "t.csv", "--out", "folder", cwd=tmp_path)
    assert two[0] == 0, two[2]
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["mails.csv", "t.csv"]
    refused = run("sentiment", "predict", "mails.csv", "t.csv", "--out", "one.csv", cwd=tmp_path)
    assert refused[0] == 1
    assert "2 files can't be answered in the one file one.csv" in refused[2]


@pytest.mark.parametrize(
    ("encoding", "delimiter", "name", "expected", "marked"),
    [
        ("cp1252", ";", "a.csv", ";", True),
        ("utf-8", ";", "a.csv", ";", True),
        ("utf-8-sig", ",", "a.csv", ",", True),
        ("utf-8", ",", "a.csv", ",", False),
        ("utf-8", "|", "a.csv", "|", False),
        ("utf-16", "\t", "a.csv", ",", True),
        ("utf-8", ";", "a.tsv", "\t", True),
    ],
)
def test_answers_are_delimited_as_the_table_and_excel_can_open_them(
    tmp_path, encoding, delimiter, name, expected, marked
):
    train(*zip(*western(), strict=True), epochs=1).save(tmp_path / "runs" / "sentiment" / "model.safetensors")
    rows = [(number, f"très bien; ou, mal | ({number})") for number in range(20)]
    (tmp_path / "new.csv").write_bytes(csv_of(rows, delimiter, ("nr", "text")).encode(encoding))
    code, _, errors = run("sentiment", "predict", "new.csv", "--out", name, cwd=tmp_path)
    assert code == 0, errors
    content = (tmp_path / name).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") == marked
    assert content.count(b"\xef\xbb\xbf") == marked
    answers = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=expected))
    assert [(row["nr"], row["text"]) for row in answers] == [(str(number), text) for number, text in rows]
    assert list(answers[0]) == ["nr", "text", "label", "probability"]
    point = "," if delimiter == ";" else "."
    assert all(re.fullmatch(rf"[01]\{point}\d{{1,4}}", row["probability"]) for row in answers)


def test_answers_to_a_table_with_tabs_are_delimited_as_the_one_trained_on(tmp_path):
    (tmp_path / "t.csv").write_bytes(csv_of(western(), ";").encode("cp1252"))
    assert run("sentiment", "train", "-q", "t.csv", "--epochs", 1, cwd=tmp_path)[0] == 0
    (tmp_path / "new.txt").write_bytes(csv_of([("très bien",)], "\t", ("text",)).encode("utf-16"))
    code, _, errors = run("sentiment", "predict", "new.txt", "--out", "a.csv", cwd=tmp_path)
    assert code == 0, errors
    header, row = (tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines()
    assert header == "text;label;probability"
    assert re.fullmatch(r"très bien;[01];0,\d+", row)


def test_the_data_may_be_named_without_the_option_but_not_twice(tmp_path):
    (tmp_path / "t.csv").write_text(csv_of(western()))
    assert run("sentiment", "train", "-q", "t.csv", "--epochs", 1, cwd=tmp_path)[0] == 0
    code, output, errors = run("sentiment", "evaluate", "t.csv", cwd=tmp_path)
    assert (code, "texts" in output) == (0, True), errors
    code, _, errors = run("sentiment", "train", "t.csv", "--data", "t.csv", cwd=tmp_path)
    assert (code, "name the data once, with --data or without" in errors) == (2, True)


@pytest.mark.parametrize("names", [("schlecht", "gut"), ("zz", "aa"), ("negative", "positive")])
def test_a_model_does_not_depend_on_what_joined_labels_are_called(names):
    rows = stars(western())
    texts, labels = zip(*rows, strict=True)
    bad, good = names
    model = train(texts, [str(label) for label in labels], epochs=2)
    joined = train(pd.DataFrame(rows, columns=["text", "label"]), f"1,2={bad} 4,5={good}", epochs=2)
    usual = train(pd.DataFrame(rows, columns=["text", "label"]), "1,2=negative 4,5=positive", epochs=2)
    assert joined.label_names == [bad, good]
    np.testing.assert_array_equal(joined.probabilities(texts[:50]), usual.probabilities(texts[:50]))
    assert len(model.label_names) == 4


def test_labels_with_their_sides_the_wrong_way_round_are_told_so(tmp_path):
    (tmp_path / "t.csv").write_text(csv_of(stars(western())))
    code, _, errors = run("sentiment", "train", "t.csv", "--labels", "bad=1,2 good=4,5", cwd=tmp_path)
    assert code == 1
    assert "--labels has the name after its labels, as in 1,2=negative: turn the two sides round" in errors


def test_labels_of_what_is_no_table_are_not_joined(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "reviews.txt").write_text("".join(f"{text}\n" for text, _ in western()))
    (tmp_path / "folder" / "labels.txt").write_text("".join(f"{'spam' if bad else 'ham'}\n" for _, bad in western()))
    code, _, errors = run("sentiment", "train", "folder", "--labels", "ham=good spam=bad", cwd=tmp_path)
    assert (code, errors) == (1, "Error: folder: --labels joins the labels of a table, and this is none\n")


def test_a_table_without_the_column_trained_on_is_refused_unless_it_is_clear_what_it_has(tmp_path):
    (tmp_path / "t.csv").write_text(csv_of(western(), names=("avis client", "label")))
    assert run("sentiment", "train", "-q", "t.csv", "--epochs", 1, cwd=tmp_path)[0] == 0
    for names, row, is_refused in (
        (("nom", "date longue"), ("Dupont", "12 mars 2024, 12:00"), True),
        (("nom", "comment"), ("Dupont", "très bien"), False),  # a usual name
        (("nom", "Avis Client"), ("Dupont", "très bien"), False),  # the name in another case
        (("reste",), ("très bien",), False),  # nothing else is there
    ):
        (tmp_path / "new.csv").write_text(csv_of([row], names=names))
        code, _, errors = run("sentiment", "predict", "new.csv", cwd=tmp_path)
        assert code == is_refused, (names, errors)
        refusal = "new.csv has no column 'avis client', which the model was trained on; it has nom, date longue: "
        assert (refusal + "name the one with the texts by --text-column" in errors) == is_refused
    model = load(tmp_path / "runs" / "sentiment" / "model.safetensors")
    with pytest.raises(ProjectError, match="no column 'avis client'"):
        model.predict(pd.DataFrame({"nom": ["Dupont"], "date longue": ["12 mars 2024"]}))


def test_answers_from_python_take_what_is_missing_and_refuse_what_is_no_probability():
    model = train(*zip(*western(), strict=True), epochs=1)
    answers = model.predict(["très bien", None, float("nan"), pd.NA])
    assert [answer.label == "no text" for answer in answers] == [False, True, True, True]
    for unsure in (80, -0.1, float("nan")):
        with pytest.raises(ProjectError, match="a probability from 0 to 1"):
            model.predict(["très bien"], unsure=unsure)


def test_rows_of_which_no_word_is_known_are_counted(tmp_path):
    train(*zip(*western(), strict=True), epochs=1).save(tmp_path / "runs" / "sentiment" / "model.safetensors")
    (tmp_path / "new.csv").write_text(csv_of([("xyzzy",), ("qqq www",), ("",), ("très bien",)], names=("text",)))
    code, _, errors = run("sentiment", "predict", "new.csv", "--out", "a.csv", cwd=tmp_path)
    assert code == 0, errors
    assert "a.csv: 2 rows without a known word got the most frequent label and its share" in errors
    assert "1 row has no text" in errors


def test_words_shows_no_mark_and_nothing_twice(tmp_path):
    rows = [(f"kaputt , ganz kaputt ! nummer {i}", 0) for i in range(60)] + [
        (f"sehr gut , danke {i}", 1) for i in range(60)
    ]
    train(*zip(*rows, strict=True), epochs=5).save(tmp_path / "runs" / "sentiment" / "model.safetensors")
    code, output, errors = run("sentiment", "words", "-n", 5, cwd=tmp_path)
    assert code == 0, errors
    header, *lines = output.splitlines()
    assert header.split() == ["1", "0"]
    found = re.findall(r"\+\d+\.\d\d (.+?) \((\d+)\)", "\n".join(lines))
    assert ("kaputt" in dict(found)) or ("ganz kaputt" in dict(found))
    names = [name for name, _ in found]
    assert not any(mark in name for name in names for mark in ",!")
    assert not any(f" {one} " in f" {other} " for one in names for other in names if one != other)


def test_answers_in_excel_are_wide_enough_and_their_names_stay_in_sight(tmp_path):
    calamine = pytest.importorskip("python_calamine")
    train(*zip(*french(), strict=True), epochs=1).save(tmp_path / "runs" / "sentiment" / "model.safetensors")
    (tmp_path / "t.csv").write_text(csv_of([(1, "x" * 300), (2, "très bien")], names=("nr", "text")))
    assert run("sentiment", "predict", "t.csv", "--out", "a.xlsx", cwd=tmp_path)[0] == 0
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    widths = [float(width) for width in re.findall(r'<col [^>]*width="([\d.]+)"', sheet)]
    assert len(widths) == 4
    assert max(widths) == widths[1] < 65
    assert min(widths) > 9
    assert re.search(r'<pane ySplit="1" topLeftCell="A2"[^>]* state="frozen"', sheet)
    rows = calamine.CalamineWorkbook.from_path(tmp_path / "a.xlsx").get_sheet_by_index(0).to_python()
    assert all(round(row[3], 4) == row[3] for row in rows[1:])


def test_dates_of_a_workbook_are_dates_in_the_answers_and_texts_stay_texts(tmp_path):
    xlsxwriter = pytest.importorskip("xlsxwriter")
    calamine = pytest.importorskip("python_calamine")
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "t.csv").write_text(csv_of(rows_of(GOOD, BAD)))
    assert run("sentiment", "train", "-q", "--data", "t.csv", "--epochs", 2, cwd=tmp_path)[0] == 0
    values = {
        "day": date(2026, 1, 7),
        "moment": datetime(2026, 1, 7, 13, 45),
        "hour": time(8, 30),
        "lasted": timedelta(hours=30),
        "written": "2026-01-07",
        "text": "parfait",
    }
    workbook = xlsxwriter.Workbook(tmp_path / "new.xlsx")
    sheet = workbook.add_worksheet()
    shown = dict(zip(values, ("dd/mm/yyyy", "dd/mm/yyyy hh:mm", "hh:mm", "[h]:mm"), strict=False))
    for column, (name, value) in enumerate(values.items()):
        sheet.write(0, column, name)
        sheet.write(1, column, value, workbook.add_format({"num_format": shown.get(name, "@")}))
    workbook.close()
    (tmp_path / "new.csv").write_text(csv_of([list(values.values())], names=list(values)))
    in_parquet = {"day": values["day"], "early": date(1850, 3, 1), "zoned": datetime(2026, 1, 7, 13, tzinfo=UTC)}
    parquet.write_table(pyarrow.Table.from_pylist([in_parquet | {"text": "parfait"}]), tmp_path / "new.parquet")

    def answers(source):
        code, _, errors = run("sentiment", "predict", source, "--out", "a.xlsx", cwd=tmp_path)
        assert code == 0, errors
        names, row = calamine.CalamineWorkbook.from_path(tmp_path / "a.xlsx").get_sheet_by_index(0).to_python()
        return dict(zip(names, row, strict=True))

    assert answers("new.xlsx").items() >= values.items()
    assert answers("new.csv").items() >= {name: str(value) for name, value in values.items()}.items()
    found = answers("new.parquet")
    assert (found["day"], found["early"], found["zoned"]) == (
        in_parquet["day"],
        "1850-03-01",
        "2026-01-07 13:00:00+00:00",
    )


def test_cells_are_written_to_excel_as_texts_not_as_formulas(tmp_path):
    pytest.importorskip("python_calamine")
    from projects.common.tables import open_table
    from projects.sentiment.answers import predict_files
    from projects.sentiment.data import files_of

    model = train(*zip(*french(), strict=True), epochs=2)
    (tmp_path / "t.csv").write_text('text,n\n"=1+1",7\n"http://x.example",\n')
    list(predict_files(model, files_of(tmp_path / "t.csv", labelled=False), tmp_path / "a.xlsx"))
    rows = [row for _, row in open_table(tmp_path / "a.xlsx").rows()]
    assert [row["text"] for row in rows] == ["=1+1", "http://x.example"]


def test_a_word_that_begins_the_name_of_a_table_is_answered_and_the_table_named(tmp_path):
    train(*zip(*french(), strict=True), epochs=1).save(tmp_path / "runs" / "sentiment" / "model.safetensors")
    (tmp_path / "parfait.csv").write_text("text\nbien\n")
    (tmp_path / "parfaits.txt").write_text("bien\n")
    code, output, errors = run("sentiment", "predict", "parfait", cwd=tmp_path)
    assert code == 0
    assert output.endswith("parfait\n")
    assert errors == "'parfait' is answered as a text: did you mean the table parfait.csv?\n"
    assert run("sentiment", "predict", "plus jamais", cwd=tmp_path)[2] == ""


def test_a_column_says_why(tmp_path):
    calamine = pytest.importorskip("python_calamine")
    train(*zip(*french(), strict=True), epochs=3).save(tmp_path / "runs" / "sentiment" / "model.safetensors")
    (tmp_path / "t.csv").write_text(f'text\n{GOOD[0]}\n{BAD[0]}\nqwertz\n" "\n')
    code, _, errors = run("sentiment", "predict", "t.csv", "--explain", "--out", "a.xlsx", cwd=tmp_path)
    assert code == 0, errors
    names, *rows = calamine.CalamineWorkbook.from_path(tmp_path / "a.xlsx").get_sheet_by_index(0).to_python()
    assert names == ["text", "label", "probability", "because"]
    reasons = [row[3] for row in rows]
    assert reasons[2:] == ["", ""]
    for text, reason in zip((GOOD[0], BAD[0]), reasons[:2], strict=True):
        speaks_for = reason.partition("; against: ")[0].removeprefix("for: ").split(", ")
        answers = [
            json.loads(run("sentiment", "predict", without, "--json", cwd=tmp_path)[1])
            for without in (text, text.lower().replace(speaks_for[0], " "))
        ]
        label = answers[0]["label"]
        assert answers[1]["probabilities"][label] < answers[0]["probabilities"][label]
    printed = run("sentiment", "predict", "t.csv", "--explain", cwd=tmp_path)[1].splitlines()
    assert printed[0] == "text,label,probability,because"
    assert [row["because"] for row in csv.DictReader(printed)] == reasons


def test_what_repeats_and_what_is_no_table_is_said(tmp_path):
    long = "le même début de quarante caractères au moins"
    rows = [*rows_of(GOOD, BAD, n=60), *(("RAS  rien", number % 2) for number in range(12))]
    rows += [(f"{long} {end}", 1) for end in ("un", "deux") for _ in range(11)]
    (tmp_path / "avis.csv").write_text(csv_of(rows))
    (tmp_path / "photo.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    (tmp_path / "letter.docx").write_bytes(zipped("word/document.xml", "<a/>"))
    _, output, _ = run("sentiment", "check", "avis.csv", cwd=tmp_path)
    shown = f"{long[:40].strip()!r} 11 times"
    often = f"'RAS rien' 12 times, {shown}, {shown}"  # two texts that begin alike
    assert f"31 texts repeat an earlier one, 1 with two labels; there are {often}" in output
    for name, said in {
        "photo.csv": "photo.csv is a picture, no table: save what is in it as CSV or Excel",
        "letter.docx": "letter.docx is a Word document, no table: save the table in it as CSV or Excel",
        "avi.csv": "no file at avi.csv: did you mean avis.csv?",
    }.items():
        code, _, errors = run("sentiment", "train", "-q", "--data", name, cwd=tmp_path)
        assert code == 1
        assert said in errors


def test_a_second_model_says_that_it_takes_the_place_of_the_first_and_loads_by_its_folder(tmp_path):
    (tmp_path / "t.csv").write_text(csv_of(french()))
    for said in (
        "model.safetensors\n",
        "model.safetensors (in the place of an earlier one, whose scores, pictures and page are gone, too; --run keeps "
        "several apart)\n",
    ):
        code, output, errors = run("sentiment", "train", "-q", "--data", "t.csv", "--epochs", 2, cwd=tmp_path)
        assert code == 0, errors
        assert said in output
    folder = tmp_path / "runs" / "sentiment"
    assert load(folder).settings == load(folder / "model.safetensors").settings
    code, output, errors = run("sentiment", "predict", "très bien", "--explain", cwd=tmp_path)
    assert code == 0, errors
    label = output.split()[0]
    told = f"  without it, the log-odds of {label} would be lower by (0.7 halves the odds):"
    assert output.splitlines()[1] == told


def test_the_limit_for_unsure_answers_by_hand(monkeypatch):
    monkeypatch.setattr("projects.sentiment.measuring.FEWEST_SURE", 2)
    confidence = np.array([0.99, 0.5, 0.9, 0.8, 0.7, 0.6])
    right = np.array([True, False, True, True, False, True])
    # surest first: right, right, right, wrong, right, wrong: of the first three all, of the first four 75 %
    assert sure_from(confidence, right) == (0.8, 0.5)  # three of six answers are less probable
    assert sure_from(confidence, np.ones(6, bool)).probability == 0.5
    assert sure_from(confidence, np.zeros(6, bool)) is None


def test_python_takes_what_people_have(tmp_path):
    texts, labels = zip(*french(), strict=True)
    frame = pd.DataFrame({"avis": [*texts, None, "x"], "note": [*labels, 1, None]})
    models = [train(texts, labels, epochs=3), train(frame, text_column="avis", label_column="note", epochs=3)]
    probabilities = [model.probabilities(texts) for model in models]
    np.testing.assert_array_equal(probabilities[0], probabilities[1])
    model = models[1]
    assert model.layout == Layout("avis", "note")
    answer = model.predict("très bien, parfait :)")
    assert isinstance(answer, Answer)
    assert answer.label == "1"
    assert model.predict(["très bien, parfait :)"]) == [answer]
    table = model.predict(frame["avis"].iloc[::-1])
    assert list(table.columns) == ["label", "probability"]
    assert list(table.index) == list(frame.index)[::-1]
    assert frame.join(table).label[:400].astype(int).eq(frame.note[:400]).mean() > 0.9
    model.save(str(tmp_path / "m.safetensors"))
    assert load(str(tmp_path / "m.safetensors")).predict("très bien, parfait :)") == answer
    with pytest.raises(ValueError, match="epochs"):
        train(texts, labels, epochs=0)


def test_python_joins_labels_and_answers_tables_as_the_command_does(tmp_path):
    joined = "1,2=negative 4,5=positive"
    rows = [*stars(french()), *((f"moyen {i}", 3) for i in range(30))]
    frame = pd.DataFrame(rows, columns=["avis", "note"], index=range(1000, 1000 + len(rows)))
    model = train(frame, joined, text_column="avis", label_column="note", epochs=4)
    assert model.label_names == ["negative", "positive"]
    assert model.settings["train_texts"] == 400
    (tmp_path / "t.csv").write_text(csv_of(rows, names=("avis", "note")))
    from_file = train(tmp_path / "t.csv", joined, epochs=4)
    assert from_file.label_names == ["negative", "positive"]
    answers = model.predict(frame)
    pd.testing.assert_frame_equal(answers, model.predict(frame["avis"]))
    assert list(answers.index) == list(frame.index)
    found = model.predict(["", "   ", "très bien, superbe séjour", "xyzzy"], unsure=0.8)
    assert [answer.label for answer in found] == ["no text", "no text", "positive", "unsure"]
    assert np.isnan(found[0].probability)
    assert 0.5 <= found[3].probability < 0.8
    assert list(model.predict(frame.iloc[:0]).columns) == ["label", "probability"]
    with pytest.raises(ProjectError, match="texts are strings, and 7 is none"):
        model.predict(["très bien", 7])
    with pytest.raises(ProjectError, match="texts need labels"):
        train(["très bien", "sale"])
    with pytest.raises(ProjectError, match="is no group such as"):
        train(frame, "1,2", text_column="avis")


@pytest.mark.parametrize("kind", ["object", "string"])
def test_what_pandas_calls_missing_is_left_out(kind):
    texts, labels = zip(*french(), strict=True)
    whole = train(texts, [str(label) for label in labels], epochs=1)
    frame = pd.DataFrame(
        {"text": [*texts, None, "x", pd.NA], "label": [*map(str, labels), "1", pd.NA, "0"]}, dtype=kind
    )
    model = train(frame, epochs=1)
    assert model.label_names == ["0", "1"]
    np.testing.assert_array_equal(model.probabilities(texts), whole.probabilities(texts))
    assert list(model.predict(frame.text).index) == list(frame.index)


def test_a_number_that_is_none_is_no_label():
    left_out = LeftOut()
    table = table_of(("text", "label"), [{"text": "a", "label": float("nan")}])
    assert list(usable_rows(table, Layout("text", "label"), left_out)) == []
    assert list(left_out.rows) == ["without label"]


@pytest.mark.real_data
def test_chinese_hotel_reviews_reach_the_stated_accuracy(tmp_path):
    data = real_data("own/ChnSentiCorp_htl_all.csv")
    assert run("sentiment", "train", "-q", "--data", data, cwd=tmp_path)[0] == 0
    code, output, errors = run("sentiment", "evaluate", "--data", data, "--json", cwd=tmp_path)
    assert code == 0, errors
    assert json.loads(output)["test"]["accuracy"] >= 0.895


def test_the_analysts_walk_in_the_documents(tmp_path):
    """The commands of docs/own-data.md, as they stand there, on an export in cp1252 with semicolons and stars."""
    page = (ROOT / "docs" / "own-data.md").read_text(encoding="utf-8")
    section = page.partition("## Your own texts")[2].partition("\n## ")[0]
    commands = [line for line in section.splitlines() if line.startswith("sentiment ")]
    assert len(commands) == 8
    rows = [*stars(western()), *((f"moyen {i}", 3) for i in range(30))]
    (tmp_path / "export.csv").write_bytes(csv_of(rows, ";", ("Avis", "Note")).encode("cp1252"))
    new = [(text, "") for text, _ in western()[:20]]
    (tmp_path / "new.csv").write_bytes(csv_of(new, ";", ("Avis", "Note")).encode("cp1252"))
    for command in commands:
        code, _, errors = run(*shlex.split(command), cwd=tmp_path)
        assert code == 0, (command, errors)
    answers = list(csv.DictReader((tmp_path / "answers.csv").open(encoding="utf-8-sig"), delimiter=";"))
    assert [row["Avis"] for row in answers] == [text for text, _ in new]
    assert {row["label"] for row in answers} <= {"negative", "positive", "unsure"}
    page = (tmp_path / "runs" / "sentiment" / "report.html").read_text(encoding="utf-8")
    assert "film" not in page.partition("<script")[0]


def portuguese(n=300):
    """SIMULATED reviews with stars, some of which say what they are: “5 estrelas”."""
    rng = random.Random(3)
    rows = []
    for number in range(n):
        good = number % 2
        text = f"{rng.choice(GOOD if good else BAD)}, {rng.choice(GOOD if good else BAD)} ({number})"
        star = rng.choice([4, 5] if good else [1, 2]) if number % 7 else 3
        rows.append((number, ("Faro", "Porto")[number % 2], text, star if number % 9 else f"{star} estrelas"))
    return rows


SHOP = ("Nº", "Loja", "Comentário", "Estrelas")


def test_stars_that_say_what_they_are_are_stars(tmp_path):
    (tmp_path / "t.csv").write_text(csv_of(portuguese(), ";", SHOP))
    output = run("sentiment", "check", "t.csv", cwd=tmp_path)[1]
    assert "texts from 'Comentário', labels from 'Estrelas'\n" in output
    joined = '"1,1 estrelas,2,2 estrelas=negative; 4,4 estrelas,5,5 estrelas=positive"'
    assert f"or, good and bad alone:  sentiment train t.csv --labels {joined}" in output
    assert "these look like one label: " in output
    (tmp_path / "u.csv").write_text(csv_of(portuguese(), ";", ("nr", "loja", "frase", "valor")))  # no usual name
    assert "texts from 'frase', labels from 'valor' (guessed" in run("sentiment", "check", "u.csv", cwd=tmp_path)[1]
    labels = ["1", "2", "3", "3 estrelas", "4", "5"]
    groups = groups_of_stars(labels)
    assert groups == "1,2=negative 4,5=positive"
    assert '--labels "1,2=negative; 3,3 estrelas=neutral; 4,5=positive"' in middle_left_out(labels, groups)


def test_a_title_with_the_delimiters_of_a_spreadsheet_is_left_out(tmp_path):
    above = "Relatório\x0c de 2026;;;\r\n;;;\r\n"  # a form feed ends no line
    (tmp_path / "t.csv").write_text(above + csv_of(portuguese(), ";", SHOP), newline="")
    code, output, errors = run("sentiment", "check", "t.csv", cwd=tmp_path)
    assert code == 0, errors
    assert "the columns are named in line 3 (Nº, Loja, Comentário, Estrelas), what stands above is left out" in errors
    assert "300 rows" in output
    (tmp_path / "t.csv").write_text(above + csv_of([*portuguese(), ("x",) * 5], ";", SHOP), newline="")
    assert "t.csv, line 304: 5 fields" in run("sentiment", "check", "t.csv", cwd=tmp_path)[2]


def test_a_label_that_is_misspelled_in_labels_is_named_with_what_may_be_meant(tmp_path):
    rows = [(text, "Entrega" if good else "Devolução") for text, good in french()]
    (tmp_path / "t.csv").write_text(csv_of(rows))
    joined = "Entregaa=E; Devolução=D"
    code, _, errors = run("sentiment", "train", "t.csv", "-q", "--labels", joined, cwd=tmp_path)
    assert code == 1
    assert "Entregaa, named by --labels, does not occur: did you mean Entrega for Entregaa?" in errors


@pytest.mark.parametrize(
    ("label", "other", "expected"),
    [
        ("2 star", "2 stars", True),
        ("Entregaa", "Entrega", True),
        ("1 star", "2 stars", False),
        ("0 stars", "3 stars", False),
        ("6", "5", False),
        ("good", "bad", False),
    ],
)
def test_a_slip_in_a_label_is_no_other_grade(label, other, expected):
    assert is_slip(label, other) is expected


def test_a_slip_in_labels_ends_a_training_before_it_takes_the_place_of_a_good_model(tmp_path):
    bad = ["1 star", "2 stars", "1 star"]
    rows = [(text, "5 stars" if label else bad[number % 3]) for number, (text, label) in enumerate(french())]
    (tmp_path / "t.csv").write_text(csv_of(rows))
    joined = "1 star,2 star=bad; 5 stars=good"
    code, _, errors = run("sentiment", "train", "t.csv", "-q", "--labels", joined, cwd=tmp_path)
    assert code == 1
    assert "2 star, named by --labels, does not occur: did you mean 2 stars for 2 star?" in errors
    assert not (tmp_path / "runs" / "sentiment" / "model.safetensors").exists()


def test_sheets_that_are_not_read_are_told(tmp_path):
    with pd.ExcelWriter(tmp_path / "two.xlsx", engine="xlsxwriter") as writer:
        for name, text in (("Leeds", "good work"), ("York", "bad luck")):
            pd.DataFrame({"remarks": [text] * 3}).to_excel(writer, sheet_name=name, index=False)
        pd.DataFrame({"nothing": []}).to_excel(writer, sheet_name="empty", index=False)
    remark = tables.open_table(tmp_path / "two.xlsx").remark()
    read = "only the first sheet with rows is read, not York (save another as a file of its own)"
    assert remark == f"{tmp_path / 'two.xlsx'}: {read}"


@pytest.mark.parametrize("name", ["octobr.xls", "my feedback.xlsx", "notes.docx", "x.ods"])
def test_a_file_that_is_not_there_is_no_text(name, tmp_path):
    (tmp_path / "t.csv").write_text(csv_of(french()))
    code, _, errors = run("sentiment", "train", "t.csv", "-q", "--epochs", "1", cwd=tmp_path)
    assert code == 0, errors
    code, output, errors = run("sentiment", "predict", name, cwd=tmp_path)
    assert (code, output) == (1, "")
    assert name in errors


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        (["Product", "Rating (1-5)"], "Rating (1-5)"),
        (["评分（1-5）", "类别"], "类别"),  # the first of the usual names
        (["stars [0..5]", "Rating of what?"], "stars [0..5]"),
        (["(rating", "Resolved"], None),
    ],
)
def test_names_of_columns_may_have_more_in_brackets(columns, label):
    assert usual(columns, LABEL_NAMES) == label


def test_a_column_of_the_table_that_is_called_like_one_of_the_answer_is_kept(tmp_path):
    answer = {"place": "t.csv, line 2", "answer": "good", "probability": 0.9, "text": "bof"}
    joined = [answer | {"label": "bad", "row": {"label": stars, "text": "bof"}} for stars in ("1", "2")]
    write_mistakes(joined, tmp_path / "joined.csv", ",")
    assert (tmp_path / "joined.csv").read_text("utf-8-sig").splitlines() == [
        "place,label,answer,probability,label (table),text",
        '"t.csv, line 2",bad,good,0.9,1,bof',
        '"t.csv, line 2",bad,good,0.9,2,bof',
    ]
    write_mistakes([answer | {"label": "1", "row": {"label": "1", "text": "bof"}}], tmp_path / "as-they-are.csv", ",")
    assert (tmp_path / "as-they-are.csv").read_text("utf-8-sig").startswith("place,label,answer,probability,text\n")


def test_labels_that_may_be_wrong_are_found_by_models_that_did_not_know_the_texts(tmp_path):
    rows = french()
    wrong = set(range(0, 400, 16))
    for number in wrong:
        rows[number] = (rows[number][0], 1 - rows[number][1])
    (tmp_path / "t.csv").write_text(csv_of(rows, ";"))
    before = (tmp_path / "t.csv").read_bytes()
    code, output, errors = run("sentiment", "doubts", "t.csv", "--out", "d.csv", cwd=tmp_path)
    assert code == 0, errors
    plain = (tmp_path / "d.csv").read_bytes().decode("utf-8-sig")
    found = list(csv.DictReader(io.StringIO(plain), delimiter=";"))
    assert output.startswith(f"of 400 texts, {len(found)} (")
    assert f"d.csv: {len(found)} rows" in errors
    numbers = [int(row["place"].rpartition(" ")[2]) - 2 for row in found]
    assert len(numbers) == len(set(numbers))
    assert len(wrong.intersection(numbers)) >= 0.8 * len(wrong)
    assert len(wrong.intersection(numbers[:10])) >= 8  # the surest ones
    for number, row in zip(numbers, found, strict=True):
        assert (row["text"], row["label"]) == (rows[number][0], str(rows[number][1]))
    code, _, errors = run("sentiment", "doubts", "t.csv", "--out", "t.csv", cwd=tmp_path)
    assert code == 1
    assert "the doubts would take the place of t.csv: name another file with --out" in errors
    assert (tmp_path / "t.csv").read_bytes() == before
    assert not (tmp_path / "runs").exists()


def test_labels_in_doubt_are_joined_as_the_model_was_trained(tmp_path):
    stars = {0: ("1", "2"), 1: ("4", "5")}
    chance = random.Random(0)
    rows = [(text, chance.choice(stars[label])) for text, label in french()]
    (tmp_path / "t.csv").write_text(csv_of(rows))
    apart, _ = (run("sentiment", "doubts", "t.csv", cwd=tmp_path)[place] for place in (1, 2))
    code, _, errors = run("sentiment", "train", "t.csv", "-q", "--labels", "1,2=bad 4,5=good", cwd=tmp_path)
    assert code == 0, errors
    code, joined, errors = run("sentiment", "doubts", "t.csv", cwd=tmp_path)
    assert code == 0, errors
    assert "columns and joined labels are those of the model in runs/sentiment" in errors
    in_doubt = [int(re.match(r"of 400 texts, (\d+)", output)[1]) for output in (apart, joined)]
    assert in_doubt[0] > 150 > 40 > in_doubt[1]  # which of two stars is chance here


def test_a_label_is_judged_by_copies_of_its_text_never_and_not_where_it_is_alone():
    rows = [(text, str(label)) for text, label in french()]
    texts = [*(text for text, _ in rows), "un cas à part", "copie", "copie", "copie"]
    labels = [*(label for _, label in rows), "autre", "0", "0", "1"]
    found = doubts.find_doubts([labelled_texts(texts, labels)])
    assert found.n_judged + found.n_rare == len(texts)
    assert found.n_rare == 1  # the only text of its label
    copies = [doubt for doubt in found.found if doubt["text"] == "copie"]
    assert {doubt["label"] for doubt in copies} in ({"0"}, {"1"})  # all copies have one answer
    assert {doubts.fold_of(text) for text in texts} == set(range(doubts.FOLDS))


def test_all_mistakes_go_to_a_file_the_surest_first(tmp_path):
    import python_calamine as calamine

    rows = french()
    wrong = [number for number in range(0, 400, 7) if drawn(rows[number][0]) < 0.2]  # of the texts that are scored
    assert len(wrong) > 5
    for number in wrong:
        rows[number] = (rows[number][0], 1 - rows[number][1])
    (tmp_path / "t.csv").write_text(csv_of(rows, ";"))
    code, _, errors = run("sentiment", "train", "t.csv", "-q", cwd=tmp_path)
    assert code == 0, errors
    code, output, errors = run("sentiment", "evaluate", "t.csv", "--mistakes", "m.csv", cwd=tmp_path)
    assert code == 0, errors
    plain = (tmp_path / "m.csv").read_bytes().decode("utf-8-sig")
    found = list(csv.DictReader(io.StringIO(plain), delimiter=";"))
    assert f"m.csv: {len(found)} wrong answers" in errors
    probabilities = [float(row["probability"].replace(",", ".")) for row in found]
    assert probabilities == sorted(probabilities, reverse=True)
    lines = {int(row["place"].rpartition(" ")[2]) for row in found}
    assert lines >= {number + 2 for number in wrong}
    for row in found:
        text, label = rows[int(row["place"].rpartition(" ")[2]) - 2]
        assert (row["text"], row["label"]) == (text, str(label))
        assert row["answer"] != row["label"]
    assert len(json.loads((tmp_path / "runs" / "sentiment" / "metrics.json").read_text())["mistakes"]) == 5
    assert f"({tmp_path.name}" not in output
    run("sentiment", "evaluate", "t.csv", "--mistakes", "m.xlsx", cwd=tmp_path)
    names, *cells = calamine.CalamineWorkbook.from_path(tmp_path / "m.xlsx").get_sheet_by_index(0).to_python()
    assert names == ["place", "label", "answer", "probability", "text"]
    assert [row[3] for row in cells] == probabilities
    code, _, errors = run("sentiment", "evaluate", "t.csv", "--mistakes", "m.pdf", cwd=tmp_path)
    assert code == 1
    assert "m.pdf: mistakes are written to a .csv, .tsv or .xlsx" in errors
    before = (tmp_path / "t.csv").read_bytes()
    code, _, errors = run("sentiment", "evaluate", "t.csv", "--mistakes", "t.csv", cwd=tmp_path)
    assert code == 1
    assert "the mistakes would take the place of t.csv" in errors
    assert (tmp_path / "t.csv").read_bytes() == before


def test_numbers_of_a_csv_are_numbers_in_excel_and_codes_are_texts(tmp_path):
    import python_calamine as calamine

    (tmp_path / "t.csv").write_text(csv_of(portuguese(), ";", SHOP))
    code, _, errors = run("sentiment", "train", "t.csv", "-q", "--labels", "1,2=bad 4,5=good", cwd=tmp_path)
    assert code == 0, errors
    written = ("20000", "007", "3,5", "1.234", "-4", "12345678901234567", "5 estrelas")
    new = [(number, cell, "très bien, parfait :)") for number, cell in enumerate(written)]
    (tmp_path / "new.csv").write_text(csv_of(new, ";", ("Nº", "Valor", "Comentário")))
    code, _, errors = run("sentiment", "predict", "new.csv", "--out", "a.xlsx", cwd=tmp_path)
    assert code == 0, errors
    _, *cells = calamine.CalamineWorkbook.from_path(tmp_path / "a.xlsx").get_sheet_by_index(0).to_python()
    assert [row[1] for row in cells] == [20000, "007", 3.5, "1.234", -4, "12345678901234567", "5 estrelas"]
    assert [row[0] for row in cells] == list(range(len(written)))


def test_several_tables_are_answered_each_in_its_own_format(tmp_path):
    (tmp_path / "t.csv").write_text(csv_of(french()))
    code, _, errors = run("sentiment", "train", "t.csv", "-q", cwd=tmp_path)
    assert code == 0, errors
    (tmp_path / "a.csv").write_text("text\nparfait :)\n")
    (tmp_path / "b.tsv").write_text("nr\ttext\n1\tparfait :)\n")
    (tmp_path / "c.json").write_text('[{"text": "parfait :)"}]')
    code, _, errors = run("sentiment", "predict", "a.csv", "b.tsv", "c.json", "--out", "answers", cwd=tmp_path)
    assert code == 0, errors
    assert sorted(path.name for path in (tmp_path / "answers").iterdir()) == ["a.csv", "b.tsv", "c.jsonl"]
    assert (tmp_path / "answers" / "a.csv").read_text().startswith("text,label,probability\nparfait :),1,")


def test_rows_that_were_trained_on_are_told(tmp_path):
    (tmp_path / "t.csv").write_text(csv_of(french()))
    code, _, errors = run("sentiment", "train", "t.csv", "-q", "--no-test", cwd=tmp_path)
    assert code == 0, errors
    (tmp_path / "new.csv").write_text(csv_of([*french()[:7], ("quelque chose de nouveau", 1)]))
    code, _, errors = run("sentiment", "predict", "new.csv", "--out", "a.csv", cwd=tmp_path)
    assert code == 0, errors
    assert "a.csv: the model was trained on the texts of 7 rows: new ones are answered less well" in errors


def test_pictures_of_an_older_model_go_with_it(tmp_path):
    (tmp_path / "t.csv").write_text(csv_of(french()))
    for command in (("train", "t.csv", "-q"), ("evaluate", "t.csv"), ("plot",), ("report",)):
        code, _, errors = run("sentiment", *command, cwd=tmp_path)
        assert code == 0, errors
    folder = tmp_path / "runs" / "sentiment"
    assert (folder / "confusion.png").exists()
    code, _, errors = run("sentiment", "train", "t.csv", "-q", "--seed", 5, cwd=tmp_path)
    assert code == 0, errors
    assert sorted(path.name for path in folder.iterdir()) == ["history.csv", "model.safetensors"]


def test_an_option_before_the_command_is_told_where_it_goes(tmp_path):
    code, _, errors = run("sentiment", "--run", "x", "predict", "bom", cwd=tmp_path)
    assert code == 2
    assert "No option --run here: it goes after the command, as in `sentiment train … --run`" in errors


def test_bars_of_lengths_hold_as_many_lengths_each():
    """Texts of 1 to 43 words, 100 of each: no bar is higher for holding more lengths than the others."""
    found = {"labels": {"a": 4300}, "lengths": [n for n in range(1, 44) for _ in range(100)], "words": {"median": 22}}
    bars = plot_check(found).axes[1].patches
    heights = {bar.get_height() for bar in bars[1:-1]}
    assert heights == {200}


def test_labels_are_where_the_texts_tell_most_if_no_name_says_where(tmp_path):
    rng = random.Random(2)
    rows = [
        {"Shop": rng.choice("AB"), "Said": text, "Desk": f"desk {1 + label + 2 * (number % 7 == 0 and label)}"}
        for number, (text, label) in enumerate(french())
    ]
    found = find_layout(table_of(("Shop", "Said", "Desk"), rows), Layout(), labelled=True)
    assert (found.text_column, found.label_column) == ("Said", "Desk")  # though shops are fewer
    for row in rows:
        row["Desk"] = f"desk {rng.randrange(3)}"
    found = find_layout(table_of(("Shop", "Said", "Desk"), rows), Layout(), labelled=True)
    assert found.label_column == "Shop"  # neither is told; the one with fewer values


def test_doubts_and_tune_take_the_columns_that_the_model_was_trained_on(tmp_path):
    rng = random.Random(1)
    rows = [(*row, rng.choice("xyz")) for row in french()]
    (tmp_path / "t.csv").write_text(csv_of(rows, names=("text", "art", "label")))
    joined = ["--label-column", "art", "--labels", "0=bad 1=good"]
    assert run("sentiment", "train", "-q", "t.csv", "--epochs", 2, *joined, cwd=tmp_path)[0] == 0
    code, output, errors = run("sentiment", "doubts", "t.csv", cwd=tmp_path)
    assert code == 0, errors
    assert "columns and joined labels are those of the model in runs/sentiment" in errors
    assert "good" in output or "of 400 texts, 0 (" in output
    code, output, errors = run("sentiment", "doubts", "t.csv", "--label-column", "label", cwd=tmp_path)
    assert code == 0, errors
    assert "those of the model" not in errors
    assert "so many are no slips: is 'label' the column of labels (--label-column)?" in errors
    code, output, errors = run("sentiment", "tune", "t.csv", "--minutes", 0.1, "-q", cwd=tmp_path)
    assert code == 0, errors
    assert "--label-column art --labels '0=bad 1=good'" in output


def test_marks_that_stand_for_no_label_are_not_among_those_to_join(tmp_path):
    rows = [(text, {0: "bad", 1: "good"}[label]) for text, label in french()]
    rows[:30] = [(text, label.capitalize()) for text, label in rows[:30]]
    rows[30:34] = [(text, "???") for text, _ in rows[30:34]]
    (tmp_path / "t.csv").write_text(csv_of(rows))
    output = run("sentiment", "check", "t.csv", cwd=tmp_path)[1]
    assert "Bad,bad=" in output
    assert "???=" not in output
    assert "--balanced lets all count alike" not in output
