"""The engine: a bundle's graph on ONNX Runtime, many texts at once, without torch.

Continuous batching: a text that is done leaves its slot to the next one. What a row says depends on its own prompt,
seed and facts alone.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence

from tokenizers import Tokenizer

from inference.bundle import Bundle, Generation
from inference.generate.decoder import Decoder, decoder_of, inputs_of
from inference.generate.prompt import all_tokens
from inference.generate.rows import Ending, Job, Rows, Vocabulary, Written, vocabulary_of
from inference.generate.sampling import Floats, draw
from inference.generate.session import CUDA, Provider, open_session
from schemas.errors import Code, LackingError

# New texts begin when so many slots are free, or when nothing else is under way: a run for a single prompt costs nearly
# as much as one for four.
ADMIT = 4


class Engine:
    """A decoder and a tokenizer. Not for several threads at once."""

    def __init__(
        self, decoder: Decoder, tokenizer: Tokenizer, generation: Generation, provider: str, slots: int
    ) -> None:
        self.provider, self.slots = provider, slots
        self._decoder, self._tokenizer = decoder, tokenizer
        self._sampler = generation.sampler
        words = [tokenizer.id_to_token(number) or "" for number in range(tokenizer.get_vocab_size())]
        self.vocabulary: Vocabulary = vocabulary_of(generation, tokenizer.token_to_id, words)

    def encode(self, text: str) -> tuple[int, ...]:
        """The tokens of a text, without markers."""
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def ids(self, tokens: Sequence[str]) -> tuple[int, ...]:
        """Tokens by their names; those that the bundle does not know are left out."""
        return tuple(number for number in map(self._tokenizer.token_to_id, tokens) if number is not None)

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, slots included."""
        text: str = self._tokenizer.decode(list(tokens), skip_special_tokens=True)
        return text.strip()

    def write(self, jobs: Sequence[Job], until: float, clock: Callable[[], float] = time.monotonic) -> list[Written]:
        """Write a text for each job, in their order. What is not done when `clock` reads `until` is given up."""
        began = clock()
        written = [Written("", 0, "late", 0.0)] * len(jobs)
        waiting = deque(enumerate(jobs))
        rows = Rows(self.vocabulary, self.slots)

        def done(ended: Sequence[tuple[int, Ending]]) -> None:
            # From the last place on, so that what moves into a place is never itself done.
            for place, ending in sorted(ended, reverse=True):
                which, said = self._leave(rows, place)
                written[which] = Written(self.decode(said), len(said), ending, clock() - began)

        while waiting or rows.count:
            if clock() >= until:
                late = clock() - began
                written = [each if each.ending != "late" else Written("", 0, "late", late) for each in written]
                for place in reversed(range(rows.count)):
                    self._leave(rows, place)
                break
            room = 0 if self._decoder.whole and rows.count else rows.free
            if waiting and room and (not rows.count or room >= min(ADMIT, len(waiting))):
                first = rows.count
                for _ in range(min(room, len(waiting))):
                    rows.admit(*waiting.popleft())
                tokens, lengths = rows.prompts(first)
                done(self._say(rows, first, self._decoder.forward(first, tokens, lengths * 0, lengths)))
            if rows.count:
                held = rows.length[: rows.count]
                logits = self._decoder.forward(0, rows.last[: rows.count, None], held, held * 0 + 1)
                rows.length[: rows.count] += 1
                done(self._say(rows, 0, logits))
        return written

    def _say(self, rows: Rows, first: int, logits: Floats) -> list[tuple[int, Ending]]:
        drawn = draw(logits, rows.bars[first : rows.count], rows.chance(first), rows.said(first), self._sampler)
        return rows.extend(first, drawn.tokens, logits.argmax(axis=1), drawn.chance < self._sampler.least)

    def _leave(self, rows: Rows, place: int) -> tuple[int, list[int]]:
        which, said, source = rows.leave(place)
        if source is not None:
            self._decoder.move(source, place, int(rows.length[place]))
        self._decoder.clear(place if source is None else source)
        return which, said


def open_engine(bundle: Bundle, *, provider: Provider, threads: int, slots: int) -> Engine:
    """Load a verified bundle.

    Raises LackingError: PROVIDER_MISSING (CUDA was demanded and does not work here), BUNDLE_INCOMPATIBLE (the runtime
    cannot load the graph, or tokenizer and graph do not fit generation.json).
    """
    session, took = open_session(bundle, provider, threads)
    tokenizer = _tokenizer(bundle)
    fed = frozenset(value.name for value in session.get_inputs())
    _check_fit(bundle, tokenizer, fed)
    device = "cuda" if took == CUDA else "cpu"
    return Engine(
        decoder_of(session, bundle.generation.graph, slots, device), tokenizer, bundle.generation, device, slots
    )


def _tokenizer(bundle: Bundle) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(bundle.tokenizer))
    except Exception as error:  # noqa: BLE001 - tokenizers raises bare Exception
        raise _incompatible(bundle, f"tokenizer.json does not load: {error}") from None


def _check_fit(bundle: Bundle, tokenizer: Tokenizer, fed: frozenset[str]) -> None:
    generation = bundle.generation
    wanted = inputs_of(generation.graph)
    if fed != wanted:
        raise _incompatible(bundle, f"the graph's inputs are others: {', '.join(sorted(fed ^ wanted))}")
    words = [f"{{{slot}}}" for slot in generation.slots]
    if generation.prompt == "controls":
        words += all_tokens(generation.controls)
    lost = [word for word in words if tokenizer.token_to_id(word) is None]
    if lost or tokenizer.get_vocab_size() > generation.graph.vocabulary:
        raise _incompatible(bundle, f"tokenizer.json does not fit generation.json: {', '.join(lost) or 'vocabulary'}")


def _incompatible(bundle: Bundle, what: str) -> LackingError:
    return LackingError(
        Code.BUNDLE_INCOMPATIBLE, what, where=str(bundle.folder), hint="make the bundle anew (docs/model.md)"
    )
