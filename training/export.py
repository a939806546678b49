"""Export by optimum, and the gate: the graph says token for token what transformers says."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import onnxruntime
import torch
from optimum.exporters.onnx import main_export
from transformers import PreTrainedModel

from inference.bundle.generation import Graph
from inference.generate.decoder import Decoder, decoder_of, inputs_of

PARITY_TOKENS = 24


def export(checkpoint: Path, folder: Path) -> Path:
    """Write `model.onnx`, a decoder with its past as inputs and outputs, from a checkpoint of transformers."""
    main_export(str(checkpoint), folder, task="text-generation-with-past", do_validation=False, no_post_process=False)
    return folder / "model.onnx"


def describe(path: Path, model: PreTrainedModel, kind: Literal["fused", "plain"], context: int) -> Graph:
    """Sizes from the model, the opset from the graph.

    Raises ValueError where an input that the engine feeds is not in the graph.
    """
    proto = onnx.load(path, load_external_data=False)
    config = model.config
    graph = Graph(
        kind=kind,
        opset=next(entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")),
        layers=config.num_hidden_layers,
        kv_heads=config.num_key_value_heads,
        head_dim=getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads,
        vocabulary=config.vocab_size,
        context=context,
    )
    inputs = {value.name for value in proto.graph.input}
    if inputs != inputs_of(graph):
        raise ValueError(f"the graph takes other names: {sorted(inputs ^ inputs_of(graph))}")
    return graph


def greedy_transformers(model: PreTrainedModel, prompt: Sequence[int], tokens: int, eos: int) -> list[int]:
    """What transformers writes for a prompt, the likeliest token each time."""
    with torch.no_grad():
        ids = torch.tensor([list(prompt)])
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False, eos_token_id=eos
        )
    return [int(token) for token in out[0, len(prompt) :]]


def greedy_onnx(path: Path, graph: Graph, prompts: Sequence[Sequence[int]], tokens: int, eos: int) -> list[list[int]]:
    """What the graph writes for each prompt by itself, through the engine's own decoder and nothing else of it."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    decoder = decoder_of(session, graph, 1, "cpu")
    return [_greedy(decoder, prompt, tokens, eos) for prompt in prompts]


def _greedy(decoder: Decoder, prompt: Sequence[int], tokens: int, eos: int) -> list[int]:
    decoder.clear(0)
    out: list[int] = []
    fed, before = np.array([list(prompt)], np.int64), np.zeros(1, np.int64)
    while len(out) < tokens and (not out or out[-1] != eos):
        logits = decoder.forward(0, fed, before, np.array([fed.shape[1]], np.int64))
        before = before + fed.shape[1]
        out.append(int(logits[0].argmax()))
        fed = np.array([[out[-1]]], np.int64)
    return out


def agreement(left: Sequence[Sequence[int]], right: Sequence[Sequence[int]]) -> float:
    """The share of texts that are the same in both, token for token."""
    return sum(a == b for a, b in zip(left, right, strict=True)) / len(left)
