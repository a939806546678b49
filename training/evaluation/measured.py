"""A bundle measured where it lies, and the figures put into it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from inference.bundle import load_bundle
from inference.bundle.contents import SUMS, sums_text
from inference.generate import open_writer
from inference.generate.judge import Standards
from inference.generate.relevance import neighbours_of
from schemas.catalog import Product
from training.evaluation.card import with_table
from training.evaluation.cases import catalogue_slice, held_out_slices
from training.evaluation.run import measure
from training.evaluation.sources import Sources, sources_of
from training.lines import Line
from training.pairs import is_held_out, load_lines


def measured(
    folder: Path,
    *,
    seed: int,
    prompts: int,
    catalogue: Sequence[Product],
    trained: Sequence[str] | None,
    write: bool,
    report: Callable[[int, int], None] | None,
) -> dict[str, Any]:
    """What `training.evaluation.evaluate` promises."""
    controls = load_bundle(folder).generation.controls
    sources = _sources(trained)
    slices = held_out_slices(controls, sources.calls, prompts, seed)
    if catalogue:
        slices["catalogue"] = catalogue_slice(catalogue, controls, sources.calls, prompts, seed)
    writer = open_writer(folder, provider="cpu")
    standards = Standards(neighbours=neighbours_of(catalogue), kinds=controls.categories, telltales=controls.telltales)
    evaluation = measure(writer, slices, sources, standards, seed=seed, report=report or (lambda _done, _all: None))
    metrics: dict[str, Any] = msgspec.json.decode((folder / "metrics.json").read_bytes())
    metrics["evaluation"] = evaluation
    if write:
        put(folder, metrics)
    return metrics


def put(folder: Path, metrics: dict[str, Any]) -> None:
    """Write metrics and the card's table into a bundle, and its digests anew."""
    card = folder / "MODEL_CARD.md"
    card.write_text(with_table(card.read_text("utf-8"), metrics["evaluation"]), "utf-8")
    (folder / "metrics.json").write_bytes(msgspec.json.format(msgspec.json.encode(metrics), indent=2) + b"\n")
    (folder / SUMS).write_text(sums_text(folder), "utf-8")


def _sources(trained: Sequence[str] | None) -> Sources:
    """The corpus as it was trained on, with other texts in its place where a model was trained on others."""
    lines = [line for line in load_lines() if not is_held_out(line)]
    sources = sources_of(lines)
    if trained is None:
        return sources
    other = sources_of([_any_line(text) for text in trained])
    return msgspec.structs.replace(other, calls=sources.calls, verbs=sources.verbs | other.verbs)


def _any_line(text: str) -> Line:
    return Line(category="any", segment="any", tone="plain", cta="none", channel="push", text=text, place="")
