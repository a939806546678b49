"""Words by which a line gives its category away, learned from the lines."""

import json

from inference.bundle import starter_dir
from training.lines import Line
from training.pairs import is_held_out, load_lines
from training.telltales import telltales


def lines(*rows):
    return [
        Line(category=category, segment="any", tone="plain", cta="none", channel="push", text=text, place="f:1")
        for category, text in rows
    ]


def test_a_word_of_few_categories_is_theirs():
    found = telltales(lines(*[("garden", "The lawn: {NAME}.")] * 2, ("tools", "A lawn day: {NAME}.")))
    assert found == {"lawn": ("garden", "tools")}


def test_a_word_of_lines_for_every_category_is_nobodys():
    assert telltales(lines(*[("garden", "Lawn: {NAME}.")] * 5, ("any", "A lawn day: {NAME}."))) == {}


def test_once_is_chance():
    assert telltales(lines(*[("garden", "The lawn: {NAME}.")] * 2)) == {}


def test_what_a_category_says_once_where_another_says_it_always_stays_the_others():
    rows = [("footwear", "Feet up: {NAME}.")] * 30 + [("furniture", "Feet up: {NAME}.")]
    assert telltales(lines(*rows)) == {"feet": ("footwear",), "up": ("footwear",)}


def test_facts_are_no_words_of_a_line():
    assert telltales(lines(*[("garden", "{NAME} {IS} {PRICE}.")] * 9)) == {"is": ("garden",)}


def test_the_starter_knows_those_of_its_corpus():
    trained = [line for line in load_lines() if not is_held_out(line)]
    known = json.loads((starter_dir() / "generation.json").read_text())["controls"]["telltales"]
    found = telltales(trained)
    assert {word: tuple(of) for word, of in known.items()} == found
    assert found["clothes"] == ("apparel", "groceries", "jewelry")
