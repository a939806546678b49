"""Whatever is asked, an admitted text states no fact that is not the record's."""

import re
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from inference.bundle import load_bundle, starter_dir
from inference.generate import open_writer
from inference.generate.checks import claims, codes
from inference.generate.grammar import with_grammar
from inference.generate.lexicon import words_of
from inference.generate.render import compile_text, render, slots_in
from inference.generate.slots import GRAMMAR, SLOTS
from inference.generate.templates import template_text
from schemas.ports import TextRequest

CONTROLS = load_bundle(starter_dir()).generation.controls
WORDS = frozenset(word for name in ("colours", "materials", "amounts") for word in words_of(name))

values = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=50)
facts = st.fixed_dictionaries({"NAME": values}, optional={slot: values for slot in SLOTS if slot != "NAME"})
requests = st.builds(
    TextRequest,
    product_id=st.just("p"),
    category=st.one_of(values, st.sampled_from(["shoes", "kitchen", "books", "toys"])),
    segment=st.one_of(values, st.sampled_from(CONTROLS.segments)),
    variant=st.just("v"),
    tone=st.one_of(values, st.sampled_from(CONTROLS.tones)),
    cta=st.one_of(values, st.sampled_from(CONTROLS.ctas)),
    length=st.sampled_from(CONTROLS.lengths),
    channel=st.just("push"),
    locale=st.just("en"),
    facts=facts,
    seed=st.integers(0, 2**63 - 1),
    max_chars=st.integers(20, 200),
)


@cache
def writer():
    return open_writer(starter_dir(), provider="cpu")


def stated(slot_text):
    """What a plain reader finds in the literal part: numbers, and single words of the lists."""
    literal = re.sub(r"\{[A-Z0-9]+\}", " ", slot_text).lower()
    return [word for word in re.findall(r"\w+", literal) if any(c.isdigit() for c in word) or word in WORDS]


@settings(max_examples=15, deadline=None)
@given(st.lists(requests, min_size=1, max_size=16))
def test_a_written_text_is_clean_or_carries_a_code(asked):
    for request, text in zip(asked, writer().write(asked, 600.0), strict=True):
        if text.codes:
            continue
        assert stated(text.slot_text) == []
        assert "NAME" in slots_in(text.slot_text) <= request.facts.keys() | GRAMMAR.keys()
        shown = render(compile_text(text.slot_text), with_grammar(request.facts))
        assert shown is not None
        assert len(shown) <= request.max_chars


@given(
    st.sampled_from(sorted(WORDS)),
    st.sampled_from(["{NAME} comes in %s. Shop now.", "%s: {NAME}. Shop now.", "{NAME},%s. Shop now."]),
    st.sampled_from([str.lower, str.upper, str.title]),
)
def test_a_listed_word_never_passes(word, frame, case):
    text = frame % case(word)
    assert claims(text)
    request = TextRequest(
        product_id="p",
        category="",
        segment="",
        variant="",
        tone="",
        cta="shop",
        length="",
        channel="push",
        locale="en",
        facts={"NAME": "Kettle"},
        seed=0,
        max_chars=120,
    )
    assert "copy_claim" in codes(text, request)


@given(facts, st.text(max_size=30), st.sampled_from(["push", "email_subject", "sms", "banner", "other"]))
def test_the_template_always_has_an_answer_and_invents_nothing(known, segment, channel):
    text = template_text("", segment, channel, known.keys())
    assert render(compile_text(text), with_grammar(known)) is not None
    assert stated(text) == []


@given(st.lists(st.one_of(st.sampled_from([f"{{{slot}}}" for slot in SLOTS]), st.text(max_size=10)), max_size=8), facts)
def test_rendering_is_replacing_every_slot_in_one_pass(pieces, known):
    text = "".join(pieces)
    wanted = slots_in(text)
    shown = render(compile_text(text), known)
    if not wanted <= known.keys():
        assert shown is None
    elif not re.search(r"\ban? \{", text, re.I):
        # But for capitals, and for "a" and "an".
        filled = re.sub(r"\{([A-Z][A-Z0-9]*)\}", lambda match: known[match[1]], text)
        assert shown is not None
        assert shown.casefold() == filled.casefold()
