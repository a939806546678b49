"""A shop's texts day by day, as learn reads them: copy cells with their days, the pool, and retirements."""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from inference.fatigue.retire import FatigueRules
from schemas.cells import COPY, DAY_MS, LIFE, TEXT_DAY, ArmCell, Cell, bucket_name
from schemas.copy import Candidate, CopyKey, PoolEntry
from schemas.partials import CellMetrics
from schemas.retirements import Retirement
from schemas.token import code_of
from streams.kafka.records import Record
from streams.learn.fatigue import Fatigue, FatigueSetup
from streams.learn.texts import PoolTexts

START_MS = 20_600 * DAY_MS
KEPT = TEXT_DAY.keep_ms // DAY_MS
NAMES = ("x", "bags")


class Following(Fatigue):
    """With a pool of its own, as the policy writer hands it one."""

    def __init__(self, made: FatigueSetup) -> None:
        self.pool = PoolTexts()
        super().__init__(made, self.pool)

    def told(self, metrics: Iterable[Record], pool: Iterable[Record], retirements: Iterable[Record]) -> None:
        for record in pool:
            self.pool.take(record)
        self.take(metrics, retirements)


def setup(settle_ms: int = DAY_MS, **rules: object) -> FatigueSetup:
    return FatigueSetup(rules=FatigueRules(**rules), settle_ms=settle_ms, every_ms=1)  # type: ignore[arg-type]


def cell(
    copy_id: str, bucket: str, clicks: int, impressions: int, revision: int = 1, segment: str = "new", **more: str
) -> Record:
    experiment, category = more.get("experiment", NAMES[0]), more.get("category", NAMES[1])
    arm = ArmCell(code_of(experiment), code_of(category), code_of(segment), code_of(copy_id))
    value = CellMetrics(
        family=COPY,
        bucket=bucket,
        experiment=experiment,
        category=category,
        segment=segment,
        variant=f"{arm.variant:08x}",
        counters={"impressions": impressions, "clicks": clicks},
        sources={},
        revision=revision,
    )
    return Record("metrics", 0, 0, 0, Cell(COPY, bucket, arm).text().encode(), msgspec.json.encode(value))


def day(number: int) -> str:
    """The bucket of a day of the shop's life."""
    return bucket_name(TEXT_DAY, START_MS + number * DAY_MS)


def gone(record: Record) -> Record:
    return msgspec.structs.replace(record, value=None)


def entry(product_id: str, *texts: tuple[str, str], segment: str = "new", variant: str = "warm") -> Record:
    """A pool entry of texts (copy_id, words)."""
    key = CopyKey(product_id, segment, variant, "push", "en")
    value = PoolEntry(
        product_id=product_id,
        segment=segment,
        variant=variant,
        channel="push",
        locale="en",
        candidates=[Candidate(copy_id=copy_id, slot_text=words, bundle_sha256="b") for copy_id, words in texts],
    )
    return Record("copy", 0, 0, 0, key.encode().encode(), msgspec.json.encode(value))


def said(retirements: Iterable[Retirement]) -> list[Record]:
    """Retirements as the topic has them."""
    return [Record("r", 0, 0, 0, each.key().encode(), msgspec.json.encode(each)) for each in retirements]


def words(number: int) -> str:
    """A text that is like no other."""
    return " ".join(f"w{number}x{place}" for place in range(6))


class Shop:
    """Texts with a true click rate for each day; every day's clicks are drawn, and cells say what collect would."""

    def __init__(self, rates: dict[str, Sequence[float]], looks: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.days = {
            copy_id: [
                (int(rng.binomial(n, rate)), int(n))
                for n, rate in zip(rng.poisson(looks, len(each)), each, strict=True)
            ]
            for copy_id, each in rates.items()
        }
        self.pool = [entry(f"p{number}", (copy_id, words(number))) for number, copy_id in enumerate(rates)]

    def morning(self, number: int) -> list[Record]:
        """What changed in the cells until the end of the day before `number`."""
        records = []
        for copy_id, days in self.days.items():
            for old in range(max(0, number - KEPT - 1), number - KEPT):
                records.append(gone(cell(copy_id, day(old), 0, 0)))
            records.append(cell(copy_id, day(number - 1), *days[number - 1], revision=number))
            whole = [sum(each) for each in zip(*days[:number], strict=True)]
            records.append(cell(copy_id, LIFE, whole[0], whole[1], revision=number))
        return records

    def life(self, watching: FatigueSetup, days: int) -> list[Retirement]:
        """What is retired when the writer looks every morning, and takes what it has said."""
        made, found = Following(watching), []
        made.told([], self.pool, [])
        for number in range(1, days + 1):
            made.told(self.morning(number), [], [])
            now = due(made, START_MS + number * DAY_MS + watching.settle_ms)
            made.wrote(now)
            found += now
        return found


def due(made: Following, now_ms: int, looks: int = 200) -> list[Retirement]:
    """What a round comes to, with as many looks as it takes."""
    for _ in range(looks):
        found = made.due(now_ms)
        if found:
            return found
    return []
