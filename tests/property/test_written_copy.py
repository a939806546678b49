"""Whatever a writer says about whatever product, nothing is approved that its record does not hold."""

import re
from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st
from planned_writer import PlannedWriter

from inference.generate.channels import LIMITS
from inference.generate.compose import compose
from inference.generate.copyset import Ask
from inference.generate.dedupe import likeness, trigrams
from inference.generate.judge import Standards
from inference.generate.record import columns_of
from inference.generate.slots import KNOWN
from inference.text.embedder import HashedTfidf
from schemas.catalog import Product

words = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=9)
phrases = st.lists(words, min_size=1, max_size=4).map(" ".join)
products = st.builds(
    Product,
    product_id=words,
    name=phrases,
    category=st.sampled_from(["kitchen", "shoes", "things"]),
    price_minor=st.integers(0, 10**7),
    currency=st.sampled_from(["USD", "EUR", "CHF", "JPY"]),
    brand=st.none() | phrases,
    color=st.none() | st.sampled_from(["red", "Midnight Blue"]),
    features=st.lists(phrases, max_size=3),
    discount_percent=st.none() | st.integers(1, 99).map(float),
    rating=st.none() | st.sampled_from([4.6, 5.0]),
    extra=st.dictionaries(words, phrases, max_size=2),
)
pieces = st.one_of(
    st.sampled_from([f"{{{slot}}}" for slot in KNOWN]),
    st.sampled_from(["Shop now.", "Take a look.", "in red", "$19.99", "20% off", "rated 4.9", "two", "steel", "best"]),
    st.integers(0, 9999).map(str),
    words,
)
texts = st.lists(pieces, max_size=8).map(" ".join)
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def _numbers(text):
    return {Decimal(number) for number in NUMBER.findall(text)}


def _composed(product, said, channel):
    # A blind writer: nothing but what compose itself checks stands between the text and its approval.
    writer = PlannedWriter(lambda request, attempt: said[(int(request.variant) + attempt) % len(said)], blind=True)
    (copies,) = compose(
        writer,
        [Ask(product=product, segment="new", tone="plain", cta="none", channel=channel)],
        variants=3,
        seed=1,
        standards=Standards(),
        embedder=HashedTfidf(),
        deadline_s=1.0,
    )
    return copies


@settings(deadline=None)
@given(products, st.lists(texts, min_size=1, max_size=4), st.sampled_from(sorted(LIMITS)))
@example(
    Product(product_id="7", name="Mug", category="kitchen", price_minor=100, currency="USD"), ["{NAME} 20"], "push"
)
def test_every_number_of_an_approved_text_stands_in_the_record(product, said, channel):
    known = _numbers(" | ".join(columns_of(product)))
    for variant in _composed(product, said, channel).variants:
        if variant.verdict == "approved":
            assert _numbers(variant.text) <= known
            assert len(variant.text) <= LIMITS[channel]
            assert "{" not in variant.text


@settings(deadline=None)
@given(products, st.lists(texts, min_size=1, max_size=4))
def test_no_two_approved_texts_of_a_set_are_alike(product, said):
    shown = [variant.text for variant in _composed(product, said, "push").variants if variant.verdict == "approved"]
    for place, text in enumerate(shown):
        assert all(likeness(trigrams(text), trigrams(other)) <= 0.8 for other in shown[:place])
