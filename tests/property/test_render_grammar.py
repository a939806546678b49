"""Rendering leaves no brace behind and loses no value; every name has its grammar."""

from hypothesis import given
from hypothesis import strategies as st

from inference.generate.grammar import is_plural, with_grammar
from inference.generate.render import compile_text, render, slots_in
from inference.generate.slots import GRAMMAR, KNOWN, SLOTS

words = st.text(st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="{}"), max_size=20)
values = words.filter(bool)
texts = st.lists(
    st.one_of(words, st.sampled_from([f"{{{slot}}}" for slot in KNOWN]), st.sampled_from([" a ", "An ", ". "]))
)


@given(pieces=texts, facts=st.fixed_dictionaries({"NAME": values}, optional=dict.fromkeys(SLOTS[1:], values)))
def test_a_text_is_filled_or_refused_and_never_shows_a_slot(pieces, facts):
    text = "".join(pieces)
    shown = render(compile_text(text), with_grammar(facts))
    if slots_in(text) <= {*facts, *GRAMMAR}:
        assert shown is not None
        assert "{" not in shown
        assert "}" not in shown
        folded = shown.casefold()
        assert all(value.casefold() in folded for slot, value in facts.items() if slot in slots_in(text))
    else:
        assert shown is None


@given(pieces=texts, facts=st.dictionaries(st.sampled_from(SLOTS), values))
def test_a_text_without_slots_is_shown_as_it_is(pieces, facts):
    text = "".join(piece for piece in pieces if not piece.startswith("{"))
    assert render(compile_text(text), with_grammar(facts)) == text


@given(facts=st.dictionaries(st.sampled_from(SLOTS), st.text(max_size=30)))
def test_every_product_has_its_grammar_and_keeps_its_facts(facts):
    found = with_grammar(facts)
    assert set(found) == {*GRAMMAR, *facts}
    assert all(found[slot] == value for slot, value in facts.items())
    several = is_plural(facts.get("NAME", ""))
    assert all(found[slot] == forms[several] for slot, forms in GRAMMAR.items())


@given(name=st.text(max_size=60))
def test_number_is_the_same_with_a_code_behind_the_name(name):
    assert is_plural(name) in (True, False)
    if name.strip() and name.isascii() and name.replace(" ", "").isalpha() and not name.isupper():
        assert is_plural(f"{name.strip()} 3000") == is_plural(name.strip())
