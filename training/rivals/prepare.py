"""One model in every form that a subject takes: checkpoint, plain export, bundle, CTranslate2."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import onnx
from msgspec.structs import replace
from onnxruntime.transformers.float16 import convert_float_to_float16
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, PreTrainedModel

from inference.bundle import Generation, load_bundle
from inference.bundle.contents import FILES, SUMS, sums_text
from training import quantize_rows as quantize
from training.export import describe, export
from training.fuse import fuse
from training.pairs import load_lines
from training.rivals.by_ctranslate2 import convert
from training.train import Shape, new_model, save


def prepare(source: Path, checkpoint: Path | None, folder: Path, seed: int) -> dict[str, Any]:
    """Write `checkpoint`, `onnx`, `ct2` and `bundle` into `folder`, all of one model.

    `source` is the bundle whose tokenizer, control words and sampler are taken; its graph is not: a bundle holds no
    weights that others could run. Without a checkpoint the weights are random and the shape is the starter's; how fast
    a model runs does not depend on what it has learned. Answers what the result says of the model, and `lengths`: how
    many tokens each line for push has in the corpus.
    """
    bundle = load_bundle(source)
    tokenizer = Tokenizer.from_file(str(bundle.tokenizer))
    held = folder / "checkpoint"
    if checkpoint is None:
        save(new_model(tokenizer, Shape(), seed).eval(), tokenizer, held)
    else:
        shutil.copytree(checkpoint, held)
    model = AutoModelForCausalLM.from_pretrained(held, local_files_only=True).eval()
    plain = export(held, folder / "onnx")
    fuse(plain, folder / "fused.onnx", model, bundle.generation.graph.context)
    quantize.quantize(folder / "fused.onnx", folder / "model.onnx")
    _bundle(folder, model, bundle.generation, source)
    convert(held, folder / "ct2")
    lengths = [len(tokenizer.encode(line.text).ids) for line in load_lines() if line.channel == "push"]
    return {
        "weights": "random" if checkpoint is None else str(checkpoint),
        "parameters": model.num_parameters(),
        "quantisation": quantize.NAME,
        "lengths": lengths,
    }


def halve(source: Path, folder: Path) -> None:
    """Write `bundle_fp16` into a prepared folder: the fused graph in half precision, for a GPU."""
    generation = load_bundle(source).generation
    proto = convert_float_to_float16(onnx.load(folder / "fused.onnx"), disable_shape_infer=True)
    onnx.save(proto, folder / "model.onnx")
    model = AutoModelForCausalLM.from_pretrained(folder / "checkpoint", local_files_only=True)
    _bundle(folder, model, generation, source, half=True)


def _bundle(folder: Path, model: PreTrainedModel, generation: Generation, source: Path, *, half: bool = False) -> None:
    """A bundle of `model.onnx`, with everything else as `source` has it."""
    target = folder / ("bundle_fp16" if half else "bundle")
    target.mkdir()
    for name in FILES:
        shutil.copyfile((folder if name == "model.onnx" else source) / name, target / name)
    graph = describe(target / "model.onnx", model, "fused", generation.graph.context)
    made = replace(
        generation,
        name="bench",
        graph=replace(graph, precision="fp16" if half else "fp32"),
        quantisation="fp16" if half else quantize.NAME,
    )
    (target / "generation.json").write_bytes(msgspec.json.encode(made))
    (target / SUMS).write_text(sums_text(target), "utf-8")
