import pytest

from inference.generate.dedupe import likeness, repeated, trigrams

LINE = "The kettle is on and the morning can wait a little for you and for me"


def test_equal_texts_whatever_their_case_and_points():
    assert repeated("the kettle is on!", ["Something else", "The kettle is on."]) == "The kettle is on."


def test_one_word_changed_at_the_end_of_a_long_text():
    assert repeated(LINE.replace("me", "us"), [LINE]) == LINE


def test_texts_that_share_a_half_are_two():
    other = "The kettle is on and the morning has begun without a word from anybody here"
    assert 0 < likeness(trigrams(LINE), trigrams(other)) < 0.8
    assert repeated(other, [LINE]) is None


@pytest.mark.parametrize(("a", "b", "same"), [("Shop now", "Shop now.", True), ("Shop now", "Take a look", False)])
def test_short_texts_are_compared_whole(a, b, same):
    assert (repeated(a, [b]) is not None) is same
