"""The decisions that a candidate can be judged by: what was drawn, with what propensity, and what came of it."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec
import numpy as np
from msgspec import Struct

from inference.decide.policy import Policy
from inference.experiment.offpolicy import Floats, Places
from schemas.agents import AgentRules
from schemas.decode import Rejection, decode_event, time_ms
from schemas.events import CopyClick, OrderPlaced
from streams.agents.names import AgentNames
from streams.kafka.dump_lines import DumpRecord

REWARDS = ("click", "order")


class _Decision(Struct, frozen=True):
    decision_id: str
    user_id: str
    time: str
    category: str | None
    segment: str
    experiment: str
    arm: str | None
    eligible: dict[str, float]
    action: str
    excluded: bool
    token: str


_decode = msgspec.json.Decoder(_Decision).decode
Drawn = tuple[str, str, tuple[str, ...], tuple[int, ...]]
"""What a choice depends on: category, segment and the eligible arms in their order; and the places of those among them
that the logged policy never drew.
"""


class Feedback:
    """The tokens that came back with a success. Events that the decoder rejects, or that a rule by user agent tags, are
    passed over. An order counts for the decisions whose token it brings; one without a token for none.
    """

    def __init__(self, reward: str, rules: AgentRules) -> None:
        self._reward, self._agents = reward, AgentNames(rules)
        self.tokens: set[str] = set()

    def put(self, record: DumpRecord) -> None:
        """Take a record of `patter.events.v1`."""
        event = decode_event(record.value, record.timestamp_ms)
        if isinstance(event, Rejection) or self._agents[event.user_agent] is not None:
            return
        if self._reward == "click" and isinstance(event, CopyClick):
            self.tokens.add(event.token)
        if self._reward == "order" and isinstance(event, OrderPlaced):
            self.tokens.update(token for token in (event.token, *(line.token for line in event.lines)) if token)


class Logged:
    """Decisions of one experiment that showed what was drawn. `outcomes` says what became of each record."""

    def __init__(self, experiment: str, since_ms: int, rewarded: set[str]) -> None:
        self._experiment, self._since_ms, self._rewarded = experiment, since_ms, rewarded
        self._known: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._kinds: dict[Drawn, int] = {}
        self._rows: list[tuple[int, int, int, float, bool]] = []
        self.outcomes: Counter[str] = Counter()
        self.first_ms: int | None = None
        self.last_ms: int | None = None

    def put(self, record: DumpRecord) -> None:
        """Take a record of `patter.decisions.v1`."""
        try:
            found = _decode(record.value or b"")
            at_ms = time_ms(datetime.fromisoformat(found.time))
        except (msgspec.MsgspecError, ValueError, TypeError):
            self.outcomes["undecodable"] += 1
            return
        outcome = self._outcome(found, at_ms)
        self.outcomes[outcome] += 1
        self._known.add(found.decision_id)
        if outcome != "used":
            return
        never = tuple(place for place, p in enumerate(found.eligible.values()) if p <= 0)
        drawn = (found.category or "", found.segment, tuple(found.eligible), never)
        kind = self._kinds.setdefault(drawn, len(self._kinds))
        shopper = self._numbers.setdefault(found.user_id, len(self._numbers))
        place = drawn[2].index(found.arm or "")
        self._rows.append((shopper, kind, place, found.eligible[found.arm or ""], found.token in self._rewarded))
        self.first_ms = at_ms if self.first_ms is None else min(self.first_ms, at_ms)
        self.last_ms = at_ms if self.last_ms is None else max(self.last_ms, at_ms)

    def _outcome(self, found: _Decision, at_ms: int) -> str:
        if found.decision_id in self._known:
            return "duplicates"
        if found.experiment != self._experiment:
            return "other_experiment"
        if found.action != "show" or found.arm is None or not found.eligible.get(found.arm):
            return "nothing_shown"
        if found.excluded:
            return "excluded"
        return "used" if at_ms >= self._since_ms else "fitted_to"

    @property
    def shoppers(self) -> Places:
        """Whose each decision is, as numbers from 0."""
        return np.array([row[0] for row in self._rows], np.int64)

    @property
    def rewards(self) -> Floats:
        """1 for each decision that had a success, else 0."""
        return np.array([row[4] for row in self._rows], np.float64)

    def weights(self, candidate: Policy) -> Floats:
        """What each decision counts: the candidate's probability of the arm over the logged one."""
        tables = self._tables(candidate)
        return np.array([tables[kind][place] / p for _, kind, place, p, _ in self._rows], np.float64)

    def unreached(self, candidate: Policy) -> float:
        """The share of the candidate's choices of which the log says nothing: arms that were never drawn there. 0 where
        every logged policy had an epsilon.
        """
        tables = self._tables(candidate)
        lost = [sum(table[place] for place in drawn[3]) for table, drawn in zip(tables, self._kinds, strict=True)]
        return float(np.mean([lost[row[1]] for row in self._rows])) if self._rows else 0.0

    def _tables(self, candidate: Policy) -> list[tuple[float, ...]]:
        return [candidate.choices(*drawn[:3]).probabilities for drawn in self._kinds]


def put_all(into: Feedback | Logged, records: Iterable[DumpRecord]) -> None:
    """Take records, one after the other."""
    for record in records:
        into.put(record)
