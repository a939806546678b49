"""Rules that watch, counted by hand: docs/agents.md."""

from typing import Any

import pytest
from feedback_events import records_of, token
from robot_events import FIRST, HOUR, SECOND, rules

from schemas.agents import AgentRules, WatchRule
from schemas.cells import DAY_MS
from schemas.decode import decode_event
from streams.agents.file import shipped_rules
from streams.agents.names import MAX_AGENTS, AgentNames
from streams.collect import shopper
from streams.collect.shopper import Shopper, closed
from streams.collect.source import Source
from streams.collect.sweep import ROUND_MS, Sweep

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
)


def ruled(*watch: WatchRule) -> Source:
    source = Source("life:0", rules(AgentRules(version="1", watch=watch)))
    source.begin()
    return source


def send(source: Source, at: int, kind: str, number: int = 1, user: str = "ann", **fields: Any) -> None:
    about = {"product_id": "p1"} if kind == "product_viewed" else {"token": token(number, 0, "p1")}
    record = records_of([(0, user, at, {"kind": kind, **about, **fields}, None)])[0]
    source.take(source.through + 1, decode_event(record.value, record.timestamp_ms))


@pytest.mark.parametrize(
    ("agent", "rule"),
    [
        (None, None),
        ("", None),
        (BROWSER, None),
        ("Mozilla/5.0 (Linux; Android 14; CUBOT P80) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36", None),
        ("Mozilla/5.0 AppleWebKit/537.36; compatible; GPTBot/1.2; +https://openai.com/gptbot", "ai_crawler"),
        ("Mozilla/5.0 AppleWebKit/537.36; compatible; ChatGPT-User/1.0; +https://openai.com/bot", "assistant"),
        ("Mozilla/5.0 (compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)", "ai_crawler"),
        ("Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)", "ai_crawler"),
        ("Mozilla/5.0 (compatible; Claude-User/1.0; +Claude-User@anthropic.com)", "assistant"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "crawler"),
        ("Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "monitor"),
        (BROWSER.replace("Chrome", "HeadlessChrome"), "headless"),
        ("curl/8.5.0", "library"),
        ("Somebody's new BOT 3", "other_bot"),
    ],
)  # fmt: skip
def test_the_shipped_rules_on_user_agents(agent: str | None, rule: str | None) -> None:
    assert AgentNames(shipped_rules())[agent] == rule


def test_user_agents_that_are_made_up_fill_no_memory() -> None:
    names = AgentNames(FIRST)
    for number in range(MAX_AGENTS + 10):
        assert names[f"Mozilla {number}"] is None
    assert len(names) <= MAX_AGENTS


def test_more_acts_than_the_limit_in_one_window_tag_from_that_event_on_for_as_long_as_is_held() -> None:
    source = ruled(WatchRule(name="rate", counts="acts", over=3, seconds=10, hold_hours=1))
    for number in range(5):
        send(source, number * 100, "copy_click", number)
    # A shopper beside it is nobody's bot.
    send(source, 450, "copy_click", 9, user="bob")
    send(source, 400 + HOUR, "copy_click", 6)
    send(source, 401 + HOUR, "copy_click", 7)
    total = source.counts.total
    assert (total["clicks"], total["suppressed"], total["suppressed:rate"]) == (3 + 1 + 1, 3, 3)


def test_a_burst_over_the_edge_of_a_window_counts_in_each_of_them() -> None:
    source = ruled(WatchRule(name="rate", counts="acts", over=3, seconds=10))
    for number in range(6):
        send(source, 7 * SECOND + number * SECOND, "copy_click", number)
    assert source.counts.total["suppressed"] == 0


@pytest.mark.parametrize("copies", [1, 10])
def test_what_is_delivered_ten_times_is_one_act(copies: int) -> None:
    source = ruled(*FIRST.watch[:2])
    for _ in range(copies):
        for number in range(2):
            send(source, number * 700, "copy_impression", number)
            send(source, number * 700 + 300, "copy_click", number)
    total = source.counts.total
    assert (total["clicks"], total["suppressed"]) == (2, 0)


def test_clicks_without_impressions_at_machine_speed() -> None:
    source = ruled(WatchRule(name="unseen", counts="clicks_unseen", over=2, seconds=60))
    send(source, 0, "copy_impression", 9)
    for number in range(5):
        send(source, 100 + number, "copy_click", number)
    assert source.counts.total["suppressed:unseen"] == 2


@pytest.mark.parametrize(("after", "tagged"), [(0, 1), (1, 1), (99, 1), (100, 0), (350, 0), (-5, 0)])
def test_a_click_at_once_after_its_impression(after: int, tagged: int) -> None:
    source = ruled(WatchRule(name="instant", counts="clicks_at_once", over=0, seconds=60))
    send(source, 507, "copy_impression", 1)
    send(source, 507 + after, "copy_click", 1)
    assert source.counts.total["suppressed"] == tagged


def test_a_click_on_another_decision_or_in_whole_seconds_is_not_at_once() -> None:
    source = ruled(WatchRule(name="instant", counts="clicks_at_once", over=0, seconds=60))
    send(source, 507, "copy_impression", 1)
    send(source, 508, "copy_click", 2)
    send(source, 2_000, "copy_impression", 3)
    send(source, 2_000, "copy_click", 3)
    assert source.counts.total["suppressed"] == 0


def test_who_is_not_seen_for_long_is_forgotten() -> None:
    source = ruled(*FIRST.watch)
    for number in range(50):
        send(source, 100, "product_viewed", user=f"shopper{number}")
    send(source, 3 * DAY_MS, "product_viewed", user="bob")
    Sweep(source).some(100)
    assert list(source.shoppers) == ["bob-0"]


def test_a_small_shop_is_gone_through_once_in_ten_minutes_of_its_log() -> None:
    source = ruled(*FIRST.watch)
    sweep = Sweep(source)
    send(source, 0, "product_viewed", user="bob")
    sweep.some(100)
    # Idle in secret: only a look finds it.
    source.shoppers["ghost"] = closed(Shopper())
    for at, found in ((ROUND_MS - 1, False), (ROUND_MS, True)):
        send(source, at, "product_viewed", user="bob")
        sweep.some(100)
        assert ("ghost" not in source.shoppers) is found


def test_a_round_goes_on_where_the_last_batch_left_it() -> None:
    source = ruled(*FIRST.watch)
    sweep = Sweep(source)
    source.shoppers.update({f"ghost{number}": closed(Shopper()) for number in range(5)})
    for left in (3, 1, 0):
        sweep.some(2)
        assert len(source.shoppers) == left


def test_a_tagged_shopper_is_remembered_for_as_long_as_a_late_event_may_come() -> None:
    source = ruled(WatchRule(name="rate", counts="acts", over=0, seconds=10, hold_hours=1))
    send(source, 0, "product_viewed")
    for at, kept in ((7 * DAY_MS + HOUR, True), (7 * DAY_MS + HOUR + 1, False)):
        send(source, at, "product_viewed", user="bob")
        Sweep(source).some(100)
        assert ("ann-0" in source.shoppers) is kept


def test_what_is_watched_of_a_shopper_takes_less_than_a_hundred_bytes() -> None:
    source = Source("life:0", rules(shipped_rules()))
    source.begin()
    send(source, 507, "copy_impression")
    send(source, 907, "copy_click")
    known = shopper.opened(source.shoppers["ann-0"])
    whole = len(shopper.closed(known))
    known.watch = None
    assert whole - len(shopper.closed(known)) < 100
