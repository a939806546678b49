"""What happens to a text after it is written: kept, written again with the reason, or answered by a template."""

import pytest
from planned_writer import PlannedWriter

from inference.generate import judge
from inference.generate.brand import BrandRules
from inference.generate.channels import LIMITS
from inference.generate.compose import TRIES, compose
from inference.generate.copyset import Ask
from inference.generate.findings import codes_of
from inference.generate.judge import Standards
from inference.generate.relevance import neighbours_of
from inference.text.embedder import HashedTfidf
from schemas.catalog import Product

KETTLE = Product(
    product_id="A-1",
    name="Harbor Kettle",
    category="kitchen",
    price_minor=3900,
    currency="USD",
    brand="Norrvik",
    features=["Rapid boil", "Quiet lid"],
    extra={"origin": "organic cotton sleeve"},
)
BOOTS = Product(product_id="B-2", name="Trail Boots", category="footwear", price_minor=9900, currency="USD")
GOOD = (
    "The morning can wait for {NAME}. Shop now.",
    "Shop {NAME} for {PRICE} and put your feet up.",
    "Guests at the door already? Order {NAME} by {BRAND}.",
)


def ask(product=KETTLE, *, cta="shop", channel="push", **more):
    return Ask(product=product, segment="regular", tone="plain", cta=cta, channel=channel, **more)


def composed(say, asks=None, *, variants=1, standards=None, blind=False, seed=1):
    writer = PlannedWriter(say, blind=blind)
    sets = compose(
        writer,
        asks or [ask()],
        variants=variants,
        seed=seed,
        standards=standards or Standards(neighbours=neighbours_of([KETTLE, BOOTS])),
        embedder=HashedTfidf(),
        deadline_s=10.0,
    )
    return sets, writer


def test_good_texts_are_kept_and_rendered():
    ((copies,), writer) = composed(lambda request, _: GOOD[int(request.variant)], variants=3)
    assert [variant.text for variant in copies.variants] == [
        "The morning can wait for Harbor Kettle. Shop now.",
        "Shop Harbor Kettle for $39.00 and put your feet up.",
        "Guests at the door already? Order Harbor Kettle by Norrvik.",
    ]
    assert {variant.verdict for variant in copies.variants} == {"approved"}
    assert {variant.source for variant in copies.variants} == {"model"}
    assert len(writer.asked) == 1
    assert copies.variants[1].slots == {"NAME": "Harbor Kettle", "PRICE": "$39.00"}
    assert len({variant.seed for variant in copies.variants}) == 3
    assert copies.chars_limit == 120


def test_a_claim_is_written_again_with_its_code_and_then_answered_by_the_template():
    ((copies,), writer) = composed(lambda request, _: "The best {NAME}. Shop now.")
    (variant,) = copies.variants
    assert [request.avoid for requests in writer.asked for request in requests] == [
        (),
        *[("copy_claim", "copy_unbacked")] * (TRIES - 1),
    ]
    assert len({request.seed for requests in writer.asked for request in requests}) == TRIES
    assert (variant.source, variant.verdict, variant.seed) == ("template", "approved", None)
    assert variant.text.startswith("Harbor Kettle")
    assert [refused.codes for refused in variant.refused] == [("copy_claim", "copy_unbacked")] * TRIES
    assert variant.tokens == 5 * TRIES


def test_only_what_failed_is_written_again():
    def say(request, attempt):
        bad = request.variant == "1" and attempt == 0
        return "Made of steel: {NAME}. Shop now." if bad else GOOD[int(request.variant)]

    ((copies,), writer) = composed(say, variants=3)
    assert [len(requests) for requests in writer.asked] == [3, 1]
    assert [variant.source for variant in copies.variants] == ["model"] * 3
    assert copies.variants[1].refused[0].codes == ("copy_claim", "copy_unbacked")


def test_the_claim_check_holds_where_the_writer_says_nothing():
    ((copies,), _) = composed(lambda request, _: "Now $19.00: {NAME}, in red. Shop now.", blind=True)
    assert copies.variants[0].source == "template"
    assert copies.variants[0].refused[0].codes == ("copy_unbacked",)


def test_without_the_claim_check_a_false_claim_would_pass(monkeypatch):
    monkeypatch.setattr(judge, "unbacked", lambda shown, record: ())
    ((copies,), _) = composed(lambda request, _: "Now $19.00: {NAME}, in red. Shop now.", blind=True)
    assert copies.variants[0].source == "model"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Beside your trail boots: {NAME}. Shop now.", "copy_irrelevant"),
        ("Your puppy knows {NAME}. Shop now.", "copy_irrelevant"),
        ("Stupid mornings end here: {NAME}. Shop now.", "copy_toxic"),
        ("Shop {NAME} on norrvik.com now.", "copy_pii"),
        ("{NAME} {IS} cool! Shop now.", "copy_brand"),
        ("{MATERIAL}: {NAME}. Shop now.", "copy_slot_unknown"),
        ("Meet {NAME}.", "copy_cta_missing"),
    ],
)
def test_each_check_has_its_code(text, code):
    standards = Standards(
        rules=BrandRules(max_exclamation_marks=0),
        neighbours=neighbours_of([KETTLE, BOOTS]),
        kinds={"kitchen": ("kitchen",)},
    )
    ((copies,), writer) = composed(lambda request, attempt: GOOD[0] if attempt else text, standards=standards)
    (variant,) = copies.variants
    assert variant.refused[0].codes == (code,)
    assert writer.asked[1][0].avoid == (code,)
    assert (variant.source, variant.verdict) == ("model", "approved")


def test_what_repeats_a_sibling_is_written_again():
    ((copies,), writer) = composed(lambda request, attempt: GOOD[attempt], variants=2)
    assert [variant.slot_text for variant in copies.variants] == [GOOD[0], GOOD[1]]
    assert writer.asked[1][0].avoid == ("copy_duplicate",)


def test_what_another_segment_of_the_product_is_told_already_is_written_again():
    other = Ask(product=KETTLE, segment="loyal", tone="plain", cta="shop", channel="push")
    (first, second), writer = composed(lambda request, attempt: GOOD[attempt], [ask(), other])
    assert [first.variants[0].slot_text, second.variants[0].slot_text] == [GOOD[0], GOOD[1]]
    assert [request.segment for request in writer.asked[1]] == ["loyal"]


def test_two_products_may_be_told_of_alike():
    (first, second), writer = composed(lambda request, attempt: GOOD[attempt], [ask(KETTLE), ask(BOOTS)])
    assert first.variants[0].slot_text == second.variants[0].slot_text == GOOD[0]
    assert len(writer.asked) == 1


def test_templates_of_one_set_differ():
    ((copies,), _) = composed(lambda request, _: "", variants=3)
    assert {variant.source for variant in copies.variants} == {"template"}
    assert len({variant.text for variant in copies.variants}) == 3


def test_where_templates_run_out_a_person_decides():
    bare = Product(product_id="C", name="Kettle", category="kitchen", price_minor=100, currency="USD")
    ((copies,), _) = composed(lambda request, _: "", [ask(bare)], variants=12)
    assert copies.variants[0].verdict == "approved"
    last = copies.variants[-1]
    assert last.verdict == "review"
    assert set(codes_of(last.findings)) <= {"copy_duplicate", "copy_cta_missing", "copy_name_missing"}


@pytest.mark.parametrize("channel", LIMITS)
@pytest.mark.parametrize("name", ["Tea", "Harbor Kettle", "n" * 180])
def test_every_channel_is_answered_and_fits(channel, name):
    product = Product(product_id="C", name=name, category="kitchen", price_minor=100, currency="USD")
    ((copies,), _) = composed(lambda request, _: "", [ask(product, channel=channel)])
    (variant,) = copies.variants
    assert 0 < len(variant.text) <= LIMITS[channel] == copies.chars_limit
    assert "{" not in variant.text
    assert variant.verdict != "rejected"


def test_a_name_that_breaks_a_rule_is_left_out_for_a_person_to_see():
    standards = Standards(rules=BrandRules(banned=("kettle",)))
    ((copies,), _) = composed(lambda request, _: GOOD[0], standards=standards)
    (variant,) = copies.variants
    assert (variant.source, variant.verdict) == ("template", "review")
    assert codes_of(variant.findings) == ("copy_name_missing", "copy_irrelevant")


def test_rules_that_no_text_can_keep_reject():
    standards = Standards(rules=BrandRules(banned=("kettle", "norrvik", "shop", "seen")))
    ((copies,), _) = composed(lambda request, _: GOOD[0], standards=standards)
    assert copies.variants[0].verdict == "rejected"
    assert "copy_brand" in codes_of(copies.variants[0].findings)


@pytest.mark.parametrize("case", ["lower", "title", "sentence"])
def test_a_brands_case_is_kept_by_model_and_template(case):
    standards = Standards(rules=BrandRules(case=case))
    for text in (GOOD[0], ""):
        ((copies,), _) = composed(lambda request, _, text=text: text, standards=standards)
        assert copies.variants[0].verdict == "approved"
        assert ("shop now" in copies.variants[0].text) is (case == "lower")


def test_what_a_channel_has_to_say_takes_its_room():
    phrase = "Reply STOP to opt out, free of charge."
    standards = Standards(rules=BrandRules(required={"sms": (phrase,)}))
    ((copies,), writer) = composed(lambda request, _: GOOD[0], [ask(channel="sms")], standards=standards)
    assert writer.asked[0][0].max_chars == 160 - len(phrase) - 1
    (variant,) = copies.variants
    assert (variant.source, variant.verdict) == ("model", "approved")
    assert variant.text == f"The morning can wait for Harbor Kettle. Shop now. {phrase}"


def test_a_claim_that_brand_and_record_back_is_kept():
    standards = Standards(rules=BrandRules(claims_allowed=("organic",)))
    text = "Organic mornings begin with {NAME}. Shop now."
    ((copies,), _) = composed(lambda request, _: text, standards=standards)
    assert (copies.variants[0].source, copies.variants[0].slot_text) == ("model", text)
    ((copies,), _) = composed(lambda request, _: text)
    assert copies.variants[0].source == "template"


def test_a_text_does_not_depend_on_what_else_is_asked_for():
    def say(request, _):
        return f"{'Tea' if request.seed % 2 else 'Supper'} can wait for {{NAME}}. Shop now."

    ((alone,), _) = composed(say, [ask()], variants=2)
    (together, _) = composed(say, [ask(BOOTS), ask()], variants=2)
    assert together[1] == alone
    assert together[0].ask.product == BOOTS


def test_seeds_differ_by_everything_that_is_asked():
    asks = [ask(), ask(BOOTS), ask(cta="none"), ask(channel="sms")]
    (_, writer) = composed(lambda request, _: GOOD[0], asks, variants=2)
    (_, other) = composed(lambda request, _: GOOD[0], asks, variants=2, seed=2)
    seeds = [request.seed for written in (writer, other) for request in written.asked[0]]
    assert len(set(seeds)) == len(seeds) == 16


def test_scores():
    ((copies,), _) = composed(lambda request, _: GOOD[int(request.variant)], variants=3)
    for variant in copies.variants:
        scores = variant.scores
        assert scores.p_conv is None
        assert scores.reward is None
        assert scores.cta == 1.0
        assert 0 < scores.diversity <= 1
        assert 0 < scores.relevance <= 1
        assert -1 <= scores.sentiment <= 1
    assert 0 < copies.set_diversity < 1
    assert copies.embedder == "hashed-tfidf-1"
    ((copies,), _) = composed(lambda request, _: "{NAME} {IS} here.", [ask(cta="none")])
    assert copies.variants[0].scores.cta is None
    assert copies.variants[0].scores.diversity is None
