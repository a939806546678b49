"""Plain text to learn English from before lines are learned: sentences of a folder's files.

`.txt` is taken whole, of `.csv` and `.jsonl` every field that is long enough to be prose; each may be gzipped. What
holds characters that the tokenizer has no pieces for (digits, foremost) is left out, so that what cannot be written is
not learned either.
"""

import csv
import gzip
import io
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer

KINDS = (".txt", ".csv", ".jsonl")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_LEAST_WORDS, _MOST_WORDS = 5, 40
_TYPOGRAPHIC = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " "})
csv.field_size_limit(10_000_000)


def sentences(folder: Path, tokenizer: Tokenizer, most: int, seed: int) -> list[str]:
    """At most so many different sentences of a folder, drawn. The same folder, tokenizer and seed give the same."""
    unknown = tokenizer.token_to_id("<unk>")
    found: dict[str, None] = {}
    for path in sorted(folder.rglob("*")):
        if Path(path.name.removesuffix(".gz")).suffix in KINDS:
            for prose in _prose(path):
                for sentence in _SENTENCE.split(prose.translate(_TYPOGRAPHIC)):
                    text = " ".join(sentence.split())
                    if _LEAST_WORDS <= len(text.split()) <= _MOST_WORDS and not re.search(r"[\d{}<>|@#]|http", text):
                        found[text] = None
    drawn = list(found)
    random.Random(seed).shuffle(drawn)
    kept: list[str] = []
    for text in drawn:
        if len(kept) == most:
            break
        if unknown not in tokenizer.encode(text, add_special_tokens=False).ids:
            kept.append(text)
    return kept


def _prose(path: Path) -> Iterator[str]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8", errors="ignore", newline="")
        kind = Path(path.name.removesuffix(".gz")).suffix
        if kind == ".txt":
            yield text.read()
        elif kind == ".csv":
            for row in csv.reader(text):
                yield from row
        else:
            for line in text:
                yield from _strings(json.loads(line))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)
