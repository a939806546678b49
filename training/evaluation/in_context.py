"""What an in-context reference does to texts: the same held-out products, written with one and without.

ModICT (arXiv 2402.13587) shows a model the text of a similar product as an example and reports ROUGE-L and distinct-n
against texts that people wrote. This measures the same two, and what that gain may cost: words taken over from the
example, and facts of its product.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from inference.generate.reference import leak
from inference.text.diversity import distinct_n
from inference.text.ngrams import ngrams, words
from schemas.errors import Code, ConfigError
from schemas.ports import Writer, WrittenText
from training.evaluation.intervals import mean, share
from training.tune.sift import Row, references_of, split

RUN = 5
"""Words in a row that two texts share by taking over and hardly by chance: a call to action has two to four."""

_PATIENCE_S = 600.0
_DISTINCT = (1, 2)


class Pair(Struct, frozen=True, kw_only=True):
    """A held-out product's approved text, the reference that was shown, with the facts of its product, and what was
    written with it and without.
    """

    row: Row
    reference: str
    shown: dict[str, str]
    with_it: WrittenText
    without: WrittenText


def compare(writer: Writer, rows: Sequence[Row], *, seed: int, prompts: int) -> dict[str, Any]:
    """Write for held-out rows with and without their reference, and compare. All texts are in slot form.

    What is held out is what `patter train` holds out under the same seed, a tenth of the products; references come from
    the others. The two texts of a row have one seed. Raises ConfigError (FILE_INVALID) where no held-out row has a
    reference.
    """
    learned, held = split(rows, seed)
    references = references_of(learned) if learned else None
    by_product = {row.request.product_id: dict(row.request.facts) for row in learned}
    chosen = [(row, references.choose(row.request)) for row in held[:prompts]] if references else []
    found = [(row, choice) for row, choice in chosen if choice.text is not None and choice.product_id is not None]
    if not found:
        hint = "more approved texts, of more products and in the same channels"
        raise ConfigError(Code.FILE_INVALID, "no held-out text has a reference", hint=hint)
    bare = [msgspec.structs.replace(row.request, seed=seed + place) for place, (row, _) in enumerate(found)]
    shown = [
        msgspec.structs.replace(request, reference=choice.text)
        for request, (_, choice) in zip(bare, found, strict=True)
    ]
    texts = writer.write([*bare, *shown], _PATIENCE_S)
    pairs = [
        Pair(
            row=row,
            reference=choice.text or "",
            shown=by_product[choice.product_id or ""],
            with_it=with_it,
            without=without,
        )
        for (row, choice), without, with_it in zip(found, texts[: len(found)], texts[len(found) :], strict=True)
    ]
    return {"seed": seed, "held_out": len(held), "without_reference": len(chosen) - len(found), **compared(pairs, seed)}


def compared(pairs: Sequence[Pair], seed: int) -> dict[str, Any]:
    """The figures of both sides, and the mean difference (with minus without), each pair a unit."""
    sides = {"with": [pair.with_it for pair in pairs], "without": [pair.without for pair in pairs]}
    figures: dict[str, Any] = {}
    values: dict[str, dict[str, list[float]]] = {}
    for place, (name, texts) in enumerate(sides.items()):
        both = list(zip(pairs, texts, strict=True))
        values[name] = {
            "rouge_l": [rouge_l(text.slot_text, pair.row.text) for pair, text in both],
            "chrf": [chrf(text.slot_text, pair.row.text) for pair, text in both],
            "of_reference": [overlap(text.slot_text, pair.reference) for pair, text in both],
        }
        figures[name] = {
            **{measure: mean(found, seed + place) for measure, found in values[name].items()},
            "admitted": share([not text.codes for text in texts]),
            "copied_run": share([takes_over(text.slot_text, pair.reference) for pair, text in both]),
            "states_its_facts": share([leak(text.slot_text, pair.shown) is not None for pair, text in both]),
            **{f"distinct_{n}": distinct_n([text.slot_text for text in texts], n) for n in _DISTINCT},
        }
    gain = {
        measure: mean([a - b for a, b in zip(values["with"][measure], values["without"][measure], strict=True)], seed)
        for measure in values["with"]
    }
    return {"pairs": len(pairs), **figures, "difference": gain, "run": RUN, "failures": _failures(pairs)}


def rouge_l(text: str, approved: str) -> float:
    """ROUGE-L's F1, 0..1: the longest common subsequence of words as a share of both (Lin 2004, W04-1013)."""
    mine, theirs = words(text), words(approved)
    if not mine or not theirs:
        return 0.0
    row = [0] * (len(theirs) + 1)
    for word in mine:
        before = row[:]
        for place, other in enumerate(theirs, start=1):
            row[place] = before[place - 1] + 1 if word == other else max(before[place], row[place - 1])
    return 2 * row[-1] / (len(mine) + len(theirs))


def chrf(text: str, approved: str) -> float:
    """chrF2, 0..1: character n-grams up to 6, recall counted twice (Popović 2015, W15-3049), by sacrebleu."""
    from sacrebleu import sentence_chrf

    return float(sentence_chrf(text, [approved]).score) / 100


def overlap(text: str, reference: str, n: int = 3) -> float:
    """The share of a text's word n-grams that stand in the reference; 0 for a text with fewer words."""
    own, known = ngrams(words(text), n), set(ngrams(words(reference), n))
    return sum(gram in known for gram in own) / len(own) if own else 0.0


def takes_over(text: str, reference: str, run: int = RUN) -> bool:
    """Whether `run` words in a row of a text stand so in the reference."""
    return not set(ngrams(words(text), run)).isdisjoint(ngrams(words(reference), run))


def _failures(pairs: Sequence[Pair]) -> list[str]:
    """What may not be: an admitted text that states a fact of the reference's product."""
    leaked = [found for pair in pairs if not pair.with_it.codes and (found := leak(pair.with_it.slot_text, pair.shown))]
    return [f"{len(leaked)} admitted texts state a fact of their reference's product: {leaked[0]}"] if leaked else []
