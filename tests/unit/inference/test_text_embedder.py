"""The embedder behind diversity: what it hashes, how it weighs, that it is the same in every process."""

import subprocess
import sys
from math import log, sqrt

import pytest

from inference.text.embedder import BUCKETS, NAME, HashedTfidf, Vector, cosine
from inference.text.ngrams import ngrams, words


def test_words_keep_slots_and_hyphens_and_lose_case_and_stops():
    assert words("Don’t wait: {NAME}, a 20-hour Battery for $39.00!") == [
        *("don't", "wait", "{name}", "a", "20-hour", "battery", "for", "39.00"),
    ]


def test_ngrams_are_runs_of_neighbours():
    assert ngrams(["a", "b", "c"], 2) == [("a", "b"), ("b", "c")]
    assert ngrams(["a"], 2) == []


def test_a_slot_is_another_word_than_its_name():
    slot, word = HashedTfidf().embed(["{NAME}", "name"])
    assert cosine(slot, word) == 0.0


def test_likeness_by_hand():
    """`red kettle` and `red pan` have three grams each and share one, `red`: 1 / (sqrt 3 * sqrt 3)."""
    first, second = HashedTfidf().embed(["red kettle", "red pan"])
    assert cosine(first, second) == pytest.approx(1 / 3)


def test_a_gram_that_comes_twice_counts_twice():
    """`a a` is {a: 2, "a a": 1}, `a` is {a: 1}: 2 / sqrt 5."""
    first, second = HashedTfidf().embed(["a a", "a"])
    assert cosine(first, second) == pytest.approx(2 / sqrt(5))


def test_the_order_of_words_counts():
    first, second = HashedTfidf().embed(["shop now", "now shop"])
    assert cosine(first, second) == pytest.approx(2 / 3)


def test_idf_by_hand():
    """Of two texts both hold `a` (ln(3/3) + 1 = 1), one holds `b` (ln(3/2) + 1); `c` was never seen (ln 3 + 1)."""
    fitted = HashedTfidf().fit(["a", "a b"])
    weight_a, weight_b, unseen = 1.0, log(3 / 2) + 1, log(3) + 1
    # `b c` holds b, c and the gram "b c", which was not seen either; `b` holds b alone.
    first, second = fitted.embed(["b c", "b"])
    assert cosine(first, second) == pytest.approx(weight_b / sqrt(weight_b**2 + 2 * unseen**2))
    both, alone = fitted.embed(["a b", "a"])
    assert cosine(both, alone) == pytest.approx(weight_a / sqrt(weight_a**2 + 2 * weight_b**2))


def test_a_fit_has_a_name_of_its_own_and_forgets_the_last_one():
    base = HashedTfidf()
    first, second = base.fit(["a b"]), base.fit(["a c"])
    assert base.name == NAME
    assert len({base.name, first.name, second.name}) == 3
    assert first.name.startswith(f"{NAME}-")
    assert first.fit(["a c"]) == second


def test_vectors_are_sorted_of_length_one_and_within_the_buckets():
    (vector,) = HashedTfidf().embed(["Coffee for the slow hour, and a second cup."])
    assert list(vector.indices) == sorted(set(vector.indices))
    assert vector.indices[0] >= 0
    assert vector.indices[-1] < BUCKETS
    assert sum(weight**2 for weight in vector.weights) == pytest.approx(1)


def test_texts_without_words():
    empty, also, word = HashedTfidf().embed(["", "!?", "tea"])
    assert empty == Vector((), ())
    assert cosine(empty, also) == 1.0
    assert cosine(empty, word) == 0.0


def test_another_process_hashes_the_same():
    code = "from inference.text.embedder import HashedTfidf; print(HashedTfidf().embed(['tea for two'])[0].indices)"
    said = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert said == {str(HashedTfidf().embed(["tea for two"])[0].indices)}
