"""A text's facts as slots, rendered with the same facts, are the text: nothing is lost and nothing else is touched."""

from hypothesis import given
from hypothesis import strategies as st

from inference.generate.grammar import with_grammar
from inference.generate.render import compile_text, render
from inference.generate.slots import SLOT
from training.tune.slotting import slotted

# Each value once, written as rendering writes it wherever it stands.
FACTS = {
    "NAME": "Harbor Kettle",
    "BRAND": "Peak",
    "PRICE": "$39.50",
    "OFF": "20%",
    "COLOR": "Juniper Haze",
    "FEATURE": "Harbor view",
}
WORDS = st.sampled_from([*FACTS.values(), "Take", "is", "Harbor", "Haze", "$39", "home,", "Peaks", "and", "200%"])


@given(st.lists(WORDS, max_size=12))
def test_rendering_gives_the_text_back(words: list[str]) -> None:
    text = "So: " + " ".join(words)
    found = slotted(text, FACTS)
    assert render(compile_text(found.text), with_grammar(FACTS)) == text
    assert sum(found.counts.values()) == len(SLOT.findall(found.text))


@given(st.lists(WORDS, max_size=12))
def test_slotting_twice_changes_nothing(words: list[str]) -> None:
    once = slotted(" ".join(words), FACTS).text
    assert slotted(once, FACTS).text == once
