"""The sentiment that a bundle's texts have against the one that they were asked for."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from inference.generate import open_writer
from inference.text.sentiment import sentiment
from schemas.ports import TextRequest
from training.tune.sift import Row

MOODS = ("positive", "neutral", "negative")
# Each held-out prompt is asked in three moods; these many take a small model under a minute.
_PROMPTS = 40
_PATIENCE_S = 3600.0


def achieved(folder: Path, rows: Sequence[Row], seed: int) -> dict[str, Any]:
    """One text of the bundle in `folder` for each row's request in each mood, one try, as serving writes them."""
    requests = [
        msgspec.structs.replace(row.request, sentiment=mood, seed=seed + place)
        for place, row in enumerate(rows[:_PROMPTS])
        for mood in MOODS
    ]
    texts = open_writer(folder, provider="cpu").write(requests, _PATIENCE_S) if requests else []
    return against(requests, [text.slot_text for text in texts])


def against(requests: Sequence[TextRequest], texts: Sequence[str]) -> dict[str, Any]:
    """{n, kept: share with the label that was asked for, asked: {label: {label that came: count}}}; kept is None for
    no texts.
    """
    counts: Mapping[str, Counter[str]] = {mood: Counter() for mood in MOODS}
    for request, text in zip(requests, texts, strict=True):
        counts[request.sentiment][sentiment(text)] += 1
    kept = sum(counts[mood][mood] for mood in MOODS)
    return {
        "n": len(texts),
        "kept": round(kept / len(texts), 4) if texts else None,
        "asked": {mood: {came: counts[mood][came] for came in MOODS} for mood in MOODS},
    }
