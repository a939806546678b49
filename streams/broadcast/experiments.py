"""Experiments as `patter.experiments.v1` has them: the newest version of each, and those that run."""

from inference.experiment.assignment import Running
from schemas.experiments import ExperimentRecord


class Experiments:
    """The newest version of every experiment. `running` is the same object for as long as nothing of it changes."""

    def __init__(self) -> None:
        self._newest: dict[str, ExperimentRecord] = {}
        self._running: Running | None = None

    def take(self, record: ExperimentRecord) -> None:
        """Apply a record. Of two of one version the later holds, of two versions the higher, whichever comes first."""
        held = self._newest.get(record.name)
        if held is None or record.version >= held.version:
            self._newest[record.name] = record
            self._running = None

    def newest(self) -> tuple[ExperimentRecord, ...]:
        """The newest version of each, by name."""
        return tuple(self._newest[name] for name in sorted(self._newest))

    def started(self) -> tuple[ExperimentRecord, ...]:
        """The versions that run, by start and name, so that every worker has them in one order."""
        running = (each for each in self._newest.values() if each.state == "running")
        return tuple(sorted(running, key=lambda each: (each.started_ms or 0, each.name)))

    def running(self) -> Running:
        """Those that run, made ready."""
        if self._running is None:
            self._running = Running(self.started())
        return self._running
