"""intake's worker: a foreign topic in, Patter's events out, under the same promises as serve."""

from collections import Counter
from collections.abc import Mapping, Sequence

from schemas.decode import Rejection
from schemas.ports import Metrics
from streams.dlq import RejectBrake, letter
from streams.intake.mapping import EventMap
from streams.kafka.records import Batch, Out, Record

ROLE = "intake"


class IntakeWorker:
    """Implements `streams.kafka.worker.Worker` for intake. It holds no state at all."""

    def __init__(self, event_map: EventMap, events: str, dlq: str, metrics: Metrics, brake: RejectBrake) -> None:
        self._map, self._events, self._dlq, self._metrics, self._brake = event_map, events, dlq, metrics, brake

    def assigned(self, positions: Mapping[int, int]) -> None:
        """Nothing to restore."""

    def revoked(self, partitions: Sequence[int]) -> None:
        """Nothing to forget."""

    def wants(self) -> bool:
        return False

    def ready(self) -> bool:
        return True

    def idle(self) -> None:
        """Nothing to swap."""

    def step(self, records: Sequence[Record]) -> Batch:
        outs, verdicts, outcomes = [], [], Counter[str]()
        for record in records:
            place = f"{record.topic}/{record.partition}/{record.offset}"
            mapped = self._map.apply(record.value, place, record.timestamp_ms)
            verdicts.append(isinstance(mapped, Rejection))
            if mapped is None:
                outcomes["ignored"] += 1
            elif isinstance(mapped, Rejection):
                outs.append(letter(self._dlq, record, ROLE, mapped))
                self._metrics.add("patter_dlq_records_total", role=ROLE, code=mapped.code.value)
            else:
                # The source's own time stays: a backlog of last month is no absurd time, it is late.
                outs.append(Out(self._events, mapped.key, mapped.value, (), max(0, record.timestamp_ms)))
        self._brake.check(verdicts, ROLE)
        for outcome, number in outcomes.items():
            self._metrics.add("patter_outcomes_total", number, role=ROLE, outcome=outcome)
        for topic, number in Counter(out.topic for out in outs).items():
            self._metrics.add("patter_records_out_total", number, role=ROLE, topic=topic)
        return Batch(outs)

    def committed(self, records: Sequence[Record]) -> None:
        """Nothing to remember."""

    def aborted(self) -> None:
        """Nothing to undo."""
