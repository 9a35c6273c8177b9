"""Tables as people have them: in every encoding and packing they give the same rows, and errors name their place."""

import datetime
import gzip
import io
import json
import zipfile

import pytest

from projects.common import excel_tables, text_encoding, text_tables, unpacking
from projects.common.errors import ProjectError
from projects.common.tables import open_table, read_stream

ROWS = [
    {"text": "Très bon café, à midi", "note": "5"},
    {"text": 'He said "no; never"\nand left', "note": ""},
    {"text": "a | b", "note": "1"},
]


def as_csv(delimiter, rows=ROWS, end="\n"):
    """The rows as CSV, written by hand: quoted where they must be."""

    def quoted(value):
        inside = value.replace('"', '""')
        return f'"{inside}"' if any(c in value for c in '"\n' + delimiter) else value

    lines = [delimiter.join(rows[0]), *(delimiter.join(map(quoted, row.values())) for row in rows)]
    return "".join(line + end for line in lines)


def packed(content, packing, name="table.csv"):
    if packing == "gzip":
        return gzip.compress(content)
    if packing == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"folder/{name}", content)
            archive.writestr("__MACOSX/._table", b"beside it")
        return buffer.getvalue()
    return content


@pytest.fixture
def file(tmp_path):
    def write(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def values(table):
    return [row for _, row in table.rows()]


def refused(path, words, **options):
    with pytest.raises(ProjectError, match=words):
        list(open_table(path, **options).rows())


@pytest.mark.parametrize("packing", ["", "gzip", "zip"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encoding_delimiter_and_packing_are_found(file, encoding, delimiter, packing):
    table = open_table(
        file(packed(as_csv(delimiter).encode(encoding), packing), f"table.csv{packing and '.' + packing}")
    )
    assert values(table) == ROWS
    assert list(table.rows()) == list(table.rows())  # it can be read again
    assert (table.format, table.delimiter, table.columns) == ("CSV", delimiter, ("text", "note"))
    assert table.encoding_guessed == (encoding == "cp1252")
    assert (table.remark() is not None) == (encoding == "cp1252")
    assert [place for place, _ in table.rows()] == ["line 2", "line 4 (row 3)", "line 5 (row 4)"]


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n\n"])
def test_other_line_ends_are_read(file, end):
    assert values(open_table(file(as_csv(";", end=end).encode()))) == ROWS


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "очень хорошая книга и интересный фильм"),
        ("gb18030", "酒店很好，服务也不错，下次还会来"),
        ("euc_kr", "영화가 아주 좋았습니다 다시 보고 싶어요"),
        ("cp1250", "Bardzo dobra książka, świetnie się czyta, żółć"),
        ("cp1252", "Grün"),
        ("cp1252", "25 °C"),
    ],
)
def test_other_encodings_are_guessed_and_can_be_stated(file, encoding, text):
    path = file(f"text;note\n{text};5\n{text};4\n".encode(encoding))
    table = open_table(path)
    assert values(table) == [{"text": text, "note": "5"}, {"text": text, "note": "4"}]
    assert f"not UTF-8, so read as {table.encoding} (--encoding names another)" in table.remark()
    stated = open_table(path, encoding)
    assert values(stated) == values(table)
    assert stated.remark() is None


@pytest.mark.parametrize("n_lines", [3, 6, 24])
@pytest.mark.parametrize(
    ("encoding", "texts"),
    [
        ("cp1252", ["très bien, séjour agréable", "le café était froid – déçu", "nous reviendrons à l’été"]),
        ("cp1252", ["sehr schön und gemütlich", "leider zu spät geliefert", "Preis über 20 €"]),
        ("cp1252", ["erittäin hyvä", "huono sää ja ikävä hinta", "ystävällinen"]),
        ("cp1252", ["mjög gott", "þetta var ekki gott", "frábær þjónusta"]),
        ("cp1252", ["¡Qué pena! ¿por qué no avisaron?", "mañana llamaré", "el baño estaba sucio"]),
        ("cp1250", ["velmi dobrá kniha", "příběh se mi líbil", "špatná obsluha, děkuji"]),
        ("cp1250", ["Bardzo dobra książka", "świetnie się czyta", "żółć i złość"]),
        ("cp1251", ["очень хорошая книга", "плохое обслуживание", "не понравилось"]),
        ("cp1253", ["πολύ καλό βιβλίο", "κακή εξυπηρέτηση", "δεν μου άρεσε"]),
        ("cp1256", ["فندق جميل جدا", "خدمة سيئة", "لم يعجبني"]),
        ("euc_kr", ["영화가 아주 좋았습니다", "다시 보고 싶어요", "별로였어요"]),
        ("gb18030", ["酒店很好，服务也不错", "下次还会来", "房间很脏"]),
        ("shift_jis", ["とても良い映画", "面白くない", "最高でした"]),
    ],
)
def test_a_short_file_is_in_an_encoding_of_today(file, encoding, texts, n_lines):
    chosen = [texts[number % len(texts)] for number in range(n_lines)]
    lines = [f"{number};{text}\r\n" for number, text in enumerate(chosen)]
    table = open_table(file(f"nr;text\r\n{''.join(lines)}".encode(encoding)))
    assert [row["text"] for row in values(table)] == chosen


def test_the_encoding_of_another_file_of_the_kind_comes_first(file):
    hungarian = file("text\nőszinte és szörnyű idő\n".encode("cp1250"))  # cp1252 would do as well
    assert open_table(hungarian, likely="cp1250").encoding == "cp1250"
    assert values(open_table(hungarian, likely="cp1250")) == [{"text": "őszinte és szörnyű idő"}]
    korean = file("text\n영화가 아주 좋았습니다\n".encode("euc_kr"))
    assert values(open_table(korean, likely="cp1252")) == [{"text": "영화가 아주 좋았습니다"}]
    assert open_table(file("text\nété\n".encode()), likely="cp1252").encoding == "utf-8-sig"
    assert open_table(file(b"text\n\xe9t\xe9\n"), likely="no such encoding").encoding == "cp1252"


def test_an_encoding_that_is_hard_to_guess_can_be_stated(file):
    path = file("本文,評価\nとても良い映画,5\n".encode("shift_jis"))
    assert values(open_table(path, "shift_jis")) == [{"本文": "とても良い映画", "評価": "5"}]


def test_a_letter_beyond_ascii_far_down_decides_too(file, monkeypatch):
    monkeypatch.setattr(text_encoding, "PIECE", 64)
    plain = "text,note\n" + "nothing special,1\n" * 1000
    assert values(open_table(file((plain + "déjà vu,2\n").encode("cp1252"))))[-1] == {"text": "déjà vu", "note": "2"}
    assert values(open_table(file((plain + "déjà vu,2\n").encode())))[-1] == {"text": "déjà vu", "note": "2"}
    assert open_table(file(plain.encode())).encoding == "utf-8-sig"


def test_what_is_utf_8_for_the_most_part_is_refused_by_the_line_that_is_not(file):
    content = "text,note\ncafé à la crème,1\n".encode() + b"caf\xe9,2\n"
    refused(file(content), "line 3: not UTF-8 .character 4.")
    refused(file(b"text,note\ncaf\xe9,2\n"), "line 2: not UTF-8", encoding="utf-8")
    refused(file("text\ncafé\n".encode()), "not ascii", encoding="ascii")
    refused(file(b"text\n"), "no encoding is called 'klingon'", encoding="klingon")
    refused(file(b"text\n"), "no encoding is called 'rot13'", encoding="rot13")
    refused(file(bytes(range(128, 256)) * 10), "neither UTF-8 nor text in another known encoding")


def test_quotes_hide_delimiters_from_being_counted(file):
    content = 'name;remark\n"a, b, c";x\n"d, e, f";"y, z"\n'
    assert values(open_table(file(content.encode())))[1] == {"name": "d, e, f", "remark": "y, z"}
    one_column = 'text\n"good; bad"\nplain\n"a, b"\n'
    assert [row["text"] for row in values(open_table(file(one_column.encode())))] == ["good; bad", "plain", "a, b"]


def test_a_row_that_is_only_a_line_end_is_one_where_there_is_one_column(file):
    assert values(open_table(file(b"text\n\nfine\n"))) == [{"text": ""}, {"text": "fine"}]
    assert values(open_table(file(b"\ntext,note\n\nfine,1\n"))) == [{"text": "fine", "note": "1"}]
    assert open_table(file(b"")).columns == ()
    assert values(open_table(file(b"\n"))) == []


JSON_ROWS = [{"text": "café", "stars": 5, "tags": ["a"]}, {"text": "", "stars": None}]


PROSE = [
    "What a lovely evening",
    "Dull, slow; and never again",
    "not bad",
]
TABLES = [
    "text;label\nGood food, nice people;1\nRude;0\n",
    'text,label\n"Good food, nice people",1\nRude,0\n',
    "Kommentar\nGood food and nice people\nRude and slow and bad\n",
    "a\tb\n1\t2\n",
]


@pytest.mark.parametrize("packing", ["", "gzip"])
def test_a_txt_may_have_a_text_on_each_line(file, packing):
    for lines in (PROSE, PROSE[:1], PROSE[1:], ["Good food, nice people", "Bad food, rude staff"], ["good", "bad"]):
        name = "t.txt.gz" if packing else "t.txt"
        table = open_table(file(packed("\r\n\n".join(lines).encode(), packing), name))
        assert table.columns == ("text",)
        assert [(place, row["text"]) for place, row in table.rows()] == [
            (f"line {1 + 2 * number}", line) for number, line in enumerate(lines)
        ]
        assert "a text on each line" in table.remark()
    for content in TABLES:
        table = open_table(file(content.encode(), "t.txt"))
        assert table.format == "CSV", content
        assert len(list(table.rows())) == content.count("\n") - 1
    named = open_table(file(b"Kommentar\nGood food, nice people\nRude, slow and bad\n", "t.txt"))
    assert [(place, row["Kommentar"]) for place, row in named.rows()] == [
        ("line 2", "Good food, nice people"),
        ("line 3", "Rude, slow and bad"),
    ]


@pytest.mark.parametrize("packing", ["", "gzip", "zip"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_as_lines_and_as_a_list(file, encoding, packing):
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in JSON_ROWS)
    for name in ("table.jsonl", "table.json", "table"):
        table = open_table(file(packed(lines.encode(encoding), packing, name), name))
        assert (table.format, values(table)) == ("JSONL", JSON_ROWS)
        assert [place for place, _ in table.rows()] == ["line 1", "line 2"]
    text = json.dumps(JSON_ROWS, ensure_ascii=False, indent=1)
    table = open_table(file(packed(text.encode(encoding), packing, "table.json"), "table.json"))
    assert (table.format, values(table), table.columns) == ("JSON", JSON_ROWS, ("text", "stars", "tags"))
    assert [place for place, _ in table.rows()] == ["row 1", "row 2"]
    assert values(open_table(file(b"[]", "table.json"))) == []


@pytest.mark.parametrize("packing", ["", "gzip", "zip"])
def test_parquet(file, packing):
    parquet = pytest.importorskip("pyarrow.parquet", reason="no pyarrow: pip install -e '.[dask]'")
    pyarrow = pytest.importorskip("pyarrow")
    buffer = io.BytesIO()
    rows = [{"text": f"café {number}", "stars": number} for number in range(2500)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), buffer)
    table = open_table(file(packed(buffer.getvalue(), packing, "table.parquet"), "table.parquet"))
    assert (table.format, table.columns, values(table)) == ("Parquet", ("text", "stars"), rows)
    assert list(table.rows())[-1][0] == "row 2500"
    refused(file(b"PAR1 but no more", "broken.parquet"), "cannot read .*broken.parquet")


def workbook(*sheets):
    """An .xlsx file, written by hand: each sheet is a list of rows, a row a list of cells, None for an empty one."""

    def cell(value, row, column):
        name = f"{chr(65 + column)}{row}"
        if isinstance(value, str):
            return f'<c r="{name}" t="inlineStr"><is><t>{value}</t></is></c>'
        if isinstance(value, datetime.datetime):
            days = (value - datetime.datetime(1899, 12, 30)) / datetime.timedelta(days=1)
            return f'<c r="{name}" s="2"><v>{days!r}</v></c>'
        if isinstance(value, datetime.date):
            return f'<c r="{name}" s="1"><v>{(value - datetime.date(1899, 12, 30)).days}</v></c>'
        return f'<c r="{name}"><v>{value}</v></c>' if value is not None else ""

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    names = "".join(f'<sheet name="Rents {n}" sheetId="{n}" r:id="r{n}"/>' for n, _ in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="r{n}" Type="{relations}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n, _ in enumerate(sheets, 1)
    )
    links += f'<Relationship Id="s" Type="{relations}/styles" Target="styles.xml"/>'
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for n, _ in enumerate(sheets, 1)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{types}"><Default Extension="xml" ContentType="application/xml"/>'
        f'{overrides}<Default Extension="rels" ContentType="{package}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}"><Relationship Id="w" Type="{relations}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}">{links}</Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><cellXfs>'
        '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs></styleSheet>',
    }
    for number, rows in enumerate(sheets, 1):
        lines = "".join(
            f'<row r="{r}">{"".join(cell(value, r, c) for c, value in enumerate(row))}</row>'
            for r, row in enumerate(rows, 1)
        )
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData></worksheet>'
        )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + content)
    return buffer.getvalue()


@pytest.mark.parametrize("packing", ["", "gzip", "zip"])
def test_excel(file, packing):
    day = datetime.date(2024, 3, 1)
    content = workbook([], [["date", "rents", "note"], [day, 7, "café"], [None], [day, 7.5]])
    table = open_table(file(packed(content, packing, "table.xlsx"), "table.xlsx"))
    assert (table.format, table.columns) == ("Excel", ("date", "rents", "note"))
    assert list(table.rows()) == [
        ("sheet Rents 2, row 2", {"date": day, "rents": 7, "note": "café"}),
        ("sheet Rents 2, row 4", {"date": day, "rents": 7.5, "note": ""}),
    ]
    refused(file(workbook([["a"], [1, 2]])), "sheet Rents 1, row 2: 2 stands beyond the last column, a")
    above = [["Export of 2026-01-01"], [], ["Note", "Avis", "Ville"], [5, "bien", "Paris"], [1, "mal", ""]]
    table = open_table(file(workbook(above)))
    assert [row for _, row in table.rows()] == [
        {"Note": 5, "Avis": "bien", "Ville": "Paris"},
        {"Note": 1, "Avis": "mal", "Ville": ""},
    ]
    assert "named in sheet Rents 1, row 3 (Note, Avis, Ville), what stands above is left out" in table.remark()
    refused(file(workbook([["a", "a"], [1, 2]])), "sheet Rents 1, row 1: two columns have the same name, 'a'")
    refused(file(content[:600]), "is no whole zip file")


def test_midnights_are_times_in_a_column_of_times_and_times_are_whole_seconds(file):
    day, moment = datetime.date(2024, 3, 1), datetime.datetime
    early = moment(2024, 3, 2, 2) - datetime.timedelta(milliseconds=3)  # as =A2+1/24 comes to, thousands of rows below
    written = [moment(2024, 3, 1, 23), moment(2024, 3, 2), moment(2024, 3, 2, 1), early, ""]
    content = workbook([["at", "day", "n"], *([time, day, n] for n, time in enumerate(written))])
    read = values(open_table(file(content, "table.xlsx")))
    assert [row["at"] for row in read] == [*written[:3], moment(2024, 3, 2, 2), ""]
    assert {type(row["at"]) for row in read[:4]} == {moment}  # a datetime is a date, too
    assert {type(row["day"]) for row in read} == {datetime.date}


def test_an_excel_file_that_unpacks_to_too_much_is_refused(file, monkeypatch):
    monkeypatch.setattr(excel_tables, "LARGEST_WORKBOOK", 1000)
    refused(file(workbook([["a"], [1]])), "more than an Excel table has: save it as CSV")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "a,b\n1,2\n1\n", "line 3: 1 fields, but the header has 2, the last of them b"),
        ("a.csv", 'a,b\n1,"x\ny"\n1,2,3\n', r"line 4 \(row 3\): 3 fields, but the header has 2"),
        ("a.csv", "a,a\n1,2\n", "line 1: two columns have the same name, 'a'"),
        ("a.csv", ",".join(map(str, range(1001))), "has 1,001 columns: at most 1,000 are read"),
        ("a.csv", 'a,b\n1,"open\n', "after line 1: unexpected end of data"),
        ("a.jsonl", '{"a": 1}\n[2]\n', "line 2: not a JSON object"),
        ("a.jsonl", '{"a": 1}\n{"a": \n', "after line 2: Expecting value"),
        ("a.jsonl", "[" * 100_000, "after line 1"),
        ("a.json", '[{"a": 1}, 2]', "row 2: not a JSON object"),
        ("a.json", '[{"a": 1}', "Expecting ',' delimiter"),
        ("a.csv.zip", "PK\3\4 not really", "is no whole zip file"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(file, name, content, words):
    refused(file(content.encode(), name), words)


def test_a_packed_file_that_ends_too_early_is_refused(file):
    rows = b"".join(b"%d,\xc3\xa9\n" % number for number in range(10**6))
    whole = gzip.compress(b"a,b\n" + rows)
    refused(file(whole[:-20], "a.csv.gz"), "after line [0-9]{5,}: Compressed file ended before the end-of-stream")
    refused(file(whole[:20], "a.csv.gz"), "Compressed file ended before the end-of-stream")


def test_a_line_that_is_too_long_is_refused_before_it_fills_memory(file, monkeypatch):
    monkeypatch.setattr(text_tables, "LONGEST_LINE", 1000)
    bomb = gzip.compress(b"text\n" + b"a" * 10**7)
    refused(file(bomb, "bomb.csv.gz"), "line 2: longer than 1,000 characters; split it")
    monkeypatch.setattr(text_tables, "LARGEST_LIST", 1000)
    refused(file(gzip.compress(b"[" + b" " * 10**6), "bomb.json.gz"), "a JSON list of more than 1,000 characters")


def test_no_more_is_unpacked_than_is_believed(file, monkeypatch):
    content = packed(b"0,1\n" * 10**6, "zip")
    refused(file(content), "the table in it is larger than 1,000 bytes", largest=1000)
    monkeypatch.setattr(unpacking, "LARGEST_IN_ONE_PIECE", 1000)
    refused(file(gzip.compress(b"PAR1" + bytes(10**6))), "unpacks to more than 1,000 bytes|needs the extra")


def test_of_a_zip_with_several_files_one_must_be_named(file):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("day.csv", "a,b\n1,2\n")
        archive.writestr("in/hour.csv", "a,b\n3,4\n")
    path = file(buffer.getvalue(), "both.zip")
    refused(path, r"holds 2 files .day.csv, in/hour.csv.: pack one table alone")
    refused(path, "holds no week.csv, only day.csv, in/hour.csv", member="week.csv")
    assert values(open_table(path, member="hour.csv")) == [{"a": "3", "b": "4"}]


def test_folders_and_missing_files_are_refused(tmp_path):
    refused(tmp_path, "is a folder: name a table in it")
    refused(tmp_path / "nothing.csv", "no file at")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_stream_is_read_once_without_going_back(encoding):
    class OneWay(io.RawIOBase):
        def __init__(self, content):
            self.content = io.BytesIO(content)

        def readable(self):
            return True

        def readinto(self, buffer):
            return self.content.readinto(memoryview(buffer)[:100])

    table = read_stream(OneWay(as_csv(";").encode(encoding)), "standard input")
    assert (table.columns, table.delimiter) == (("text", "note"), ";")
    assert values(table) == ROWS
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in JSON_ROWS)
    assert values(read_stream(OneWay(lines.encode(encoding)), "standard input")) == JSON_ROWS
    assert values(read_stream(OneWay(b""), "standard input")) == []
