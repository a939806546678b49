"""What is marked in rows: tokens of calls, siblings' completions, and what an example weighs."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_bases import tokenizer_of

from inference.generate.checks import has_cta
from schemas.approved import ApprovedCopy
from schemas.catalog import Product
from schemas.errors import ConfigError
from training.objective.calls import call_places
from training.objective.config import Loss
from training.objective.conversion import observed
from training.objective.marked import marked
from training.tune.sift import sift
from training.tune.tokens import Markers, add_slots, encode

TEXTS = (
    "Fern Mug is ready for the morning. Shop now.",
    "Fern Mug is ready for the evening. Take a look.",
    "A calm start with Fern Mug. Shop now.",
)


@pytest.fixture(scope="module")
def tokenizer():
    wrapped = tokenizer_of(begins=False)
    add_slots(wrapped)
    return wrapped.backend_tokenizer


def rows_of(*clicks, segments=("any", "any", "any")):
    product = Product(product_id="p", name="Fern Mug", category="Kitchen", price_minor=900, currency="USD")
    copies = [
        ApprovedCopy(
            product=product, text=text, segment=segment, file="f", line=number, row={}, impressions=1000, clicks=count
        )
        for number, (text, count, segment) in enumerate(zip(TEXTS, clicks, segments, strict=True))
    ]
    found = sift(copies, 1)
    assert not found.rejected
    return found.rows


def ids_of(rows, tokenizer):
    return [encode(tokenizer, Markers(None, 1, 1), "Text:\n", row.text) for row in rows]


def said(tokenizer, ids, places):
    tokens = ids[0][ids[1] :]
    return tokenizer.decode([tokens[place] for place in places]).strip()


def test_the_tokens_of_a_call_are_marked_and_no_others(tokenizer):
    rows = rows_of(1, 1, 1)
    ids = ids_of(rows, tokenizer)
    found = marked(rows, ids, tokenizer, Loss(cta=1.0), None)
    assert [said(tokenizer, each, row.calls) for each, row in zip(ids, found, strict=True)] == [
        "Shop",
        "Take a look",
        "Shop",
    ]
    assert all(not row.unlikely and row.weight == 1.0 for row in found)


def test_a_call_is_marked_wherever_the_check_of_copy_finds_it():
    text = "{NAME} SHOP it: get yours, Shopkeeper İ buy"
    offsets = [(place, place + 1) for place in range(len(text))]
    assert has_cta(text, "shop")
    assert "".join(text[place] for place in call_places(text, "shop", offsets)) == "SHOPget yoursbuy"
    assert call_places(text, "none", offsets) == ()
    assert call_places(text, "remind", offsets) == ()


def test_siblings_are_of_the_same_product_and_segment(tokenizer):
    weights = Loss(unlikelihood=1.0, ngram=4)
    together = rows_of(1, 1, 1)
    found = marked(together, ids_of(together, tokenizer), tokenizer, weights, None)
    assert found[0].unlikely
    assert all(not row.calls for row in found)
    apart = rows_of(1, 1, 1, segments=("new", "loyal", "any"))
    assert not any(row.unlikely for row in marked(apart, ids_of(apart, tokenizer), tokenizer, weights, None))


def test_no_completion_lies_in_the_prompt_or_at_the_end(tokenizer):
    rows = rows_of(1, 1, 1)
    ids = ids_of(rows, tokenizer)
    for (tokens, prompt), row in zip(
        ids, marked(rows, ids, tokenizer, Loss(unlikelihood=1.0, ngram=2), None), strict=True
    ):
        assert row.unlikely
        assert all(1 <= place < len(tokens) - prompt - 1 and token != tokens[-1] for place, token in row.unlikely)


def test_examples_weigh_by_what_is_predicted(tokenizer):
    rows = rows_of(0, 0, 0)
    heard = []

    def predict(text, segment):
        heard.append((text, segment))
        return 0.9 if "evening" in text else 0.5

    found = marked(rows, ids_of(rows, tokenizer), tokenizer, Loss(conversion=1.5), predict)
    assert [row.weight for row in found] == pytest.approx([1.0, 1.6, 1.0])
    assert heard == [(row.text, "any") for row in rows]


def test_clicks_do_where_there_is_no_model_and_without_either_there_is_no_weighing(tokenizer):
    rows = rows_of(10, 90, 20)
    found = marked(rows, ids_of(rows, tokenizer), tokenizer, Loss(conversion=1.0), None)
    weights = [row.weight for row in found]
    assert weights[1] > 1 > weights[2] > weights[0] > 0.5
    bare = rows_of(0, 0, 0)
    with pytest.raises(ConfigError, match="no impressions and clicks"):
        marked(bare, ids_of(bare, tokenizer), tokenizer, Loss(conversion=1.0), None)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 1)), min_size=1, max_size=6))
def test_observed_is_a_chance_with_an_average_of_one_half(counts):
    row = rows_of(1, 1, 1)[0]
    rows = [msgspec.structs.replace(row, impressions=shown, clicks=int(shown * share)) for shown, share in counts]
    found = observed(rows)
    if found is None:
        clicked = sum(each.clicks for each in rows)
        assert clicked == 0 or clicked == sum(each.impressions for each in rows)
        return
    mean = sum(each.clicks for each in rows) / sum(each.impressions for each in rows)
    for each, chance in zip(rows, found, strict=True):
        assert 0 < chance <= 1
        if each.impressions == 0:
            assert chance == pytest.approx(0.5)
        elif abs(each.clicks / each.impressions - mean) > 1e-9:
            assert (chance > 0.5) == (each.clicks / each.impressions > mean)
