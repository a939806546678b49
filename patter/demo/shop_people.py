"""The demo shop's shoppers: what its customer base knows of them."""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

from patter.files import Profile

Range = tuple[int, int]
Shares = tuple[float, float]


class Habit(Struct, frozen=True):
    """A kind of shopper: its share of all, and from where to where each figure of its profile lies."""

    share: float
    orders_90d: Range
    days_since_order: Range
    avg_order_minor: Range
    discount_share: Shares
    signup_days: Range
    tiers: tuple[str | None, ...]


# One habit for each way in which a rule over these features can tell shoppers apart. The figures keep clear of the
# borders between them, so that a shop which moves a threshold a little still sees every segment.
_HABITS = (
    Habit(0.20, (1, 4), (3, 45), (2_500, 7_000), (0.70, 0.98), (60, 900), (None, "bronze")),
    Habit(0.16, (6, 14), (1, 20), (5_000, 11_000), (0.02, 0.30), (400, 2_500), ("silver", "gold")),
    Habit(0.12, (1, 3), (5, 50), (28_000, 75_000), (0.00, 0.20), (100, 2_000), ("bronze", "gold")),
    Habit(0.17, (0, 0), (200, 700), (3_000, 10_000), (0.05, 0.35), (400, 2_500), (None, "bronze")),
    Habit(0.27, (1, 2), (10, 45), (4_000, 10_000), (0.05, 0.30), (90, 1_500), (None, "bronze", "silver")),
)
# The rest is not in the customer base at all: whom a shop has just met.
STRANGERS = 0.08
_LOCALES = ("en-US", "en-US", "en-US", "en-GB", "en-CA")


def shopper_ids(number: int) -> list[str]:
    """Ids of the demo's own shoppers."""
    return [f"shopper-{index:05d}" for index in range(number)]


def profiles(seed: int, users: Sequence[str], categories: Sequence[str], currency: str) -> Iterator[Profile]:
    """A user_profile row for each shopper whom the customer base knows, about 92 of 100; the same for the same seed.

    Some values are missing, as they are in real exports.
    """
    rng = np.random.default_rng([seed, 1])
    shares = np.array([*(habit.share for habit in _HABITS), STRANGERS])
    for user_id, kind in zip(users, rng.choice(len(shares), len(users), p=shares / shares.sum()).tolist(), strict=True):
        if kind < len(_HABITS):
            yield _profile(rng, user_id, _HABITS[kind], categories, currency)


def _profile(rng: np.random.Generator, user_id: str, habit: Habit, categories: Sequence[str], currency: str) -> Profile:
    def whole(limits: Range) -> int:
        return int(rng.integers(limits[0], limits[1] + 1))

    return {
        "user_id": user_id,
        "segment_hint": None,
        "favourite_category": str(categories[int(rng.integers(len(categories)))]) if rng.random() < 0.8 else None,
        "orders_90d": whole(habit.orders_90d),
        "days_since_order": whole(habit.days_since_order),
        "avg_order_minor": whole(habit.avg_order_minor),
        "currency": currency,
        "discount_share": round(float(rng.uniform(*habit.discount_share)), 3),
        "loyalty_tier": habit.tiers[int(rng.integers(len(habit.tiers)))],
        "locale": _LOCALES[int(rng.integers(len(_LOCALES)))],
        "signup_days": whole(habit.signup_days),
    }
