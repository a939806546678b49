"""The exported graph with each attention block as one node, which writes keys and values where they stay.

`GroupQueryAttention` (ONNX Runtime's contrib operators) holds rotary positions, mask, cache and attention; the language
head then sees one place a row. Only graphs whose blocks are named as optimum names them, and whose attention is no more
than that, are rewritten; anything else is served as it was exported.
"""

from pathlib import Path

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray
from onnx_ir.passes.common import RemoveUnusedNodesPass
from transformers import PreTrainedModel

_DOMAIN = "com.microsoft"
IDS, LAST, LENGTHS, TOTAL = "input_ids", "last", "lengths", "total"
"""The fused graph's inputs beside its caches: [rows, width] tokens; [rows] the place whose logits are wanted; [rows]
int32 lengths of the rows, these tokens included, less one; int32, the longest length."""


class FusionError(ValueError):
    """The graph is not one that can be rewritten; its text says what was looked for."""


def fuse(source: Path, target: Path, model: PreTrainedModel, context: int) -> None:
    """Write `target`: the graph of `source`, an export of `model`, fused. `context` bounds tokens in a row.

    Raises FusionError.
    """
    config = model.config
    if getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", False):
        raise FusionError("attention is windowed")
    document = ir.load(source)
    graph = document.graph
    nodes = {node.name: node for node in graph if node.name}
    ids = next(value for value in graph.inputs if value.name == IDS)
    last, lengths = _input(LAST, ir.DataType.INT64, ("rows",)), _input(LENGTHS, ir.DataType.INT32, ("rows",))
    total = _input(TOTAL, ir.DataType.INT32, ())
    cosine, sine = (_constant(graph, name, table) for name, table in _rotary(model, context))
    pasts = {value.name: value for value in graph.inputs}
    presents = {value.name: place for place, value in enumerate(graph.outputs)}
    caches: list[ir.Value] = []
    for layer in range(config.num_hidden_layers):
        block = f"/model/layers.{layer}/self_attn"
        states = [_projected(nodes, f"{block}/{part}_proj") for part in "qkv"]
        if any(f"{block}/{part}_norm" in name for name in nodes for part in "qk"):
            raise FusionError(f"{block} norms queries or keys")
        past = [pasts[f"past_key_values.{layer}.{part}"] for part in ("key", "value")]
        names = [f"present.{layer}.{part}" for part in ("key", "value")]
        attention = ir.node(
            "GroupQueryAttention",
            [*states, *past, lengths, total, cosine, sine],
            attributes={
                "num_heads": config.num_attention_heads,
                "kv_num_heads": config.num_key_value_heads,
                "do_rotary": 1,
            },
            domain=_DOMAIN,
            num_outputs=3,
            name=f"{block}/GroupQueryAttention",
        )
        graph.append(attention)
        _node(nodes, f"{block}/o_proj/MatMul").replace_input_with(0, attention.outputs[0])
        for name, value, old in zip(names, attention.outputs[1:], past, strict=True):
            graph.outputs[presents[name]].name = f"{name}.unfused"
            value.name, value.dtype, value.shape = name, old.dtype, old.shape
            graph.outputs[presents[name]] = value
        caches += past
    _one_place_a_row(graph, _node(nodes, "/lm_head/MatMul"), last)
    graph.inputs[:] = [ids, last, lengths, total, *caches]
    graph.opset_imports[_DOMAIN] = 1
    RemoveUnusedNodesPass()(document)
    graph.sort()
    ir.save(document, target)


def _projected(nodes: dict[str, ir.Node], name: str) -> ir.Value:
    """What a projection gives, with its bias where it has one."""
    plain = _node(nodes, f"{name}/MatMul")
    return nodes.get(f"{name}/Add", plain).outputs[0]


def _node(nodes: dict[str, ir.Node], name: str) -> ir.Node:
    if name not in nodes:
        raise FusionError(f"no node {name}")
    return nodes[name]


def _rotary(model: PreTrainedModel, context: int) -> list[tuple[str, NDArray[np.float32]]]:
    """Cosines and sines by position, [context, head_dim / 2], with the model's own frequencies and scaling.

    Su et al. 2021, arXiv 2104.09864.
    """
    rotary = getattr(model.model, "rotary_emb", None)
    if rotary is None:
        raise FusionError("no rotary positions")
    if getattr(rotary, "rope_type", "default") in ("dynamic", "longrope"):
        raise FusionError("frequencies depend on the length")
    angles = np.outer(np.arange(context), rotary.inv_freq.detach().cpu().double().numpy())
    scaling = float(rotary.attention_scaling)
    return [
        ("rotary_cosines", (np.cos(angles) * scaling).astype(np.float32)),
        ("rotary_sines", (np.sin(angles) * scaling).astype(np.float32)),
    ]


def _one_place_a_row(graph: ir.Graph, head: ir.Node, last: ir.Value) -> None:
    """Let the language head see only the places that are asked for: logits become [rows, vocabulary]."""
    axis = _constant(graph, "last_axis", np.array([-1], np.int64))
    indices = ir.node("Unsqueeze", [last, axis], name="last_indices")
    picked = ir.node("GatherND", [head.inputs[0], indices.outputs[0]], attributes={"batch_dims": 1}, name="last_states")
    graph.append(indices)
    graph.append(picked)
    head.replace_input_with(0, picked.outputs[0])
    logits = head.outputs[0]
    logits.shape = ir.Shape(["rows", None if logits.shape is None else logits.shape[-1]])


def _input(name: str, kind: ir.DataType, shape: tuple[str, ...]) -> ir.Value:
    return ir.Value(name=name, type=ir.TensorType(kind), shape=ir.Shape(shape))


def _constant(graph: ir.Graph, name: str, values: NDArray[np.generic]) -> ir.Value:
    value = ir.Value(name=name, const_value=ir.tensor(values, name=name))
    value.shape, value.dtype = ir.Shape(values.shape), value.const_value.dtype if value.const_value else None
    graph.register_initializer(value)
    return value
