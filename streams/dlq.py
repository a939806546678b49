"""The dead-letter queue: what is set aside keeps its bytes, its place and the reason; a brake stops a sick worker."""

from collections import deque

from schemas.decode import Rejection
from schemas.errors import Brake, Code
from streams.kafka.records import Out, Record

TOPIC, PARTITION, OFFSET = "patter-topic", "patter-partition", "patter-offset"
STAGE, CODE, DETAIL = "patter-stage", "patter-code", "patter-detail"

_LONGEST_DETAIL = 300


def letter(topic: str, record: Record, stage: str, rejection: Rejection) -> Out:
    """The record as it goes to the DLQ `topic`: original key and bytes, and headers that say where and why."""
    detail = f"{rejection.field}: {rejection.detail}" if rejection.field else rejection.detail
    return Out(
        topic,
        record.key,
        record.value,
        (
            (TOPIC, record.topic.encode()),
            (PARTITION, str(record.partition).encode()),
            (OFFSET, str(record.offset).encode()),
            (STAGE, stage.encode()),
            (CODE, rejection.code.value.encode()),
            (DETAIL, detail[:_LONGEST_DETAIL].encode("utf-8", "replace")),
        ),
    )


class RejectBrake:
    """Stops the worker where so much is rejected that Patter itself, or its mapping, must be wrong.

    `run` rejects in a row, or more than `ratio` of the last `window` records once that many were seen.
    """

    def __init__(self, run: int, ratio: float, window: int) -> None:
        self._run_limit, self._ratio, self._window = run, ratio, window
        self._run = 0
        self._recent: deque[tuple[int, int]] = deque()
        self._records = self._rejects = 0

    def check(self, verdicts: list[bool], stage: str) -> None:
        """Take a batch's verdicts (True: rejected). Raises Brake; nothing of the batch has been committed then."""
        rejects = sum(verdicts)
        if rejects:
            self._follow(verdicts, stage)
        elif verdicts:
            self._run = 0
        self._recent.append((len(verdicts), rejects))
        self._records += len(verdicts)
        self._rejects += rejects
        while self._records - self._recent[0][0] >= self._window:
            records, rejects = self._recent.popleft()
            self._records -= records
            self._rejects -= rejects
        if self._records >= self._window and self._rejects > self._ratio * self._records:
            raise Brake(
                Code.BRAKE,
                f"{self._rejects} of the last {self._records} records were rejected",
                where=stage,
                hint="see what they are with `patter topics dump`, mend producer or mapping, then start again",
            )

    def _follow(self, verdicts: list[bool], stage: str) -> None:
        """Count rejects in a row."""
        for rejected in verdicts:
            self._run = self._run + 1 if rejected else 0
            if self._run >= self._run_limit:
                raise Brake(
                    Code.BRAKE,
                    f"{self._run} records in a row were rejected",
                    where=stage,
                    hint="see what they are with `patter topics dump`, mend producer or mapping, then start again",
                )
