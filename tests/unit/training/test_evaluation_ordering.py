"""The evaluation of the consistency score: it passes the score as it is, and no score that is blind to a kind of error.

Seeded; 200 triples, of which the score orders 99 %: under the bound of 95 % by chance in fewer than one draw of 10,000.
"""

import json
import random

import pytest

from inference.decide.facts import slot_values
from inference.generate import consistency as module
from inference.generate.consistency import consistency
from inference.generate.grammar import with_grammar
from inference.generate.record import record_of
from inference.generate.render import compile_text, render
from inference.generate.templates import fitting_templates
from schemas.errors import ConfigError
from training.evaluation.corruption import KINDS, Bench, corrupted
from training.evaluation.ordering import Copy, ordering
from training.evaluation.products import invent, known_categories
from training.evaluation.shown import read_copies

CATALOGUE = [one.product for one in invent(known_categories(), 200, 9)]


def template(product):
    facts = slot_values(product)
    text = next(fitting_templates(facts, "new", "description", "shop", 400))
    return Copy(product, render(compile_text(text), with_grammar(facts)))


COPIES = [template(product) for product in CATALOGUE]


def bench(number):
    return Bench(CATALOGUE[number], [one for one in CATALOGUE if one != CATALOGUE[number]])


@pytest.mark.statistical
def test_the_score_orders_its_triples():
    found = ordering(COPIES, CATALOGUE, seed=4)
    assert found["failures"] == []
    assert found["triples"] + found["left_out"] == 200
    assert found["ordered"].value >= 0.97
    assert set(found["noticed_by_kind"]) == set(KINDS)
    assert found["clean_without_contradiction"].value == 1.0
    assert found == ordering(COPIES, CATALOGUE, seed=4)


@pytest.mark.statistical
@pytest.mark.parametrize("blind", ["unbacked", "of_others", "_denial"])
def test_a_score_that_ignores_a_kind_of_error_notices_less_and_says_of_what(monkeypatch, blind):
    """Discounts, features and negations are noticed by one part of the score each."""
    kind = {"unbacked": "discount", "of_others": "feature", "_denial": "negation"}[blind]
    whole = ordering(COPIES, CATALOGUE, seed=4)["noticed_by_kind"][kind].value
    monkeypatch.setattr(module, blind, lambda *_, **__: ())
    assert ordering(COPIES, CATALOGUE, seed=4)["noticed_by_kind"][kind].value < whole


def test_a_score_that_is_blind_to_figures_and_words_does_not_pass(monkeypatch):
    monkeypatch.setattr(module, "unbacked", lambda *_: ())
    assert "of the triples stand in order" in ordering(COPIES, CATALOGUE, seed=4)["failures"][0]


def test_few_triples_prove_nothing():
    assert ordering(COPIES[:9], CATALOGUE, seed=4)["failures"] == ["9 triples could be made, 30 are the least"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_corruption_changes_the_text_and_is_no_part_of_the_record(kind):
    made = 0
    for number, copy in enumerate(COPIES[:80]):
        wrong = corrupted(copy.text, bench(number), [kind], random.Random(number))
        if wrong is None:
            continue
        made += 1
        assert wrong != copy.text
        assert not record_of(copy.product).says(wrong.casefold().split())
    assert made > 10


def test_copies_are_read_from_a_result_of_patter_write_and_from_lines(tmp_path):
    lines = tmp_path / "lines.jsonl"
    lines.write_text("".join(json.dumps({"product_id": c.product.product_id, "text": c.text}) + "\n" for c in COPIES))
    assert sorted(c.text for c in read_copies(lines, CATALOGUE, 300, 1)) == sorted(c.text for c in COPIES)
    assert len(read_copies(lines, CATALOGUE, 7, 1)) == 7
    written = tmp_path / "written.json"
    variants = [{"verdict": "rejected", "text": "No."}, {"verdict": "approved", "text": "Yes."}]
    written.write_text(json.dumps({"items": [{"product_id": CATALOGUE[0].product_id, "variants": variants}]}))
    assert read_copies(written, CATALOGUE, 300, 1) == [Copy(CATALOGUE[0], "Yes.")]


@pytest.mark.parametrize("content", ["[1", '{"text": "a"}', '{"product_id": "other", "text": "a"}', ""])
def test_a_file_without_copies_is_an_error(tmp_path, content):
    path = tmp_path / "bad"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        read_copies(path, CATALOGUE, 3, 1)
    assert caught.value.code.value == "file_invalid"


def test_consistency_is_the_score_that_is_measured():
    assert ordering(COPIES[:60], CATALOGUE, seed=2) == ordering(COPIES[:60], CATALOGUE, seed=2, score=consistency)
