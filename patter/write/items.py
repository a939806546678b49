"""Sets of copy as the contract's JSON, and what did not hold."""

from collections.abc import Iterator

import msgspec

from inference.generate.copyset import CopySet, Variant
from inference.generate.findings import codes_of


def item(copies: CopySet) -> dict[str, object]:
    """One member of `items`."""
    ask = copies.ask
    return {
        "product_id": ask.product.product_id,
        "category": ask.product.category,
        "segment": ask.segment,
        "tone": ask.tone,
        "cta": ask.cta,
        "channel": ask.channel,
        "chars_limit": copies.chars_limit,
        "set_diversity": copies.set_diversity,
        "embedder": copies.embedder,
        "variants": [_variant(variant) for variant in copies.variants],
    }


def failures_of(copies: CopySet) -> Iterator[str]:
    """A line for each variant that has no text to show."""
    ask = copies.ask
    for number, variant in enumerate(copies.variants, start=1):
        if variant.verdict == "rejected":
            about = "; ".join(f"{found.code.value} ({found.what})" for found in variant.findings)
            yield f"{ask.product.product_id}, {ask.segment}, {ask.tone}, variant {number}: rejected: {about}"


def _variant(variant: Variant) -> dict[str, object]:
    return {
        "copy_id": variant.copy_id,
        "text": variant.text,
        "slot_text": variant.slot_text,
        "slots": dict(variant.slots),
        "source": variant.source,
        "verdict": variant.verdict,
        "codes": list(codes_of(variant.findings)),
        "findings": msgspec.to_builtins(variant.findings),
        "chars": len(variant.text),
        "tokens": variant.tokens,
        "seed": variant.seed,
        "scores": msgspec.to_builtins(variant.scores),
        "refused": msgspec.to_builtins(variant.refused),
    }
