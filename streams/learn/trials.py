"""What is believed about the arms of each adaptive experiment that runs: from its own decisions alone. No I/O."""

from collections.abc import Iterable, Mapping

import msgspec
import structlog
from msgspec.structs import replace

from inference.decide.acts import LEARN, LEARNED
from inference.decide.fit import Place, Tally, fit, sharpened
from inference.decide.policy import seed_of_version
from schemas.cells import cell_of
from schemas.experiments import ExperimentRecord
from schemas.policies import PolicySnapshot, TrialBeliefs
from schemas.token import code_of
from streams.broadcast.experiments import Experiments
from streams.kafka.records import Record
from streams.learn.cells import COHORT
from streams.learn.cohorts import Cohorts
from streams.learn.setup import LearnSetup

log = structlog.get_logger("patter.streams.learn")

# With the cells of the settings' own experiment a snapshot has to fit into one record of the topic.
MOST_BYTES = 200_000
_decode = msgspec.json.Decoder(ExperimentRecord).decode
_Tallies = Mapping[Place, Tally]


class Trials:
    """Follows `patter.experiments.v1` and the experiments' cells. Used by one thread.

    A cell may come before its experiment's record. So those of every experiment are held that is not known to be none
    of these: a started experiment never changes its mode, and a stopped one does not start again. `own` are the
    settings' experiment's, which may have a record too; whoever made them feeds them.
    """

    def __init__(self, setup: LearnSetup, own: Cohorts) -> None:
        self._setup = setup
        self._experiments = Experiments()
        self._own = code_of(setup.experiment)
        self._cohorts = {self._own: own}
        self._others: set[int] = set()
        self._held: list[TrialBeliefs] | None = None

    def take(self, records: Iterable[Record]) -> None:
        """Apply what has come of the topic, and of metrics: where there is nothing new of either, nothing is fitted.

        A record that does not decode is skipped, as serve does.
        """
        topics = self._setup.topics
        for record in records:
            if record.topic == topics.experiments:
                self._held = None
                try:
                    self._note(_decode(record.value or b""))
                except msgspec.MsgspecError:
                    log.warning("experiment skipped", offset=record.offset)
            elif record.topic == topics.metrics and topics.experiments is not None:
                self._count(record)

    def put(self, made: PolicySnapshot | None, newest: PolicySnapshot | None, now_ms: int) -> PolicySnapshot | None:
        """`made`, the version that is to follow `newest`, with these beliefs; where there is none but for them, one
        that says of the settings' own experiment what `newest` says. None where there is nothing to say.
        """
        if made is None and (newest is None or newest.kill):
            return None
        if self._held is None:
            self._held = self.beliefs()
        found = self._held
        if made is not None:
            return replace(made, trials=found)
        assert newest is not None
        if newest.trials == found:
            return None
        version = newest.version + 1
        return replace(
            newest,
            version=version,
            seed=seed_of_version(newest.experiment, version),
            created_ms=now_ms,
            trials=found,
            by=LEARN,
            why="adaptive experiments",
            cause=LEARNED,
        )

    def beliefs(self) -> list[TrialBeliefs]:
        """Those of every adaptive experiment that runs, in the order of their starts.

        Where there is no room for every cell, each experiment leaves those with the fewest impressions to its prior;
        where there is none for the priors of all, the last to start are drawn by the settings' beliefs.
        """
        running = [each for each in self._experiments.started() if each.mode == "adaptive"]
        if not running:
            return []
        tallies = {each.name: self._tallies(each) for each in running}
        most = max(len({place[:2] for place in each}) for each in tallies.values())
        while True:
            found = [self._beliefs(each, tallies[each.name], most) for each in running]
            if len(msgspec.json.encode(found)) <= MOST_BYTES:
                return found
            if most:
                most = most * 3 // 4
            else:
                running.pop()

    def _beliefs(self, record: ExperimentRecord, tallies: _Tallies, most: int) -> TrialBeliefs:
        setup = self._setup
        learned = sharpened(fit(tallies, [arm.name for arm in record.arms], setup.shrinkage, most), setup.sharpness)
        return TrialBeliefs(experiment=record.name, prior=learned.prior, cells=learned.cells)

    def _tallies(self, record: ExperimentRecord) -> _Tallies:
        """As they count by the time of the experiment's own newest decision."""
        held = self._cohorts.get(code_of(record.name))
        if held is None:
            return {}
        arms = {arm.name for arm in record.arms}
        tallies, _ = held.tallies(held.as_of_ms())
        return {place: tally for place, tally in tallies.items() if place[2] in arms}

    def _note(self, record: ExperimentRecord) -> None:
        self._experiments.take(record)
        if record.state == "stopped" or (record.state == "running" and record.mode != "adaptive"):
            self._others.add(code_of(record.name))
            self._cohorts.pop(code_of(record.name), None)

    def _count(self, record: Record) -> None:
        try:
            cell = cell_of((record.key or b"").decode())
        except ValueError:
            return
        code = cell.arm.experiment
        if cell.family != COHORT or code in self._others:
            return
        self._held = None
        if code not in self._cohorts:
            self._cohorts[code] = Cohorts(code, None, self._setup.reward, self._setup.ageing)
        if code != self._own:
            self._cohorts[code].take([record])
