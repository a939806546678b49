import re

import pytest

from inference.generate.checks import claims, codes, has_cta, repeats
from inference.generate.prompt import prompt_tokens
from inference.generate.render import slots_in
from inference.generate.slots import SLOTS, offered
from training.corpus import is_held_out, load_bank, load_controls, pairs
from training.train import encode
from training.vocabulary import EOS, build

BANK, CONTROLS = load_bank(), load_controls()
SENTENCES = sorted({*BANK.openings(), *BANK.others()})


@pytest.fixture(scope="module")
def tokenizer():
    return build([*BANK.openings(), *BANK.others()], CONTROLS)


def test_the_bank_is_not_small():
    assert len(SENTENCES) >= 600


@pytest.mark.parametrize("text", SENTENCES)
def test_a_sentence_states_no_fact_of_its_own(text):
    assert claims(text) == ()
    assert not repeats(text)
    assert slots_in(text) <= set(SLOTS)
    assert text.endswith((".", "?", "!"))
    assert text == " ".join(text.split())
    assert "{" not in re.sub(r"\{[A-Z0-9]+\}", "", text)


@pytest.mark.parametrize("text", sorted(BANK.openings()))
def test_an_opening_names_the_product_once_and_agrees_with_singular_and_plural(text):
    assert text.count("{NAME}") == 1
    assert not re.search(r"\{NAME\} ([a-z]+s\b|can\b|may\b|has\b|have\b|did\b)", text)
    assert len(text) <= 72


@pytest.mark.parametrize("text", sorted(BANK.others()))
def test_other_sentences_leave_the_name_to_the_opening(text):
    assert "{NAME}" not in text


def test_no_sentence_stands_twice_in_a_role():
    assert len(BANK.openings()) == len(set(BANK.openings()))


def test_every_condition_of_a_prompt_has_sentences():
    for tone in CONTROLS.tones:
        assert len(BANK.facts[tone]) >= 10
        assert len(BANK.support[tone]) >= 5
        assert all(len(BANK.by_segment[segment, tone]) >= 6 for segment in CONTROLS.segments)
        assert all(len(BANK.by_category[word, tone]) >= 6 for word in CONTROLS.categories if word != "any")
        assert all(len(BANK.closers[cta, tone]) >= 6 for cta in CONTROLS.ctas if cta != "none")


def test_closers_call_to_what_they_stand_under():
    for (cta, _), texts in BANK.closers.items():
        assert all(has_cta(text, cta) for text in texts)


def test_pairs_keep_to_their_prompts_and_are_the_same_for_a_seed():
    made = list(pairs(7, 300))
    assert made == list(pairs(7, 300))
    assert made != list(pairs(8, 300))
    for pair in made:
        assert codes(pair.text, pair.request) == ()
        assert slots_in(pair.text) <= offered(pair.request.facts, pair.request.max_chars)
        assert pair.prompt == prompt_tokens(pair.request, CONTROLS)


def test_held_out_prompts_are_never_trained_on():
    assert not any(is_held_out(pair.prompt) for pair in pairs(7, 200))
    assert all(is_held_out(pair.prompt) for pair in pairs(7, 50, held_out=True))


def test_texts_survive_the_vocabulary_and_prompts_are_single_tokens(tokenizer):
    for pair in pairs(9, 300):
        ids, prompt = encode(tokenizer, pair)
        assert prompt == len(pair.prompt) + 1
        assert tokenizer.decode(ids, skip_special_tokens=True).endswith(pair.text)
        assert ids[-1] == tokenizer.token_to_id(EOS)
        assert tokenizer.decode(ids[prompt:], skip_special_tokens=True) == pair.text


def test_no_token_but_control_words_and_slots_holds_a_digit(tokenizer):
    words = [word for word in tokenizer.get_vocab() if not word.startswith(("<", "{"))]
    assert len(words) > 1000
    assert not [word for word in words if any(c.isdigit() for c in word)]
