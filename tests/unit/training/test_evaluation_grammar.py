"""Slips that a machine can see: each kind with what is one and what only looks like one."""

import pytest

from training.evaluation.grammar import Slip, examples, slips, spoken_with_vowel, verbs_of

VERBS = verbs_of(["{NAME} wait{S} here.", "When {NAME} carry{S} on.", "Left {NAME} open{S}"])


def found(text, *, name="Alder Kettle", several=False, record="Alder Kettle"):
    return [(slip.kind, slip.at) for slip in slips(text, name=name, several=several, record=record, verbs=VERBS)]


def found_of_several(text):
    return found(text, name="Trail Socks", several=True, record="Trail Socks")


def test_the_verbs_are_those_that_bend():
    assert {"wait", "carry", "open"} == VERBS


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Alder Kettle are here.", "Alder Kettle are"),
        ("Alder Kettle have time.", "Alder Kettle have"),
        ("Alder Kettle don't mind.", "Alder Kettle don't"),
        ("Alder Kettle wait for you.", "Alder Kettle wait"),
        ("Sit down when Alder Kettle carry on.", "Alder Kettle carry"),
        ("Here are Alder Kettle.", "are Alder Kettle"),
        ("Take these Alder Kettle.", "these Alder Kettle"),
    ],
)
def test_one_thing_with_the_words_of_several(text, at):
    assert found(text) == [("agreement", at)]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Trail Socks is here.", "Trail Socks is"),
        ("Trail Socks doesn’t mind.", "Trail Socks doesn’t"),
        ("Trail Socks waits for you.", "Trail Socks waits"),
        ("Trail Socks carries on.", "Trail Socks carries"),
        ("Here is Trail Socks.", "is Trail Socks"),
        ("Meet this Trail Socks.", "this Trail Socks"),
    ],
)
def test_several_things_with_the_words_of_one(text, at):
    assert found_of_several(text) == [("agreement", at)]


@pytest.mark.parametrize(
    "text",
    [
        "Alder Kettle is here. Alder Kettle waits.",
        "You and Alder Kettle are on.",
        "Let Alder Kettle wait.",
        "Does Alder Kettle have a place?",
        "You left Alder Kettle open in a tab.",
        "The pots beside Alder Kettle are yours.",
        "This week it is Alder Kettle.",
    ],
)
def test_what_agrees_by_other_rules(text):
    assert found(text) == []


def test_what_agrees_of_several():
    assert found_of_several("Trail Socks are here. Trail Socks wait. The drawer with Trail Socks is full.") == []


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Take the the kettle.", "the the"),
        ("The the end.", "The the"),
    ],
)
def test_a_word_twice(text, at):
    assert found(text) == [("doubled_word", at)]


def test_a_word_twice_that_is_the_shop_s_or_right():
    assert found("Bora Bora Towel is all that that hook needs.", name="Bora Bora Towel", record="Bora Bora Towel") == []
    assert found("What Watering Can can be.", name="Watering Can", record="Watering Can") == []


@pytest.mark.parametrize("text", ["A hour at an desk.", "Find a hour. Take an desk."])
def test_articles(text):
    assert {at.lower() for kind, at in found(text) if kind == "article"} == {"a hour", "an desk"}


@pytest.mark.parametrize(
    ("word", "vowel"),
    [
        *((word, True) for word in ("evening", "hour", "honest", "LED", "SUV", "8-pack", "18", "11", "80", "umbrella")),
        *((word, True) for word in ("unimportant", "uninspired", "heir", "FAQ", "$8")),
        *((word, False) for word in ("kettle", "unicorn", "useful", "USB", "one", "once", "euro", "110", "UV400")),
        *((word, False) for word in ("union", "unique", "usual", "utility", "$39")),
    ],
)
def test_how_words_are_spoken(word, vowel):
    assert spoken_with_vowel(word) is vowel


def test_either_is_right_where_both_are_said():
    assert found("A herb and an herb.") == []


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Sit down.Then pour.", "down.Then"),
        ("Pour,then sit.", "Pour,then"),
        ("Sit down. then pour.", ". then"),
        ("sit down.", "sit"),
    ],
)
def test_where_sentences_start(text, at):
    assert found(text) == [("sentence_start", at)]


def test_a_start_that_is_spelled_so():
    assert found("Good. iLamp is here, for 4.6 and $3,900.50.", name="iLamp", record="iLamp") == []
    assert found("From e.l.f.eyes. Now.", record="e.l.f.eyes") == []


@pytest.mark.parametrize("text", ["Well.. now.", "Well ,now it ends !", "Two  blanks."])
def test_stops_that_do_not_stand_together(text):
    assert {kind for kind, _ in found(text)} >= {"punctuation"}


def test_three_dots_are_one_stop():
    assert found("Well... Now.") == []


def test_braces():
    assert found("Meet {NAM} today.") == [("brace", "{NAM}"), ("brace", "{NAM}")]


def test_examples_are_different_and_few():
    a, b, c = Slip("article", "a hour"), Slip("article", "an desk"), Slip("brace", "{X}")
    assert examples([(a, c), (a,), (b,)], 1) == {"article": ["a hour"], "brace": ["{X}"]}
    assert examples([(a,), (a,), (b,)], 5) == {"article": ["a hour", "an desk"]}
