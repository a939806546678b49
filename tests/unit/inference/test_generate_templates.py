from itertools import combinations

import pytest

from inference.generate.checks import claims, has_cta, repeats
from inference.generate.render import compile_text, render, slots_in
from inference.generate.slots import SLOTS
from inference.generate.templates import template_text, template_texts

SEGMENTS = ["bargain_hunter", "loyal", "big_spender", "lapsed", "new", "regular", "people who own a cat", ""]
CHANNELS = ["push", "email_subject", "sms", "banner", "a channel of the shop's own"]


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("segment", SEGMENTS)
def test_a_template_uses_no_fact_that_is_not_there(segment, channel):
    others = [slot for slot in SLOTS if slot != "NAME"]
    for count in range(4):
        for known in combinations(others, count):
            facts = {"NAME", *known}
            assert "NAME" in slots_in(template_text("shoes", segment, channel, facts)) <= facts


@pytest.mark.parametrize("segment", SEGMENTS)
def test_name_and_price_are_enough_for_both_to_be_shown(segment):
    text = template_text("", segment, "push", {"NAME", "PRICE"})
    shown = render(compile_text(text), {"NAME": "Kettle", "PRICE": "$9.00"})
    assert shown is not None
    assert "Kettle" in shown
    assert "$9.00" in shown
    assert any(has_cta(text, cta) for cta in ("shop", "discover", "save"))


def test_a_name_alone_is_enough():
    assert slots_in(template_text("", "new", "push", set())) == {"NAME"}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("segment", SEGMENTS)
def test_templates_obey_the_checks_of_written_copy(segment, channel):
    for text in template_texts(segment, channel):
        assert claims(text) == ()
        assert not repeats(text)
        assert len(text) <= 90


def test_the_price_is_left_out_where_it_may_be_old():
    assert "PRICE" not in slots_in(template_text("", "loyal", "push", {"NAME", "BRAND", "FEATURE"}))


def test_segments_are_addressed_differently():
    facts = {"NAME", "PRICE", "OFF", "BRAND"}
    assert len({template_text("", segment, "push", facts) for segment in SEGMENTS[:5]}) == 5
