"""Words of all scripts, against words worked out by hand and against the plain judge in `reference`."""

import hashlib
import html
import re
import sys
import unicodedata

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from projects.sentiment import data
from projects.sentiment.characters import clean
from projects.sentiment.tokens import read_words, tokens

WORDS = {  # a text and its words, with a space between them
    "It's GREAT!<br /><br />Don&#39;t miss it — naïve, isn’t it? (10/10)": (
        "its great ! dont miss it naïve , isnt it ? 10 10"
    ),
    "": "",
    "—– <br />": "",
    "Смотрел с Ёжиком. ΟΔΥΣ, Ελληνικά!": "смотрел с ёжиком . οδυς , ελληνικά !",
    "房间很好，wifi不错！10分。推荐、赞？": "房 间 很 好 , wifi 不 错 ! 10 分 . 推 荐 , 赞 ?",
    "人々の〇": "人 々 の 〇",
    "スーパーで、ﾊﾞﾅﾅを買った。か\u3099": "ス ー パ ー で , バ ナ ナ を 買 っ た . が",
    "辻\U000e0100 葛\ufe00": "辻 葛",
    "बहुत अच्छी फ़िल्म है। क्\u200dया": "बहुत अच्छी फ़िल्म है . क्या",
    "ดีมาก500บาทครับok": "ดี ม า ก 500 บ า ท ค รั บ ok",
    "ດີ၊ ကောင်း။ ល្អ។": "ດີ , ကော င်း . ល្ អ .",
    "كِتَابٌ جميل، رائع؟ بہت۔": "كِتَابٌ جميل , رائع ? بہت .",
    "می\u200cخواهم": "میخواهم",
    "שָׁלוֹם טוב!": "שָׁלוֹם טוב !",
    "정말 좋아요! \u1112\u1161\u11ab": "정말 좋아요 ! 한",
    "Cafe\u0301 E'\u0301 J\u030cE": "café é ǰe",
    "İyi I\u0307yi iyi": "iyi iyi iyi",
    "ＧＲＥＡＴ！ １０：３０＇ｓ": "great ! 10 30s",
    "Wow‼️ Really⁉": "wow ! ! really ! ?",
    "👍🏽👍🏿great👍": "👍 👍 great 👍",
    "👨‍👩‍👧‍👦 👩🏽‍🤝‍👨🏻 🏳️‍🌈": "👨 👩 👧 👦 👩 🤝 👨 🏳 🌈",
    "🤷🏽‍♀️🤷‍♂️🤷 👩‍🦰 ❤️❤": "🤷 🤷 🤷 👩 ❤ ❤",
    "🇩🇪🇫🇷go🇩 1️⃣ 🏴\U000e0067\U000e0062\U000e007f": "🇩🇪 🇫🇷 go 🇩 1 🏴",
    "★★★☆☆ 20°C © ▼": "★ ★ ★ ☆ ☆ 20 c",
    "Fine :) :-) :)))) ☺️": "fine ☺ ☺ ☺ ☺",
    "No :( :'( :’-( good!:D :p ;) ;-)": "no ☹ ☹ ☹ good ! 😃 😛 😉 😉",
    "I <3 it. <3.5 i<3 &lt;3": "i ❤ it . 3 . 5 i 3 ❤",
    "很好：）下次:)来；）": "很 好 ☺ 下 次 ☺ 来 😉",
    "a<br>b<BR/>c<Br \n/>d&lt;br&gt;e<br x><bra> < br>": "a b c d e br x bra br",
    "L'EXPERT n’est (qu'à l'hôtel) jusqu'ici, s'il-t'a d'Artagnan": (
        "l expert n est qu à l hôtel jusqu ici , s il t a d artagnan"
    ),
    "Aujourd'hui j'étais “d'accord”, L'É\u0301cole l&#39;e\u0301cole D'ACCORD d’": (
        "aujourdhui j étais d accord , l é\u0301cole l école d accord d"
    ),
    "dell'arte un'altra c'è Nell’acqua tutt'altro": "dell arte un altra c è nell acqua tutt altro",
    "don't it's o'clock I'd've rock'n'roll y'all D'Amato D’Éon D'A\u0301e xl'a s'morgens zo'n 'l'eau c'mon": (
        "dont its oclock idve rocknroll yall damato déon dáe xla smorgens zon leau cmon"
    ),
    "10:30 http://x.y/:D see:) (a:D) f(x:) for(;;) a[:)b] :Director :Pre ::)": (
        "10 30 http x . y 😃 see a d f x for a b director pre"
    ),
}
ODD_CHARACTERS = (  # what meets in the rules: marks and what they stand on, and what vanishes between them
    "aI\u0307Bi'’-:;()dDpP<3.,!?_ 5éΣσİ\u0301\u0345漢ー゙カﾊﾞＡ：）；（－。＇ก\u0e31\u0e48๕က\u103aក្😀👍🏽\u200d\ufe0f♀🇩🇪❤"
    "lquLE\u20e3هِ،हि\u200cＤ３＜&\ud800\U000e0067\u1112\u1161가☺‼\n\u00a0"
)
odd_texts = st.text(st.sampled_from(ODD_CHARACTERS), max_size=20)

EYES_AND_MOUTHS = [eyes + nose + mouth for eyes in ":;" for nose in ("", "-") for mouth in "()DdPp"]
WORDS_OF_PLAIN_TEXTS = "174ae8c26f8499b56ffab8d234d88e13749b3a4bdd3d5e241ed798fab14c0282"


def may_have_an_emoticon(text):
    """Whether the text has anything that looks like one, in a link or a time as well."""
    text = html.unescape(text)
    return any(sign in text for sign in [*EYES_AND_MOUTHS, "<3", ":'", ";'", ":’", ";’"])


def may_elide(text):
    """Whether the text has an elided word, or a name that looks as if it had one, such as D'Amato."""
    return re.search(rf"\b({'|'.join(reference.ELIDED)})['’]\w", html.unescape(text), re.IGNORECASE) is not None


def test_texts_in_latin_letters_have_the_words_they_always_had(reviews_archive):
    """The digest is that of words read before there were any for other scripts, emoji, emoticons and elisions."""
    texts = [text for part in ("train", "test") for text in data.read_reviews(reviews_archive, part).texts]
    plain = [text for text in texts if not may_have_an_emoticon(text) and not may_elide(text)]
    assert (len(texts), len(plain)) == (37_500, 36_456)
    words = read_words(plain)
    digest = hashlib.sha256(words.content)
    for numbers in (words.starts, words.ends, words.keys, words.texts):
        digest.update(numbers.tobytes())
    assert digest.hexdigest() == WORDS_OF_PLAIN_TEXTS


@pytest.mark.parametrize(("text", "words"), WORDS.items())
def test_words_by_hand(text, words):
    assert tokens(text) == words.split()
    assert reference.words_of(text) == words.split()


@given(odd_texts | st.text(max_size=200) | st.text(st.characters(exclude_categories=()), max_size=50))
def test_any_text_has_the_words_of_the_reference(text):
    assert tokens(text) == reference.words_of(text)


def test_every_character_is_read_as_in_the_reference():
    """With a word, itself and a script without spaces beside it."""
    unassigned = ("Cn", "Co", "Cs")
    characters = [chr(code) for code in range(sys.maxunicode + 1)]
    kept = [c for c in characters if unicodedata.category(c) not in unassigned or ord(c) % 1000 == 0]
    texts = [f"x{c}X{c} {c}ก" for c in kept]
    words = read_words(texts)
    read = " ".join(words.spelled(np.arange(len(words.keys)))).split("\n")
    for text, spelled in zip(texts, read, strict=False):
        assert spelled.split() == reference.words_of(text), ascii(text)


@given(odd_texts)
def test_words_are_read_as_they_are(text):
    """Else the words of a model would not be found again."""
    words = tokens(text)
    assert tokens(" ".join(words)) == words


@given(st.text(max_size=50))
def test_composed_and_decomposed_texts_have_the_same_words(text):
    assert tokens(unicodedata.normalize("NFD", text)) == tokens(unicodedata.normalize("NFC", text))


@given(st.text(st.characters(max_codepoint=0x7F, exclude_characters="&<:;"), max_size=200))
def test_an_ascii_text_is_letters_digits_and_marks(text):
    assert clean(text) == "".join(c if c.isalnum() or c in ".,!?" else " " for c in text.lower() if c != "'").encode()
