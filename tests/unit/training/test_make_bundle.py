"""The whole way with a model of no skill: learn a little, export, fuse, compare, quantise, write a bundle, run it."""

import json
import shutil

import pytest

from inference.bundle import load_bundle
from inference.generate import open_writer
from training import graph as graph_module
from training import make_starter as starter_module
from training.graph import ParityError
from training.lines import Line
from training.make_starter import learn, make
from training.pairs import load_controls, load_lines, pairs
from training.plain import sentences
from training.train import Course, Shape
from training.vocabulary import build

SHAPE = Shape(hidden=32, layers=2, heads=2, kv_heads=1, feed_forward=64)
COURSE = Course(steps=40, batch=8)


def make_small(folder, **more):
    return make(folder, seed=5, shape=SHAPE, course=COURSE, parity=6, **more)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "small"
    return folder, make_small(folder, checkpoint=folder.parent / "checkpoint")


def test_the_gates_and_the_held_out_are_written_down(made):
    folder, metrics = made
    assert json.loads((folder / "metrics.json").read_text()) == metrics
    assert metrics["gates"]["kind"] == "fused"
    assert metrics["gates"]["onnx_equals_transformers"] == 1.0
    assert metrics["training"]["held_out"]["categories"] == ["automotive", "instruments"]
    assert metrics["training"]["lines"] + metrics["training"]["held_out"]["lines"] == len(load_lines())


def test_the_bundle_opens_and_writes_for_every_request(made):
    folder, _ = made
    bundle = load_bundle(folder)
    assert bundle.generation.quantisation == "int8-rows"
    requests = [pair.request for pair in list(pairs(load_lines(), load_controls(), 3))[:20]]
    texts = open_writer(folder, provider="cpu").write(requests, 60.0)
    assert len(texts) == 20
    assert all(text.tokens > 0 for text in texts)


def test_the_checkpoint_is_kept_where_it_was_asked_for(made):
    folder, _ = made
    assert (folder.parent / "checkpoint" / "config.json").is_file()


def test_the_same_seed_gives_the_same_bundle(made, tmp_path):
    folder, _ = made
    make_small(tmp_path / "again")
    assert (tmp_path / "again" / "SHA256SUMS").read_text() == (folder / "SHA256SUMS").read_text()


def test_what_was_trained_before_makes_the_same_bundle_without_training(made, tmp_path, monkeypatch):
    folder, _ = made
    monkeypatch.setattr(starter_module, "learn", None)
    make_small(tmp_path / "again", trained=folder.parent / "checkpoint")
    assert (tmp_path / "again" / "SHA256SUMS").read_text() == (folder / "SHA256SUMS").read_text()


def test_what_was_trained_on_another_corpus_makes_none(made, tmp_path):
    folder, _ = made
    kept = shutil.copytree(folder.parent / "checkpoint", tmp_path / "kept")
    about = json.loads((kept / "training.json").read_text())
    (kept / "training.json").write_text(json.dumps({**about, "corpus": "another"}))
    with pytest.raises(ValueError, match="another corpus"):
        make_small(tmp_path / "none", trained=kept)
    assert not (tmp_path / "none").exists()


def test_a_graph_that_says_something_else_makes_no_bundle(tmp_path, monkeypatch):
    monkeypatch.setattr(graph_module, "greedy_onnx", lambda _path, _graph, prompts, *_: [[0]] * len(prompts))
    with pytest.raises(ParityError):
        make_small(tmp_path / "bad")
    assert not (tmp_path / "bad" / "SHA256SUMS").exists()


def test_english_is_learned_first_where_there_is_plain_text(tmp_path):
    (tmp_path / "page.txt").write_text("The rain stopped and we all walked home. A 2nd try failed. Too short.\n" * 3)
    lines = [line for line in load_lines() if line.category == "kitchen"]
    _, _, about = learn(
        lines,
        load_controls(),
        seed=1,
        shape=SHAPE,
        course=Course(steps=1),
        plain=tmp_path,
        plain_course=Course(steps=2),
    )
    assert about["plain_sentences"] == 1
    assert about["plain_steps"] == 2


def test_plain_text_is_taken_from_files_as_people_have_them(tmp_path):
    import gzip

    tokenizer = build([line.text for line in load_lines()], load_controls())
    (tmp_path / "a.csv").write_text('id,text\n7,"We walked home in the rain. It rained for 3 days."\n')
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as file:
        file.write(json.dumps({"review": {"body": ["The table is where we all meet after work."]}}) + "\n")
    (tmp_path / "c.bin").write_bytes(b"We never read this sentence at all, ever.")
    found = sentences(tmp_path, tokenizer, 10, 1)
    assert sorted(found) == ["The table is where we all meet after work.", "We walked home in the rain."]
    assert sentences(tmp_path, tokenizer, 1, 1) == found[:1]


def test_what_a_model_learns_is_in_its_loss(tmp_path):
    """Forty steps on a few lines bring the loss down; a training that does nothing would not."""
    line = Line(
        category="kitchen", segment="any", tone="plain", cta="none", channel="push",
        text="Soup for the whole table tonight, with {NAME} from the stove.", place="x:1",
    )  # fmt: skip
    losses = []

    def last(steps):
        _, _, about = learn(
            [line] * 32, load_controls(), seed=1, shape=SHAPE, course=Course(steps=steps, batch=32, warmup=5)
        )
        losses.append(about["last_loss"])

    last(50)
    last(150)
    assert losses[1] < losses[0] / 2
