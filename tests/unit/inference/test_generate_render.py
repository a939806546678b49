import pytest

from inference.generate.render import compile_text, render, slots_in
from inference.generate.slots import SLOTS, offered


def test_a_text_is_filled_with_the_values_of_its_slots():
    parts = compile_text("{NAME}, now {PRICE}.")
    assert render(parts, {"NAME": "Kettle", "PRICE": "$9.00", "COLOR": "teal"}) == "Kettle, now $9.00."
    assert render(parts, {"NAME": "Kettle", "PRICE": "$8.00"}) == "Kettle, now $8.00."


def test_a_slot_without_a_value_fills_nothing():
    parts = compile_text("{NAME}, now {PRICE}.")
    assert render(parts, {"NAME": "Kettle"}) is None
    assert render(parts, {"NAME": "Kettle", "PRICE": ""}) is None


def test_a_value_is_never_read_as_a_slot():
    assert render(compile_text("{NAME}."), {"NAME": "{PRICE}", "PRICE": "$9.00"}) == "{PRICE}."


def test_a_text_without_slots_stays_as_it_is():
    assert render(compile_text("Take a look."), {}) == "Take a look."


def test_unknown_slots_are_seen():
    assert slots_in("{NAME} {COLOUR} {name} {FEATURE2}") == {"NAME", "COLOUR", "FEATURE2"}


@pytest.mark.parametrize("slot", [slot for slot in SLOTS if slot != "NAME"])
def test_a_fact_is_offered_while_it_leaves_room(slot):
    name = "n" * 20
    assert slot in offered({"NAME": name, slot: "x" * 40}, 120)
    assert slot not in offered({"NAME": name, slot: "x" * 41}, 120)
    assert slot not in offered({"NAME": name, slot: ""}, 120)


def test_the_name_is_offered_whatever_its_length_and_the_unknown_never():
    assert offered({"NAME": "x" * 200, "WAS": "$20"}, 120) == {"NAME"}
