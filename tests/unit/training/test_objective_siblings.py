"""Which tokens the diversity term speaks of: those that complete a sibling's n-gram, and no others."""

from hypothesis import given
from hypothesis import strategies as st

from training.objective.siblings import completions, siblings

TOKENS = st.lists(st.integers(0, 4), max_size=12)


def test_a_shared_n_gram_s_last_token_is_a_completion_and_so_is_what_the_sibling_said_instead():
    assert completions([1, 2, 3, 9], [[1, 2, 3], [7, 1, 2, 4]], 3) == ((2, 3), (2, 4))


def test_what_only_the_text_itself_repeats_is_none():
    assert completions([1, 2, 3, 1, 2, 3], [[4, 5, 6]], 3) == ()
    assert completions([1, 2, 3, 1, 2, 3], [], 3) == ()


@given(text=TOKENS, others=st.lists(TOKENS, max_size=3), n=st.integers(2, 4))
def test_completions_are_exactly_the_sibling_n_grams_behind_the_text_s_own_tokens(text, others, n):
    held = {tuple(other[at : at + n]) for other in others for at in range(len(other) - n + 1)}
    wanted = [
        (place, token)
        for place in range(n - 1, len(text))
        for token in range(5)
        if (*text[place - n + 1 : place], token) in held
    ]
    assert list(completions(text, others, n)) == wanted


def test_siblings_are_other_texts_of_the_same_key():
    keys = ["a", "a", "b", "a"]
    texts = [[1], [2], [1], [1]]
    assert siblings(keys, texts) == [[[2]], [[1], [1]], [], [[2]]]
