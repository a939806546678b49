"""`patter bench generate`: everything of it but the clock, on a bundle of random weights."""

import msgspec
import pytest
from tiny_bundle import tiny_bundle

from patter.bench.asking import ask, requests
from patter.bench.generate import Options, bench_generate, part_of
from patter.bench.writers import Answers
from patter.bench.writing import Writing
from patter.bench.writing_cases import case, skipped
from schemas.errors import Code, ConfigError
from schemas.subject import Answer
from training.rivals.talk import chunks, useful

LENGTHS = [3, 9, 1, 14, 6, 8, 2, 11, 5, 7]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return tiny_bundle(tmp_path_factory.mktemp("bench") / "nb8", "nb8")


@pytest.fixture(scope="module")
def question(bundle):
    return ask(bundle, requests(bundle.generation.controls, len(LENGTHS), 4), LENGTHS)


def test_prompts_are_whole_and_differ(bundle, question):
    assert {len(prompt) for prompt in question.prompts} == {21}
    assert len({tuple(prompt) for prompt in question.prompts}) == len(LENGTHS)
    assert all(prompt[0] == bundle.generation.bos for prompt in question.prompts)
    assert question == ask(bundle, requests(bundle.generation.controls, len(LENGTHS), 4), LENGTHS)
    assert question != ask(bundle, requests(bundle.generation.controls, len(LENGTHS), 5), LENGTHS)


def test_a_text_is_as_long_as_planned_and_the_same_at_every_batch(bundle, question):
    writing = Writing(bundle, "cpu")
    answers = [writing.answer(msgspec.structs.replace(question, batch=batch)) for batch in (1, 4, 32)]
    assert [answer.tokens for answer in answers] == [sum(LENGTHS)] * 3
    assert len({answer.sha256 for answer in answers}) == 1
    assert [len(answer.call_ms) for answer in answers] == [len(LENGTHS), 1, 1]


def test_without_a_plan_the_model_ends_its_texts(bundle, question):
    answer = Writing(bundle, "cpu").answer(msgspec.structs.replace(question, lengths=None, batch=8))
    assert 0 < answer.tokens <= len(LENGTHS) * bundle.generation.max_new_tokens
    assert answer.tokens != sum(LENGTHS)


def test_a_part_of_a_question_is_its_first_texts(question):
    part = part_of(question, 3)
    assert (part.prompts, part.lengths, part.seeds) == (question.prompts[:3], LENGTHS[:3], question.seeds[:3])


def test_useful_tokens_are_those_of_the_text():
    assert useful([5, 6, 2, 0, 0], None, 2) == [5, 6]
    assert useful([5, 6, 7], None, 2) == [5, 6, 7]
    assert useful([5, 2, 7, 8], 3, 2) == [5, 2, 7]


def test_batches_cover_every_prompt_once():
    assert [list(places) for places in chunks(7, 3)] == [[0, 1, 2], [3, 4, 5], [6]]


def test_a_rival_stops_a_row_behind_its_planned_end():
    import torch

    from training.rivals.by_generate import _Planned

    planned = _Planned(4, [2, 3])
    assert planned(torch.zeros(2, 6), None).tolist() == [True, False]
    assert planned(torch.zeros(2, 7), None).tolist() == [True, True]


class Started:
    name, start_s, rss_mib = "patter", 0.25, 100.0


def answer(seconds, digest="d"):
    return Answer(
        seconds=seconds, cpu_s=seconds / 2, tokens=100, call_ms=[1.0, 3.0], rss_mib=seconds * 10, sha256=digest
    )


def test_a_case_has_the_contracts_members():
    held = Answers(Started(), answer(0.5), {1: [answer(1.0), answer(2.0), answer(4.0)]})
    found = case(held, 1, {"requests": 10})
    assert (found["median"], found["min"], found["max"]) == (50.0, 25.0, 100.0)
    assert (found["copies_per_s"], found["tokens_per_s"], found["rss_mib"]) == (5.0, 50.0, 40.0)
    assert found["latency_ms"]["n"] == 6
    assert found["outputs_sha256"] == "d"
    assert found["params"]["first_copy_ms"] == 500.0
    assert found["params"]["tokens_per_cpu_s"] == 100.0
    assert case(held, 1, {"requests": 10}).keys() >= skipped("patter@cuda", 32, {}, "no GPU").keys()


def options(**changes):
    plain = Options(bundle=None, checkpoint=None, requests=8, batches=(1,), repeats=1, seed=1, subjects=("optimum",))
    return msgspec.structs.replace(plain, **changes)


@pytest.mark.parametrize("changes", [{"subjects": ("vllm",)}, {"batches": ()}, {"batches": (0,)}])
def test_what_cannot_be_measured_is_refused_before_anything_is_made(changes):
    with pytest.raises(ConfigError) as caught:
        bench_generate(options(**changes))
    assert caught.value.code is Code.USAGE
