"""A whole evaluation with planned texts, so that every figure of it is known beforehand."""

import pytest
from slot_text_writer import SlotTextWriter

from inference.decide.facts import slot_values
from inference.generate import judge
from inference.generate.judge import Standards
from schemas.catalog import Product
from schemas.ports import TextRequest
from training.evaluation.cases import Case
from training.evaluation.run import measure
from training.evaluation.sources import sources_of
from training.lines import Line


def line(category, text):
    return Line(category=category, segment="any", tone="plain", cta="none", channel="push", text=text, place="t:1")


TRAINED = [
    line("any", "Pour slow. {NAME} wait{S} here."),
    line("any", "{NAME}, and the hour is yours."),
    *[line("garden", f"Rake the {when}. {{NAME}}.") for when in ("day", "hour", "path")],
]
SOURCES = sources_of(TRAINED)
SOCKS = Product(
    product_id="s", name="Trail Socks", category="Apparel", price_minor=1200, currency="USD", material="wool"
)


def case(*, cta="none", sentiment="any", channel="push", max_chars=120, several=True, product=SOCKS, number=0):
    requests = tuple(
        TextRequest(
            product_id=product.product_id,
            category=product.category,
            segment="any",
            variant="evaluation",
            tone="plain",
            cta=cta,
            length="short",
            channel=channel,
            locale="en",
            facts=slot_values(product),
            seed=10 * number + variant,
            max_chars=max_chars,
            sentiment=sentiment,
        )
        for variant in range(3)
    )
    return Case(product=product, category="apparel", several=several, requests=requests)


def evaluated(texts, cases):
    """`texts` by number of case; a case's variants are the same text with another last word."""

    def plan(request):
        number, variant = divmod(request.seed, 10)
        return texts[number] + " Well." * (variant > 0) + " Then." * (variant > 1)

    return measure(SlotTextWriter(plan), {"one": cases}, SOURCES, Standards(), seed=1)


def test_every_measure_of_first_tries_is_as_planned():
    texts = [
        # A copied sentence and one of its own; both facts beside the name; calls to look; agreed.
        "Pour slow. {NAME} in {MATERIAL}, {PRICE}. Take a look.",
        # A whole copy, no fact, no call though asked.
        "{NAME}, and the hour is yours.",
        # Says what no record does, and a word of the garden's; one fact; not agreed.
        "Rake in {NAME}. {NAME} is blue. {PRICE}. Have a look.",
        # Too long for its channel, and kind though asked to be neutral.
        "Lovely, happy, wonderful days with {NAME} and you.",
    ]
    cases = [
        case(cta="discover", number=0),
        case(cta="discover", sentiment="neutral", number=1),
        case(cta="discover", number=2),
        case(sentiment="neutral", channel="sms", max_chars=40, number=3),
    ]
    found = evaluated(texts, cases)["slices"]["one"]
    tries = found["tries"]

    def of(name):
        return tries[name]["value"], tries[name]["n"]

    assert of("admitted") == (1 / 4, 4)
    assert tries["codes"] == {
        "copy_claim": 1,
        "copy_cta_missing": 1,
        "copy_repeats": 1,
        "copy_too_long": 1,
        "copy_unbacked": 1,
    }
    assert of("faithful") == (3 / 4, 4)
    assert tries["unbacked_examples"] == ["blue: Rake in Trail Socks. Trail Socks is blue. $12.00. Have a look."]
    assert of("no_foreign_category") == (3 / 4, 4)
    # NAME and CATEGORY are no facts; {MATERIAL} and {PRICE} are on offer in all four.
    assert of("fact_coverage") == (pytest.approx((2 + 0 + 1 + 0) / 8), 4)
    assert of("with_a_fact") == (2 / 4, 4)
    assert of("cta_as_asked") == (pytest.approx(2 / 3, abs=1e-4), 3)
    assert of("sentiment_as_asked") == (1 / 2, 2)
    assert tries["sentiment_by_asked"]["neutral"]["n"] == 2
    assert of("positive_unasked")[1] == 2
    assert of("length_kept") == (3 / 4, 4)
    assert tries["length_kept_by_channel"]["sms"]["value"] == 0.0
    assert tries["length_kept_by_channel"]["push"]["n"] == 3
    # 1 of 3, 1 of 1, 0 of 3, 0 of 1 sentences with words of their own.
    assert of("sentences_copied") == (pytest.approx(2 / 8), 4)
    assert of("texts_copied") == (1 / 4, 4)
    assert of("no_slip") == (3 / 4, 4)
    assert tries["slips"] == {
        "doubled_word": 0,
        "article": 0,
        "agreement": 1,
        "sentence_start": 0,
        "punctuation": 0,
        "brace": 0,
    }
    assert tries["slip_examples"] == {"agreement": ["Trail Socks is"]}
    assert found["admitted"]["faithful"]["n"] == 1
    assert found["sets"]["faithful"]["value"] == 3 / 4
    assert found["sets"]["size"] == 3


def test_a_text_that_cannot_be_shown_is_a_try_and_nothing_more():
    found = evaluated(["{NAME} in {COLOR}.", "{NAME} wait{S}."], [case(number=0), case(number=1)])["slices"]["one"]
    assert found["tries"]["admitted"]["n"] == 2
    assert found["tries"]["admitted"]["value"] == 0.5
    assert found["tries"]["faithful"]["n"] == 1
    assert found["sets"]["diversity"]["n"] == 1


def test_number_is_judged_by_the_truth_and_not_by_the_guess_that_rendering_makes():
    """`Bass` is taken for one thing by its name; the case knows better."""
    product = Product(product_id="f", name="Alder Bass", category="Food", price_minor=100, currency="USD")
    found = evaluated(["{NAME} {IS} here."], [case(product=product, several=True)])["slices"]["one"]
    assert found["tries"]["slips"]["agreement"] == 1
    found = evaluated(["{NAME} {IS} here."], [case(product=product, several=False)])["slices"]["one"]
    assert found["tries"]["slips"]["agreement"] == 0


def test_blocks_are_of_twenty_first_tries():
    cases = [case(number=number) for number in range(45)]
    found = evaluated(["{NAME} wait{S}."] * 45, cases)["slices"]["one"]["sets"]
    assert found["block_size"] == 20
    assert found["blocks"]["diversity"]["n"] == 2
    assert found["blocks"]["diversity"]["value"] == 0.0
    # `{name} wait {s}` is said twenty times: 3 words of 60.
    assert found["blocks"]["distinct_1"]["value"] == pytest.approx(3 / 60)
    assert found["blocks"]["self_bleu"]["value"] == 1.0


def test_the_same_seed_gives_the_same_result_and_batches_do_not_matter():
    cases = [case(number=number) for number in range(90)]
    writer = SlotTextWriter(lambda request: "Pour slow. {NAME} wait{S} here." + " So." * (request.seed % 3))
    heard = []
    first = measure(
        writer, {"one": cases}, SOURCES, Standards(), seed=4, report=lambda done, of: heard.append((done, of))
    )
    assert first == measure(writer, {"one": cases}, SOURCES, Standards(), seed=4)
    assert heard == [(240, 270), (270, 270)]
    assert writer.batches == [240, 30, 240, 30]


def test_the_gate_names_what_does_not_hold():
    poor = evaluated(["Hey.", "{NAME} wait{S}."], [case(number=0), case(number=1)])
    assert poor["failures"] == []
    poor = evaluated([*["Hey."] * 5, "{NAME} wait{S}."], [case(number=number) for number in range(6)])
    assert poor["failures"] == ["one: 16.7% of tries are admitted, 20% are the least"]


def test_the_gate_looks_at_what_the_checks_let_through(monkeypatch):
    """Were the checks of claims and length to find nothing, the evaluation still would."""
    monkeypatch.setattr("slot_text_writer.codes", lambda _text, _request: ())
    monkeypatch.setattr(judge, "unbacked", lambda _shown, _record: ())
    monkeypatch.setattr(judge, "_length", lambda _shown, _channel, _said: ())
    found = evaluated(["{NAME} {IS} blue."], [case()])
    assert found["failures"] == ["one: 0.0% of the admitted texts say nothing beyond the record, all have to"]
    found = evaluated(["{NAME} wait{S} " + "and on " * 20], [case()])
    assert found["failures"] == ["one: 0.0% of the admitted texts fit their channel, all have to"]


def test_a_slice_without_cases_is_null():
    found = measure(SlotTextWriter(lambda _request: "{NAME}."), {"none": []}, SOURCES, Standards(), seed=1)
    assert found["slices"] == {"none": None}
    assert found["failures"] == []
