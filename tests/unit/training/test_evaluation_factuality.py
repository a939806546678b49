"""The factuality gate: honest questions, answers read from texts and from likelihoods, and a pass mark that holds."""

import random

import msgspec
import pytest
from slot_text_writer import SlotTextWriter

from inference.decide.facts import slot_values
from inference.generate.judge import Standards
from inference.generate.phrases import words
from inference.generate.record import record_of
from schemas.catalog import Product
from training.evaluation import factuality
from training.evaluation.answers import by_likelihood, by_writing, stated
from training.evaluation.factuality import CHANCE, FLOORS, gate
from training.evaluation.products import invent
from training.evaluation.questions import OPTIONS, distance, permuted, questions_of, verified

CATALOGUE = [one.product for one in invent(["apparel", "footwear", "kitchen"], 160, 5)]
QUESTIONS = questions_of(CATALOGUE, count=120, seed=1).asked
RIGHT = [frozenset({question.answer}) for question in QUESTIONS]


def test_questions_are_of_one_product_each_and_the_same_for_a_seed():
    assert len(QUESTIONS) == 120
    assert len({question.product.product_id for question in QUESTIONS}) == 120
    assert questions_of(CATALOGUE, count=120, seed=1).asked == QUESTIONS
    assert questions_of(CATALOGUE, count=120, seed=2).asked != QUESTIONS
    assert len({question.column for question in QUESTIONS}) >= 5
    assert {question.answer for question in QUESTIONS} == set(range(OPTIONS))


def test_negatives_are_of_the_column_and_category_and_never_the_product_s_own():
    for question in QUESTIONS:
        slots = ("FEATURE", "FEATURE2") if question.column == "FEATURE" else (question.column,)
        kin = [one for one in CATALOGUE if one.category == question.product.category and one != question.product]
        values = {slot_values(one).get(slot) for one in kin for slot in slots}
        own = {slot_values(question.product).get(slot) for slot in slots}
        negatives = [option for place, option in enumerate(question.options) if place != question.answer]
        assert set(negatives) <= values
        assert not own & set(negatives)
        # "25%" is no part of "$4.25" though its digits are: figures are compared by their value.
        if question.column not in ("PRICE", "OFF", "RATING"):
            assert not any(record_of(question.product).says(words(value)) for value in negatives)
        assert verified(question)


def test_negatives_are_the_nearest():
    for question in QUESTIONS:
        if question.column != "PRICE":
            continue
        right = question.options[question.answer]
        kin = [one for one in CATALOGUE if one.category == question.product.category]
        others = {value for one in kin if (value := slot_values(one)["PRICE"]) != right}
        nearest = sorted(distance(right, value, "PRICE") for value in others)[: OPTIONS - 1]
        asked = sorted(distance(right, value, "PRICE") for value in question.options if value != right)
        assert asked == pytest.approx(nearest)


def test_a_question_with_the_product_s_own_value_among_its_negatives_is_refused():
    (question, *_) = [each for each in QUESTIONS if len(each.product.features) == 2 and each.column != "FEATURE"]
    first, second = question.product.features
    bad = msgspec.structs.replace(question, column="FEATURE", options=(first, second, "Pour spout", "Lid"), answer=0)
    assert not verified(bad)
    assert verified(msgspec.structs.replace(bad, options=(first, "Grass seed", "Pour spout", "Hat rack")))
    assert not verified(msgspec.structs.replace(bad, options=(first, "Hat rack", "hat rack", "Pour spout")))


def test_a_value_that_the_name_gives_away_is_not_asked_for():
    named = [
        Product(product_id=str(n), name=f"{c} Mug", category="k", price_minor=100, currency="USD", color=c)
        for n, c in enumerate(["Red", "Blue", "Green", "Teal", "Pink"])
    ]
    asked = questions_of(named, count=9, seed=1)
    assert {question.column for question in asked.asked} == {"NAME"}
    # Every price is the same: there are no negatives.
    assert asked.without_negatives == 5


def test_right_answers_pass_and_the_same_against_shuffled_labels_do_not():
    passed = gate(QUESTIONS, RIGHT, "controls", seed=3)
    assert passed["failures"] == []
    assert (passed["accuracy"].value, passed["accuracy"].n, passed["chance"]) == (1.0, 120, CHANCE)
    assert 0.1 < passed["with_answers_permuted"].value < 0.4
    for prompt in ("controls", "text"):
        shuffled = gate(permuted(QUESTIONS, 8), RIGHT, prompt, seed=3)
        assert len(shuffled["failures"]) == 1
        assert "the lower bound has to be above" in shuffled["failures"][0]


@pytest.mark.parametrize(("prompt", "share", "passes"), [
    ("controls", 0.93, False),
    ("controls", 0.99, True),
    ("text", 0.4, False),
    ("text", 0.5, False),
    ("text", 0.7, True),
])  # fmt: skip
def test_the_pass_mark(prompt, share, passes):
    right = round(share * len(QUESTIONS))
    answers = [
        answer if place < right else frozenset({(question.answer + 1) % OPTIONS})
        for place, (question, answer) in enumerate(zip(QUESTIONS, RIGHT, strict=True))
    ]
    assert (gate(QUESTIONS, answers, prompt, seed=3)["failures"] == []) == passes


def test_every_floor_is_above_chance():
    assert all(floor > CHANCE for floor in FLOORS.values())


def test_an_answer_of_two_options_is_wrong_and_none_is_not_given():
    answers = [frozenset({0, 1}), frozenset(), *RIGHT[2:]]
    found = gate(QUESTIONS, answers, "controls", seed=3)
    assert (found["answered"], found["asked"]) == (119, 120)
    assert found["accuracy"].value == pytest.approx(118 / 119)
    assert found["of_all"].value == pytest.approx(118 / 120)
    (told,) = found["wrong"]
    assert told["answered"] == [QUESTIONS[0].options[0], QUESTIONS[0].options[1]]


def test_too_few_answers_are_no_pass():
    few = factuality.LEAST_ANSWERED - 1
    answers = [answer if place < few else frozenset() for place, answer in enumerate(RIGHT)]
    assert gate(QUESTIONS, answers, "text", seed=3)["failures"] == ["49 questions were answered, 50 are the least"]


def test_questions_that_any_answer_fits_fail_the_control(monkeypatch):
    monkeypatch.setattr(factuality, "permuted", lambda questions, _seed: list(questions))
    found = gate(QUESTIONS, RIGHT, "controls", seed=3)
    assert "give themselves away" in found["failures"][0]


@pytest.mark.parametrize(
    ("shown", "answer"),
    [
        ("In navy blue.", {1}),
        ("In Blue, or navy blue.", {0, 1}),
        ("For $39.00.", {2}),
        ("For $139.00.", set()),
        ("Rated 4.5.", {3}),
        ("Rated 4.55, or 14.5.", set()),
        ("Bluebell.", set()),
    ],
)
def test_what_a_text_states(shown, answer):
    assert stated(shown, ("Blue", "Navy  Blue", "$39.00", "4.5")) == frozenset(answer)


def test_a_size_of_one_letter_is_no_word():
    assert stated("I'm here, m or not.", ("M", "L")) == frozenset()
    assert stated("Size M.", ("M", "L")) == frozenset({0})


def saying(facts_of_request):
    """A writer that says every fact of the request, or what is put in its place."""

    def plan(request):
        facts = facts_of_request(request)
        return ". ".join(f"{{{slot}}}" for slot in facts if slot not in ("CATEGORY", "FEATURE2", "IS")) + "."

    return SlotTextWriter(plan)


def test_a_writer_of_slots_answers_by_what_it_writes_and_passes():
    roomy = [question for question in QUESTIONS if sum(map(len, slot_values(question.product).values())) < 100]
    answers = by_writing(saying(lambda request: request.facts), roomy, Standards(), seed=1, tries=2)
    assert sum(map(bool, answers)) > 50
    assert gate(roomy, answers, "controls", seed=1)["failures"] == []


def test_a_text_that_is_not_admitted_is_no_answer():
    writer = SlotTextWriter(lambda request: "{NAME} for {PRICE}, the best there is.")
    assert set(by_writing(writer, QUESTIONS[:20], Standards(), seed=1, tries=2)) == {frozenset()}


class Reader:
    """Prefers the option that stands in the facts of the prompt; `share` of the time, by its own dice."""

    def __init__(self, share):
        self._dice, self._share = random.Random(1), share

    def mean_log(self, prompt, continuations):
        if self._dice.random() > self._share:
            return [self._dice.random() for _ in continuations]
        facts = [line.partition(" = ")[2] for line in prompt.splitlines() if line.startswith("{")]
        return [-1.0 if text.strip() in facts else -2.0 for text in continuations]


@pytest.mark.parametrize(("share", "passes"), [(1.0, True), (0.0, False)])
def test_a_model_that_reads_its_prompt_passes_and_one_that_guesses_does_not(share, passes):
    answers = by_likelihood(Reader(share), QUESTIONS, {})
    assert (gate(QUESTIONS, answers, "text", seed=1)["failures"] == []) == passes
