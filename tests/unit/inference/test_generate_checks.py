import msgspec
import pytest

from inference.generate.checks import claims, codes, has_cta, repeats
from inference.generate.lexicon import words_of
from schemas.ports import TextRequest

REQUEST = TextRequest(
    product_id="p",
    category="kettles",
    segment="new",
    variant="v",
    tone="warm",
    cta="shop",
    length="short",
    channel="push",
    locale="en",
    facts={"NAME": "Kettle", "PRICE": "$9.00", "COLOR": "teal", "OFF": "20%"},
    seed=1,
    max_chars=60,
)
GOOD = "Say hello to {NAME}. Shop now."


def test_a_good_text_has_no_code():
    assert codes(GOOD, REQUEST) == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "copy_empty"),
        ("   ", "copy_empty"),
        ("Say hello to {NAME}, and then say hello to it again. Shop now, today.", "copy_too_long"),
        ("Say hello to {NAME}. Shop now", "copy_unfinished"),
        ("Say hello to {NAME} by {BRAND}. Shop now.", "copy_slot_unknown"),
        ("Say hello to {NAME} for {WAS}. Shop now.", "copy_slot_unknown"),
        ("Say hello to {NAME} {. Shop now.", "copy_slot_unknown"),
        ("Say hello to {name}. Shop now.", "copy_slot_unknown"),
        ("Say hello. Shop now.", "copy_name_missing"),
        ("Say hello to {NAME}, only 5 left. Shop now.", "copy_claim"),
        ("Say hello to {NAME} in red. Shop now.", "copy_claim"),
        ("Say hello to {NAME}. {NAME}. Shop now.", "copy_repeats"),
        ("Say hello hello to {NAME}. Shop now.", "copy_repeats"),
        ("Shop now. {NAME}. Shop now.", "copy_repeats"),
        ("Say hello to {NAME}.", "copy_cta_missing"),
    ],
)
def test_every_fault_has_its_code(text, code):
    assert code in codes(text, REQUEST)


def test_a_text_that_the_writer_did_not_end_is_unfinished():
    assert codes(GOOD, REQUEST, finished=False) == ("copy_unfinished",)


def test_length_is_that_of_the_filled_text():
    room = len("Say hello to Kettle. Shop now.")
    assert codes(GOOD, msgspec.structs.replace(REQUEST, max_chars=room)) == ()
    assert codes(GOOD, msgspec.structs.replace(REQUEST, max_chars=room - 1)) == ("copy_too_long",)


@pytest.mark.parametrize("name", ["colours", "materials", "amounts", "claims"])
def test_every_word_of_the_lists_is_a_claim_in_any_case(name):
    words = words_of(name)
    assert len(words) > 60
    for word in words:
        assert claims(f"Take {{NAME}}, {word}, today."), word
        assert claims(f"{word.upper()}: {{NAME}}."), word


@pytest.mark.parametrize(
    "text",
    [
        "{NAME} for 5.",
        "{NAME}, $.",
        "{NAME} at ٣.",
        "{NAME}, ½.",
        "{NAME} is off-white",
        "{NAME}\u00a0red",
        "-red {NAME}",
    ],
)
def test_signs_and_seams_hide_nothing(text):
    assert claims(text)


@pytest.mark.parametrize("text", ["{COLOR}", "{OFF} off {NAME}.", "Tired? Incredible {NAME}.", "Everyone can stand."])
def test_slots_and_parts_of_words_are_no_claims(text):
    assert claims(text) == ()


@pytest.mark.parametrize("word", ["blues", "glasses", "brasses", "tens", "reddish", "steel-ish", "dollars"])
def test_plurals_and_ish_are_claims(word):
    assert claims(f"Take {{NAME}}, {word}, today.")


def test_claims_come_in_the_order_of_the_text():
    assert claims("Blue {NAME}, 1 of steel") == ("blue", "1", "steel")


def test_words_on_two_sides_of_a_slot_or_a_stop_do_not_meet():
    assert not repeats("Now {NAME} now. Now or later.")
    assert repeats("Look. Look.")


def test_what_is_set_beside_itself_is_a_slip():
    assert repeats("Check the price, then the price: {NAME}.")
    assert repeats("Finish before finish, always. {NAME}.")
    assert not repeats("Check the price, then the fit: {NAME}.")
    assert not repeats("You plan the year before the year plans you. {NAME}.")


@pytest.mark.parametrize("cta", ["shop", "discover", "save", "remind"])
def test_a_call_to_action_is_looked_for(cta):
    assert not has_cta("{NAME}, for you.", cta)


@pytest.mark.parametrize("cta", ["none", "a type of the shop's own"])
def test_a_type_without_phrases_asks_for_nothing(cta):
    assert has_cta("{NAME}.", cta)


def test_a_phrase_inside_a_word_is_no_call():
    assert not has_cta("{NAME} for the workshop.", "shop")
