"""Words of all scripts, against words worked out by hand and against the plain judge in `reference`."""

import hashlib
import html

from projects.sentiment import data
from projects.sentiment.tokens import read_words

EYES_AND_MOUTHS = [eyes + nose + mouth for eyes in ":;" for nose in ("", "-") for mouth in "()DdPp"]
WORDS_WITHOUT_EMOTICONS = "eb9d41bf324dcdd8fadb627449ce317062905c28b8e99f1388b137c6e222dbb7"


def may_have_an_emoticon(text):
    """Whether the text has anything that looks like one, in a link or a time as well."""
    text = html.unescape(text)
    return any(sign in text for sign in [*EYES_AND_MOUTHS, "<3", ":'", ";'", ":’", ";’"])


def test_texts_in_latin_letters_have_the_words_they_always_had(reviews_archive):
    """The digest is that of words read before there were any for other scripts, emoji and emoticons."""
    texts = [text for part in ("train", "test") for text in data.read_reviews(reviews_archive, part).texts]
    plain = [text for text in texts if not may_have_an_emoticon(text)]
    assert (len(texts), len(plain)) == (37_500, 36_971)
    words = read_words(plain)
    digest = hashlib.sha256(words.content)
    for numbers in (words.starts, words.ends, words.keys, words.texts):
        digest.update(numbers.tobytes())
    assert digest.hexdigest() == WORDS_WITHOUT_EMOTICONS
