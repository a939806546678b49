"""From a checkpoint to a bundle's graph: exported, fused where it can be, compared with transformers, quantised."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from inference.bundle.generation import Graph
from inference.generate.decoder import decoder_of
from training import quantize, quantize_rows
from training.export import PARITY_TOKENS, agreement, describe, export, greedy_onnx, greedy_transformers
from training.fuse import FusionError, fuse

# Float32 sums in another order differ in about the fifth digit of the largest logit, more so the deeper the model. A
# wrong rotation, mask or place shows in the first one.
_CLOSE = 2e-3
# What the CPU kernel of GroupQueryAttention takes.
_HEAD_STEP = 16

WEIGHTS: dict[str, Callable[[Path, Path], None]] = {
    quantize_rows.NAME: quantize_rows.quantize,
    quantize.NAME: quantize.quantize,
}
"""Ways to keep weights in 8 bits, by a bundle's name for them. Neither lets a text depend on its neighbours."""


class ParityError(RuntimeError):
    """The exported graph says something else than the model that was trained."""


def make_graph(
    checkpoint: Path,
    target: Path,
    model: PreTrainedModel,
    context: int,
    prompts: Sequence[Sequence[int]],
    eos: int,
    weights: str = quantize_rows.NAME,
) -> tuple[Graph, dict[str, Any]]:
    """Write `target`, an ONNX file with 8-bit weights, from a checkpoint of `model` (float32, in evaluation mode).

    `context` bounds the tokens of a row, `prompts` are what the gate compares. A graph that cannot be fused stays as
    it was exported. The second value is for metrics.json: `kind`, `not_fused` (the reason, or None), `weights` (one of
    `WEIGHTS`), `n` prompts of up to `tokens` tokens each, the shares of texts that `onnx_equals_transformers` and
    `in_8_bits_equals`, and `logits_differ`, the largest difference of a logit by the largest logit, the model's own
    text being fed.
    Raises ParityError where the graph in full precision does not say, greedily, what transformers says, and where
    attention reaches back less far than a row of the engine is long.
    """
    # It reports every pass over a graph.
    logging.getLogger("onnx_ir").setLevel(logging.WARNING)
    window = _window(model)
    # The cache that a plain graph is fed is as long as the context, filled or not, and the new tokens stand behind it.
    if window is not None and window < 2 * context:
        raise ParityError(f"attention reaches back {window} tokens, and a row with its cache has up to {2 * context}")
    wanted = [greedy_transformers(model, prompt, PARITY_TOKENS, eos) for prompt in prompts]
    with TemporaryDirectory() as work:
        source = export(checkpoint, Path(work))
        graph, refused = describe(source, model, "plain", context), None
        try:
            if graph.head_dim % _HEAD_STEP:
                raise FusionError(f"heads of size {graph.head_dim} are no multiple of {_HEAD_STEP}")
            # Beside its source: weights past two gigabytes stand in a file of their own, which both name.
            fuse(source, source.with_name("fused.onnx"), model, context)
            source = source.with_name("fused.onnx")
            graph = describe(source, model, "fused", context)
        except FusionError as error:
            refused = str(error)
        full = agreement(wanted, greedy_onnx(source, graph, prompts, PARITY_TOKENS, eos))
        if full < 1.0:
            raise ParityError(f"the exported graph agrees with transformers on {full:.1%} of {len(prompts)} texts")
        apart = logits_apart(source, graph, model, prompts, wanted)
        if apart > _CLOSE:
            raise ParityError(f"logits of the exported graph differ from transformers' by {apart:.2%} of the largest")
        WEIGHTS[weights](source, target)
    small = agreement(wanted, greedy_onnx(target, graph, prompts, PARITY_TOKENS, eos))
    return graph, {
        "kind": graph.kind,
        "not_fused": refused,
        "n": len(prompts),
        "tokens": PARITY_TOKENS,
        "onnx_equals_transformers": full,
        "logits_differ": float(f"{apart:.3g}"),
        "weights": weights,
        "in_8_bits_equals": small,
    }


def _window(model: PreTrainedModel) -> int | None:
    """How far back attention reaches, where it is windowed."""
    config = model.config
    return getattr(config, "sliding_window", None) if getattr(config, "use_sliding_window", True) else None


def logits_apart(
    path: Path,
    graph: Graph,
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    texts: Sequence[Sequence[int]],
) -> float:
    """The largest difference of a logit between graph and transformers, by the largest logit, each text being fed.

    Texts of a model that repeats one token agree whatever its cache holds; logits do not.
    """
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    apart = 0.0
    for prompt, text in zip(prompts, texts, strict=True):
        ours, theirs = _forced(session, graph, prompt, text), _of_transformers(model, prompt, text)
        apart = max(apart, float(np.abs(ours - theirs).max() / max(1.0, np.abs(theirs).max())))
    return apart


def _forced(session: Any, graph: Graph, prompt: Sequence[int], text: Sequence[int]) -> NDArray[np.float32]:
    """Logits [1 + tokens of the text, vocabulary]: behind the prompt and behind each token of the text."""
    decoder = decoder_of(session, graph, 1, "cpu")
    found, fed, before = [], np.array([list(prompt)], np.int64), np.zeros(1, np.int64)
    for token in [*text, None]:
        found.append(decoder.forward(0, fed, before, np.array([fed.shape[1]], np.int64))[0].copy())
        before = before + fed.shape[1]
        fed = np.array([[token or 0]], np.int64)
    return np.stack(found)


def _of_transformers(model: PreTrainedModel, prompt: Sequence[int], text: Sequence[int]) -> NDArray[np.float32]:
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([[*prompt, *text]])).logits
    found: NDArray[np.float32] = logits[0, len(prompt) - 1 :].float().numpy()
    return found
