"""A bundle of a model of no skill, made in seconds: random weights, the project's control words, a small tokenizer."""

from pathlib import Path
from typing import Any, Literal

import msgspec
import torch

from inference.bundle import SCHEMA, Bundle, Generation, Sampler, load_bundle
from inference.bundle.contents import SUMS, sums_text
from inference.generate.slots import KNOWN
from training import quantize, quantize_rows
from training.export import describe, export
from training.fuse import fuse
from training.pairs import load_controls
from training.train import Shape, new_model, save
from training.vocabulary import BOS, EOS, PAD, build, silent

CONTEXT = 64
MAX_NEW_TOKENS = 24
TEXTS = (
    "{NAME} {IS} here for {PRICE}. Take a look today!",
    "Meet {NAME}: {FEATURE}, and room for more. Shop now.",
    "Still thinking about {NAME}? {IT} {HAS} what you asked for.",
)

_IN_8_BITS = {quantize.NAME: quantize.quantize, quantize_rows.NAME: quantize_rows.quantize}


def tiny_bundle(folder: Path, graph: Literal["fused", "plain", "nb8", "int8-rows"] = "fused", **changes: Any) -> Bundle:
    """Write a bundle and open it. The same weights whatever the graph; `changes` are to generation.json."""
    controls = load_controls()
    tokenizer = build(TEXTS * 3, controls, 420)
    model = new_model(tokenizer, Shape(hidden=32, layers=2, heads=2, kv_heads=1, feed_forward=48, positions=64), 3)
    with torch.no_grad():
        # As they are, all tokens are as good as alike; like this a model has preferences, and they follow its past.
        for weight in model.parameters():
            weight.mul_(12 if weight.ndim > 1 else 1)
    model.eval()
    folder.mkdir(parents=True)
    save(model, tokenizer, folder / "made" / "checkpoint")
    made = export(folder / "made" / "checkpoint", folder / "made" / "onnx")
    if graph != "plain":
        fuse(made, folder / "made" / "fused.onnx", model, CONTEXT)
        made = folder / "made" / "fused.onnx"
    if graph in _IN_8_BITS:
        _IN_8_BITS[graph](made, folder / "made" / "small.onnx")
        made = folder / "made" / "small.onnx"
    target = folder / "bundle"
    target.mkdir()
    (target / "model.onnx").write_bytes(made.read_bytes())
    tokenizer.save(str(target / "tokenizer.json"))
    generation = Generation(
        schema=SCHEMA,
        name="tiny",
        version="1",
        quantisation=graph if graph in _IN_8_BITS else "fp32",
        graph=describe(made, model, "plain" if graph == "plain" else "fused", CONTEXT),
        sampler=Sampler(temperature=0.9, top_p=0.95, top_k=40),
        controls=controls,
        slots=KNOWN,
        bos=tokenizer.token_to_id(BOS),
        eos=tokenizer.token_to_id(EOS),
        pad=tokenizer.token_to_id(PAD),
        silent=silent(tokenizer, controls),
        max_new_tokens=MAX_NEW_TOKENS,
        made_with={},
    )
    (target / "generation.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(generation, **changes)))
    (target / "metrics.json").write_text("{}")
    (target / "MODEL_CARD.md").write_text("random weights\n")
    (target / SUMS).write_text(sums_text(target))
    return load_bundle(target)
