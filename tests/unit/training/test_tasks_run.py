"""Typed tasks from a tuning to a bundle that answers, on a tiny base; and the likelihood against transformers'."""

import json
import random
from io import StringIO
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import torch
from rich.console import Console
from scipy.stats import binom
from task_shop import copies, said, shop
from tiny_bases import make_base
from transformers import AutoModelForCausalLM

from inference.bundle import load_bundle
from inference.generate.decoder import decoder_of
from inference.generate.session import open_session
from inference.tasks.answers import open_respondent, options_of
from inference.tasks.likelihood import AnswerLikelihood, chances
from inference.tasks.records import TASKS, Classify, Cta, Intent, Qa, TitleRewrite
from inference.tasks.taught import taught_of
from schemas.errors import Code, ConfigError, LackingError
from training.export import describe, export
from training.fuse import fuse
from training.objective.marked import Marked
from training.tasks.measure import SPLITS, measured, split_examples
from training.tasks.mix import Source
from training.tune import run
from training.tune.course import Course
from training.tune.folder import Mixed, Options
from training.tune.run import tune

SHOP, SAID = shop(), said(600)
COPIES = copies(SHOP[:6])
# Enough for the tiny base to tell the two intents apart.
EPOCHS = 8


def go(folder, base, texts, *, epochs, share=0.97):
    folder.mkdir(exist_ok=True)
    examples = folder / "examples.jsonl"
    examples.write_bytes(b"".join(msgspec.json.encode(copy) + b"\n" for copy in COPIES))
    options = Options(
        base=str(base),
        method="full",
        epochs=epochs,
        seed=3,
        batch=16,
        rate=4e-3,
        rank=4,
        threads=1,
        least_admitted=0.0,
        tasks=None if share is None else Mixed(share=share, products="p", texts="t"),
    )
    source = None if share is None else Source(share=share, products=tuple(SHOP), texts=tuple(texts))
    console = Console(file=StringIO(), width=200)
    return tune(options, examples, folder / "out", resume=False, console=console, source=source)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks")
    base = make_base(folder / "base", "smollm")
    return folder, go(folder / "true", base, SAID, epochs=EPOCHS), base


@pytest.fixture(scope="module")
def bundle(made):
    return load_bundle(made[0] / "true" / "out" / "bundle")


@pytest.fixture(scope="module")
def respondent(bundle):
    return open_respondent(bundle, provider="cpu")


def test_one_bundle_does_all_six_and_says_what_it_never_saw(made, bundle):
    _, result, _ = made
    assert bundle.taught.tasks == TASKS
    assert bundle.taught.held_categories
    counts = result["metrics"]["training"]["tasks"]["examples"]
    assert set(counts) == set(TASKS)
    tasks = result["metrics"]["tasks"]
    assert tuple(tasks["splits"]) == SPLITS
    for found in tasks["splits"].values():
        for each in found.values():
            assert each is None or (each["n"] > 0 and each["low"] <= each["score"] <= each["high"])
    card = (bundle.folder / "MODEL_CARD.md").read_text()
    assert "## Typed tasks" in card
    assert "synthetic" in card
    assert bundle.taught.held_categories[0] in card
    assert json.loads((bundle.folder / "metrics.json").read_text())["tasks"] == tasks
    assert set(tasks["failures"]) <= set(result["failures"])


def test_intents_are_learned_and_with_shuffled_labels_they_are_at_chance(made, bundle, tmp_path):
    """A fair coin leaves the middle 99.9 % in one of a thousand runs; the seeds are fixed."""
    *_, base = made

    def hits(which):
        examples = split_examples("intent", "seen", SHOP, SAID, which.taught, count=60, seed=1)
        answers = open_respondent(which, provider="cpu").answers([example.record for example in examples])
        right = sum(answer.slot_text == each.target for answer, each in zip(answers, examples, strict=True))
        return right, len(examples)

    right, count = hits(bundle)
    assert right > binom.ppf(0.9995, count, 0.5)
    labels = [text.intent for text in SAID]
    random.Random(2).shuffle(labels)
    shuffled = [msgspec.structs.replace(text, intent=label) for text, label in zip(SAID, labels, strict=True)]
    go(tmp_path / "shuffled", base, shuffled, epochs=EPOCHS)
    right, count = hits(load_bundle(tmp_path / "shuffled" / "out" / "bundle"))
    assert binom.ppf(0.0005, count, 0.5) <= right <= binom.ppf(0.9995, count, 0.5)


@pytest.mark.parametrize("kind", ["plain", "fused"])
def test_answers_by_likelihood_are_transformers_answers_on_the_exported_graph(made, bundle, respondent, tmp_path, kind):
    checkpoint = made[0] / "true" / "out" / "checkpoint"
    model = AutoModelForCausalLM.from_pretrained(checkpoint, local_files_only=True).float().eval()
    path = export(checkpoint, tmp_path)
    context = bundle.generation.graph.context
    if kind == "fused":
        fuse(path, tmp_path / "fused.onnx", model, context)
        path = tmp_path / "fused.onnx"
    graph = describe(path, model, kind, context)
    plain = msgspec.structs.replace(bundle.generation, graph=graph)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "model.onnx").write_bytes(path.read_bytes())
    session, _ = open_session(msgspec.structs.replace(bundle, folder=tmp_path / "one", generation=plain), "cpu", 1)
    # Fewer rows than options: the prompt is read once for all of them.
    scorer = AnswerLikelihood(decoder_of(session, graph, 4, "cpu"), rows=3, eos=plain.eos, pad=plain.pad)
    records = [
        Qa(product=SHOP[0], question="What color is it?"),
        Classify(name="Dune Lamp", description="For dark evenings.", options=("Lamps", "Lamps, outdoor", "Desks")),
        Intent(text="please order the Fern Mug", options=("order", "return")),
    ]
    for record in records:
        prompt = respondent.prompt(record)
        answers = [respondent._encode(option) for option in options_of(record)]
        ours = scorer.log(prompt, answers)
        theirs = [_of_transformers(model, prompt, [*answer, plain.eos]) for answer in answers]
        assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-3)
        assert np.argmax(ours) == np.argmax(theirs)
        # Nothing of one prompt is left for the next.
        assert np.allclose(scorer.log(prompt, answers), ours, atol=1e-6)


def _of_transformers(model, prompt, answer):
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([[*prompt, *answer]])).logits[0, len(prompt) - 1 : -1]
    return float(logits.log_softmax(dim=-1)[range(len(answer)), answer].sum())


def test_what_is_answered_is_admitted_or_refused_with_a_code(respondent):
    records = [
        TitleRewrite(product=SHOP[0], query="waterproof blue kettle"),
        Cta(product=SHOP[1], call="remind"),
        Qa(product=SHOP[2], question="What does it cost?"),
        Intent(text="I want my money back", options=respondent.taught.intents),
    ]
    answers = respondent.answers(records)
    assert answers == respondent.answers(records)
    for record, answer in zip(records, answers, strict=True):
        assert (answer.answer is None) == bool(answer.findings)
        if answer.choices:
            assert answer.choices[0].answer == answer.answer
            assert sum(choice.chance for choice in answer.choices) == pytest.approx(1)
            assert len(answer.choices) == len(options_of(record))
    assert "waterproof" not in (answers[0].answer or "")


def test_a_prompt_fits_the_model_however_long_the_shopper_talks(bundle, respondent):
    room = bundle.generation.graph.context - bundle.generation.max_new_tokens
    long = " ".join(f"and{number} then" for number in range(400))
    assert len(respondent.prompt(Intent(text=long, options=("order", "return")))) <= room
    options = tuple(f"{number} {'very ' * 60}long" for number in range(12))
    with pytest.raises(ConfigError, match="the model has room for") as caught:
        respondent.prompt(Classify(name="Mug", description="", options=options))
    assert caught.value.code is Code.USAGE


def test_every_prompt_of_the_tuning_fits_the_bundle(bundle, respondent):
    room = bundle.generation.graph.context - bundle.generation.max_new_tokens
    for task in TASKS:
        for example in split_examples(task, "unseen_instruction", SHOP, SAID, bundle.taught, count=9, seed=1):
            assert len(respondent.prompt(example.record, example.wording)) <= room


def test_without_the_option_a_bundle_has_no_tasks_and_says_so(made, tmp_path):
    result = go(tmp_path / "none", made[2], (), epochs=1, share=None)
    assert "tasks" not in result["metrics"]
    assert "tasks" not in result["metrics"]["training"]
    plain = load_bundle(tmp_path / "none" / "out" / "bundle")
    assert not (plain.folder / "tasks.json").exists()
    with pytest.raises(LackingError) as caught:
        measured(plain, SHOP, SAID, seed=1)
    assert caught.value.code is Code.TASK_MISSING
    with pytest.raises(LackingError, match="holds no typed tasks"):
        open_respondent(plain)


def test_a_task_that_was_not_tuned_for_is_refused(bundle):
    less = msgspec.structs.replace(bundle.taught, tasks=("ad", "qa"))
    with pytest.raises(LackingError, match="not tuned for cta; it does ad, qa") as caught:
        taught_of(less, "b", "cta")
    assert caught.value.code is Code.TASK_MISSING
    with pytest.raises(LackingError):
        open_respondent(msgspec.structs.replace(bundle, taught=less)).answers([Cta(product=SHOP[0], call="shop")])


def test_chances_sum_to_one_and_keep_the_order():
    found = chances([-900.0, -901.0, -1200.0])
    assert sum(found) == pytest.approx(1)
    assert found[0] > found[1] > found[2]


@pytest.mark.parametrize("marked", [True, False])
def test_tasks_stand_beside_the_rows_of_an_objective_in_their_form(monkeypatch, tmp_path, marked):
    seen = []
    monkeypatch.setattr(run, "run_course", lambda _, rows, *__, **___: seen.extend(rows))
    copy, task = ([1, 2, 3], 1), ([4, 5], 1)
    aim = SimpleNamespace(rows=[Marked(copy, (0,))] if marked else [copy], loss_of_step=None, pace=None)
    course = Course(epochs=1, batch=2, rate=1e-3, seed=1)
    run._learn(None, [copy], [task], 0, course, tmp_path, Console(file=StringIO()), aim)
    # A task has no calls, siblings or conversion of its own: it is learned by plain cross-entropy.
    assert seen == ([Marked(copy, (0,)), Marked(task)] if marked else [copy, task])
