"""From a checkpoint to a graph: fused where it can be, and never another text than transformers'."""

import numpy as np
import onnxruntime
import pytest
import torch
from tiny_bases import make_base
from transformers import AutoModelForCausalLM

from training import graph as module
from training.graph import ParityError, logits_apart, make_graph

PROMPTS = [[5, 9, 40, 7], list(range(30, 60)), [11] * 9]
CONTEXT = 96
END = 1


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    made = {}

    def base(family):
        if family not in made:
            folder = make_base(tmp_path_factory.mktemp(family) / "base", family)
            made[family] = folder, AutoModelForCausalLM.from_pretrained(folder).float().eval()
        return made[family]

    return base


@pytest.mark.parametrize("family", ["llama", "qwen2", "smollm"])
def test_known_families_are_fused_and_say_what_transformers_says(bases, tmp_path, family):
    folder, model = bases(family)
    graph, gates = make_graph(folder, tmp_path / "model.onnx", model, CONTEXT, PROMPTS, END)
    assert (graph.kind, gates["not_fused"]) == ("fused", None)
    assert gates["onnx_equals_transformers"] == 1.0
    assert gates["logits_differ"] < 1e-4
    names = {each.name for each in onnxruntime.InferenceSession(str(tmp_path / "model.onnx")).get_inputs()}
    assert {"last", "lengths", "total"} <= names


@pytest.mark.parametrize(("family", "reason"), [("qwen3", "norms queries or keys"), ("windowed", "windowed")])
def test_others_stay_as_they_were_exported_and_say_the_same(bases, tmp_path, family, reason):
    folder, model = bases(family)
    graph, gates = make_graph(folder, tmp_path / "model.onnx", model, CONTEXT, PROMPTS, END)
    assert graph.kind == "plain"
    assert reason in gates["not_fused"]
    assert gates["onnx_equals_transformers"] == 1.0
    assert gates["logits_differ"] < 1e-4


def test_a_model_whose_weights_moved_after_it_was_saved_makes_no_graph(bases, tmp_path):
    """The gate compares with the model that it is given; with the gate left out this would pass."""
    folder, _ = bases("smollm")
    other = AutoModelForCausalLM.from_pretrained(folder).float().eval()
    with torch.no_grad():
        other.model.layers[1].mlp.down_proj.weight.mul_(-1)
    with pytest.raises(ParityError):
        make_graph(folder, tmp_path / "model.onnx", other, CONTEXT, PROMPTS, END)
    assert not (tmp_path / "model.onnx").exists()


def test_a_slight_difference_shows_in_the_logits_where_texts_are_the_same(bases, tmp_path, monkeypatch):
    folder, _ = bases("smollm")
    other = AutoModelForCausalLM.from_pretrained(folder).float().eval()
    with torch.no_grad():
        other.model.norm.weight.mul_(1.05)
    monkeypatch.setattr(module, "agreement", lambda *_: 1.0)
    with pytest.raises(ParityError, match="logits"):
        make_graph(folder, tmp_path / "model.onnx", other, CONTEXT, PROMPTS, END)


def test_attention_that_reaches_back_less_far_than_a_row_is_refused(bases, tmp_path):
    folder, _ = bases("windowed")
    model = AutoModelForCausalLM.from_pretrained(folder).float().eval()
    model.config.sliding_window = CONTEXT
    with pytest.raises(ParityError, match="reaches back 96 tokens"):
        make_graph(folder, tmp_path / "model.onnx", model, CONTEXT, PROMPTS, END)


def test_logits_are_compared_at_every_place(bases, monkeypatch):
    folder, model = bases("smollm")
    shape = (3, model.config.vocab_size)
    ours, theirs = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    theirs[2, 5] = 4.0
    monkeypatch.setattr(module, "_forced", lambda *_: ours)
    monkeypatch.setattr(module, "_of_transformers", lambda *_: theirs)
    monkeypatch.setattr(module.onnxruntime, "InferenceSession", lambda *_, **__: None)
    assert logits_apart(folder, None, model, [[1]], [[2, 3]]) == 1.0
