"""Figures over judged texts of different prompts, and over sets of texts of one prompt each."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from inference.text.embedder import HashedTfidf
from training.evaluation.grammar import KINDS, examples
from training.evaluation.intervals import mean, ratio, share
from training.evaluation.judged import Judged
from training.evaluation.variety import variety

# Texts of so many prompts side by side: more than a shopper meets in a week, and few enough that a slice has several
# such blocks.
BLOCK = 20
_EXAMPLES = 5


def tries(texts: Sequence[Judged], seed: int) -> dict[str, Any]:
    """Figures of the writer's first tries, before any check has set one aside. A text is a unit."""
    codes = Counter(code for text in texts for code in text.written.codes)
    return {
        "admitted": share([text.admitted for text in texts]),
        "codes": dict(sorted(codes.items())),
        **quality([text for text in texts if text.shown is not None], seed),
    }


def quality(texts: Sequence[Judged], seed: int) -> dict[str, Any]:
    """Figures of texts that can be shown. A text is a unit; of sentences, the text that they stand in."""
    asked = [text for text in texts if text.sentiment_kept is not None]
    slipped = [text.slips for text in texts]
    return {
        "faithful": share([not text.unbacked for text in texts]),
        "unbacked_examples": _first([f"{', '.join(text.unbacked)}: {text.shown}" for text in texts if text.unbacked]),
        "no_foreign_category": share([not text.foreign for text in texts]),
        "foreign_examples": _first([f"{', '.join(text.foreign)}: {text.shown}" for text in texts if text.foreign]),
        "fact_coverage": mean([text.used / text.on_offer for text in texts if text.on_offer], seed),
        "with_a_fact": share([text.used > 0 for text in texts if text.on_offer]),
        "cta_as_asked": share([text.cta_kept for text in texts if text.cta_kept is not None]),
        "sentiment_as_asked": share([text.sentiment == text.request.sentiment for text in asked]),
        "sentiment_by_asked": {
            label: share([text.sentiment == label for text in asked if text.request.sentiment == label])
            for label in sorted({text.request.sentiment for text in asked})
        },
        "positive_unasked": share([text.sentiment == "positive" for text in texts if text.sentiment_kept is None]),
        "flesch": mean([text.flesch for text in texts if text.flesch is not None], seed + 1),
        "length_kept": share([text.fits for text in texts]),
        "length_kept_by_channel": {
            channel: share([text.fits for text in texts if text.request.channel == channel])
            for channel in sorted({text.request.channel for text in texts})
        },
        "sentences_copied": ratio([text.copied for text in texts], [text.sentences for text in texts], seed + 2),
        "texts_copied": share([text.whole_copied for text in texts]),
        "no_slip": share([not own for own in slipped]),
        "slips": {kind: sum(any(slip.kind == kind for slip in own) for own in slipped) for kind in KINDS},
        "slip_examples": examples(slipped, _EXAMPLES),
    }


def sets(prompts: Sequence[Sequence[Judged]], embedder: HashedTfidf, seed: int) -> dict[str, Any]:
    """Figures of whole sets: the variants of one prompt, and blocks of first tries for different prompts.

    Sets that hold a text which cannot be shown are left out; a last block that is not full too.
    """
    whole = [variants for variants in prompts if all(text.shown is not None for text in variants)]
    firsts = [variants[0].written.slot_text for variants in whole]
    blocks = [firsts[start : start + BLOCK] for start in range(0, len(firsts) - BLOCK + 1, BLOCK)]
    all_faithful = share([not any(text.unbacked for text in variants) for variants in whole])
    return {
        "size": len(whole[0]) if whole else None,
        "faithful": all_faithful,
        **variety([[text.written.slot_text for text in variants] for variants in whole], embedder, seed),
        "block_size": BLOCK,
        "blocks": variety(blocks, embedder, seed + 100),
    }


def _first(found: list[str]) -> list[str]:
    return found[:_EXAMPLES]
