"""Opening a bundle: what is refused, which provider is taken, and what is not loaded."""

import subprocess
import sys

import msgspec
import onnxruntime
import pytest
from engine_jobs import opened

from inference.bundle import load_bundle
from inference.bundle.contents import SUMS, sums_text
from inference.generate import open_writer
from schemas.errors import Code, LackingError
from schemas.ports import TextRequest


def test_a_graph_with_other_inputs_is_refused_by_name(tiny, plain, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    for path in tiny.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "model.onnx").write_bytes(plain.model.read_bytes())
    (folder / SUMS).write_text(sums_text(folder))
    with pytest.raises(LackingError) as caught:
        opened(load_bundle(folder))
    assert caught.value.code is Code.BUNDLE_INCOMPATIBLE
    assert all(name in caught.value.line() for name in ("attention_mask", "position_ids", "lengths", "total"))


def test_a_graph_that_does_not_load_is_refused(tiny, tmp_path):
    folder = tmp_path / "broken"
    folder.mkdir()
    for path in tiny.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "model.onnx").write_bytes(b"no graph")
    (folder / SUMS).write_text(sums_text(folder))
    with pytest.raises(LackingError) as caught:
        opened(load_bundle(folder))
    assert caught.value.code is Code.BUNDLE_INCOMPATIBLE


REQUEST = TextRequest(
    product_id="p1",
    category="kettles",
    segment="loyal",
    variant="v",
    tone="warm",
    cta="none",
    length="short",
    channel="push",
    locale="en",
    facts={"NAME": "Harbour Kettle", "PRICE": "$49.00"},
    seed=5,
    max_chars=120,
)


def test_a_writer_answers_every_request_with_its_codes_and_costs(tiny):
    writer = open_writer(tiny.folder, provider="cpu", batch=4)
    assert (writer.bundle_name, writer.bundle_sha256, writer.provider) == ("tiny", tiny.sha256, "cpu")
    requests = [msgspec.structs.replace(REQUEST, seed=seed) for seed in range(9)]
    written = writer.write(requests, 60.0)
    assert [text.slot_text for text in written] == [
        text.slot_text for request in requests for text in open_writer(tiny.folder, batch=1).write([request], 60.0)
    ]
    assert all(text.tokens > 0 and text.ms > 0 and len(text.prompt_id) == 32 for text in written)
    late = writer.write(requests, 0.0)
    assert [(text.slot_text, text.codes, text.tokens) for text in late] == [("", ("copy_deadline",), 0)] * 9


@pytest.fixture
def without_cuda(monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])


@pytest.mark.usefixtures("without_cuda")
def test_cuda_that_was_demanded_and_is_not_there_is_an_error(tiny):
    with pytest.raises(LackingError) as caught:
        open_writer(tiny.folder, provider="cuda")
    assert caught.value.code is Code.PROVIDER_MISSING


@pytest.mark.usefixtures("without_cuda")
def test_auto_takes_the_cpu_where_there_is_no_cuda(tiny):
    assert open_writer(tiny.folder).provider == "cpu"


def test_a_silent_fall_back_is_noticed(tiny, monkeypatch):
    """The runtime says that it has CUDA, takes the CPU, and raises nothing."""
    monkeypatch.setattr("inference.generate.session._has_cuda", lambda: True)
    session = onnxruntime.InferenceSession

    def only_cpu(path, options, providers):
        assert providers[0] == "CUDAExecutionProvider"
        return session(path, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "InferenceSession", only_cpu)
    with pytest.raises(LackingError) as caught:
        open_writer(tiny.folder, provider="cuda")
    assert caught.value.code is Code.PROVIDER_MISSING
    assert open_writer(tiny.folder).provider == "cpu"


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


def test_writing_needs_no_torch_and_says_nothing(tiny):
    code = (
        "import sys; from pathlib import Path; from inference.generate import open_writer;"
        "open_writer(Path(sys.argv[1])).write([], 1.0);"
        "found = {'torch', 'transformers', 'optimum'} & set(sys.modules);"
        "sys.exit(repr(found) if found else 0)"
    )
    command = [sys.executable, "-c", code, str(tiny.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
