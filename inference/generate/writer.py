"""A writer of copy: prompts from requests, the engine for the texts, checks on what comes back."""

import time
from collections.abc import Callable, Sequence

import msgspec

from inference.bundle import Bundle
from inference.generate.channels import HEADLINES, NAMED_ELSEWHERE
from inference.generate.checks import codes, has_cta
from inference.generate.engine import Engine
from inference.generate.prompt import prompt_id, prompt_tokens
from inference.generate.rows import Job, Written
from inference.generate.slots import REQUIRED, offered
from inference.generate.text_prompt import text_prompt
from schemas.errors import Code
from schemas.ports import TextRequest, WrittenText


class BundleWriter:
    """Implements `schemas.ports.Writer` over one bundle."""

    def __init__(self, bundle: Bundle, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.bundle_sha256 = bundle.sha256
        self.bundle_name = bundle.name
        self.quantisation = bundle.generation.quantisation
        self.provider = engine.provider
        self._generation = bundle.generation
        self._engine = engine
        self._clock = clock

    def write(self, requests: Sequence[TextRequest], deadline_s: float) -> list[WrittenText]:
        """One text for each request, in their order. `deadline_s` is counted from this call.

        A request that is not done by then carries the code copy_deadline and an empty text. `ms` of a text is from this
        call to its end.
        """
        until = self._clock() + deadline_s
        prompts = [self._prompt(request) for request in requests]
        jobs = [
            job_of(request, tokens, self._engine.decode) for request, (tokens, _) in zip(requests, prompts, strict=True)
        ]
        texts = self._engine.write(jobs, until, self._clock)
        names = [name for _, name in prompts]
        return [_judged(*judged) for judged in zip(requests, names, texts, strict=True)]

    def _prompt(self, request: TextRequest) -> tuple[tuple[int, ...], str]:
        """The prompt's tokens, and its name.

        A prompt in words that leaves no room for a text goes without its reference, and then without its beginning: a
        model is trained with prompts of a length, and the bundle's context is made for them.
        """
        generation = self._generation
        begin = () if generation.bos is None else (generation.bos,)
        if generation.prompt == "controls":
            words = prompt_tokens(request, generation.controls)
            return (*begin, *self._engine.ids(words)), prompt_id(words)
        room = generation.graph.context - generation.max_new_tokens - len(begin)
        text = text_prompt(request, generation.controls.categories)
        tokens = self._engine.encode(text)
        if len(tokens) > room and request.reference is not None:
            text = text_prompt(msgspec.structs.replace(request, reference=None), generation.controls.categories)
            tokens = self._engine.encode(text)
        return (*begin, *tokens[-room:]), prompt_id((text,))


def job_of(request: TextRequest, prompt: tuple[int, ...], decode: Callable[[Sequence[int]], str]) -> Job:
    """The engine's job for a request: the facts that a text may hold, and where it may end."""

    def calls(said: list[int]) -> bool:
        return has_cta(decode(said), request.cta)

    return Job(
        prompt=prompt,
        slots=offered(request.facts, request.max_chars),
        seed=request.seed,
        needed=frozenset() if request.channel in NAMED_ELSEWHERE else frozenset({REQUIRED}),
        stops=request.channel not in HEADLINES,
        called=None if request.cta == "none" else calls,
    )


def codes_for(request: TextRequest, text: Written) -> tuple[str, ...]:
    """Why what came of a request's job is not admitted; empty means admitted."""
    if text.ending == "late":
        return (Code.COPY_DEADLINE.value,)
    if text.ending == "astray":
        return (Code.COPY_SLOT_UNKNOWN.value,)
    if text.ending == "unsure":
        return (Code.COPY_UNSURE.value,)
    return codes(text.text, request, finished=text.ending == "end")


def _judged(request: TextRequest, prompt: str, text: Written) -> WrittenText:
    return WrittenText(
        slot_text=text.text,
        codes=codes_for(request, text),
        tokens=text.tokens,
        ms=text.seconds * 1000,
        prompt_id=prompt,
    )
