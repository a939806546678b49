"""A writer whose texts are a function of their request, judged as written ones are."""

from collections.abc import Callable

from inference.generate.checks import codes
from schemas.ports import TextRequest, WrittenText


class SlotTextWriter:
    """Implements `schemas.ports.Writer`; `plan` answers a request with the slot text that is written for it."""

    bundle_sha256 = "0" * 64
    bundle_name = "planned"
    provider = "cpu"

    def __init__(self, plan: Callable[[TextRequest], str]) -> None:
        self.plan = plan
        self.batches: list[int] = []

    def write(self, requests, deadline_s):
        self.batches.append(len(requests))
        return [self._written(request) for request in requests]

    def _written(self, request: TextRequest) -> WrittenText:
        text = self.plan(request)
        return WrittenText(slot_text=text, codes=codes(text, request), tokens=len(text.split()), ms=1.0, prompt_id="p")
