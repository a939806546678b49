"""Insults and personal data among a text's own words."""

import pytest

from inference.generate.screen import screened


def _codes(text):
    return [finding.code.value for finding in screened(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Meet {NAME}, you idiot.",
        "{NAME} {IS} damn good.",
        "So stupid, so {NAME}.",
        "{NAME} for every slut.",
        "Murder on the dance floor: {NAME}.",
    ],
)
def test_toxic_words(text):
    assert "copy_toxic" in _codes(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Write to anna.berg@shop.example about {NAME}.", "an e-mail address"),
        ("Write to {NAME}@shop.example.", "an e-mail address"),
        ("Write to anna (at) shop.example.", "an e-mail address"),
        ("See https://shop.example/x for {NAME}.", "a web address"),
        ("{NAME} is at www.shop.example now.", "a web address"),
        ("{NAME} on norrvik.com today.", "a web address"),
        ("Call +49 30 901820 about {NAME}.", "a telephone number"),
        ("Call (212) 555-0147.", "a telephone number"),
        ("Pay with 4111 1111 1111 1111.", "a card number"),
        ("Send it to DE89 3704 0044 0532 0130 00.", "an account number"),
        ("Visit us at 221 Baker Street.", "a street address"),
        ("Besuch uns, Hauptstraße 12.", "a street address"),
    ],
)
def test_personal_data(text, what):
    assert "copy_pii" in _codes(text)
    assert any(finding.what.startswith(what) for finding in screened(text))


@pytest.mark.parametrize(
    "text",
    [
        "Kill an hour with {NAME}. {PRICE}, {OFF} off. Shop now.",
        "Scrap the list, assess the shelf, take {THEM} to Essex.",
        "{NAME}, {SIZE}, {RATING}: take a look.",
        "Cocktail hour. {NAME} {IS} ready.",
        "Now.In time for supper: {NAME}.",
        "Meet {NAME} at five past.",
    ],
)
def test_harmless_words_pass(text):
    assert screened(text) == ()


def test_a_number_that_only_looks_like_an_account_is_none():
    assert not any("account" in finding.what for finding in screened("Code DE00 3704 0044 0532 0130 00."))


def test_facts_are_the_shops_own():
    assert screened("{NAME}: {FEATURE}.") == ()
