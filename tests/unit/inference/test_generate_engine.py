import random
import subprocess
import sys

import msgspec
import onnxruntime
import pytest

from inference.bundle import load_bundle, starter_dir
from inference.generate import open_writer
from inference.generate.engine import open_engine
from inference.generate.prompt import prompt_tokens
from inference.generate.render import slots_in
from inference.generate.rows import Job
from inference.generate.slots import SLOTS, offered
from inference.generate.writer import BundleWriter
from schemas.errors import Code, LackingError
from schemas.ports import TextRequest

PATIENCE = 600.0
CONTROLS = load_bundle(starter_dir()).generation.controls
VALUES = {
    "NAME": "Harbour Kettle",
    "BRAND": "Norrin",
    "PRICE": "$49.00",
    "OFF": "20%",
    "CATEGORY": "kettles",
    "COLOR": "teal",
    "MATERIAL": "steel",
    "SIZE": "M",
    "FEATURE": "a spout that pours",
    "FEATURE2": "a lid that stays",
    "RATING": "4.5",
}


def some_requests(count, seed=1):
    rng = random.Random(seed)
    return [
        TextRequest(
            product_id=f"p{number}",
            category=rng.choice(["kettles", "shoes", "books", "widgets"]),
            segment=rng.choice([*CONTROLS.segments, "people who own a cat"]),
            variant="v",
            tone=rng.choice(CONTROLS.tones),
            cta=rng.choice(CONTROLS.ctas),
            length=rng.choice(CONTROLS.lengths),
            channel="push",
            locale="en",
            facts={slot: VALUES[slot] for slot in SLOTS if slot in ("NAME", "PRICE") or rng.random() < 0.5},
            seed=rng.getrandbits(63),
            max_chars=120,
        )
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def engine():
    return open_engine(load_bundle(starter_dir()), provider="cpu", threads=1)


@pytest.fixture(scope="module")
def writer(engine):
    return BundleWriter(load_bundle(starter_dir()), engine, batch=32)


def test_a_text_does_not_depend_on_its_batch(engine, writer):
    requests = some_requests(200)
    alone = BundleWriter(load_bundle(starter_dir()), engine, batch=1).write(requests, PATIENCE)
    assert [text.slot_text for text in writer.write(requests, PATIENCE)] == [text.slot_text for text in alone]
    shuffled = random.Random(2).sample(range(200), 200)
    again = writer.write([requests[place] for place in shuffled], PATIENCE)
    assert [text.slot_text for text in again] == [alone[place].slot_text for place in shuffled]


def test_prompts_of_unequal_length_do_not_disturb_each_other(engine):
    jobs = [
        Job(prompt_tokens(request, CONTROLS)[number % 9 :], offered(request.facts, 120), request.seed)
        for number, request in enumerate(some_requests(40, seed=5))
    ]
    together = [written.text for written in engine.write(jobs, float("inf"))]
    assert together == [engine.write([job], float("inf"))[0].text for job in jobs]


def test_the_seed_decides_and_another_seed_writes_another_text(writer):
    request = some_requests(1)[0]
    several = [msgspec.structs.replace(request, seed=seed) for seed in range(24)]
    texts = [text.slot_text for text in writer.write(several, PATIENCE)]
    assert texts == [text.slot_text for text in writer.write(several, PATIENCE)]
    assert len(set(texts)) > 6


def test_only_slots_on_offer_are_written_each_once_and_the_name_always(writer):
    requests = some_requests(200, seed=3)
    for request, text in zip(requests, writer.write(requests, PATIENCE), strict=True):
        assert text.codes or "NAME" in slots_in(text.slot_text)
        assert slots_in(text.slot_text) <= offered(request.facts, request.max_chars)
        assert all(text.slot_text.count(f"{{{slot}}}") <= 1 for slot in SLOTS)


def test_the_masks_hold_even_where_a_prompt_lies(engine):
    """The prompt offers every slot, the job allows but the name: the mask is what counts."""
    prompt = ("<segment:any>", "<tone:plain>", "<cta:save>", "<length:medium>", "<category:any>", "<room:5>")
    lying = tuple(f"{{{slot}}}" for slot in SLOTS)
    jobs = [Job((*prompt, *lying, "<copy>"), frozenset({"NAME"}), seed) for seed in range(64)]
    texts = engine.write(jobs, float("inf"))
    assert all(slots_in(written.text) <= {"NAME"} for written in texts)
    # The model believes the prompt, wants a price that it may not say, and is stopped instead of led on.
    assert "astray" in {written.ending for written in texts}


def test_a_text_that_went_astray_is_refused(engine):
    class Lying:
        provider = "cpu"

        def write(self, jobs, until, clock):
            return engine.write([msgspec.structs.replace(job, slots=frozenset({"NAME"})) for job in jobs], until, clock)

    request = msgspec.structs.replace(some_requests(1)[0], facts=VALUES, cta="save", length="medium")
    several = [msgspec.structs.replace(request, seed=seed) for seed in range(32)]
    texts = BundleWriter(load_bundle(starter_dir()), Lying(), batch=32).write(several, PATIENCE)
    assert "copy_slot_unknown" in {code for text in texts for code in text.codes}


def test_a_style_shows_in_the_text(writer):
    base = msgspec.structs.replace(some_requests(1)[0], facts={"NAME": "Kettle", "PRICE": "$9.00"}, cta="none")
    by_tone = {}
    for tone in CONTROLS.tones:
        several = [msgspec.structs.replace(base, tone=tone, seed=seed) for seed in range(16)]
        by_tone[tone] = {text.slot_text for text in writer.write(several, PATIENCE)}
    for tone, texts in by_tone.items():
        others = set().union(*(found for other, found in by_tone.items() if other != tone))
        assert len(texts - others) > len(texts) / 2


def test_most_texts_are_admitted_and_say_what_they_cost(writer):
    texts = writer.write(some_requests(200, seed=4), PATIENCE)
    assert sum(not text.codes for text in texts) >= 175
    assert all(text.tokens > 0 and text.ms > 0 and len(text.prompt_id) == 32 for text in texts)


def test_the_writer_names_its_bundle(writer):
    assert writer.bundle_name == "starter"
    assert writer.bundle_sha256 == load_bundle(starter_dir()).sha256
    assert writer.provider == "cpu"


def test_nothing_asked_nothing_written(writer):
    assert writer.write([], PATIENCE) == []


class Steps:
    """A clock that moves on by one second each time it is read."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def test_past_the_deadline_no_text_is_kept_and_every_request_is_answered(engine):
    requests = some_requests(12)
    slow = BundleWriter(load_bundle(starter_dir()), engine, batch=4, clock=Steps())
    texts = slow.write(requests, 45.0)
    late = [text for text in texts if text.codes == (Code.COPY_DEADLINE.value,)]
    assert len(texts) == 12
    assert 0 < len(late) < 12
    assert all(text.slot_text == "" for text in late)
    full = open_writer(starter_dir(), provider="cpu").write(requests, PATIENCE)
    assert all(text in late or text.slot_text == whole.slot_text for text, whole in zip(texts, full, strict=True))


def test_a_deadline_in_the_past_runs_nothing(engine):
    texts = BundleWriter(load_bundle(starter_dir()), engine, batch=4).write(some_requests(6), 0.0)
    assert [(text.codes, text.tokens) for text in texts] == [(("copy_deadline",), 0)] * 6


@pytest.fixture
def without_cuda(monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])


@pytest.mark.usefixtures("without_cuda")
def test_cuda_that_was_demanded_and_is_not_there_is_an_error():
    with pytest.raises(LackingError) as caught:
        open_writer(starter_dir(), provider="cuda")
    assert caught.value.code is Code.PROVIDER_MISSING


@pytest.mark.usefixtures("without_cuda")
def test_auto_takes_the_cpu_where_there_is_no_cuda():
    assert open_writer(starter_dir()).provider == "cpu"


def test_a_silent_fall_back_is_noticed(monkeypatch):
    """The runtime says that it has CUDA, takes the CPU, and raises nothing."""
    monkeypatch.setattr("inference.generate.engine._has_cuda", lambda: True)
    session = onnxruntime.InferenceSession

    def only_cpu(path, options, providers):
        assert providers[0] == "CUDAExecutionProvider"
        return session(path, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "InferenceSession", only_cpu)
    with pytest.raises(LackingError) as caught:
        open_writer(starter_dir(), provider="cuda")
    assert caught.value.code is Code.PROVIDER_MISSING
    assert open_writer(starter_dir()).provider == "cpu"


HEAVY = "{'torch', 'transformers', 'optimum', 'onnxruntime', 'tokenizers'} & set(sys.modules)"


@pytest.mark.parametrize(
    "module",
    [
        "inference",
        "inference.generate",
        "inference.generate.render",
        "inference.generate.templates",
        "inference.bundle",
    ],
)
def test_importing_loads_no_runtime(module):
    code = f"import sys, {module}; found = {HEAVY}; sys.exit(repr(found) if found else 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_writing_needs_no_torch_and_says_nothing():
    code = (
        "import sys; from inference.bundle import starter_dir; from inference.generate import open_writer;"
        "open_writer(starter_dir()).write([], 1.0); found = {'torch', 'transformers', 'optimum'} & set(sys.modules);"
        "sys.exit(repr(found) if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
