"""The run as it goes: the roles' own metrics, scraped once a second, shown and remembered."""

import contextlib
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console

from patter.demo.answers import Answers
from patter.demo.follow import Follower
from patter.demo.options import DEFAULT_SECONDS
from patter.demo.record import RunRecord
from patter.demo.sender import Sender
from patter.demo.view import LiveView, Metrics, RunState, Scrape, parse_metrics, snapshot_from
from patter.demo.view_metrics import quantiles, split, total, value
from patter.scrape import addresses, get
from patter.supervisor import Supervisor, Usage

SCRAPE_EVERY_S = 1.0
TICK_S = 0.1
# Rates and quantiles of the view are those of this many scrapes: steady enough to read, quick enough to follow.
SPAN = 4
_NOTHING: Metrics = {}


class Live:
    """Scrapes, shows, and keeps what the result needs of metrics: never a count, only loads and times."""

    def __init__(self, record: RunRecord, supervisor: Supervisor, console: Console) -> None:
        self._record, self._supervisor, self._console = record, supervisor, console
        self._scrapes: deque[Scrape] = deque(maxlen=SPAN)
        self._latest: dict[str, Metrics] = {}
        self._first: dict[str, Metrics] = {}
        self._lag: dict[str, dict[str, int]] = {}
        self._rates: dict[str, list[float]] = {}
        self._seen_delays: deque[int] = deque(maxlen=SPAN)
        self._sender: Sender | None = None
        self._follower: Follower | None = None
        self._view: LiveView | None = None
        self._answers: Answers | None = None
        self.phase = "input"
        self.provider: str | None = None

    @contextlib.contextmanager
    def showing(self, sender: Sender, follower: Follower, answers: Answers) -> Iterator[None]:
        """Show the view while the run goes on."""
        self._sender, self._follower, self._answers = sender, follower, answers
        with LiveView(self._console) as view:
            self._view = view
            try:
                yield
            finally:
                self._view = None

    def tick(self) -> None:
        """Wait a moment; scrape and show where it is time."""
        time.sleep(TICK_S)
        if self._scrapes and time.monotonic() - self._scrapes[-1].at_s < SCRAPE_EVERY_S:
            return
        self.scrape()
        if self._view is not None and self._answers is not None:
            serve = self._latest.get("serve", _NOTHING)
            version, age_s = value(serve, "patter_policy_version"), value(serve, "patter_policy_age_seconds")
            rates = self._answers.shown(None if version is None else int(version), age_s)
            snapshot = snapshot_from(self._scrapes[-1], self._scrapes[0], self._state())
            self._view.update(snapshot, rates, self._answers.told())

    def scrape(self) -> None:
        """Ask every role once."""
        now: dict[str, Metrics] = {}
        for address in addresses(self._record.options.data_dir):
            status, body = get(address, "/metrics")
            if status == 200:
                now[address.role] = parse_metrics(body)
        self._scrapes.append(Scrape(time.monotonic(), now))
        self._latest.update(now)
        for role, metrics in now.items():
            self._first.setdefault(role, metrics)
            lag = int(total(metrics, "patter_lag_records"))
            seen = self._lag.setdefault(role, {"max": 0, "end": 0})
            seen["max"], seen["end"] = max(seen["max"], lag), lag
            self._rates.setdefault(role, []).append(total(metrics, "patter_handled_rate"))
        self.provider = next(iter(split(now.get("generate", _NOTHING), _PROVIDER, "provider")), self.provider)

    def _state(self) -> RunState:
        assert self._sender is not None
        assert self._follower is not None
        options, delays = self._record.options, self._follower.delays_ms
        since = self._seen_delays[0] if self._seen_delays else 0
        self._seen_delays.append(len(delays))
        return RunState(
            elapsed_s=time.monotonic() - self._sender.started,
            seconds=options.seconds or (None if options.events else DEFAULT_SECONDS),
            phase=self.phase,
            offered_per_s=0.0 if self._sender.sent.done else options.rate,
            sent=self._sender.sent.events,
            broker=self._record.broker.kind,
            restarts={name: usage.restarts for name, usage in self._supervisor.usage().items()},
            delays_ms=delays[since:],
        )

    def lag_end(self) -> Mapping[str, Mapping[str, int | None]]:
        """Role -> greatest lag seen, and lag now, in records."""
        self.scrape()
        unknown: dict[str, int | None] = {"max": None, "end": None}
        return {role: dict(self._lag.get(role, unknown)) for role in ("serve", "generate", "collect", "learn")}

    def throughput(self, usage: Mapping[str, Usage]) -> dict[str, float | None]:
        """What each role handled a second while it had work, and what an event cost serve in CPU since it was ready.

        After a restart both are of the last process.
        """
        rates = {role: sorted(rate for rate in seen if rate > 0) for role, seen in self._rates.items()}
        now, first = self._latest.get("serve", _NOTHING), self._first.get("serve", _NOTHING)
        restarted = usage["serve"].restarts if "serve" in usage else 0
        before = _NOTHING if restarted else first
        records = total(now, "patter_records_in_total") - total(before, "patter_records_in_total")
        cpu_s = total(now, "patter_cpu_seconds") - total(before, "patter_cpu_seconds")
        return {
            "serve_events_per_s": _middle(rates.get("serve")),
            "serve_cpu_us_per_event": round(cpu_s / records * 1e6, 1) if records > 0 else None,
            "collect_events_per_s": _middle(rates.get("collect")),
            "learn_records_per_s": _middle(rates.get("learn")),
        }

    def features(self) -> dict[str, object]:
        """Cache hit rate and read times of the feature store, as serve measured them."""
        serve = self._latest.get("serve", _NOTHING)
        hits = total(serve, "patter_feature_cache_total", result="hit")
        asked = hits + total(serve, "patter_feature_cache_total", result="miss")
        buckets = [s for s in serve.get(f"{_STAGES}_bucket", ()) if s.labels.get("stage") == "features"]
        p50, p99 = quantiles({f"{_STAGES}_bucket": buckets}, _NOTHING, _STAGES, (0.5, 0.99))
        return {
            "cache_hit_rate": round(hits / asked, 4) if asked else None,
            "errors": int(total(serve, "patter_feature_errors_total")),
            "read_ms": {"p50": _ms(p50), "p99": _ms(p99)},
        }


_PROVIDER = "patter_generation_provider_info"
_STAGES = "patter_stage_duration_seconds"


def _middle(ordered: Sequence[float] | None) -> float | None:
    return round(ordered[len(ordered) // 2], 1) if ordered else None


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
