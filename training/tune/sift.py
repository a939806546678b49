"""From approved copy to rows that do to learn from. What serving would not admit is not learned either."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Literal

import msgspec
from msgspec import Struct

from inference.decide.facts import slot_values
from inference.generate.channels import LIMITS
from inference.generate.checks import claims, codes, has_cta
from inference.generate.prompt import ANY
from inference.generate.reference import Approved, References, described_by, leak, states
from inference.generate.slots import GRAMMAR, SLOT, offered
from inference.text.embedder import HashedTfidf, Vector, cosine
from inference.text.sentiment import sentiment
from schemas.approved import ApprovedCopy, RejectedRow
from schemas.catalog import Product
from schemas.errors import Code, ConfigError
from schemas.ports import TextRequest
from training.pairs import length_of
from training.tune.slotting import slotted

STAGE = "sift"
# A call of these types is recognised in a text that does not say its own; the first that fits.
_CTAS = ("shop", "remind", "discover", "save")
# A share of rows is learned with a reference in its prompt, so that a model knows prompts with and without one.
_WITH_REFERENCE = 0.25
_HELD_OUT = 0.1


Split = Literal["product", "time"]


class Row(Struct, frozen=True, kw_only=True):
    """What is learned: the request that a text answers, the text in slot form, and the product that it is for.

    `time` is when the text was shown, None where that is not known.
    """

    product: Product
    request: TextRequest
    text: str
    impressions: int
    clicks: int
    time: datetime | None = None


class Sifted(Struct, frozen=True):
    """Rows to learn from, the others with their reasons, and how many facts became slots."""

    rows: list[Row]
    rejected: list[RejectedRow]
    slots: dict[str, int]


def sift(copies: Iterable[ApprovedCopy], seed: int) -> Sifted:
    """Every text in slot form under the request that it answers.

    Left out: what the checks of written copy do not admit (a fact that is in no slot, too long for its channel, ...),
    and what stands there twice.
    """
    rows: list[Row] = []
    rejected: list[RejectedRow] = []
    counts: Counter[str] = Counter()
    first: dict[tuple[str, ...], int] = {}
    for copy in copies:
        found = slotted(copy.text, slot_values(copy.product))
        row = _row(copy, found.text, seed)
        key = (copy.product.product_id, copy.segment, copy.tone, copy.channel, found.text)
        fault = _fault(copy, row)
        if fault is None and first.setdefault(key, copy.line) != copy.line:
            fault = f"the same text for the same product stands in line {first[key]}"
        if fault is None:
            rows.append(row)
            counts.update(found.counts)
        else:
            rejected.append(
                RejectedRow(stage=STAGE, file=copy.file, line=copy.line, field="text", reason=fault, row=copy.row)
            )
    return Sifted(rows, rejected, dict(sorted(counts.items())))


def split(rows: Sequence[Row], seed: int, by: Split = "product") -> tuple[list[Row], list[Row]]:
    """(to learn from, held out): a tenth of the products, drawn; none where there is only one. Or, by time, what was
    shown from that moment on behind which a tenth of the rows lies: a model has to do on texts of tomorrow (Walmart's
    descriptions, arXiv 2310.18357, are tuned on the shop's own). Raises ConfigError where a row has no time then.
    """
    if by == "time":
        return _split_by_time(rows)
    products = sorted({row.request.product_id for row in rows}, key=lambda name: _chance(f"{seed}:{name}"))
    held = set(products[: max(1, round(_HELD_OUT * len(products)))]) if len(products) > 1 else set()
    return (
        [row for row in rows if row.request.product_id not in held],
        [row for row in rows if row.request.product_id in held],
    )


def _split_by_time(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    times = sorted(row.time for row in rows if row.time is not None)
    if len(times) < len(rows) or not times:
        what = f"{len(rows) - len(times)} of {len(rows)} rows say no time"
        raise ConfigError(Code.FILE_INVALID, what, where="--split time", hint="give `time`, or split by product")
    since = times[len(times) - max(1, round(_HELD_OUT * len(times)))]
    return (
        [row for row in rows if row.time is not None and row.time < since],
        [row for row in rows if row.time is not None and row.time >= since],
    )


def with_references(rows: Sequence[Row], seed: int) -> list[Row]:
    """The rows, a quarter of them with an approved text for a similar product in the request."""
    drawn = {place for place, row in enumerate(rows) if _chance(f"{seed}:ref:{place}:{row.text}") < _WITH_REFERENCE}
    references = references_of(rows)
    return [
        msgspec.structs.replace(
            row, request=msgspec.structs.replace(row.request, reference=references.choose(row.request).text)
        )
        if place in drawn
        else row
        for place, row in enumerate(rows)
    ]


def references_of(rows: Sequence[Row]) -> References[Vector]:
    """What references are chosen from: the rows' own texts."""
    approved = [
        Approved(
            product_id=row.request.product_id,
            category=row.request.category,
            facts=row.request.facts,
            slot_text=row.text,
            segment=row.request.segment,
            tone=row.request.tone,
            channel=row.request.channel,
            impressions=row.impressions,
            clicks=row.clicks,
        )
        for row in rows
    ]
    embedder = HashedTfidf().fit(described_by(row.request.category, row.request.facts) for row in rows)
    return References(approved, embedder, cosine)


def _row(copy: ApprovedCopy, text: str, seed: int) -> Row:
    limit = LIMITS[copy.channel]
    known = _chance(f"{seed}:mood:{copy.line}:{text}") < 0.5
    request = TextRequest(
        product_id=copy.product.product_id,
        category=copy.product.category,
        segment=copy.segment,
        variant="approved",
        tone=copy.tone,
        cta=copy.cta or next((kind for kind in _CTAS if has_cta(text, kind)), "none"),
        length=length_of(len(copy.text), limit),
        channel=copy.channel,
        locale="en",
        facts=slot_values(copy.product),
        seed=seed,
        max_chars=limit,
        sentiment=sentiment(text) if known else ANY,
    )
    return Row(
        product=copy.product,
        request=request,
        text=text,
        impressions=copy.impressions or 0,
        clicks=copy.clicks or 0,
        time=_moment(copy.time),
    )


def _moment(time: str | None) -> datetime | None:
    """RFC 3339 as a moment; UTC where it names no zone. None where it is none, which is told of the row."""
    try:
        found = datetime.fromisoformat(time or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _fault(copy: ApprovedCopy, row: Row) -> str | None:
    if copy.time is not None and row.time is None:
        return f"{copy.time!r} is no time as RFC 3339 has it"
    facts, product = row.request.facts, copy.product
    found = codes(row.text, row.request)
    if found:
        stated = f" ({', '.join(claims(row.text))})" if Code.COPY_CLAIM.value in found else ""
        return f"the checks of copy say {', '.join(found)}{stated}"
    crowded = sorted(set(SLOT.findall(row.text)) - offered(facts, row.request.max_chars) - GRAMMAR.keys())
    if crowded:
        return f"{Code.COPY_TOO_LONG.value}: {{{crowded[0]}}} takes more room than the channel has for it"
    # A brand that is part of the name has no slot of its own, and only the first features have one.
    leaked = leak(row.text, facts, {"BRAND": product.brand or ""})
    literal = SLOT.sub(" \x00 ", row.text)
    leaked = leaked or next((f"feature: {each}" for each in product.features if states(literal, each)), None)
    return f"a fact stands outside its slot: {leaked}" if leaked else None


def _chance(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64


def reasons(rejected: Iterable[RejectedRow]) -> Iterator[str]:
    """One line for each row that was left out: file, line and field, and why."""
    for each in rejected:
        place = ":".join(part for part in (each.file, str(each.line), each.field) if part)
        yield f"left out: {place}: {each.reason}"
