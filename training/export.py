"""Export by optimum, and the gate: the graph says token for token what transformers says."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from optimum.exporters.onnx import main_export
from transformers import LlamaForCausalLM

from inference.bundle.generation import Graph

PARITY_TOKENS = 24


def export(checkpoint: Path, folder: Path) -> Path:
    """Write `model.onnx`, a decoder with its past as inputs and outputs, from a checkpoint of transformers."""
    main_export(str(checkpoint), folder, task="text-generation-with-past", do_validation=False, no_post_process=False)
    return folder / "model.onnx"


def describe(path: Path, model: LlamaForCausalLM) -> Graph:
    """Sizes from the model, names from the graph itself.

    Raises ValueError where an input or output that the engine feeds is not in the graph.
    """
    proto = onnx.load(path, load_external_data=False)
    config = model.config
    graph = Graph(
        opset=next(entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")),
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        head_dim=config.hidden_size // config.num_attention_heads,
        vocabulary=config.vocab_size,
        input_ids="input_ids",
        attention_mask="attention_mask",
        position_ids="position_ids",
        past_key="past_key_values.{layer}.key",
        past_value="past_key_values.{layer}.value",
        logits="logits",
        present_key="present.{layer}.key",
        present_value="present.{layer}.value",
    )
    _check_names(proto, graph)
    return graph


def greedy_transformers(model: LlamaForCausalLM, prompt: Sequence[int], tokens: int, eos: int) -> list[int]:
    """What transformers writes for a prompt, the likeliest token each time."""
    with torch.no_grad():
        ids = torch.tensor([list(prompt)])
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False, eos_token_id=eos
        )
    return [int(token) for token in out[0, len(prompt) :]]


def greedy_onnx(path: Path, graph: Graph, prompt: Sequence[int], tokens: int, eos: int) -> list[int]:
    """What the graph writes, without its cache: the plainest loop there is, so that it can judge the engine too."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    empty = np.zeros((1, graph.kv_heads, 0, graph.head_dim), np.float32)
    past = {name.format(layer=n): empty for name in (graph.past_key, graph.past_value) for n in range(graph.layers)}
    out: list[int] = []
    while len(out) < tokens and (not out or out[-1] != eos):
        ids = np.array([[*prompt, *out]], np.int64)
        feeds = {graph.input_ids: ids, graph.attention_mask: np.ones_like(ids)}
        feeds[graph.position_ids] = np.arange(ids.shape[1], dtype=np.int64)[None]
        out.append(int(session.run([graph.logits], feeds | past)[0][0, -1].argmax()))
    return out


def agreement(left: Sequence[Sequence[int]], right: Sequence[Sequence[int]]) -> float:
    """The share of texts that are the same in both, token for token."""
    return sum(a == b for a, b in zip(left, right, strict=True)) / len(left)


def _check_names(proto: onnx.ModelProto, graph: Graph) -> None:
    inputs = {value.name for value in proto.graph.input}
    outputs = {value.name for value in proto.graph.output}
    layers = range(graph.layers)
    fed = {graph.input_ids, graph.attention_mask, graph.position_ids}
    fed |= {name.format(layer=n) for name in (graph.past_key, graph.past_value) for n in layers}
    read = {graph.logits} | {name.format(layer=n) for name in (graph.present_key, graph.present_value) for n in layers}
    if inputs != fed or not read <= outputs:
        raise ValueError(f"the graph has other names: {sorted(inputs ^ fed)}, {sorted(read - outputs)}")
