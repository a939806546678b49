"""The run as it goes: the roles' own metrics, scraped once a second, shown and remembered."""

import contextlib
import time
from collections.abc import Iterator, Mapping

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from rich.console import Console

from patter.demo.follow import Follower
from patter.demo.record import RunRecord
from patter.demo.sender import Sender
from patter.scrape import addresses, get
from patter.supervisor import Supervisor, Usage

SCRAPE_EVERY_S = 1.0
TICK_S = 0.1


class Live:
    """Scrapes, shows, and keeps what the result needs of metrics: never a count, only loads and times."""

    def __init__(self, record: RunRecord, supervisor: Supervisor, console: Console) -> None:
        self._record, self._supervisor, self._console = record, supervisor, console
        self._scraped = 0.0
        self._samples: dict[str, list[Sample]] = {}
        self._lag: dict[str, dict[str, float]] = {}
        self._rates: dict[str, list[float]] = {}
        self._sender: Sender | None = None
        self._follower: Follower | None = None
        self.provider: str | None = None

    @contextlib.contextmanager
    def showing(self, sender: Sender, follower: Follower) -> Iterator[None]:
        """Show the view while the run goes on."""
        self._sender, self._follower = sender, follower
        yield

    def tick(self) -> None:
        """Wait a moment; scrape and show where it is time."""
        time.sleep(TICK_S)
        if time.monotonic() - self._scraped < SCRAPE_EVERY_S:
            return
        self._scraped = time.monotonic()
        self.scrape()

    def scrape(self) -> None:
        """Ask every role once."""
        for address in addresses(self._record.options.data_dir):
            status, body = get(address, "/metrics")
            if status == 200:
                families = text_string_to_metric_families(body)
                self._samples[address.role] = [sample for family in families for sample in family.samples]
        for role in self._samples:
            lag = self.sum(role, "patter_lag_records")
            seen = self._lag.setdefault(role, {"max": 0.0, "end": 0.0})
            seen["max"], seen["end"] = max(seen["max"], lag), lag
            self._rates.setdefault(role, []).append(self.sum(role, "patter_handled_rate"))
        for sample in self._samples.get("generate", ()):
            if sample.name == "patter_generation_provider_info":
                self.provider = sample.labels["provider"]

    def sum(self, role: str, name: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels."""
        return sum(
            sample.value
            for sample in self._samples.get(role, ())
            if sample.name == name and all(sample.labels.get(key) == value for key, value in labels.items())
        )

    def lag_end(self) -> Mapping[str, Mapping[str, float | None]]:
        """Role -> greatest lag seen, and lag now, in records."""
        self.scrape()
        roles = ("serve", "generate")
        return {
            role: {key: int(value) for key, value in self._lag[role].items()}
            if role in self._lag
            else {"max": None, "end": None}
            for role in roles
        }

    def throughput(self, usage: Mapping[str, Usage]) -> dict[str, float | None]:
        """What serve handled a second while it was under load, and what an event cost it in CPU, start-up included."""
        rates = sorted(rate for rate in self._rates.get("serve", ()) if rate > 0)
        records = self.sum("serve", "patter_records_in_total")
        return {
            "serve_events_per_s": round(rates[len(rates) // 2], 1) if rates else None,
            "serve_cpu_us_per_event": round(self.sum("serve", "patter_cpu_seconds") / records * 1e6, 1)
            if records
            else None,
            "collect_events_per_s": None,
            "learn_records_per_s": None,
        }

    def features(self) -> dict[str, object]:
        """Cache hit rate and read times of the feature store, as serve measured them."""
        hits = self.sum("serve", "patter_feature_cache_total", result="hit")
        misses = self.sum("serve", "patter_feature_cache_total", result="miss")
        reads = self.sum("serve", "patter_feature_reads_total")
        seconds = self.sum("serve", "patter_feature_read_seconds_total")
        return {
            "cache_hit_rate": round(hits / (hits + misses), 4) if hits + misses else None,
            "errors": int(self.sum("serve", "patter_feature_errors_total")),
            "read_ms": {"p50": None, "p99": None, "mean": round(seconds / reads * 1000, 3) if reads else None},
        }
