"""The rows of a batch while it is written: what each has said, what it may still say, and where it stands.

Pure but for its own arrays: the engine runs the model, this decides what goes in next. Rows that are being written
stand at the places 0 to `count` - 1; where one ends, the last takes its place.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from inference.bundle.generation import Generation
from inference.generate.sampling import Bools, Floats, Ids, uniforms
from inference.generate.slots import GRAMMAR

Ending = Literal["end", "limit", "late", "astray", "unsure"]
"""How a text came to its end: by the model, at the limit of tokens, out of time, or given up: because it went astray
(what the model most wanted to say next was a fact that is not there, and the sentence it had begun has no good end
without it), or because it is unsure (it holds a token that the model gave hardly a chance).
"""

# What is added to the score of a token that a row may not say.
_BARRED = np.float32(-np.inf)

Called = Callable[[list[int]], bool]
"""Whether a text, by its tokens, calls to what was asked for."""


class Job(Struct, frozen=True, kw_only=True):
    """One text to write: the prompt's tokens, the facts it may hold, those it has to hold, its seed.

    `stops`: it may end only behind the end of a sentence. `called`: it may end only where this is so.
    """

    prompt: tuple[int, ...]
    slots: frozenset[str]
    seed: int
    needed: frozenset[str] = frozenset()
    stops: bool = False
    called: Called | None = None


class Written(Struct, frozen=True):
    """What came of a job, and after how many seconds from the start of its batch."""

    text: str
    tokens: int
    ending: Ending
    seconds: float


class Vocabulary(Struct, frozen=True):
    """A bundle's tokens as the loop needs them.

    `words` marks those that any text may hold at any place; `slots` are facts by name, `stops` marks tokens behind
    which a text with sentences may end.
    """

    slots: dict[str, int]
    words: Bools
    stops: Bools
    eos: int
    pad: int
    max_new_tokens: int
    context: int
    opening: int


def vocabulary_of(generation: Generation, to_id: Callable[[str], int | None], words: Sequence[str]) -> Vocabulary:
    """Markers and facts are no words: a row says of itself which facts it may hold, and when to end.

    `words` are the tokens by id, as they stand in a text.
    """
    slots = {slot: token for slot in generation.slots if (token := to_id(f"{{{slot}}}")) is not None}
    allowed: Bools = np.zeros(generation.graph.vocabulary, np.bool_)
    allowed[: len(words)] = True
    allowed[list({*generation.silent, generation.eos, generation.pad, *slots.values()})] = False
    # Words that agree with the product are no facts, and every text may hold them.
    allowed[[token for slot, token in slots.items() if slot in GRAMMAR]] = True
    stops: Bools = np.zeros(generation.graph.vocabulary, np.bool_)
    stops[: len(words)] = [word.endswith((".", "!", "?")) for word in words]
    return Vocabulary(
        slots={slot: token for slot, token in slots.items() if slot not in GRAMMAR},
        words=allowed,
        stops=stops,
        eos=generation.eos,
        pad=generation.pad,
        max_new_tokens=generation.max_new_tokens,
        context=generation.graph.context,
        opening=generation.sampler.opening,
    )


class Rows:
    """As many texts at once as there are slots; arrays are [slots] or [slots, ...]."""

    def __init__(self, vocabulary: Vocabulary, slots: int) -> None:
        self._vocabulary = vocabulary
        size = len(vocabulary.words)
        self.count = 0
        self.length: Ids = np.zeros(slots, np.int64)
        self.last: Ids = np.zeros(slots, np.int64)
        self.bars: Floats = np.zeros((slots, size), np.float32)
        self._words: Floats = np.where(vocabulary.words, np.float32(0), _BARRED).astype(np.float32)
        self.is_slot: Bools = np.zeros(size, np.bool_)
        self.is_slot[list(vocabulary.slots.values())] = True
        self._chances: list[list[float]] = [[] for _ in range(slots)]
        self._said: list[list[int]] = [[] for _ in range(slots)]
        self._jobs: list[Job | None] = [None] * slots
        self._which = [0] * slots

    @property
    def free(self) -> int:
        """How many more texts there is room for."""
        return len(self._jobs) - self.count

    def admit(self, which: int, job: Job) -> int:
        """A job takes the next place; `which` is what it is called when it is done."""
        place, vocabulary = self.count, self._vocabulary
        self.count += 1
        self._jobs[place], self._which[place], self._said[place] = job, which, []
        self.length[place] = len(job.prompt)
        self.bars[place] = self._words
        self.bars[place, [vocabulary.slots[slot] for slot in job.slots if slot in vocabulary.slots]] = 0
        self._chances[place] = uniforms(job.seed, vocabulary.max_new_tokens).tolist()
        self._let_end(place)
        return place

    def prompts(self, first: int) -> tuple[Ids, Ids]:
        """The prompts from a place on, padded on the right, and their lengths."""
        lengths = self.length[first : self.count].copy()
        tokens = np.full((len(lengths), int(lengths.max())), self._vocabulary.pad, np.int64)
        for row, job in enumerate(self._jobs[first : self.count]):
            if job is not None:
                tokens[row, : len(job.prompt)] = job.prompt
        return tokens, lengths

    def chance(self, first: int) -> NDArray[np.float64]:
        """The random numbers for the next token of the rows from a place on."""
        most, here = self._vocabulary.max_new_tokens - 1, slice(first, self.count)
        rows = zip(self._chances[here], self._said[here], strict=True)
        return np.array([chances[min(len(said), most)] for chances, said in rows])

    def said(self, first: int) -> Ids:
        """How many tokens the rows from a place on have."""
        return np.array([len(said) for said in self._said[first : self.count]], np.int64)

    def extend(self, first: int, tokens: Ids, likeliest: Ids, unsure: Bools) -> list[tuple[int, Ending]]:
        """Take the next token of every row from a place on; `likeliest`: what each would say if it might say anything,
        `unsure`: whether the token is one that the model gave hardly a chance, which counts behind the opening.

        Answers the rows that are done, and how. A fact is said once.
        """
        vocabulary, done = self._vocabulary, list[tuple[int, Ending]]()
        rows = zip(tokens.tolist(), likeliest.tolist(), unsure.tolist(), strict=True)
        for place, (token, wanted, doubtful) in enumerate(rows, start=first):
            if doubtful and len(self._said[place]) >= vocabulary.opening:
                done.append((place, "unsure"))
            elif token == vocabulary.eos:
                done.append((place, "end"))
            elif self.is_slot[wanted] and self.bars[place, wanted]:
                done.append((place, "astray"))
            else:
                said = self._said[place]
                said.append(token)
                self.last[place] = token
                if self.is_slot[token]:
                    self.bars[place, token] = _BARRED
                if len(said) == vocabulary.max_new_tokens or self.length[place] + 1 >= vocabulary.context:
                    done.append((place, "limit"))
                self._let_end(place)
        return done

    def _let_end(self, place: int) -> None:
        """Whether the text may end here: everything that it needs is said."""
        job, said, vocabulary = self._jobs[place], self._said[place], self._vocabulary
        if job is None:
            return
        stopped = bool(said) and (not job.stops or bool(vocabulary.stops[said[-1]]))
        may = stopped and all(vocabulary.slots.get(slot) in said for slot in job.needed)
        self.bars[place, vocabulary.eos] = 0 if may and (job.called is None or job.called(said)) else _BARRED

    def leave(self, place: int) -> tuple[int, list[int], int | None]:
        """A row is done: which job it was, its tokens, and which place's row has to be moved into its own, if any."""
        which, said = self._which[place], self._said[place]
        self.count -= 1
        source = self.count
        if source == place:
            return which, said, None
        for array in (self.length, self.last, self.bars):
            array[place] = array[source]
        self._chances[place] = self._chances[source]
        self._jobs[place], self._which[place] = self._jobs[source], self._which[source]
        self._said[place] = self._said[source]
        return which, said, source
