"""The control arm's texts under a brand's rules."""

from inference.decide.facts import facts_of
from inference.generate.brand import BrandRules
from schemas.catalog import Product
from streams.serve.controls import Controls

MUG = facts_of(Product(product_id="p1", name="Trail Mug", category="kitchen", price_minor=1999, currency="USD"))


def test_without_rules_the_control_is_the_first_template() -> None:
    assert Controls("push", BrandRules()).text(MUG, "new", price_known=True).slot_text == (
        "Welcome. {NAME} {IS} {PRICE}. Take a look."
    )


def test_what_the_brand_requires_ends_every_control() -> None:
    rules = BrandRules(required={"push": ("Terms apply.",)})
    text = Controls("push", rules).text(MUG, "new", price_known=True)
    assert text.slot_text == "Welcome. {NAME} {IS} {PRICE}. Take a look. Terms apply."


def test_a_template_that_breaks_a_rule_gives_way_to_one_that_keeps_it() -> None:
    text = Controls("push", BrandRules(banned=("take a look",))).text(MUG, "new", price_known=True)
    assert text.slot_text == "Welcome. {NAME} {IS} {PRICE}."


def test_a_price_that_may_be_old_is_left_out_under_rules_too() -> None:
    rules = BrandRules(required={"push": ("Terms apply.",)})
    text = Controls("push", rules).text(MUG, "new", price_known=False)
    assert "PRICE" not in text.slots
    assert text.slot_text.endswith("Terms apply.")


def test_there_is_a_control_even_where_no_template_keeps_the_rules() -> None:
    text = Controls("push", BrandRules(forbidden_punctuation=(".", "?"))).text(MUG, "new", price_known=True)
    assert text.slot_text == "Welcome. {NAME} {IS} {PRICE}. Take a look."
