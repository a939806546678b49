"""`python -m training.evaluation.factual facts|consistency|reference ...`: the evaluations of docs/factuality.md."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from inference.bundle import load_bundle
from inference.generate import open_writer
from inference.generate.judge import Standards
from inference.generate.relevance import neighbours_of
from schemas.approved import ApprovedCopy
from schemas.catalog import Product
from schemas.errors import Code, ConfigError, PatterError
from training.evaluation.__main__ import products
from training.evaluation.answers import by_likelihood, by_writing
from training.evaluation.factuality import gate
from training.evaluation.in_context import compare
from training.evaluation.likelihood import open_likelihood
from training.evaluation.ordering import ordering
from training.evaluation.questions import OPTIONS, questions_of
from training.evaluation.run import rounded
from training.evaluation.shown import read_copies, written_for
from training.tune.sift import sift

COUNT = 300
"""Questions, triples or prompts: a share of 0.95 is then known to about 2.5 points either way."""


def facts(asked: argparse.Namespace) -> dict[str, Any]:
    """The factuality gate of a bundle on a catalogue."""
    catalogue, bundle = _catalogue(asked), load_bundle(asked.bundle)
    questions = questions_of(catalogue, count=asked.count, seed=asked.seed)
    prompt = bundle.generation.prompt
    if prompt == "controls":
        writer = open_writer(asked.bundle, provider="cpu")
        answers = by_writing(writer, questions.asked, _standards(asked.bundle, catalogue), seed=asked.seed)
    else:
        model = open_likelihood(bundle, rows=OPTIONS)
        answers = by_likelihood(model, questions.asked, bundle.generation.controls.categories)
    found = gate(questions.asked, answers, prompt, seed=asked.seed)
    return {**found, "without_negatives": questions.without_negatives}


def consistency(asked: argparse.Namespace) -> dict[str, Any]:
    """Whether the consistency score orders right texts and corrupted ones; texts of a file, or of the bundle."""
    catalogue = _catalogue(asked)
    if asked.copies is not None:
        copies = read_copies(asked.copies, catalogue, asked.count, asked.seed)
    else:
        writer = open_writer(asked.bundle, provider="cpu")
        copies = list(written_for(writer, catalogue, _standards(asked.bundle, catalogue), asked.count, asked.seed))
    return ordering(copies, catalogue, seed=asked.seed)


def reference(asked: argparse.Namespace) -> dict[str, Any]:
    """Texts with and without an in-context reference, of a bundle whose prompt is in words."""
    if load_bundle(asked.bundle).generation.prompt != "text":
        what = "the bundle is asked in control words, which hold no reference"
        raise ConfigError(Code.USAGE, what, where=str(asked.bundle), hint="give a bundle that `patter train` made")
    decoder = msgspec.json.Decoder(ApprovedCopy)
    copies = [decoder.decode(line) for line in asked.examples.read_bytes().splitlines()]
    writer = open_writer(asked.bundle, provider="cpu")
    return compare(writer, sift(copies, asked.seed).rows, seed=asked.seed, prompts=asked.count)


VERBS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "facts": facts,
    "consistency": consistency,
    "reference": reference,
}


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code is 1 where something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluation.factual", description=__doc__)
    parser.add_argument("verb", choices=list(VERBS))
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--catalog", type=Path, action="append", default=[], help="products, JSON lines")
    parser.add_argument("--copies", type=Path, help="right texts; without it the bundle writes them")
    parser.add_argument("--examples", type=Path, help="approved copy with its products, JSON lines")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--json", type=Path, help="where the result goes")
    asked = parser.parse_args(arguments)
    try:
        result: dict[str, Any] = rounded(VERBS[asked.verb](asked))
    except PatterError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    if asked.json is not None:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    for failure in result["failures"]:
        print(f"does not hold: {failure}", file=sys.stderr)
    return 1 if result["failures"] else 0


def _catalogue(asked: argparse.Namespace) -> list[Product]:
    return [product for path in asked.catalog for product in products(path)]


def _standards(folder: Path, catalogue: list[Product]) -> Standards:
    controls = load_bundle(folder).generation.controls
    return Standards(neighbours=neighbours_of(catalogue), kinds=controls.categories, telltales=controls.telltales)


if __name__ == "__main__":
    sys.exit(main())
