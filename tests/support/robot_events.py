"""Random logs in which shoppers are now quick, now slow: what rules on bots that watch are about."""

from collections.abc import Sequence

from feedback_events import KEYS, token
from hypothesis import strategies as st

from schemas.agents import AgentRule, AgentRules, WatchRule
from schemas.cells import DAY_MS
from streams.collect.rules import Rules

SECOND, HOUR = 1_000, 3_600_000
NAMED = (AgentRule(name="phone_bot", any=("bot",), but=("cubot",)), AgentRule(name="tool", any=("Bot", "curl/")))
FIRST = AgentRules(
    version="1",
    agent=NAMED,
    watch=(
        WatchRule(name="rate", counts="acts", over=2, seconds=2, hold_hours=1),
        WatchRule(name="unseen", counts="clicks_unseen", over=1, seconds=60, hold_hours=24),
        WatchRule(name="instant", counts="clicks_at_once", over=0, seconds=3600, hold_hours=200),
    ),
)
SECOND_RULES = AgentRules(
    version="2", agent=NAMED[1:], watch=(WatchRule(name="rate", counts="acts", over=1, seconds=60, hold_hours=2),)
)


def rules(agents: AgentRules) -> Rules:
    return Rules(keys=KEYS, currency="USD", agents=agents, lateness_ms=7 * DAY_MS, max_cells=5, max_copies=5)


AT = st.one_of(
    st.sampled_from([0, 1, 50, 99, 100, 130, 999, SECOND, 1_500, 2 * SECOND, 61 * SECOND, HOUR, HOUR + 40]),
    st.sampled_from([DAY_MS - 1, DAY_MS, DAY_MS + 1, DAY_MS + 61 * SECOND, 26 * HOUR, 3 * DAY_MS, 8 * DAY_MS]),
)
TOKENS = st.builds(token, st.integers(0, 3), st.just(0), st.just("p1"))
MOVES = st.one_of(
    st.fixed_dictionaries({"kind": st.sampled_from(["copy_impression", "copy_click", "copy_click"]), "token": TOKENS}),
    st.fixed_dictionaries({"kind": st.sampled_from(["product_viewed", "cart_added"]), "product_id": st.just("p1")}),
    st.just({"kind": "searched"}),
    st.just(
        {
            "kind": "order_placed",
            "order_id": "o",
            "currency": "USD",
            "lines": [{"line": 1, "product_id": "p1", "quantity": 1, "revenue_minor": 5}],
        }
    ),
    st.just({"kind": "order_refunded", "order_id": "o", "refund_id": "r"}),
)
AGENTS = st.sampled_from([None, None, None, None, "CUBOT P80", "a Bot", "curl/8"])
ROBOT_LOGS = st.lists(
    st.tuples(st.just(0), st.sampled_from(["ann", "ann", "bob"]), AT, MOVES, AGENTS), min_size=1, max_size=40
)


def quick(number: int, kinds: Sequence[str], every_ms: int) -> list[tuple[int, str, int, dict[str, object], None]]:
    """Shopper `number` does these, one after the other, on a decision each."""
    who = f"robot{number}"
    return [
        (0, who, at * every_ms, {"kind": kind, "token": token(number * 1000 + at, 0, "p1")}, None)
        for at, kind in enumerate(kinds)
    ]
