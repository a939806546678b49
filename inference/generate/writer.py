"""A writer of copy: prompts from requests, the engine in batches, checks on what comes back."""

import time
from collections.abc import Callable, Sequence

from inference.bundle import Bundle
from inference.generate.checks import codes
from inference.generate.engine import Engine
from inference.generate.prompt import prompt_id, prompt_tokens
from inference.generate.rows import Job, Written
from inference.generate.slots import offered
from schemas.errors import Code
from schemas.ports import TextRequest, WrittenText


class BundleWriter:
    """Implements `schemas.ports.Writer` over one bundle."""

    def __init__(
        self, bundle: Bundle, engine: Engine, *, batch: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.bundle_sha256 = bundle.sha256
        self.bundle_name = bundle.name
        self.provider = engine.provider
        self._controls = bundle.generation.controls
        self._engine = engine
        self._batch = batch
        self._clock = clock

    def write(self, requests: Sequence[TextRequest], deadline_s: float) -> list[WrittenText]:
        """One text for each request, in their order. `deadline_s` is counted from this call.

        A request that is not done by then carries the code copy_deadline and an empty text. `ms` of a text is what it
        waited from the start of its batch; its first batch starts with the call.
        """
        until = self._clock() + deadline_s
        jobs = [self._job(request) for request in requests]
        texts: list[Written] = []
        for start in range(0, len(jobs), self._batch):
            batch = jobs[start : start + self._batch]
            if self._clock() < until:
                texts += self._engine.write(batch, until, self._clock)
            else:
                texts += [Written("", 0, "late", 0.0)] * len(batch)
        return [_judged(*judged) for judged in zip(requests, jobs, texts, strict=True)]

    def _job(self, request: TextRequest) -> Job:
        slots = offered(request.facts, request.max_chars)
        return Job(prompt_tokens(request, self._controls), slots, request.seed)


def _judged(request: TextRequest, job: Job, text: Written) -> WrittenText:
    found: tuple[str, ...]
    if text.ending == "late":
        found = (Code.COPY_DEADLINE.value,)
    elif text.ending == "astray":
        found = (Code.COPY_SLOT_UNKNOWN.value,)
    else:
        found = codes(text.text, request, finished=text.ending == "end")
    return WrittenText(
        slot_text=text.text,
        codes=found,
        tokens=text.tokens,
        ms=text.seconds * 1000,
        prompt_id=prompt_id(job.prompt),
    )
