from itertools import combinations, product

import pytest

from inference.generate.channels import HEADLINES, LIMITS, NAMED_ELSEWHERE
from inference.generate.checks import claims, has_cta, repeats
from inference.generate.grammar import with_grammar
from inference.generate.render import compile_text, render, slots_in
from inference.generate.slots import GRAMMAR, SLOTS
from inference.generate.templates import LEAST_ROOM, fitting_templates, template_text, template_texts

SEGMENTS = ["bargain_hunter", "loyal", "big_spender", "lapsed", "new", "regular", "people who own a cat", ""]
CHANNELS = [*LIMITS, "a channel of the shop's own"]
CTAS = ["none", "shop", "discover", "save", "remind"]
NAMES = ["Tea", "Harbor Kettle", "Trail Socks", "Superlight Trekking Poles for Long Winters", "x" * 200]
FACTS = {
    "PRICE": "$1,299.00",
    "OFF": "20%",
    "BRAND": "Norrvik",
    "FEATURE": "Rapid boil",
    "FEATURE2": "A base that turns without a sound",
}


def _all_facts():
    for name in NAMES:
        for count in (0, 1, 2, len(FACTS)):
            for known in combinations(FACTS, count):
                yield {"NAME": name, **{slot: FACTS[slot] for slot in known}}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("segment", SEGMENTS)
def test_a_template_uses_no_fact_that_is_not_there(segment, channel):
    others = [slot for slot in SLOTS if slot != "NAME"]
    for count in range(3):
        for known in combinations(others, count):
            facts = {"NAME", *known}
            slots = slots_in(template_text("shoes", segment, channel, facts)) - GRAMMAR.keys()
            assert "NAME" in slots <= facts


@pytest.mark.parametrize("channel", LIMITS)
@pytest.mark.parametrize("cta", CTAS)
def test_there_is_a_template_for_every_product_that_fits_and_invents_nothing(channel, cta):
    limit = LIMITS[channel]
    for facts in _all_facts():
        for segment in ("loyal", "bargain_hunter", "of the shop's own"):
            texts = list(fitting_templates(facts, segment, channel, cta, limit))
            assert texts
            for text in texts:
                shown = render(compile_text(text), with_grammar(facts))
                assert shown is not None
                assert len(shown) <= limit
            if len(facts["NAME"]) + 2 <= limit:
                assert "NAME" in slots_in(texts[0]) or channel in NAMED_ELSEWHERE


@pytest.mark.parametrize("channel", LIMITS)
@pytest.mark.parametrize("cta", CTAS)
def test_the_least_room_is_enough(channel, cta):
    assert list(fitting_templates({"NAME": "x" * 200}, "loyal", channel, cta, LEAST_ROOM))


@pytest.mark.parametrize("channel", ["push", "sms", "ad_description", "banner", "description", "ad_headline"])
@pytest.mark.parametrize("cta", CTAS)
def test_the_call_is_made_where_there_is_room(channel, cta):
    facts = {"NAME": "Kettle", "PRICE": "$9.00"}
    text = next(fitting_templates(facts, "regular", channel, cta, LIMITS[channel]))
    assert has_cta(text, cta)


def test_grammar_fits_the_name():
    text = next(fitting_templates({"NAME": "Trail Socks", "PRICE": "$9.00"}, "regular", "push", "shop", 120))
    assert render(compile_text(text), with_grammar({"NAME": "Trail Socks", "PRICE": "$9.00"})) == (
        "Trail Socks are $9.00. Shop now."
    )


@pytest.mark.parametrize("segment", SEGMENTS)
def test_name_and_price_are_enough_for_both_to_be_shown(segment):
    text = template_text("", segment, "push", {"NAME", "PRICE"})
    shown = render(compile_text(text), with_grammar({"NAME": "Kettle", "PRICE": "$9.00"}))
    assert shown is not None
    assert "Kettle" in shown
    assert "$9.00" in shown
    assert any(has_cta(text, cta) for cta in ("shop", "discover", "save"))


def test_a_name_alone_is_enough():
    assert slots_in(template_text("", "new", "push", set())) == {"NAME"}


@pytest.mark.parametrize("channel", CHANNELS)
def test_templates_obey_the_checks_of_written_copy(channel):
    for segment, cta in product(SEGMENTS, [None, *CTAS]):
        texts = list(template_texts(segment, channel, cta))
        assert len(set(texts)) == len(texts)
        for text in texts:
            assert claims(text) == ()
            assert not repeats(text)
            assert channel in HEADLINES or text.endswith((".", "?"))


def test_the_price_is_left_out_where_it_may_be_old():
    assert "PRICE" not in slots_in(template_text("", "loyal", "push", {"NAME", "BRAND", "FEATURE"}))


def test_segments_are_addressed_differently():
    facts = {"NAME", "PRICE", "OFF", "BRAND"}
    assert len({template_text("", segment, "push", facts) for segment in SEGMENTS[:5]}) == 5
