"""A writer that says what it was told to say, for tests of what happens to a text after it is written."""

from collections.abc import Callable, Sequence

from inference.generate.checks import codes
from schemas.ports import TextRequest, WrittenText

Say = Callable[[TextRequest, int], str]


class PlannedWriter:
    """Asks `say(request, try)` for every text; the tries of a request are told apart by what it has to avoid.

    As BundleWriter does, it puts the checks of slot texts on what it says, unless `blind`.
    """

    bundle_sha256 = "ab" * 32
    bundle_name = "planned"
    provider = "cpu"

    def __init__(self, say: Say, *, blind: bool = False) -> None:
        self._say, self._blind = say, blind
        self.asked: list[list[TextRequest]] = []

    def write(self, requests: Sequence[TextRequest], deadline_s: float) -> list[WrittenText]:
        self.asked.append(list(requests))
        attempt = len(self.asked) - 1
        return [self._text(request, self._say(request, attempt)) for request in requests]

    def _text(self, request: TextRequest, slot_text: str) -> WrittenText:
        found = () if self._blind else codes(slot_text, request)
        return WrittenText(slot_text=slot_text, codes=found, tokens=len(slot_text.split()), ms=1.0, prompt_id="p")
