"""Texts as a shopper would see them, one a product: those of a file, or written by a bundle for the purpose."""

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from inference.generate.compose import compose
from inference.generate.copyset import Ask
from inference.generate.judge import Standards
from inference.text.embedder import HashedTfidf
from schemas.catalog import Product
from schemas.errors import Code, ConfigError
from schemas.ports import Writer
from training.evaluation.ordering import Copy

# Those with room for a fact beside the name.
_CHANNELS = ("push", "sms", "ad_description", "description")
_SEGMENTS = ("new", "regular", "loyal", "big_spender", "bargain_hunter", "lapsed")
_PATIENCE_S = 600.0
# Far fewer than the engine takes at once, and enough to keep it busy.
_BATCH = 64


def written_for(
    writer: Writer, products: Sequence[Product], standards: Standards, count: int, seed: int
) -> Iterator[Copy]:
    """One text for each of `count` products, drawn: for any reader, in any channel that has room, as serving has it."""
    rng = random.Random(seed)
    chosen = rng.sample(products, min(count, len(products)))
    asks = [
        Ask(product=one, segment=rng.choice(_SEGMENTS), tone="plain", cta="none", channel=rng.choice(_CHANNELS))
        for one in chosen
    ]
    for start in range(0, len(asks), _BATCH):
        sets = compose(
            writer,
            asks[start : start + _BATCH],
            variants=1,
            seed=seed,
            standards=standards,
            embedder=HashedTfidf(),
            deadline_s=_PATIENCE_S,
        )
        yield from (Copy(each.ask.product, each.variants[0].text) for each in sets)


def read_copies(path: Path, products: Sequence[Product], count: int, seed: int) -> list[Copy]:
    """One text for each of at most `count` products, drawn from a file: a result of `patter write --json`, or lines
    of `{"product_id": ..., "text": ...}`. Texts that were rejected, and those for other products, are left out.

    Raises ConfigError (file_missing, file_invalid).
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(Code.FILE_MISSING, error.strerror or "cannot be read", where=str(path)) from None
    try:
        rows = list(_rows(content))
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        hint = "a result of `patter write --json`, or a line of JSON with product_id and text for each text"
        raise ConfigError(Code.FILE_INVALID, "no copies", where=str(path), hint=hint) from None
    known = {product.product_id: product for product in products}
    found: dict[str, list[str]] = {}
    for product_id, text in rows:
        if product_id in known and text:
            found.setdefault(product_id, []).append(text)
    if not found:
        raise ConfigError(
            Code.FILE_INVALID,
            "no text is for a product of the catalogue",
            where=str(path),
            hint="give both of one shop",
        )
    rng = random.Random(seed)
    chosen = rng.sample(sorted(found), min(count, len(found)))
    return [Copy(known[name], rng.choice(found[name])) for name in chosen]


def _rows(content: bytes) -> Iterator[tuple[str, str]]:
    lines = [line for line in content.splitlines() if line.strip()]
    try:
        whole: Any = msgspec.json.decode(content)
    except msgspec.DecodeError:
        whole = None
    if isinstance(whole, Mapping) and "items" in whole:
        for item in whole["items"]:
            for variant in item["variants"]:
                if variant["verdict"] != "rejected":
                    yield item["product_id"], variant["text"]
        return
    for line in lines:
        row = msgspec.json.decode(line)
        yield row["product_id"], row["text"]
