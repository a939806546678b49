"""What the policy writer retires: texts that have worn off, judged by the days that collect has counted.

Once a day, when another day's clicks have come in, every text of the pool is tested; so it is when the writer begins,
and again while days that are over still fill up because collect has a backlog. A round is worked off a stretch at a
time, so that policies do not wait for it. What it finds goes out as records on a topic of their own; from then on they
are what was done, to whoever writes next: a text is retired once, and what a day's budget has left is counted in them.

Nothing here depends on when or where a round ran: the same cells, pool and retirements on the same day give the same.
"""

from collections.abc import Iterable, Iterator

import msgspec
import structlog
from msgspec import Struct

from inference.fatigue.novelty import Looks
from inference.fatigue.retire import Budget, Candidate, FatigueRules, Tired, chosen, declined, spent
from inference.text.embedder import HashedTfidf
from schemas.cells import DAY_MS
from schemas.retirements import Retirement
from schemas.token import code_of
from streams.kafka.records import Record
from streams.learn.pool_places import Standing, standing
from streams.learn.text_days import Place, TextDays
from streams.learn.texts import PoolTexts

log = structlog.get_logger("patter.streams.learn")

BY = "learn"
# Texts tested between two looks at the topics. A test takes about a millisecond: a tenth of a second is as long as
# policies may wait.
STRETCH = 100
# A backlog that is being counted grows the days that are over. What a late shopper adds to them changes no test.
GROWN = 0.01
_retirement = msgspec.json.Decoder(Retirement)


class FatigueSetup(Struct, frozen=True, kw_only=True):
    """The rules, how long after its end a day is tested (its clicks have to come in), and the least time between two
    rounds of one day.
    """

    rules: FatigueRules
    settle_ms: int
    every_ms: int


class _Round(Struct, frozen=True):
    """What a round was about: the budget's day, the time up to which days are over, and their impressions."""

    today: int
    until_ms: int
    looks: int
    began_ms: int


class Fatigue:
    """Follows cells, pool and retirements; says what to retire. One thread's."""

    def __init__(self, setup: FatigueSetup, texts: PoolTexts) -> None:
        self._setup = setup
        self._days, self._texts = TextDays(), texts
        self._retired: dict[str, Retirement] = {}
        self._embedder = HashedTfidf()
        self._last: _Round | None = None
        self._running: Iterator[None] | None = None
        self._tired: list[Candidate[Place]] = []
        self._standing: dict[Place, Standing] = {}
        self.waiting = 0
        """Texts that are worn and wait for another day's budget."""

    def take(self, metrics: Iterable[Record], retirements: Iterable[Record]) -> None:
        """Apply records of the two topics."""
        for record in metrics:
            self._days.take(record)
        for record in retirements:
            try:
                self._retire(_retirement.decode(record.value or b""))
            except msgspec.MsgspecError:
                log.warning("retirement skipped", offset=record.offset)

    def due(self, now_ms: int) -> list[Retirement]:
        """Work on a round, where one is due, and say what it came to. Whoever publishes it says so (`wrote`)."""
        if self._running is None:
            begun = self._begin(now_ms)
            if begun is None:
                return []
            self._running, self._last = self._examine(begun), begun
        for _ in self._running:
            return []
        self._running = None
        return self._choose(now_ms)

    def wrote(self, retirements: Iterable[Retirement]) -> None:
        """Take what was published; it comes back from the topic too."""
        for retirement in retirements:
            self._retire(retirement)

    def _retire(self, retirement: Retirement) -> None:
        self._retired.setdefault(retirement.key(), retirement)

    def _begin(self, now_ms: int) -> _Round | None:
        """The next round; None where it would say what the last one said."""
        until_ms = (now_ms - self._setup.settle_ms) // DAY_MS * DAY_MS
        last, today = self._last, now_ms // DAY_MS
        if last is not None and (last.today, last.until_ms) == (today, until_ms):
            if now_ms - last.began_ms < self._setup.every_ms:
                return None
            looks = self._days.looks(until_ms)
            if abs(looks - last.looks) <= GROWN * last.looks:
                return None
        return _Round(today, until_ms, self._days.looks(until_ms), now_ms)

    def _examine(self, begun: _Round) -> Iterator[None]:
        """Test every text, a stretch between two yields."""
        self._tired, self._standing = [], standing(self._texts)
        open_ = sorted(
            (each.copy_id, each.segment, place)
            for place, each in self._standing.items()
            if f"{each.copy_id}|{each.segment}" not in self._retired and self._days.life(place).impressions
        )
        # What was retired was looked at too: copy that says the same again is no news.
        seen = [(code_of(each.segment), code_of(each.copy_id), each.slot_text) for each in self._retired.values()]
        seen += [(*place, self._standing[place].slot_text) for _, _, place in open_]
        looked: dict[int, Looks] = {}
        for number, (segment, copy, slot_text) in enumerate(seen, 1):
            (text,) = self._embedder.embed([slot_text])
            looked.setdefault(segment, Looks()).add(text, self._days.life(Place(segment, copy)).impressions)
            if number % STRETCH == 0:
                yield
        for number, (_, _, place) in enumerate(open_, 1):
            tired = self._test(place, looked[place.segment], begun.until_ms)
            if tired is not None:
                self._tired.append(Candidate(place, tired, self._standing[place].entries))
            if number % STRETCH == 0:
                yield

    def _test(self, place: Place, looked: Looks, until_ms: int) -> Tired | None:
        rules, seen = self._setup.rules, self._days.history(place, until_ms)
        worn = declined(seen.days, seen.others, rules, seen.past, seen.others_past)
        if worn is not None:
            return worn
        own = self._days.life(place)
        (text,) = self._embedder.embed([self._standing[place].slot_text])
        return spent(looked.familiarity(text), own, self._days.others(place), rules)

    def _choose(self, now_ms: int) -> list[Retirement]:
        today = [each for each in self._retired.values() if each.time_ms // DAY_MS == now_ms // DAY_MS]
        left = Budget(len(today), sum(each.entries for each in today))
        found = [self._record(each, now_ms) for each in chosen(self._tired, left, self._setup.rules)]
        self.waiting = len(self._tired) - len(found)
        self._tired = []
        return found

    def _record(self, each: Candidate[Place], now_ms: int) -> Retirement:
        standing, tired = self._standing[each.name], each.tired
        return Retirement(
            copy_id=standing.copy_id,
            segment=standing.segment,
            slot_text=standing.slot_text,
            reason=tired.reason,
            figures={name: float(f"{value:.6g}") for name, value in tired.figures.items()},
            entries=standing.entries,
            time_ms=now_ms,
            by=BY,
            why=tired.why(),
        )
