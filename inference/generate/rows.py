"""The rows of a batch while it is written: what each has said, what it may still say, and where it stands.

Pure but for its own arrays: the engine runs the model, this decides what goes in next.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from inference.bundle.generation import Generation
from inference.generate.prompt import LENGTH, all_tokens
from inference.generate.sampling import Bools, Ids, uniforms
from inference.generate.slots import REQUIRED

UNKNOWN = "<unk>"

Ending = Literal["end", "limit", "late", "astray"]
"""How a text came to its end: by the model, at the limit of tokens, out of time, or because it went astray: what the
model most wanted to say next was a fact that is not there, and the sentence it had begun has no good end without it.
"""


class Job(Struct, frozen=True):
    """One text to write: the prompt's tokens, the slots it may hold, its seed."""

    prompt: tuple[str, ...]
    slots: frozenset[str]
    seed: int


class Written(Struct, frozen=True):
    """What came of a job, and after how many seconds from the start of its batch."""

    text: str
    tokens: int
    ending: Ending
    seconds: float


class Vocabulary(Struct, frozen=True):
    """A bundle's tokens as the loop needs them.

    `words` marks those that any text may hold at any place; `width` is the length that every prompt is padded to.
    """

    to_id: Callable[[str], int | None]
    slots: dict[str, int]
    words: Bools
    bos: int
    eos: int
    pad: int
    max_new_tokens: int
    width: int


def vocabulary_of(generation: Generation, to_id: Callable[[str], int | None]) -> Vocabulary:
    """Markers, control words and slots are no words: a row says of itself which slots it may hold, and when to end."""
    slots = {slot: to_id(f"{{{slot}}}") for slot in generation.slots}
    found = {slot: token for slot, token in slots.items() if token is not None}
    words: Bools = np.ones(generation.graph.vocabulary, np.bool_)
    marks = (generation.bos, generation.eos, generation.pad, to_id(UNKNOWN))
    for token in (*marks, *map(to_id, all_tokens(generation.controls)), *found.values()):
        if token is not None:
            words[token] = False
    return Vocabulary(
        to_id=to_id,
        slots=found,
        words=words,
        bos=generation.bos,
        eos=generation.eos,
        pad=generation.pad,
        max_new_tokens=generation.max_new_tokens,
        width=1 + LENGTH,
    )


class Rows:
    """Arrays hold only the rows that are still being written; `alive` maps these to their jobs."""

    def __init__(self, vocabulary: Vocabulary, jobs: Sequence[Job]) -> None:
        self._vocabulary = vocabulary
        prompts = [[vocabulary.bos, *self._ids(job.prompt)] for job in jobs]
        self.lengths: Ids = np.array([len(prompt) for prompt in prompts], np.int64)
        # One width for every batch: the sums of attention then run over the same places whoever the neighbours are, and
        # a row's numbers, and with them its text, are the same to the last bit.
        width = max(vocabulary.width, int(self.lengths.max()))
        self.prompts: Ids = np.full((len(jobs), width), vocabulary.pad, np.int64)
        for row, prompt in enumerate(prompts):
            self.prompts[row, : len(prompt)] = prompt
        self.mask: Ids = (np.arange(width)[None] < self.lengths[:, None]).astype(np.int64)
        self.position: Ids = self.lengths - 1
        self.last: Ids = np.zeros(len(jobs), np.int64)
        self.alive: Ids = np.arange(len(jobs))
        self.left: Ids | None = None
        self.allowed: Bools = np.repeat(vocabulary.words[None], len(jobs), axis=0)
        for row, job in enumerate(jobs):
            self.allowed[row, [vocabulary.slots[slot] for slot in job.slots if slot in vocabulary.slots]] = True
        self._is_slot: Bools = np.zeros(len(vocabulary.words), np.bool_)
        self._is_slot[list(vocabulary.slots.values())] = True
        self._chances = np.stack([uniforms(job.seed, vocabulary.max_new_tokens) for job in jobs])
        self._steps = 0
        self._tokens: list[list[int]] = [[] for _ in jobs]
        self._ends: list[tuple[Ending, float]] = [("limit", 0.0)] * len(jobs)

    @property
    def chance(self) -> NDArray[np.float64]:
        """Each row's random number for its next token."""
        return self._chances[:, self._steps]

    def extend(self, tokens: Ids, likeliest: Ids, seconds: float) -> None:
        """Take every row's next token. `likeliest` is what each would have said if it might say everything.

        Rows that end, go astray or reach the limit of tokens leave; `left` says who stays.
        """
        vocabulary = self._vocabulary
        self.last = tokens
        self._steps += 1
        ended = tokens == vocabulary.eos
        astray = self._is_slot[likeliest] & ~self.allowed[np.arange(len(tokens)), likeliest]
        going = ~(ended | astray)
        for row, token in zip(self.alive[going], tokens[going], strict=True):
            self._tokens[row].append(int(token))
        # A fact is said once, and the text may end when the product has been named.
        said = np.flatnonzero(self._is_slot[tokens])
        self.allowed[said, tokens[said]] = False
        self.allowed[tokens == vocabulary.slots[REQUIRED], vocabulary.eos] = True
        if self._steps == vocabulary.max_new_tokens:
            going[:] = False
        for place in np.flatnonzero(~going):
            ending: Ending = "astray" if astray[place] else "end" if ended[place] else "limit"
            self._ends[self.alive[place]] = (ending, seconds)
        self._keep(going)

    def give_up(self, seconds: float) -> None:
        """No time is left for the rows that are still being written."""
        for row in self.alive:
            self._ends[row] = ("late", seconds)

    def written(self, decode: Callable[[list[list[int]]], list[str]]) -> list[Written]:
        """What came of every job, in their order."""
        return [
            Written("" if ending == "late" else text.strip(), len(tokens), ending, seconds)
            for text, tokens, (ending, seconds) in zip(decode(self._tokens), self._tokens, self._ends, strict=True)
        ]

    def _keep(self, going: Bools) -> None:
        self.left = None if going.all() else np.flatnonzero(going)
        if self.left is not None:
            self.alive, self.last, self.mask = self.alive[going], self.last[going], self.mask[going]
            self.position, self.allowed = self.position[going], self.allowed[going]
            self._chances = self._chances[going]
        self.position = self.position + 1
        self.mask = np.concatenate([self.mask, np.ones((len(self.mask), 1), np.int64)], axis=1)

    def _ids(self, tokens: Sequence[str]) -> list[int]:
        return [token for token in map(self._vocabulary.to_id, tokens) if token is not None]
