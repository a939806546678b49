"""The audience of a run and what is seen of its effect while it goes on."""

from collections.abc import Mapping
from contextlib import suppress

import msgspec
from rich.console import RenderableType

from patter.demo import offsets
from patter.demo.audience import Audience
from patter.demo.audience_loop import AudienceLoop, Spoken
from patter.demo.audience_truth import TruthTable
from patter.demo.follow_cells import CellsFollower
from patter.demo.record import RunRecord
from patter.demo.recount_feedback import TotalCells
from patter.demo.regret import Regret
from patter.demo.view_rates import Learned, rates_table, variant_rates
from patter.wiring.experiment import experiment_of
from streams.kafka.config import KafkaOptions
from streams.kafka.dump import read_topic

# The share of the best arm is shown of so many choices: steady enough to read.
SPAN = 1_000
FINISH_S = 60.0


class Answers:
    """The simulated audience, a reader of rates and policies, and the shares that the view shows."""

    def __init__(self, record: RunRecord) -> None:
        experiment = experiment_of(record.settings)
        self.truth = TruthTable(record.options.seed, experiment.arms)
        self._regret = Regret(self.truth)
        self._first: float | None = None
        metrics = record.topics["metrics"]
        self._cells = CellsFollower(record.kafka, metrics, offsets.begins(record.kafka, [metrics])[metrics])
        decisions = record.topics["decisions"]
        self._loop = AudienceLoop(
            record.kafka,
            decisions,
            record.begin[decisions],
            record.topics["events"],
            Audience(record.options.seed, record.run_id, self.truth),
            self._heard,
        )

    def start(self) -> None:
        """Begin to listen."""
        self._cells.start()
        self._loop.start()

    def finish(self) -> Spoken:
        """Say what is left to say. Call it when serve has committed the input."""
        return self._loop.finish(FINISH_S)

    def spoken(self) -> Spoken:
        """What was sent so far."""
        return self._loop.spoken()

    def stop(self) -> None:
        """Leave, whatever the state."""
        self._loop.stop()
        self._cells.stop()

    def shown(self, version: int | None, age_s: float | None) -> RenderableType:
        """Rates per variant with their intervals, and how the policy in use chooses."""
        learned = Learned(
            version=version, age_s=age_s, best_share=self._regret.recent(SPAN), best_share_first=self._first
        )
        return rates_table(variant_rates(self._cells.cells()), learned)

    def throughs(self) -> dict[tuple[str, str], int]:
        """How far the metrics have counted each lifetime (cell, source)."""
        return self._cells.throughs()

    def told(self) -> str:
        """The same in a few words."""
        share = self._regret.recent(SPAN)
        return f"feedback {self.spoken().events}, best arm " + ("-" if share is None else f"{share:.0%}")

    def _heard(self, value: bytes) -> None:
        with suppress(msgspec.MsgspecError):
            self._regret.add(value)
        if self._first is None:
            self._first = self._regret.recent(SPAN)


def totals(options: KafkaOptions, topic: str) -> Mapping[str, Mapping[str, int]]:
    """The newest total of every source."""
    found = TotalCells()
    for each in read_topic(options, topic, "read_committed"):
        found.partial(each)
    return found.totals()
