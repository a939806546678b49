"""The demo's audience: rates that are true, events that decode, faults that are faults, the same for the same seed."""

import random
from collections import Counter, defaultdict
from math import sqrt
from typing import Any

import msgspec
import pytest
from heard import ARMS, CATEGORIES, KEYS, SEGMENTS, START_MS, heard

from inference.decide.assign import CONTROL
from patter.demo.audience import Audience, Heard, Priced, Reaction
from patter.demo.audience_chances import LATE_MS, USUAL, Chances
from patter.demo.audience_truth import TruthTable
from schemas.decode import Rejection, decode_event, time_ms
from schemas.events import CartAdded, CopyClick, CopyImpression, Event, OrderPlaced, OrderRefunded
from schemas.token import verify
from streams.agents.file import shipped_rules
from streams.agents.names import AgentNames

TRUTH = TruthTable(3, ARMS)
NUMBER = 24_000


def _audience(chances: Chances = USUAL, run_id: str = "run") -> Audience:
    return Audience(3, run_id, TRUTH, chances)


def _event(reaction: Reaction) -> Event:
    event = decode_event(reaction.value(reaction.due_ms), reaction.due_ms)
    assert not isinstance(event, Rejection), (event, reaction)
    return event


@pytest.fixture(scope="module")
def crowd() -> list[tuple[Heard, list[Reaction]]]:
    audience = _audience()
    decisions = [heard(number) for number in range(NUMBER)]
    return [(each, audience.react(each, START_MS + index)) for index, each in enumerate(decisions)]


def test_truth_is_a_function_of_names_and_seed() -> None:
    one, other = TruthTable(1, ARMS), TruthTable(1, ARMS)
    cells = [(category, segment) for category in CATEGORIES for segment in SEGMENTS]
    for category, segment in reversed(cells):
        other.of(category, segment)
    assert [one.of(*cell) for cell in cells] == [other.of(*cell) for cell in cells]
    assert TruthTable(1, ARMS[::-1]).of("shoes", "new") == one.of("shoes", "new")
    assert [TruthTable(2, ARMS).of(*cell) for cell in cells] != [one.of(*cell) for cell in cells]


@pytest.mark.parametrize("seed", range(1, 9))
def test_truth_has_a_clear_best_arm_that_differs_between_cells(seed: int) -> None:
    table = TruthTable(seed, ARMS)
    best = Counter[str]()
    for category in range(10):
        for segment in range(6):
            cell = table.of(f"c{category}", f"s{segment}")
            ranked = sorted(cell.values(), key=lambda truth: -truth.ctr)
            assert ranked[-1].ctr >= 0.05
            assert ranked[0].ctr <= 0.35
            assert ranked[0].ctr >= 1.4 * ranked[1].ctr
            assert all(0 < truth.order_per_impression < truth.ctr for truth in ranked)
            best[table.best(f"c{category}", f"s{segment}")] += 1
    assert set(best) == set(ARMS) - {CONTROL}, "where the control won, there would be nothing to show but templates"
    assert max(best.values()) < 35


def test_truth_of_one_arm_and_of_none() -> None:
    assert set(TruthTable(1, ["only"]).of("c", "s")) == {"only"}
    with pytest.raises(ValueError, match="at least one"):
        TruthTable(1, [])


def test_every_reaction_is_an_event_with_its_own_id_of_its_shopper_and_moment(
    crowd: list[tuple[Heard, list[Reaction]]],
) -> None:
    ids = set()
    for index, (each, reactions) in enumerate(crowd):
        for reaction in reactions:
            event = _event(reaction)
            assert event.user_id == reaction.user_id == each.user_id
            assert event.event_id not in ids
            ids.add(event.event_id)
            assert 50 <= reaction.due_ms - START_MS - index <= 9_000
            behind = LATE_MS if reaction.what == "impression_late" else 0
            assert time_ms(event.time) == reaction.due_ms - behind
            assert event.session_id
    assert len(ids) > NUMBER


@pytest.mark.statistical
def test_rates_are_the_true_ones(crowd: list[tuple[Heard, list[Reaction]]]) -> None:
    """Seeded. Each of 96 rates lies within 4 standard errors: a sound audience fails for 1 seed in 160."""
    impressions, clicks, orders = Counter[Any](), Counter[Any](), Counter[Any]()
    for each, reactions in crowd:
        cell = (each.category, each.segment, each.shown)
        whats = Counter(reaction.what for reaction in reactions)
        impressions[cell] += whats["impression"]
        clicks[cell] += whats["click"] + whats["click_first"]
        orders[cell] += whats["order"] + whats["order_foreign"]
    assert sum(impressions.values()) == pytest.approx(0.9 * NUMBER, rel=0.01)
    assert len(impressions) == 48
    for cell, count in impressions.items():
        category, segment, arm = cell
        truth = TRUTH.of(category, segment)[arm]
        for found, rate in ((clicks[cell], truth.ctr), (orders[cell], truth.order_per_impression)):
            assert abs(found / count - rate) <= 4 * sqrt(rate * (1 - rate) / count), (cell, found, count, rate)


def test_agents_come_on_top_and_every_event_of_theirs_is_tagged(crowd: list[tuple[Heard, list[Reaction]]]) -> None:
    names, seen, agents = AgentNames(shipped_rules()), 0, 0
    for _, reactions in crowd:
        for reaction in reactions:
            of_agent = reaction.what in ("agent_impression", "agent_click")
            assert names[_event(reaction).user_agent] == ("assistant" if of_agent else None)
            agents += reaction.what == "agent_click"
            seen += reaction.what == "impression"
    assert agents == pytest.approx(USUAL.agent * seen, rel=0.2)


def test_what_is_there_has_what_must_come_before(crowd: list[tuple[Heard, list[Reaction]]]) -> None:
    firsts = 0
    for _, reactions in crowd:
        by_what = {reaction.what: reaction for reaction in reactions}
        whats = [reaction.what for reaction in reactions]
        assert len(whats) == len(set(whats))
        click, first = by_what.get("click"), by_what.get("click_first")
        if set(whats) - {"forged"}:
            assert "impression" in whats
        if click is not None:
            assert by_what["impression"].due_ms < click.due_ms
        if first is not None:
            firsts += 1
            assert click is None
            assert first.due_ms < by_what["impression"].due_ms
        order = by_what.get("order") or by_what.get("order_foreign")
        later = (order, by_what.get("cart"))
        for reaction in later:
            assert reaction is None or reaction.due_ms > (click or first).due_ms  # type: ignore[union-attr]
        if "refund" in whats:
            assert order is not None
            assert 1_000 <= by_what["refund"].due_ms - order.due_ms <= 3_000
    assert firsts > 50


def test_tokens_are_the_decisions_own_but_for_forged_ones(crowd: list[tuple[Heard, list[Reaction]]]) -> None:
    kinds = Counter[type]()
    for each, reactions in crowd:
        for reaction in reactions:
            event = _event(reaction)
            token = getattr(event, "token", None)
            if reaction.what == "forged":
                kinds[type(event)] += 1
                assert token is not None
                assert sum(a != b for a, b in zip(token, each.token, strict=True)) == 1
                assert verify(token, KEYS) is None
            elif isinstance(event, CopyImpression | CopyClick | CartAdded):
                assert token == each.token
                claims = verify(token, KEYS)
                assert claims is not None
                assert claims.decision_id.hex() == each.decision_id
    assert set(kinds) == {CopyImpression, CopyClick}


def test_orders_come_in_every_form(crowd: list[tuple[Heard, list[Reaction]]]) -> None:
    ways, currencies, lines = Counter[str](), Counter[str](), Counter[int]()
    for each, reactions in crowd:
        for reaction in reactions:
            event = _event(reaction)
            if not isinstance(event, OrderPlaced):
                continue
            assert (event.currency == "USD") == (reaction.what == "order")
            currencies[event.currency] += 1
            lines[len(event.lines)] += 1
            assert all(line.revenue_minor == line.quantity * 1_999 for line in event.lines)
            assert [line.line for line in event.lines] == list(range(1, len(event.lines) + 1))
            session = {_event(other).session_id for other in reactions if other.what in ("click", "click_first")}
            if event.token:
                ways["order token"] += 1
                assert event.token == each.token
            elif event.lines[0].token:
                ways["line token"] += 1
                assert {line.token for line in event.lines} == {each.token}
            else:
                ways["session" if {event.session_id} == session else "inferred"] += 1
    total = ways.total()
    assert set(ways) == {"order token", "line token", "session", "inferred"}
    assert min(ways.values()) > 0.1 * total
    assert 0 < currencies["EUR"] < 0.1 * total
    assert 0 < lines[2] < lines[1]


def test_refunds_name_their_order_and_come_in_every_form(crowd: list[tuple[Heard, list[Reaction]]]) -> None:
    forms: defaultdict[str, set[str]] = defaultdict(set)
    for _, reactions in crowd:
        events = [_event(reaction) for reaction in reactions]
        orders = {event.order_id for event in events if isinstance(event, OrderPlaced)}
        for event in events:
            if isinstance(event, OrderRefunded):
                assert event.order_id in orders
                if not event.lines:
                    forms["all"].add(event.refund_id)
                elif event.lines[0].quantity:
                    forms["quantity"].add(event.refund_id)
                else:
                    assert event.lines[0].revenue_minor == 999
                    forms["amount"].add(event.refund_id)
    assert set(forms) == {"all", "quantity", "amount"}


def test_a_decision_causes_the_same_whenever_it_is_heard_and_nothing_twice() -> None:
    decisions = [heard(number) for number in range(400)]
    shuffled = decisions[:]
    random.Random(5).shuffle(shuffled)
    one, other = _audience(), _audience()
    first = {each.decision_id: one.react(each, START_MS) for each in decisions}
    second = {each.decision_id: other.react(each, START_MS) for each in shuffled}
    told = {
        name: [msgspec.structs.replace(reaction, number=0) for reaction in reactions]
        for name, reactions in first.items()
    }
    assert told == {
        name: [msgspec.structs.replace(reaction, number=0) for reaction in reactions]
        for name, reactions in second.items()
    }
    assert sum(map(len, first.values())) > 300
    assert not any(one.react(each, START_MS + 5_000) for each in decisions)


def test_another_run_has_other_ids_and_another_seed_other_reactions() -> None:
    decisions = [heard(number) for number in range(100)]

    def ids(audience: Audience) -> set[str]:
        return {_event(reaction).event_id for each in decisions for reaction in audience.react(each, START_MS)}

    assert not ids(_audience()) & ids(_audience(run_id="another"))
    assert ids(_audience()) != ids(Audience(4, "run", TRUTH))


ALWAYS = Chances(seen=1.0, click_first=0.0, carted_by_buyers=1.0, carted_by_others=1.0, forged=1.0, late=1.0)


def test_what_was_not_shown_is_not_seen() -> None:
    audience = _audience(ALWAYS)
    for changes in ({"action": "none"}, {"category": None}, {"shown": None}, {"shown": "retired"}):
        assert audience.react(heard(1, **changes), START_MS) == []
    assert audience.react(heard(1), START_MS)


def test_a_cart_asks_for_a_decision_that_fills_no_cart() -> None:
    for number in range(200):
        whats = {reaction.what for reaction in _audience(ALWAYS).react(heard(number), START_MS)}
        again = {reaction.what for reaction in _audience(ALWAYS).react(heard(number, kind="cart_added"), START_MS)}
        assert again == whats - {"cart"}
        assert ("cart" in whats) == ("click" in whats)
    assert any("order" in {r.what for r in _audience().react(heard(n, kind="cart_added"), 0)} for n in range(400))


def test_what_has_no_price_is_not_ordered() -> None:
    sure = TruthTable(3, ARMS)
    audience = Audience(3, "run", sure, ALWAYS)
    whats = Counter(
        reaction.what
        for number in range(400)
        for reaction in audience.react(heard(number, catalogue=Priced()), START_MS)
    )
    assert whats["click"] > 20
    assert not whats["order"] + whats["order_foreign"] + whats["refund"]


def test_an_event_that_is_sent_early_tells_the_time_at_which_it_is_sent() -> None:
    reaction = next(r for r in _audience(ALWAYS).react(heard(1), START_MS) if r.what == "impression")
    sent_ms = reaction.due_ms - 30
    event = decode_event(reaction.value(sent_ms), sent_ms)
    assert isinstance(event, CopyImpression)
    assert time_ms(event.time) == sent_ms


def test_reactions_sort_by_when_they_are_due() -> None:
    reactions = [each for number in range(50) for each in _audience().react(heard(number), START_MS)]
    assert [each.due_ms for each in sorted(reactions)] == sorted(each.due_ms for each in reactions)
