"""Flesch's formula and the counter of syllables under it."""

import pytest

from inference.text.readability import flesch, syllables

SPOKEN = {
    1: "the like likes walked filled called used shoes blue eye you're don't queue house clothes styles",
    2: "kettle create lion being quiet houses wanted waited coffee table tables dishes boxes settled action fuel poem",
    3: "video created radio piano idea serious beautiful Saturday decided bicycle",
    4: "material",
}


@pytest.mark.parametrize(
    ("word", "count"),
    [(word, count) for count, words in SPOKEN.items() for word in words.split()],
)
def test_syllables(word, count):
    assert syllables(word) == count


def test_parts_and_digits_count_by_themselves():
    assert syllables("20-hour") == 2
    assert syllables("2000") == 1
    assert syllables("mother-in-law") == 4


def test_flesch_by_hand():
    """Six words, one sentence, six syllables."""
    assert flesch("The cat sat on the mat.") == pytest.approx(206.835 - 1.015 * 6 - 84.6)


def test_flesch_counts_sentences_by_their_stops_and_not_those_in_numbers():
    """Five words; two sentences, the colon ending one; syllables 2 + 1 + 1 + 1 + 1."""
    assert flesch("Kettle: now for $39.00 here.") == pytest.approx(206.835 - 1.015 * 5 / 2 - 84.6 * 6 / 5)


def test_longer_words_and_sentences_read_harder():
    easy = flesch("Tea is hot. Sit down.")
    assert easy > flesch("Tea is hot sit down.") > flesch("Tea evidently necessitates deliberation.")


@pytest.mark.parametrize("text", ["", "!?", "..."])
def test_a_text_without_words_has_no_ease(text):
    assert flesch(text) is None
