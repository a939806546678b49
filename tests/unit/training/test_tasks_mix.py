"""The mix of typed tasks, and that nothing that is held out comes into it."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from task_shop import copies, said, shop

from inference.generate.checks import cta_phrases, has_cta
from inference.generate.findings import codes_of
from inference.generate.judge import Standards
from inference.generate.slots import SLOT, SLOTS
from inference.generate.text_prompt import text_prompt
from inference.tasks.faults import faults, request_of
from inference.tasks.prompts import LISTED, prompt_of
from inference.tasks.records import (
    CALLS,
    NOT_STATED,
    TASKS,
    Ad,
    Classify,
    Cta,
    Intent,
    Qa,
    TitleRewrite,
    stated,
    task_of,
)
from inference.tasks.wordings import questions, wordings
from schemas.errors import Code, ConfigError
from training.evaluation.intervals import Figure
from training.tasks.examples import calls
from training.tasks.held import held_product, held_text
from training.tasks.measure import SPLITS, failures, split_examples
from training.tasks.mix import Source, counted, examples_of, parted, taught_by
from training.tasks.score import Scored
from training.tune.sift import sift, split

SHOP, SAID = shop(), said()
ROWS = sift(copies(SHOP), 1).rows


def mixed(seed, share=0.5, products=None, texts=None):
    source = Source(share=share, products=tuple(products or SHOP), texts=tuple(SAID if texts is None else texts))
    taught = taught_by(source, ROWS, seed)
    learned, held_out = parted(*split(ROWS, seed), taught)
    return taught, learned, held_out, examples_of(source, learned, held_out, taught)


def words_of(example):
    """Everything that a model is shown of an example."""
    return prompt_of(example.record, example.wording, {}) + example.target


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.2, 0.5, 0.8]))
def test_what_is_held_out_is_in_no_example_and_no_row(seed, share):
    taught, learned, held_out, examples = mixed(seed, share)
    assert taught.held_categories
    held_wordings = {wording for task in TASKS for wording in wordings(task).held}
    held_questions = {question for each in questions().values() for question in each.held}
    aside = {row.product.product_id for row in held_out}
    for example in examples:
        assert example.group not in taught.held_categories
        assert example.wording not in held_wordings
        record = example.record
        if isinstance(record, Intent):
            assert not held_text(seed, record.text)
            assert example.group not in taught.held_kinds
            continue
        assert not held_product(seed, example.subject)
        assert example.subject not in aside
        if isinstance(record, Classify):
            assert not set(record.options) & set(taught.held_categories)
        if isinstance(record, Qa):
            assert record.question not in held_questions
    for row in learned:
        assert row.product.category not in taught.held_categories
        assert not held_product(seed, row.product.product_id)
    shown = "\n".join(map(words_of, examples))
    assert not any(wording in shown for wording in held_wordings | held_questions)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_splits_of_the_measure_hold_nothing_that_was_learned_and_change_one_thing_each(seed):
    taught, learned, _, examples = mixed(seed)
    trained = {example.subject for example in examples} | {row.product.product_id for row in learned}
    for name in SPLITS:
        for task in taught.tasks:
            found = split_examples(task, name, SHOP, SAID, taught, count=50, seed=seed)
            assert not trained & {example.subject for example in found}
            assert len({example.subject for example in found}) == len(found)
            kinds = wordings(task)
            allowed = kinds.held if name == "unseen_instruction" else kinds.seen
            assert {example.wording for example in found} <= set(allowed)
            held = taught.held_kinds if task == "intent" else taught.held_categories
            assert all((example.group in held) == (name == "unseen_category") for example in found)


def test_the_share_is_that_of_all_rows_and_each_task_has_as_many_as_any_other():
    _, learned, _, examples = mixed(3, share=0.6)
    counts = counted(examples)
    assert set(counts) == set(TASKS)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len(examples) / (len(examples) + len(learned)) == pytest.approx(0.6, abs=0.02)


def test_the_same_seed_gives_the_same_mix_and_another_one_another():
    assert mixed(3)[3] == mixed(3)[3]
    assert mixed(3)[3] != mixed(4)[3]


def test_without_labelled_texts_there_is_no_task_of_intents():
    taught, *_, examples = mixed(3, texts=[])
    assert "intent" not in taught.tasks
    assert "intent" not in counted(examples)


def test_texts_of_one_intent_only_are_refused():
    with pytest.raises(ConfigError, match="every text has the intent 'order'") as caught:
        mixed(3, texts=[text for text in SAID if text.intent == "order"])
    assert caught.value.code is Code.FILE_INVALID


def test_what_is_learned_as_a_text_passes_the_checks_that_serving_has():
    examples = mixed(3, share=0.9)[3]
    seen = set()
    for example in examples:
        record = example.record
        if isinstance(record, TitleRewrite | Cta | Ad):
            seen.add(task_of(record))
            assert faults(record, example.target, (), Standards()).findings == (), (record, example.target)
    assert seen == {"ad", "title_rewrite", "cta"}


def test_facts_in_a_title_are_slots():
    for example in mixed(3, share=0.9)[3]:
        if isinstance(example.record, TitleRewrite):
            own = SLOT.sub(" ", example.target).casefold()
            product = example.record.product
            assert "{NAME}" in example.target
            assert not any(f" {fact.casefold()} " in f" {own} " for fact in (product.brand, product.color) if fact)


def test_a_question_s_answer_stands_in_the_record_or_nowhere_in_its_columns():
    answers = Counter()
    by_question = {question: slot for slot, each in questions().items() for question in (*each.seen, *each.held)}
    for example in mixed(3, share=0.9)[3]:
        if isinstance(example.record, Qa):
            slot, facts = by_question[example.record.question], stated(example.record.product)
            assert example.target == (f"{{{slot}}}" if slot in facts else NOT_STATED)
            answers[example.target == NOT_STATED] += 1
    assert 0.3 < answers[True] / answers.total() < 0.7


def test_every_call_is_of_its_type_and_has_no_fact_outside_a_slot():
    assert set(calls()) == set(CALLS) <= set(cta_phrases())
    for kind, listed in calls().items():
        assert len(listed) >= 5
        for call in listed:
            assert has_cta(call, kind), call
            found = faults(Cta(product=SHOP[0], call=kind), call, (), Standards())
            assert found.findings == (), call


def test_each_task_has_several_wordings_and_some_that_are_held_out():
    for task in TASKS:
        kinds = wordings(task)
        assert len(set(kinds.seen)) >= 2
        assert kinds.held
        assert not set(kinds.seen) & set(kinds.held)
    assert set(questions()) <= set(SLOTS)
    every = [question for each in questions().values() for question in (*each.seen, *each.held)]
    assert len(every) == len(set(every))


def test_an_ad_is_asked_for_as_it_always_was():
    request = ROWS[0].request
    record = Ad(product=ROWS[0].product, request=request)
    assert prompt_of(record, wordings("ad").seen[0], {}) == text_prompt(request)


def test_a_long_list_of_options_stands_in_no_prompt_and_braces_of_a_text_neither():
    options = tuple(f"kind {number}" for number in range(LISTED + 1))
    assert "kind 3" not in prompt_of(Classify(name="Mug", description="", options=options), "Sort.", {})
    assert "kind 3" in prompt_of(Classify(name="Mug", description="", options=options[:LISTED]), "Sort.", {})
    assert "{" not in prompt_of(Intent(text="I {PRICE} want", options=("a", "b")), "Say.", {})


def test_a_call_is_offered_no_fact_that_fills_its_room():
    product = msgspec.structs.replace(SHOP[0], name="An Uncommonly Long Name For A Kettle")
    assert "NAME" not in request_of(Cta(product=product, call="shop")).facts


def figures(value, low, high, baseline):
    score = Figure(value=value, low=low, high=high, n=6)
    return Scored(n=6, score=score, baseline=baseline, without_a_model="one call always")


def test_the_gate_asks_that_the_interval_is_above_what_needs_no_model():
    assert failures({"cta": figures(0.9, 0.6, 1.0, 0.5)}, asked_intents=True) == []
    told = "cta: 0% [0%, 0%] of 6 is not above one call always, 50%"
    assert failures({"cta": figures(0.0, 0.0, 0.0, 0.5)}, asked_intents=True) == [told]
    assert failures({"cta": figures(0.9, 0.5, 1.0, 0.5)}, asked_intents=True)
    assert failures({"cta": figures(1.0, None, None, 0.5)}, asked_intents=True)


def test_a_task_without_examples_does_not_pass_but_intents_that_were_not_given_are_no_matter():
    assert "nothing is held out" in failures({"qa": None}, asked_intents=False)[0]
    assert failures({"intent": None}, asked_intents=False) == []
    assert failures({"intent": None}, asked_intents=True)


def test_a_title_with_a_word_that_the_record_lacks_is_refused():
    record = TitleRewrite(product=SHOP[0], query="waterproof kettle camping")
    for title, fine in (("{NAME}, travel", True), ("{NAME} for camping", False), ("{NAME}, waterproof", False)):
        assert (faults(record, title, (), Standards()).findings == ()) == fine, title


def test_a_call_says_no_more_than_the_call():
    record = Cta(product=SHOP[0], call="shop")
    assert faults(record, "Shop now.", (), Standards()).findings == ()
    assert codes_of(faults(record, "It is here. Shop now.", (), Standards()).findings) == ("copy_too_long",)
