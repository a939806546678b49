"""The pool and what was written for it: counted from `patter.copy.v1`, its requests, and the texts not admitted."""

from array import array
from collections import Counter, defaultdict

import msgspec
from msgspec import Struct

from patter.demo.recount_figures import covered, percentile, ratio, rounded
from patter.demo.recount_record import Record


class _Candidate(Struct, gc=False):
    copy_id: str
    bundle_sha256: str
    tokens: int = 0
    ms: float = 0.0


class _Entry(Struct, gc=False):
    candidates: list[_Candidate]


class _Verdict(Struct, gc=False):
    codes: list[str]
    bundle_sha256: str
    tokens: int = 0
    ms: float = 0.0


_entry = msgspec.json.Decoder(_Entry)
_verdict = msgspec.json.Decoder(_Verdict)


class PoolCount:
    """Folds the records about copy; `run` says whether a record is of this run."""

    def __init__(self) -> None:
        self._live: set[bytes] = set()
        self._written: set[int] = set()
        self._waits_ms = array("d")
        self._tokens = 0
        self._codes: Counter[str] = Counter()
        self._bundle: str | None = None
        self._asked: defaultdict[bytes, list[int]] = defaultdict(list)
        self._answered: defaultdict[bytes, list[int]] = defaultdict(list)
        self.requests = 0
        self.undecodable = 0

    def copy(self, record: Record, *, run: bool) -> None:
        """A pool entry; an empty value, or an empty list, removes it."""
        key = record.key or b""
        try:
            candidates = _entry.decode(record.value).candidates if record.value else []
        except msgspec.MsgspecError:
            self.undecodable += 1
            return
        (self._live.add if candidates else self._live.discard)(key)
        for candidate in candidates if run else ():
            name = hash((key, candidate.copy_id))
            if name not in self._written:
                self._written.add(name)
                self._took(key, record.timestamp_ms, candidate.tokens, candidate.ms, candidate.bundle_sha256)

    def review(self, record: Record) -> None:
        """A text that was not admitted."""
        try:
            verdict = _verdict.decode(record.value or b"")
        except msgspec.MsgspecError:
            self.undecodable += 1
            return
        self._codes.update(verdict.codes)
        self._took(record.key or b"", record.timestamp_ms, verdict.tokens, verdict.ms, verdict.bundle_sha256)

    def request(self, record: Record) -> None:
        """Copy was asked for."""
        self.requests += 1
        self._asked[record.key or b""].append(record.timestamp_ms)

    def _took(self, key: bytes, moment_ms: int, tokens: int, wait_ms: float, bundle: str) -> None:
        self._tokens += tokens
        self._waits_ms.append(wait_ms)
        self._bundle = bundle
        self._answered[key].append(moment_ms)

    def entries(self) -> int:
        """Keys that have a text now."""
        return len(self._live)

    def generate(self) -> dict[str, object]:
        """The section `generate`, as far as topics tell it.

        copies_written: admitted texts of this run, each copy_id of a key once. rejected_by_code: texts not admitted, by
        each of their codes. tokens_per_s and copies_per_s: all tokens, and admitted texts, over the seconds in which at
        least one request was waiting for its answer, both by Kafka's timestamps: the time that the generator had work.
        copy_ms: what a text, admitted or not, waited from the start of its batch.
        """
        busy_s = covered(self._spans()) / 1000
        waits = sorted(self._waits_ms)
        return {
            "copies_written": len(self._written),
            "rejected_by_code": dict(sorted(self._codes.items())),
            "bundle_sha256": self._bundle,
            "tokens_per_s": rounded(ratio(self._tokens, busy_s), 1),
            "copies_per_s": rounded(ratio(len(self._written), busy_s), 2),
            "copy_ms": {"p50": rounded(percentile(waits, 0.5)), "p99": rounded(percentile(waits, 0.99))},
        }

    def _spans(self) -> list[tuple[float, float]]:
        """From each request to its first answer."""
        spans: list[tuple[float, float]] = []
        for key, asked in self._asked.items():
            answers = iter(sorted(self._answered.get(key, ())))
            answer = next(answers, None)
            for moment in sorted(asked):
                while answer is not None and answer < moment:
                    answer = next(answers, None)
                if answer is None:
                    break
                spans.append((moment, answer))
        return spans
