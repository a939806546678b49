import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from inference.text.bag import bag_strength, terms

WORDS = st.lists(st.sampled_from(["Warm", "warm,", "wool", "a", "I", "coat's", "für", "it_", "42"]), max_size=12)
TEXTS = st.lists(WORDS.map(" ".join), min_size=2, max_size=6)


def test_terms_are_words_of_two_characters_or_more_and_their_pairs() -> None:
    assert terms("Warm, a WARM coat's") == {"warm": 2, "coat": 1, "warm warm": 1, "warm coat": 1}


def test_a_text_without_a_known_word_has_none() -> None:
    assert bag_strength({"warm": (1.0, 3.0)}, "wool") == 0.0
    assert bag_strength({}, "") == 0.0


def test_a_rare_word_counts_for_more_and_a_text_has_length_1() -> None:
    known = {"warm": (1.0, 2.0), "wool": (3.0, -1.0)}
    assert bag_strength(known, "warm") == 2.0
    assert bag_strength(known, "warm unknown") == 2.0
    assert bag_strength(known, "warm wool") == pytest.approx((2.0 - 3.0) / 10**0.5)


@given(TEXTS, st.randoms(use_true_random=False))
def test_it_is_scikit_learn_s_tf_idf_times_the_strengths(texts: list[str], chance) -> None:
    plain = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    try:
        rows = plain.fit_transform(texts)
    except ValueError:
        assert not any(terms(text) for text in texts)
        return
    names = list(plain.get_feature_names_out())
    strengths = [chance.uniform(-2, 2) for _ in names]
    known = {name: (idf, own) for name, idf, own in zip(names, plain.idf_.tolist(), strengths, strict=True)}
    assert [bag_strength(known, text) for text in texts] == pytest.approx((rows @ strengths).tolist())
