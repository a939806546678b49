"""8-bit weights a column, 8-bit activations a row: matrix products in integers, whose batch changes no text.

Every row of activations is scaled by its own largest value, every column of weights by its own, and the products in
between are exact integers: what a row gives depends on no other row. ONNX Runtime's own dynamic quantisation takes one
scale for a whole tensor, so that a text depends on its neighbours.
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

NAME = "int8-rows"
_DOMAIN = "com.microsoft"
# Activations are unsigned around 128, weights signed: what the processors' integer instructions multiply.
_MOST, _MIDDLE = 127, 128
_STEP, _ZERO, _LAST = "row_step", "row_zero", "row_axis"


def quantize(source: Path, target: Path) -> None:
    """Write `target`: the graph of `source` with every product of states and weights in 8 bits, in one file."""
    model = onnx.load(source)
    graph = model.graph
    weights = _weights(graph)
    scaled: dict[str, tuple[str, str]] = {}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights:
            if node.input[0] not in scaled:
                nodes += _rows_in_8_bits(node.input[0], scaled)
            nodes += _product(node, weights[node.input[1]], scaled[node.input[0]], graph)
        else:
            nodes.append(node)
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array(1 / _MOST, np.float32), _STEP),
            numpy_helper.from_array(np.array(_MIDDLE, np.uint8), _ZERO),
            numpy_helper.from_array(np.array([-1], np.int64), _LAST),
        ]
    )
    _replace(graph, nodes)
    if all(entry.domain != _DOMAIN for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))
    onnx.save_model(model, target, save_as_external_data=False)


def _weights(graph: onnx.GraphProto) -> dict[str, NDArray[np.float32]]:
    """Constant matrices by name; a tied head's is the transposed vocabulary."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer if len(tensor.dims) == 2}
    for node in graph.node:
        if node.op_type == "Transpose" and node.input[0] in found:
            found[node.output[0]] = np.ascontiguousarray(found[node.input[0]].T)
    return found


def _rows_in_8_bits(states: str, scaled: dict[str, tuple[str, str]]) -> list[onnx.NodeProto]:
    """A row by its largest value: 8-bit integers, and that value."""
    most, whole = f"{states}/row_most", f"{states}/row_8"
    scaled[states] = (whole, most)
    return [
        helper.make_node("Abs", [states], [f"{states}/row_abs"], f"{states}/Abs"),
        helper.make_node("ReduceMax", [f"{states}/row_abs", _LAST], [most], f"{states}/ReduceMax", keepdims=1),
        helper.make_node("Div", [states, most], [f"{states}/row_unit"], f"{states}/Div"),
        helper.make_node("QuantizeLinear", [f"{states}/row_unit", _STEP, _ZERO], [whole], f"{states}/QuantizeLinear"),
    ]


def _product(
    node: onnx.NodeProto, weights: NDArray[np.float32], rows: tuple[str, str], graph: onnx.GraphProto
) -> list[onnx.NodeProto]:
    steps = np.maximum(np.abs(weights).max(axis=0), np.finfo(np.float32).tiny) / _MOST
    whole = np.clip(np.rint(weights / steps), -_MOST, _MOST).astype(np.int8)
    held, scale, product = f"{node.name}/weights_8", f"{node.name}/steps", f"{node.name}/unscaled"
    graph.initializer.append(numpy_helper.from_array(whole, held))
    graph.initializer.append(numpy_helper.from_array(steps.astype(np.float32), scale))
    return [
        helper.make_node(
            "MatMulIntegerToFloat", [rows[0], held, _STEP, scale, _ZERO], [product], node.name, domain=_DOMAIN
        ),
        helper.make_node("Mul", [product, rows[1]], [node.output[0]], f"{node.name}/Mul"),
    ]


def _replace(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    """Put the nodes in, and leave out what nothing reads any more."""
    read = {name for node in nodes for name in node.input} | {value.name for value in graph.output}
    nodes = [node for node in nodes if any(name in read for name in node.output)]
    read = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
