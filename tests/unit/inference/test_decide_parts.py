"""Assignment, eligibility and facts."""

import pytest

from inference.decide.assign import Experiment, Recipe, held_out
from inference.decide.eligibility import arm_texts
from inference.decide.facts import facts_of
from inference.decide.hashing import decision_id, unit
from schemas.catalog import Product
from schemas.errors import Code
from streams.broadcast.pool import text_of


def experiment(holdout: float, salt: str = "s") -> Experiment:
    return Experiment(name="x", version=1, salt=salt, holdout=holdout, recipes=(Recipe("a", "warm", "shop", "short"),))


def test_the_control_is_the_first_arm() -> None:
    assert experiment(0.1).arms == ("template", "a")


def test_a_shopper_stays_held_out_and_another_salt_draws_anew() -> None:
    users = [f"u{number}" for number in range(4000)]
    out = {user for user in users if held_out(experiment(0.1), user)}
    assert out == {user for user in users if held_out(experiment(0.1), user)}
    assert 300 < len(out) < 500
    assert out != {user for user in users if held_out(experiment(0.1, "t"), user)}
    assert not any(held_out(experiment(0.0), user) for user in users)
    assert all(held_out(experiment(1.0), user) for user in users)


def test_names_are_not_glued_together() -> None:
    assert unit("ab", "c") != unit("a", "bc")
    assert decision_id("ab", "c") != decision_id("a", "bc")


def product(**changes: object) -> Product:
    base: dict[str, object] = {
        "product_id": "p",
        "name": "Trail  Mug",
        "category": "kitchen",
        "price_minor": 1999,
        "currency": "USD",
        "discount_percent": 20.0,
        "features": ["a lid", "a handle"],
    }
    return Product(**{**base, **changes})  # type: ignore[arg-type]


def test_facts_are_verbatim_and_absent_ones_are_no_slots() -> None:
    facts = facts_of(product(rating=4.5, color=""))
    assert facts.values["PRICE"] == "$19.99"
    assert facts.values["OFF"] == "20%"
    assert facts.values["NAME"] == "Trail Mug"
    assert facts.values["RATING"] == "4.5"
    assert facts.values["FEATURE2"] == "a handle"
    assert {"COLOR", "MATERIAL", "SIZE", "BRAND"}.isdisjoint(facts.slots)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(5, "EUR", "€0.05"), (1200, "JPY", "¥1200"), (1234, "CHF", "12.34 CHF"), (1, "BHD", "0.001 BHD")],
)
def test_money_is_written_as_the_currency_is(minor: int, currency: str, text: str) -> None:
    assert facts_of(product(price_minor=minor, currency=currency)).values["PRICE"] == text


def test_an_arm_without_a_showable_text_is_not_eligible_and_says_why() -> None:
    plain, priced, gone = (
        text_of(str(i), text, "b", None) for i, text in enumerate(("{NAME}", "{NAME} {PRICE}", "{NAME} {SIZE}"))
    )
    slots = facts_of(product()).slots
    assert arm_texts((), slots, price_known=True) == ((), Code.POOL_MISS)
    assert arm_texts((gone,), slots, price_known=True) == ((), Code.SLOT_UNFILLED)
    assert arm_texts((priced,), slots, price_known=False) == ((), Code.PRICE_BEHIND)
    assert arm_texts((plain, priced), slots, price_known=False) == ([plain], None)
    assert arm_texts((plain, priced, gone), slots, price_known=True) == ([plain, priced], None)


def test_a_brand_that_the_name_says_already_is_no_slot_and_a_full_stop_is_no_fact() -> None:
    facts = facts_of(product(name="Acme Kettle", brand="ACME", features=["a long cord."]))
    assert "BRAND" not in facts.slots
    assert facts.values["FEATURE"] == "a long cord"
    assert facts_of(product(brand="Acme")).values["BRAND"] == "Acme"
