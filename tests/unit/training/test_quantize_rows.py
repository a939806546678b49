"""Products in 8-bit integers are close to the products in full precision, and a row hears no other."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from training.quantize_rows import quantize

RNG = np.random.default_rng(7)
FIRST, SECOND = (RNG.normal(size=(48, 64)).astype(np.float32) for _ in range(2))


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    """The graph states @ FIRST + states @ transposed(transposed SECOND), in full precision and in 8 bits."""
    folder = tmp_path_factory.mktemp("rows")
    nodes = [
        helper.make_node("MatMul", ["states", "first"], ["one"], "/first/MatMul"),
        helper.make_node("Transpose", ["second"], ["second_transposed"], perm=[1, 0]),
        helper.make_node("MatMul", ["states", "second_transposed"], ["two"], "/second/MatMul"),
        helper.make_node("Add", ["one", "two"], ["sum"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("states", TensorProto.FLOAT, ["rows", "width", 48])],
        [helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["rows", "width", 64])],
        [numpy_helper.from_array(FIRST, "first"), numpy_helper.from_array(np.ascontiguousarray(SECOND.T), "second")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, folder / "full.onnx")
    quantize(folder / "full.onnx", folder / "small.onnx")
    return [onnxruntime.InferenceSession(str(folder / f"{name}.onnx")) for name in ("full", "small")]


def run(session, states):
    return session.run(None, {"states": states})[0]


def test_the_products_are_close(sessions):
    states = RNG.normal(size=(5, 3, 48)).astype(np.float32)
    full, small = (run(session, states) for session in sessions)
    assert 0 < np.abs(full - small).max() < 0.02 * np.abs(full).max()


def test_a_row_is_the_same_beside_a_far_larger_one(sessions):
    states = RNG.normal(size=(4, 1, 48)).astype(np.float32)
    loud = np.concatenate([states, states * 1000])
    assert (run(sessions[1], loud)[:4] == run(sessions[1], states)).all()
    assert (run(sessions[1], states[2:3]) == run(sessions[1], states)[2:3]).all()


def test_a_row_of_nothing_gives_nothing(sessions):
    assert not run(sessions[1], np.zeros((1, 2, 48), np.float32)).any()


def test_weights_are_kept_once_in_8_bits(sessions, tmp_path):
    model = onnx.load(sessions[1]._model_path)
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    assert sum(kind == TensorProto.INT8 for kind in kinds.values()) == 2
    assert "first" not in kinds
    assert "second" not in kinds
    # Both products read the same states, which are brought to 8 bits once.
    assert sum(node.op_type == "QuantizeLinear" for node in model.graph.node) == 1
