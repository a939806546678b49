"""Decisions for the demo's audience, with tokens that are real."""

from inference.decide.hashing import decision_id
from patter.demo.audience import Heard, Priced
from schemas.token import Claims, code_of, sign

START_MS = 1_790_000_000_000
KEYS = {1: bytes(range(32))}
ARMS = ("template", "warm", "bold", "plain")
CATEGORIES, SEGMENTS = ("shoes", "bags", "toys", "lamps"), ("new", "loyal", "lapsed")


def heard(number: int, **changes: object) -> Heard:
    """Decision `number`: category, segment and arm go round."""
    name = decision_id("acme", f"e{number}")
    category, segment = CATEGORIES[number % 4], SEGMENTS[number // 4 % 3]
    arm = ARMS[number // 12 % 4]
    claims = Claims(
        decision_id=name,
        time_ms=START_MS,
        propensity=0.25,
        holdout=False,
        excluded=False,
        experiment=code_of("default"),
        policy_version=1,
        arm=code_of(arm),
        segment=code_of(segment),
        category=code_of(category),
        product=code_of("p1"),
    )
    fields: dict[str, object] = {
        "decision_id": name.hex(),
        "user_id": f"u{number % 50}",
        "product_id": "p1",
        "category": category,
        "action": "show",
        "segment": segment,
        "shown": arm,
        "kind": "product_viewed",
        "token": sign(claims, 1, KEYS[1]),
        "catalogue": Priced(1_999, "USD"),
    }
    return Heard(**{**fields, **changes})  # type: ignore[arg-type]
