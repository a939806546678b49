import pytest

from inference.generate.grammar import is_plural, with_grammar
from inference.generate.render import compile_text, render
from inference.generate.slots import GRAMMAR

SEVERAL = [
    "Trail Boots",
    "Running Shorts",
    "Levi's 501 Jeans",
    "Men's Boots X2",
    "Scissors 3000",
    "Boots for Kids",
    "Wireless Headphones (Black)",
    "3-Pack Socks, Grey",
    "Bluetooth Speakers II",
    "Leaves",
    "AirPods Pro",
]
ONE = [
    "Kettle",
    "Wool Dress",
    "Chef's Knife",
    "Set of 4 Glasses",
    "iPhone 15 Pro Max",
    "Leather Harness",
    "Camera Lens",
    "Road Atlas",
    "Backpack with Pockets",
    "Stand for Phones",
    "ACCESS",
    "",
    "42",
    "---",
]


@pytest.mark.parametrize("name", SEVERAL)
def test_a_name_that_stands_for_several(name):
    assert is_plural(name)


@pytest.mark.parametrize("name", ONE)
def test_a_name_that_stands_for_one(name):
    assert not is_plural(name)


def filled(text, **facts):
    return render(compile_text(text), with_grammar(facts))


def test_every_word_agrees_with_the_name():
    text = "{NAME} {IS} here. {IT} {HAS} it all, {DOES} it well, and fit{S} {ITS} place. Get {THEM}, {THIS} time."
    assert filled(text, NAME="Kettle") == (
        "Kettle is here. It has it all, does it well, and fits its place. Get it, this time."
    )
    assert filled(text, NAME="Trail Boots") == (
        "Trail Boots are here. They have it all, do it well, and fit their place. Get them, these time."
    )


def test_an_ending_that_is_nothing_fills_its_slot():
    assert filled("{NAME} wait{S}.", NAME="Socks") == "Socks wait."
    assert filled("{NAME} wait{S}.", NAME="Mug") == "Mug waits."


def test_a_fact_is_never_taken_for_grammar():
    assert set(with_grammar({"NAME": "Mug", "PRICE": "$9"})) == {*GRAMMAR, "NAME", "PRICE"}
