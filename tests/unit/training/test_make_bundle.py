"""The whole way with a model of no skill: train a little, export, compare, quantise, write a bundle, run it."""

import json

import pytest

from inference.bundle import load_bundle
from inference.generate.engine import open_engine
from inference.generate.rows import Job, Rows, vocabulary_of
from training import bundle as bundle_module
from training.bundle import ParityError
from training.corpus import pairs
from training.export import greedy_onnx
from training.make_starter import make
from training.train import Course, Shape

SHAPE = Shape(hidden=32, layers=2, heads=2, kv_heads=1, feed_forward=64)
COURSE = Course(steps=60, batch=8)


def make_small(folder):
    return make(folder, seed=5, shape=SHAPE, course=COURSE, count=300, parity=8, prompts=12)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "small"
    return folder, make_small(folder)


def test_the_export_says_what_transformers_says(made):
    _, metrics = made
    assert metrics["parity"]["onnx_equals_transformers"] == 1.0
    assert metrics["parity"]["n"] == 8


def test_the_bundle_opens_and_is_measured_with_its_n(made):
    folder, metrics = made
    assert load_bundle(folder).generation.quantisation == "nb8"
    written = json.loads((folder / "metrics.json").read_text())
    assert written == metrics
    assert written["held_out"]["n"] == 12
    assert written["held_out"]["slots_not_offered"] == 0.0


def test_the_same_seed_gives_the_same_bundle(made, tmp_path):
    folder, _ = made
    make_small(tmp_path / "again")
    assert (tmp_path / "again" / "SHA256SUMS").read_text() == (folder / "SHA256SUMS").read_text()


def test_the_engine_with_its_cache_says_what_the_plain_loop_says(made):
    """Greedy, and with nothing masked but what the plain loop may say too: cache, padding and positions are right."""
    folder, _ = made
    bundle = load_bundle(folder)
    generation = bundle.generation
    engine = open_engine(bundle, provider="cpu", threads=1)
    vocabulary = vocabulary_of(generation, engine._tokenizer.token_to_id)
    vocabulary.words[:] = True
    asked = list(pairs(6, 12))
    rows = Rows(vocabulary, [Job(pair.prompt, frozenset(), 0) for pair in asked])
    rows.allowed[:] = True
    logits, past = engine._prefill(rows)
    said = [[] for _ in asked]
    for _ in range(20):
        tokens = logits.argmax(axis=1)
        for row, token in zip(rows.alive, tokens, strict=True):
            said[row].append(int(token))
        rows.extend(tokens, tokens, 0.0)
        rows.allowed[:] = True
        if not rows.alive.size:
            break
        if rows.left is not None:
            past = [cache[rows.left] for cache in past]
        logits, past = engine._step(rows, past)
    for pair, tokens in zip(asked, said, strict=True):
        head = [generation.bos, *(engine._tokenizer.token_to_id(token) for token in pair.prompt)]
        assert greedy_onnx(bundle.model, generation.graph, head, 20, generation.eos) == tokens


def test_a_graph_that_says_something_else_makes_no_bundle(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle_module, "greedy_onnx", lambda *_: [0])
    with pytest.raises(ParityError):
        make_small(tmp_path / "bad")
    assert not (tmp_path / "bad" / "SHA256SUMS").exists()
