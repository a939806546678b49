"""What is believed about the arms of each adaptive experiment that runs: from its own decisions alone. No I/O."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import structlog
from msgspec.structs import replace

from inference.decide.acts import LEARN, LEARNED
from inference.decide.fit import NOTHING, Place, Tally, fit, sharpened
from inference.decide.policy import seed_of_version
from schemas.experiments import ExperimentRecord
from schemas.policies import PolicySnapshot, TrialBeliefs
from streams.broadcast.experiments import Experiments
from streams.kafka.records import Record
from streams.learn.overview import Overview
from streams.learn.setup import LearnSetup, Reward

log = structlog.get_logger("patter.streams.learn")

# With the cells of the settings' own experiment a snapshot has to fit into one record of the topic.
MOST_BYTES = 200_000
_SUCCESSES: Mapping[Reward, str] = {"click": "clicks", "order": "impressed_orders"}
_decode = msgspec.json.Decoder(ExperimentRecord).decode
_Tallies = Mapping[str, Mapping[Place, Tally]]


class Trials:
    """Follows `patter.experiments.v1`. Used by one thread."""

    def __init__(self, setup: LearnSetup) -> None:
        self._setup = setup
        self._experiments = Experiments()
        self._held: list[TrialBeliefs] | None = None

    def take(self, records: Iterable[Record]) -> None:
        """Apply what has come of the topic, and of metrics: where there is nothing new of either, nothing is fitted.

        A record that does not decode is skipped, as serve does.
        """
        topics = self._setup.topics
        for record in records:
            if record.topic in (topics.metrics, topics.experiments):
                self._held = None
            if record.topic == topics.experiments:
                try:
                    self._experiments.take(_decode(record.value or b""))
                except msgspec.MsgspecError:
                    log.warning("experiment skipped", offset=record.offset)

    def put(
        self, made: PolicySnapshot | None, newest: PolicySnapshot | None, overview: Overview, now_ms: int
    ) -> PolicySnapshot | None:
        """`made`, the version that is to follow `newest`, with these beliefs; where there is none but for them, one
        that says of the settings' own experiment what `newest` says. None where there is nothing to say.
        """
        if made is None and (newest is None or newest.kill):
            return None
        if self._held is None:
            self._held = self.beliefs(overview)
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

    def beliefs(self, overview: Overview) -> list[TrialBeliefs]:
        """Those of every adaptive experiment that runs, in the order of their starts.

        Where there is no room for every cell, each experiment leaves those with the fewest impressions to its prior;
        where there is none for the priors of all, the last to start are drawn by the settings' beliefs.
        """
        running = [each for each in self._experiments.started() if each.mode == "adaptive"]
        if not running:
            return []
        tallies = self._tallies(overview, running)
        most = max(len({place[:2] for place in each}) for each in tallies.values()) if tallies else 0
        while True:
            found = [self._beliefs(each, tallies.get(each.name, {}), most) for each in running]
            if len(msgspec.json.encode(found)) <= MOST_BYTES:
                return found
            if most:
                most = most * 3 // 4
            else:
                running.pop()

    def _beliefs(self, record: ExperimentRecord, tallies: Mapping[Place, Tally], most: int) -> TrialBeliefs:
        setup = self._setup
        learned = sharpened(fit(tallies, [arm.name for arm in record.arms], setup.shrinkage, most), setup.sharpness)
        return TrialBeliefs(experiment=record.name, prior=learned.prior, cells=learned.cells)

    def _tallies(self, overview: Overview, running: Sequence[ExperimentRecord]) -> _Tallies:
        arms = {each.name: {arm.name for arm in each.arms} for each in running}
        found: defaultdict[str, dict[Place, Tally]] = defaultdict(dict)
        for cell in overview.lifetime(arms.keys()):
            if cell.variant in arms[cell.experiment]:
                trials = cell.counters.get("impressions", 0)
                tally = Tally(min(cell.counters.get(_SUCCESSES[self._setup.reward], 0), trials), trials)
                place = (cell.category, cell.segment, cell.variant)
                found[cell.experiment][place] = found[cell.experiment].get(place, NOTHING).plus(tally)
        # By name, so that sums over them are the same to the last bit whatever came first.
        return {name: dict(sorted(each.items())) for name, each in found.items()}
