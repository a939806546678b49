"""Putting a bundle together from a trained model: graph and gates, settings, measures, digests."""

import importlib.metadata
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from inference.bundle import SCHEMA, Controls, Generation, Sampler
from inference.bundle.contents import SUMS, sums_text
from inference.generate.slots import KNOWN
from training.graph import make_graph
from training.pairs import Pair
from training.train import save
from training.vocabulary import BOS, EOS, PAD, silent

# Of the settings that were compared over 500 requests as a shop makes them: the opening is drawn widely, since it
# decides which thought a text has, and the rest closely. A token with a chance of less than a half behind the
# opening is where two lines are joined: read by eye, most texts with one of 0.3 to 0.5 were wrong somewhere, and few
# without. What it costs is a try.
SAMPLER = Sampler(temperature=0.8, top_p=0.9, top_k=40, opening=3, later=0.3, least=0.5)
# The longest of the corpus's lines, a description, has some 110 tokens.
MAX_NEW_TOKENS = 128
# Prompt and text; a row's cache has room for no more, and a smaller cache is a faster one.
CONTEXT = 160
# What a kept checkpoint holds beside the files of transformers: the tokenizer as the bundle has it, and what
# metrics.json says about the training.
TOKENIZER, TRAINING = "bundle_tokenizer.json", "training.json"
_LIBRARIES = ("torch", "transformers", "optimum-onnx", "tokenizers", "onnx", "onnxruntime-gpu", "onnxruntime")

Evaluate = Callable[[Path], dict[str, Any]]


def write_bundle(
    folder: Path,
    model: LlamaForCausalLM,
    tokenizer: Tokenizer,
    controls: Controls,
    *,
    name: str,
    version: str,
    card: str,
    parity: Sequence[Pair],
    seed: int,
    training: dict[str, Any],
    evaluate: Evaluate | None,
    checkpoint: Path | None = None,
) -> dict[str, Any]:
    """Write every file of a bundle into an empty or new folder; returns what metrics.json holds.

    `parity` are the pairs whose prompts the gate compares, `training` what metrics.json is to say about the training,
    `evaluate` measures the bundle and writes what it finds into it. `checkpoint` is where the model is kept for
    transformers; a temporary folder without it. Raises ParityError where the graph in full precision does not write,
    greedily, what transformers writes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bos, eos = tokenizer.token_to_id(BOS), tokenizer.token_to_id(EOS)
    heads = [[bos, *(tokenizer.token_to_id(token) for token in pair.prompt)] for pair in parity]
    with TemporaryDirectory() as work:
        kept = checkpoint or Path(work) / "checkpoint"
        save(model, tokenizer, kept)
        tokenizer.save(str(kept / TOKENIZER))
        write_json(kept / TRAINING, training)
        graph, gates = make_graph(kept, folder / "model.onnx", model, CONTEXT, heads, eos)
    tokenizer.save(str(folder / "tokenizer.json"))
    generation = Generation(
        schema=SCHEMA,
        name=name,
        version=version,
        quantisation=gates["weights"],
        graph=graph,
        sampler=SAMPLER,
        controls=controls,
        slots=KNOWN,
        bos=bos,
        eos=eos,
        pad=tokenizer.token_to_id(PAD),
        silent=silent(tokenizer, controls),
        max_new_tokens=MAX_NEW_TOKENS,
        made_with=versions(),
    )
    write_json(folder / "generation.json", generation)
    (folder / "MODEL_CARD.md").write_text(card, "utf-8")
    metrics: dict[str, Any] = {
        "schema": 2,
        "seed": seed,
        "training": {**training, "parameters": model.num_parameters()},
        "gates": gates,
    }
    write_json(folder / "metrics.json", metrics)
    (folder / SUMS).write_text(sums_text(folder), "utf-8")
    return evaluate(folder) if evaluate is not None else metrics


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON that a person can read."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def versions() -> dict[str, str]:
    """The libraries that a bundle's bytes depend on."""
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
