"""Patter as a subject: the engine on a bundle, in a process that holds nothing else.

`python -m patter.bench.writing BUNDLE PROVIDER` speaks the lines of `schemas.subject`.
"""

import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
import psutil
from msgspec.structs import replace
from tokenizers import Tokenizer

from inference.bundle import Bundle, Sampler, load_bundle
from inference.generate.decoder import Decoder, decoder_of
from inference.generate.engine import Engine
from inference.generate.rows import Called, Job
from inference.generate.sampling import Floats, Ids
from inference.generate.session import CUDA, open_session
from inference.generate.slots import REQUIRED
from schemas.errors import PatterError
from schemas.subject import Answer, Ask, Ready

# Above any logit: what the model most wants to say is the end, so a text ends as soon as its job lets it.
_CERTAIN = 1e4
_PATIENCE_S = 3600.0


class EndsWhenDue:
    """A decoder whose model always wants to end; the rows' own rule, which the engine keeps, says when it may."""

    def __init__(self, decoder: Decoder, eos: int) -> None:
        self.whole = decoder.whole
        self._decoder, self._eos = decoder, eos

    def forward(self, first: int, tokens: Ids, before: Ids, added: Ids) -> Floats:
        logits = self._decoder.forward(first, tokens, before, added)
        logits[:, self._eos] = _CERTAIN
        return logits

    def move(self, source: int, target: int, length: int) -> None:
        self._decoder.move(source, target, length)

    def clear(self, row: int) -> None:
        self._decoder.clear(row)


class Writing:
    """A bundle's session and tokenizer; an engine of the wanted size is made for each question, outside the timing."""

    def __init__(self, bundle: Bundle, provider: Literal["cpu", "cuda"]) -> None:
        self._bundle = bundle
        self._session, took = open_session(bundle, provider, 1)
        self._device = "cuda" if took == CUDA else "cpu"
        self._tokenizer = Tokenizer.from_file(str(bundle.tokenizer))

    def answer(self, ask: Ask) -> Answer:
        """Write what is asked for. At batch 1 every text is a call of its own, so that each has its latency."""
        engine, jobs = self._engine(ask), _jobs(ask)
        calls = [[job] for job in jobs] if ask.batch == 1 else [jobs]
        texts, call_ms = [], []
        began, used = time.perf_counter(), time.process_time()
        for call in calls:
            started = time.perf_counter()
            texts += engine.write(call, time.monotonic() + _PATIENCE_S)
            call_ms.append((time.perf_counter() - started) * 1000)
        seconds, cpu_s = time.perf_counter() - began, time.process_time() - used
        return Answer(
            seconds=seconds,
            cpu_s=cpu_s,
            tokens=sum(text.tokens for text in texts),
            call_ms=call_ms,
            rss_mib=_rss_mib(),
            sha256=sha256("\n".join(text.text for text in texts).encode()).hexdigest(),
        )

    def _engine(self, ask: Ask) -> Engine:
        sampler = Sampler(temperature=ask.temperature, top_p=ask.top_p, top_k=ask.top_k)
        generation = replace(self._bundle.generation, sampler=sampler, max_new_tokens=ask.max_new_tokens)
        decoder: Decoder = decoder_of(self._session, generation.graph, ask.batch, self._device)
        if ask.lengths is not None:
            decoder = EndsWhenDue(decoder, ask.eos)
        return Engine(decoder, self._tokenizer, generation, self._device, ask.batch)


def _jobs(ask: Ask) -> list[Job]:
    jobs = []
    for place, (prompt, seed, slots) in enumerate(zip(ask.prompts, ask.seeds, ask.slots, strict=True)):
        job = Job(prompt=tuple(prompt), slots=frozenset(slots), seed=seed)
        if ask.lengths is None:
            jobs.append(replace(job, needed=frozenset({REQUIRED}), stops=True))
        else:
            jobs.append(replace(job, called=_long_enough(ask.lengths[place])))
    return jobs


def _long_enough(length: int) -> Called:
    return lambda said: len(said) >= length


def _rss_mib() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


def _say(line: Ready | Answer) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Answer until stdin ends."""
    folder, provider = Path(sys.argv[1]), cast("Any", sys.argv[2])
    try:
        writing = Writing(load_bundle(folder), provider)
    except PatterError as error:
        _say(Ready(lacking=error.line()))
        return
    _say(Ready(rss_mib=_rss_mib()))
    for line in sys.stdin.buffer:
        _say(writing.answer(msgspec.json.decode(line, type=Ask)))


if __name__ == "__main__":
    main()
