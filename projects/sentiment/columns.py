"""Which columns of a table hold texts and labels: by their usual names, else by what is in them."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from projects.common.names import folded

# usual names, in the languages of which somebody has sent a table; of those that a table has the first is taken
TEXT_WORDS = """
    text review comment message content body sentence feedback description
    bemerkung kommentar rezension nachricht beschreibung freitext opmerking bericht beskrivning
    commentaire avis texte comentario texto resena resenha mensaje mensagem opinion opiniao descricao descripcion
    commento testo recensione messaggio descrizione komentarz recenzja opinia tresc tekst yorum
    отзыв комментарий текст 评论 内容 文本 レビュー コメント 本文 리뷰 댓글 내용
"""
LABEL_WORDS = """
    label sentiment category class topic rating stars score target
    sterne urteil kategorie klasse thema bewertung sterren beoordeling categorie betyg kategori
    etoiles theme estrellas valoracion puntuacion categoria tema etiqueta estrelas avaliacao classificacao rotulo
    stelle voto valutazione punteggio etichetta ocena kategoria gwiazdki hodnoceni puan
    метка категория оценка 标签 类别 评分 ラベル カテゴリ 評価 라벨 평점
    nota motivo reason grund type tipo
"""
TEXT_NAMES = tuple(map(folded, TEXT_WORDS.split()))
LABEL_NAMES = tuple(map(folded, LABEL_WORDS.split()))
OTHER_NAMES = ("split", "simulated", "id", "index")  # never a guess for either
FEW_VALUES = 100  # of a column that may hold labels
SHORTEST_TEXT = 8  # characters, on average, of a column that may hold texts
GRADES = range(3, 12)  # so many grades of a scale
LARGEST_GRADE = 10
GRADE = re.compile(r"([0-9]{1,2})(?:\s+[^\W\d_]+)?")  # “1a” and “2b” are none
IN_BRACKETS = re.compile(r"[(\[（].*?[)\]）]")
NAMED = 5  # columns and labels that a line names

Rows = Sequence[Mapping[str, Any]]


def named(columns: Sequence[str], name: str) -> str | None:
    """The column that a person names: the very one, else the only one with this name in another case."""
    if name in columns:
        return name
    alike = [column for column in columns if folded(column) == folded(name)]
    return alike[0] if len(alike) == 1 else None


def usual(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """The first of these names that a column has, in whatever case, perhaps with more in brackets: "Rating (1-5)"."""
    without_brackets = {folded(IN_BRACKETS.sub("", column)): column for column in reversed(columns)}
    by_name = without_brackets | {folded(column): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)


def guess_text(columns: Sequence[str], rows: Rows, label: str | None) -> str | None:
    """The column with the longest values; None where all are short."""
    lengths = {}
    for column in columns:
        values = [row.get(column) for row in rows]
        words = [len(value) for value in values if isinstance(value, str)]
        if column != label and column.lower() not in OTHER_NAMES and words:
            lengths[column] = sum(words) / len(words)
    if not lengths:
        return None
    longest = max(lengths, key=lambda column: lengths[column])
    return longest if lengths[longest] >= SHORTEST_TEXT else None


def find_labels(columns: Sequence[str], rows: Rows, labels: Collection[str], text: str | None) -> str | None:
    """The column that has most of these labels; where none has any, or none are given, a usual name or a guess."""
    others = [column for column in columns if column != text]
    return column_with(others, rows, labels) or usual(others, LABEL_NAMES) or guess_label(columns, rows, text)


def column_with(columns: Sequence[str], rows: Rows, labels: Collection[str]) -> str | None:
    """The column in which most of these labels occur: of several one with a usual name, else in most rows."""
    values = possible_labels(columns, rows, None)
    by_name = usual(columns, LABEL_NAMES)
    if by_name is not None:
        values[by_name] = values_of(rows, by_name)

    def how_well(column: str) -> tuple[int, bool, int]:
        n_rows = sum(label_text(row.get(column)) in labels for row in rows)
        return len(values[column] & set(labels)), column == by_name, n_rows

    best = max(values, key=how_well, default=None)
    return best if best is not None and values[best] & set(labels) else None


def guess_label(columns: Sequence[str], rows: Rows, text: str | None) -> str | None:
    """Of the columns that may hold labels one that is a scale, such as stars; else the one that the texts tell most of.

    Where they tell nothing, the one with the fewest values.
    """
    values = possible_labels(columns, rows, text)
    scales = [column for column in values if is_scale(values[column])]
    told = None
    if not scales and len(values) > 1 and text is not None:
        from projects.sentiment.label_guess import most_told  # imports NumPy

        told = most_told(rows, text, {column: [label_text(row.get(column)) for row in rows] for column in values})
    return told or min(scales or values, key=lambda column: len(values[column]), default=None)


def possible_labels(columns: Sequence[str], rows: Rows, text: str | None) -> dict[str, set[str]]:
    """The values of each column that may hold labels: they are two at least, and each comes back."""
    possible = {}
    for column in columns:
        found = values_of(rows, column)
        comes_back = len(found) <= min(FEW_VALUES, len(rows) / 2)
        if column != text and column.lower() not in OTHER_NAMES and len(found) > 1 and comes_back:
            possible[column] = found
    return possible


def values_of(rows: Rows, column: str) -> set[str]:
    return {label_text(row.get(column)) for row in rows} - {""}


def is_scale(values: Collection[str]) -> bool:
    """Whether these are 3 to 11 grades from 0 to 10."""
    grades = {grade_of(value) for value in values}
    return len(grades) in GRADES and all(grade is not None and grade <= LARGEST_GRADE for grade in grades)


def grade_of(label: str) -> int | None:
    """The grade that a label is, whether or not it says of what: 5 for "5" and for "5 stars"; None for others."""
    grade = GRADE.fullmatch(label)
    return int(grade[1]) if grade else None


def with_counts(values: Mapping[str, Collection[str]]) -> str:
    """Columns and how many values they have: "Ort (3 values), Kanal (2 values)"."""
    by_number = sorted(values, key=lambda column: (not is_scale(values[column]), len(values[column])))
    more = ", …" if len(values) > NAMED else ""
    return ", ".join(f"{column} ({len(values[column]):,} values)" for column in by_number[:NAMED]) + more


def label_text(value: Any) -> str:
    """A label as it is written: a number from Excel or JSON without “.0”; "" for none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()
