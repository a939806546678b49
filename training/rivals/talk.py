"""A subject's side of the talk: ready, then an answer for each line."""

import sys
import time
from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec
import psutil

from schemas.subject import Answer, Ask, Ready

Write = Callable[[Ask, list[float]], list[list[int]]]
"""Writes what is asked for: the new tokens of each prompt, without their end; appends each call's milliseconds."""

Decode = Callable[[Sequence[int]], str]


def talk(write: Write, decode: Decode) -> None:
    """Answer until stdin ends. Turning tokens into text is part of what is measured."""
    _say(Ready(rss_mib=_rss_mib()))
    for line in sys.stdin.buffer:
        ask = msgspec.json.decode(line, type=Ask)
        calls: list[float] = []
        began, used = time.perf_counter(), time.process_time()
        tokens = write(ask, calls)
        texts = [decode(row) for row in tokens]
        seconds = time.perf_counter() - began
        _say(
            Answer(
                seconds=seconds,
                cpu_s=time.process_time() - used,
                tokens=sum(map(len, tokens)),
                call_ms=calls,
                rss_mib=_rss_mib(),
                sha256=sha256("\n".join(texts).encode()).hexdigest(),
            )
        )


def useful(row: Sequence[int], length: int | None, eos: int) -> list[int]:
    """The tokens of a row that are text: those before its end, or as many as were planned."""
    tokens = list(row)
    if length is not None:
        return tokens[:length]
    return tokens[: tokens.index(eos)] if eos in tokens else tokens


def chunks(count: int, size: int) -> list[range]:
    """Places 0 to `count` - 1 in batches of `size`."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def _rss_mib() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


def _say(line: Ready | Answer) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()
