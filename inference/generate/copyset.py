"""A set of copy: what is asked for, and the variants that answer it, each with its verdict."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Literal

from msgspec import Struct

from inference.generate.channels import NAMED_ELSEWHERE
from inference.generate.findings import Finding
from inference.generate.scores import Scores
from schemas.catalog import Product
from schemas.errors import Code

# Below this a text and its product's record have hardly a word in common, and a person should look. A text that names
# its product is well above.
RELEVANCE_FLOOR = 0.05
# What a template may be short of and still be shown, once a person has looked.
FOR_REVIEW = frozenset({Code.COPY_CTA_MISSING, Code.COPY_NAME_MISSING, Code.COPY_DUPLICATE, Code.COPY_IRRELEVANT})
Verdict = Literal["approved", "review", "rejected"]
Source = Literal["model", "template"]


class Ask(Struct, frozen=True, kw_only=True):
    """One set of copy that is wanted. `reference` is an approved text for a similar product, its slots unfilled."""

    product: Product
    segment: str
    tone: str
    cta: str
    channel: str
    sentiment: str = "any"
    locale: str = "en"
    reference: str | None = None


class Refused(Struct, frozen=True, kw_only=True):
    """A text that was written for a variant and did not pass."""

    slot_text: str
    codes: tuple[str, ...]
    seed: int


class Variant(Struct, frozen=True, kw_only=True):
    """One text as it may be shown, and what is known of it. `seed` is None for a template.

    `findings` say what the codes are about. `tokens` are those of every text that was written for it.
    """

    copy_id: str
    text: str
    slot_text: str
    slots: Mapping[str, str]
    source: Source
    verdict: Verdict
    findings: tuple[Finding, ...]
    tokens: int
    seed: int | None
    refused: tuple[Refused, ...]
    scores: Scores


class CopySet(Struct, frozen=True, kw_only=True):
    """The answer to one `Ask`. `set_diversity` holds for this embedder and number of variants only."""

    ask: Ask
    chars_limit: int
    variants: tuple[Variant, ...]
    set_diversity: float | None
    embedder: str


def copy_id(source: str, slot_text: str) -> str:
    """A copy's name: a hash of what wrote it (a bundle's digest, or `template`) and of its text."""
    return blake2b(f"{source}\x1f{slot_text}".encode(), digest_size=16).hexdigest()


def with_relevance(found: tuple[Finding, ...], scores: Scores, channel: str) -> tuple[Finding, ...]:
    """What was found in a text, and whether it has too little in common with its product to be shown unseen.

    A title beside a body that names the product need have nothing in common with it.
    """
    if scores.relevance >= RELEVANCE_FLOOR or channel in NAMED_ELSEWHERE:
        return found
    return (*found, Finding(Code.COPY_IRRELEVANT, f"relevance {scores.relevance} is below {RELEVANCE_FLOOR}"))


def verdict_of(found: Sequence[Finding]) -> Verdict:
    """approved without a finding, review where a person may still let it pass, else rejected."""
    if not found:
        return "approved"
    return "review" if all(finding.code in FOR_REVIEW for finding in found) else "rejected"
