"""From a tuned model to a bundle: graph and gates, settings, measures, model card, digests."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from inference.bundle import SCHEMA, Controls, Generation, Graph, Sampler
from inference.bundle.contents import SUMS, sums_text
from inference.generate import open_writer
from inference.generate.slots import KNOWN
from inference.generate.text_prompt import text_prompt
from schemas.catalog import Product
from schemas.errors import Code, ConfigError
from training.bundle import versions, write_json
from training.graph import make_graph
from training.objective.moods import achieved
from training.pairs import load_controls
from training.tasks.lessons import Lessons
from training.train import Row as Ids
from training.tune.card import card
from training.tune.qualify import qualified
from training.tune.sift import Row
from training.tune.tokens import Markers, encode, silent_of

# The starter's, but for its bound on a word's chance: a large vocabulary spreads chances thinner than a small one.
SAMPLER = Sampler(temperature=0.8, top_p=0.9, top_k=40, opening=3, later=0.3)
# Texts of a held-out row are sampled, so more of them say more; these many take a small model under a minute.
EVALUATED = 100
_PARITY_PROMPTS = 20
# Far above what a machine needs: an evaluation waits for its texts.
_PATIENCE_S = 3600.0
# Beyond what the rows had: names and features of other products are longer, and a retry says what was wrong.
_LONGER_PROMPTS, _LONGER_TEXTS = 64, 1.3
_LEAST_TOKENS = 32


def encoded(rows: Sequence[Row], tokenizer: Any, markers: Markers, controls: Controls) -> list[Ids]:
    """Rows as token ids: the prompt that serving makes of a request, the text, the end."""
    return [encode(tokenizer, markers, text_prompt(row.request, controls.categories), row.text) for row in rows]


def controls_of(rows: Sequence[Row]) -> Controls:
    """The words that a request may hold: those of Patter, and the data's own."""
    known = load_controls()

    def with_own(words: tuple[str, ...], field: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*words, *sorted({getattr(row.request, field) for row in rows})]))

    return msgspec.structs.replace(
        known,
        segments=with_own(known.segments, "segment"),
        tones=with_own(known.tones, "tone"),
        ctas=with_own(known.ctas, "cta"),
    )


def lengths_of(ids: Sequence[Ids], most: int) -> tuple[int, int]:
    """(tokens of a row with its prompt, tokens of a text): what was learned with room to spare, within the model's own.

    Raises ConfigError where prompts and texts do not fit the model.
    """
    prompts, texts = max(prompt for _, prompt in ids), max(len(row) - prompt for row, prompt in ids)
    said = max(_LEAST_TOKENS, int(texts * _LONGER_TEXTS))
    context = -(-(prompts + _LONGER_PROMPTS + said) // 32) * 32
    if prompts + said > most:
        what = f"the model reads {most} tokens, and prompts with their texts have {prompts + said}"
        raise ConfigError(Code.FILE_INVALID, what, where="--base", hint="take a base with a longer context")
    return min(context, most), said


def write_bundle(
    folder: Path,
    checkpoint: Path,
    *,
    name: str,
    base: str,
    tokenizer: PreTrainedTokenizerFast,
    markers: Markers,
    slots: dict[str, int],
    controls: Controls,
    lengths: tuple[int, int],
    prompts: Sequence[Sequence[int]],
    held_out: Sequence[Row],
    products: Sequence[Product],
    least_factual: float,
    training: dict[str, Any],
    seed: int,
    lessons: Lessons | None = None,
) -> dict[str, Any]:
    """Write every file of a bundle into a new folder; returns what metrics.json holds.

    `prompts` are what the parity gate compares, `held_out` rows that nothing was learned from, `products` the records
    that the factuality gate asks about, with `least_factual` as its floor, `lessons` the typed tasks that are mixed
    in. Raises ParityError.
    """
    folder.mkdir(parents=True)
    # What was saved is what is exported, so that is what it is compared with.
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(checkpoint, local_files_only=True).float().eval()
    graph, gates = _graph(checkpoint, folder, model, lengths[0], prompts[:_PARITY_PROMPTS], markers.eos)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    generation = Generation(
        schema=SCHEMA,
        name=name,
        version="1",
        quantisation=gates["weights"],
        graph=graph,
        sampler=SAMPLER,
        controls=controls,
        slots=KNOWN,
        bos=markers.bos,
        eos=markers.eos,
        pad=markers.pad,
        silent=silent_of(tokenizer.backend_tokenizer, slots),
        max_new_tokens=lengths[1],
        made_with=versions(),
        prompt="text",
    )
    metrics: dict[str, Any] = {
        "schema": 2,
        "seed": seed,
        "training": training,
        "gates": gates,
        "held_out": None,
        "factuality": None,
    }
    write_json(folder / "generation.json", generation)
    if lessons is not None:
        lessons.write(folder)
    # The evaluation opens the bundle as serving would, so digests stand before its figures do.
    for evaluated in (False, True):
        if evaluated:
            metrics["held_out"] = admitted(folder, held_out, seed)
            metrics["factuality"] = qualified(folder, products, seed, least_factual)
            if "objective" in training:
                metrics["sentiment"] = achieved(folder, held_out, seed)
            if lessons is not None:
                metrics["tasks"] = lessons.measured(folder)
        write_json(folder / "metrics.json", metrics)
        (folder / "MODEL_CARD.md").write_text(card(name, base, metrics), "utf-8")
        (folder / SUMS).write_text(sums_text(folder), "utf-8")
    return metrics


def _graph(
    checkpoint: Path, folder: Path, model: PreTrainedModel, context: int, prompts: Sequence[Sequence[int]], eos: int
) -> tuple[Graph, dict[str, Any]]:
    try:
        return make_graph(checkpoint, folder / "model.onnx", model, context, prompts, eos)
    except (ValueError, AttributeError, KeyError) as error:
        what = f"a {model.config.model_type} model does not export as Patter runs it: {error}"
        hint = "take a base of the Llama, Qwen2 or SmolLM family"
        raise ConfigError(Code.FILE_INVALID, what, where="--base", hint=hint) from error


def admitted(folder: Path, rows: Sequence[Row], seed: int) -> dict[str, Any]:
    """A text for each of up to `EVALUATED` rows' requests, one try, and the share that the checks admit."""
    requests = [msgspec.structs.replace(row.request, seed=seed + place) for place, row in enumerate(rows[:EVALUATED])]
    texts = open_writer(folder, provider="cpu").write(requests, _PATIENCE_S) if requests else []
    fine = sum(not text.codes for text in texts)
    return {
        "n": len(texts),
        "admitted": round(fine / len(texts), 4) if texts else None,
        "distinct_texts": round(len({text.slot_text for text in texts}) / len(texts), 4) if texts else None,
        "codes": dict(sorted(Counter(code for text in texts for code in text.codes).items())),
        "examples": [text.slot_text for text in texts if not text.codes][:5],
    }
