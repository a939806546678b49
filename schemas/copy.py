"""Copy on the wire: what is asked for, what stands in the pool, what was not admitted."""

from typing import Literal

from msgspec import Struct

from schemas.ids import Name, ProductId

KEY_SEPARATOR = "|"


class CopyKey(Struct, frozen=True, order=True):
    """Which text is meant. As a Kafka key: product|segment|variant|channel|locale."""

    product_id: str
    segment: str
    variant: str
    channel: str
    locale: str

    def encode(self) -> str:
        """The Kafka key; a separator inside a part is percent-encoded, so that two keys never meet."""
        parts = (self.product_id, self.segment, self.variant, self.channel, self.locale)
        return KEY_SEPARATOR.join(part.replace("%", "%25").replace(KEY_SEPARATOR, "%7C") for part in parts)

    @classmethod
    def parse(cls, key: str) -> "CopyKey":
        """The inverse of `encode`. Raises ValueError where there are not five parts."""
        parts = [part.replace("%7C", KEY_SEPARATOR).replace("%25", "%") for part in key.split(KEY_SEPARATOR)]
        if len(parts) != 5:
            raise ValueError(f"{key!r} is no copy key")
        return cls(*parts)


class CopyRequest(Struct, frozen=True, kw_only=True):
    """serve missed this text. `tone`, `cta` and `length` are the variant's recipe when it was asked for."""

    product_id: ProductId
    segment: Name
    variant: Name
    channel: Name
    locale: Name
    tone: str
    cta: str
    length: str
    requested_ms: int
    decision_id: str

    def key(self) -> CopyKey:
        return CopyKey(self.product_id, self.segment, self.variant, self.channel, self.locale)


class Candidate(Struct, frozen=True, kw_only=True):
    """One text of a pool entry: shown (`active`), kept ready (`standby`), or waiting for a person (`review`).

    `tokens` and `ms` are what writing it cost; `tries` how often it was written.
    """

    copy_id: str
    slot_text: str
    state: Literal["active", "standby", "review"] = "active"
    scores: dict[str, float] = {}
    bundle_sha256: str
    prompt_id: str = ""
    tokens: int = 0
    ms: float = 0.0
    tries: int = 1
    seed: int = 0


class PoolEntry(Struct, frozen=True, kw_only=True):
    """Every text for one key."""

    product_id: ProductId
    segment: Name
    variant: Name
    channel: Name
    locale: Name
    candidates: list[Candidate]

    def key(self) -> CopyKey:
        return CopyKey(self.product_id, self.segment, self.variant, self.channel, self.locale)


class CopyVerdict(Struct, frozen=True, kw_only=True):
    """A text that was written and not admitted, and why: `codes` are of the closed set.

    `review`: it waits for a person, and the codes say why, if there is more to it than the setting.
    """

    product_id: ProductId
    segment: Name
    variant: Name
    channel: Name
    locale: Name
    copy_id: str
    slot_text: str
    verdict: Literal["rejected", "review"]
    codes: list[str]
    bundle_sha256: str
    prompt_id: str
    tokens: int
    ms: float

    def key(self) -> CopyKey:
        return CopyKey(self.product_id, self.segment, self.variant, self.channel, self.locale)
