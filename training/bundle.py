"""Putting a bundle together from a trained model: export, parity gate, quantisation, measures, digests."""

import importlib.metadata
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from inference.bundle import SCHEMA, Controls, Generation, Sampler
from inference.bundle.contents import SUMS, sums_text
from inference.generate.slots import SLOTS
from training import quantize
from training.corpus import Pair
from training.evaluate import evaluate
from training.export import PARITY_TOKENS, agreement, describe, export, greedy_onnx, greedy_transformers
from training.train import save
from training.vocabulary import BOS, EOS, PAD

# Of six settings that were compared, the one between the most texts admitted (0.6, 0.85) and the most different texts
# for a prompt (0.8, 0.92).
SAMPLER = Sampler(temperature=0.7, top_p=0.85, top_k=40)
# Twice what the corpus needs: the longest of 8,000 of its texts has 29 tokens.
MAX_NEW_TOKENS = 56
_LIBRARIES = ("torch", "transformers", "optimum-onnx", "tokenizers", "onnx", "onnxruntime-gpu", "onnxruntime")


class ParityError(RuntimeError):
    """The exported graph writes something else than the model that was trained."""


def write_bundle(
    folder: Path,
    model: LlamaForCausalLM,
    tokenizer: Tokenizer,
    controls: Controls,
    *,
    name: str,
    version: str,
    parity: Sequence[Pair],
    seed: int,
    prompts: int,
    training: dict[str, Any],
) -> dict[str, Any]:
    """Write every file of a bundle into an empty or new folder; returns what metrics.json holds.

    `parity` are the pairs whose prompts the gate compares, `training` what metrics.json is to say about the training.
    Raises ParityError where the graph in full precision does not write, greedily, what transformers writes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    eos = tokenizer.token_to_id(EOS)
    heads = [[tokenizer.token_to_id(token) for token in (BOS, *pair.prompt)] for pair in parity]
    with TemporaryDirectory() as work:
        save(model, tokenizer, Path(work) / "checkpoint")
        exported = export(Path(work) / "checkpoint", Path(work) / "onnx")
        graph = describe(exported, model)
        wanted = [greedy_transformers(model, head, PARITY_TOKENS, eos) for head in heads]
        full = agreement(wanted, [greedy_onnx(exported, graph, head, PARITY_TOKENS, eos) for head in heads])
        if full < 1.0:
            raise ParityError(f"the exported graph agrees with transformers on {full:.1%} of {len(heads)} texts")
        quantize.quantize(exported, folder / "model.onnx")
        small = agreement(
            wanted, [greedy_onnx(folder / "model.onnx", graph, head, PARITY_TOKENS, eos) for head in heads]
        )
    tokenizer.save(str(folder / "tokenizer.json"))
    generation = Generation(
        schema=SCHEMA,
        name=name,
        version=version,
        quantisation=quantize.NAME,
        graph=graph,
        sampler=SAMPLER,
        controls=controls,
        slots=SLOTS,
        bos=tokenizer.token_to_id(BOS),
        eos=eos,
        pad=tokenizer.token_to_id(PAD),
        max_new_tokens=MAX_NEW_TOKENS,
        made_with=_versions(),
    )
    _write_json(folder / "generation.json", generation)
    shutil.copyfile(Path(__file__).parent / "MODEL_CARD.md", folder / "MODEL_CARD.md")
    metrics: dict[str, Any] = {
        "schema": 1,
        "seed": seed,
        "training": {**training, "parameters": model.num_parameters()},
        "parity": {"n": len(heads), "tokens": PARITY_TOKENS, "onnx_equals_transformers": full, "nb8_equals": small},
    }
    # The evaluation opens the bundle as serving would, so a first SHA256SUMS stands before its figures do.
    _write_json(folder / "metrics.json", metrics)
    (folder / SUMS).write_text(sums_text(folder), "utf-8")
    metrics["held_out"] = evaluate(folder, seed=seed, prompts=prompts)
    _write_json(folder / "metrics.json", metrics)
    (folder / SUMS).write_text(sums_text(folder), "utf-8")
    return metrics


def _write_json(path: Path, value: object) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def _versions() -> dict[str, str]:
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
