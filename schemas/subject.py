"""What `patter bench generate` asks of a subject, a process that writes text, and its answers: JSON, a line each way.

A subject first says that it is ready, then answers a line for each that it reads, until its input ends.
"""

from msgspec import Struct


class Ready(Struct, frozen=True, kw_only=True):
    """The first line. `lacking` says why the subject cannot run here; it ends after it."""

    rss_mib: float = 0.0
    lacking: str | None = None


class Ask(Struct, frozen=True, kw_only=True):
    """Texts to write for `prompts`, at most `batch` at a time. Every list has an entry for each prompt.

    `lengths`: the text of a prompt has so many tokens, and then its end, whatever the model would rather say; without
    it a text ends where the model ends it, after `max_new_tokens` at most. `slots` are the facts that it may hold, for
    a subject that knows such a thing. A `temperature` of 0 takes the likeliest.
    """

    prompts: list[list[int]]
    seeds: list[int]
    slots: list[list[str]]
    lengths: list[int] | None
    batch: int
    temperature: float
    top_p: float
    top_k: int
    eos: int
    pad: int
    max_new_tokens: int


class Answer(Struct, frozen=True, kw_only=True):
    """`seconds` from the prompts' tokens to the last text; `tokens` of the texts, their ends not among them.

    `cpu_s` is what the process used in that time, which on a busy machine says more. `call_ms` has the milliseconds of
    each call that was needed; `sha256` is that of the texts, in the prompts' order.
    """

    seconds: float
    cpu_s: float
    tokens: int
    call_ms: list[float]
    rss_mib: float
    sha256: str
