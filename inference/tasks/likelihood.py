"""How likely a bundle finds each of a closed set of answers, on ONNX Runtime as serving runs it.

The measure is the probability that the model says the answer and then ends: over a closed set it is what the model was
tuned for, and an answer that only begins another ("Tables" and "Tables, outdoor") is told from it by the end.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inference.bundle import Bundle
from inference.generate.decoder import Decoder, decoder_of
from inference.generate.session import open_session

# Rows that are scored at once behind one prompt; more of them hold more cache and save little time.
_ROWS = 32


class AnswerLikelihood:
    """Scores answers behind a prompt, all as tokens. Not for several threads at once."""

    def __init__(self, decoder: Decoder, *, rows: int, eos: int, pad: int) -> None:
        """`decoder` has `rows` + 1 rows: the last holds the prompt, which is read once."""
        self._decoder, self._rows, self._eos, self._pad = decoder, rows, eos, pad

    def log(self, prompt: Sequence[int], answers: Sequence[Sequence[int]]) -> list[float]:
        """The log probability (nats) of each answer and the end behind the prompt, which has at least one token."""
        held = len(prompt)
        first = self._decoder.forward(
            self._rows, np.array([list(prompt)], np.int64), np.zeros(1, np.int64), np.array([held], np.int64)
        )
        opening = _log_softmax(first.astype(np.float64))[0]
        found: list[float] = []
        for start in range(0, len(answers), self._rows):
            found += self._some(held, opening, [[*answer, self._eos] for answer in answers[start : start + self._rows]])
        self._decoder.clear(self._rows)
        return found

    def _some(self, held: int, opening: NDArray[np.float64], wanted: Sequence[Sequence[int]]) -> list[float]:
        count = len(wanted)
        sums = np.array([opening[ids[0]] for ids in wanted])
        for row in range(count):
            self._decoder.move(self._rows, row, held)
        before = np.full(count, held, np.int64)
        for place in range(1, max(map(len, wanted))):
            # A row whose answer is done is fed padding, and what it says is not counted.
            fed = np.array([ids[place - 1] if place < len(ids) else self._pad for ids in wanted], np.int64)
            logits = self._decoder.forward(0, fed[:, None], before.copy(), before * 0 + 1)
            before += 1
            said = _log_softmax(logits.astype(np.float64))
            for row, ids in enumerate(wanted):
                if place < len(ids):
                    sums[row] += said[row, ids[place]]
        for row in range(count):
            self._decoder.clear(row)
        return [float(total) for total in sums]


def open_answer_likelihood(bundle: Bundle, *, threads: int = 1, rows: int = _ROWS) -> AnswerLikelihood:
    """The likelihoods of a verified bundle, on the CPU. Raises LackingError (bundle_incompatible)."""
    session, _ = open_session(bundle, "cpu", threads)
    generation = bundle.generation
    decoder = decoder_of(session, generation.graph, rows + 1, "cpu")
    return AnswerLikelihood(decoder, rows=rows, eos=generation.eos, pad=generation.pad)


def chances(logs: Sequence[float]) -> list[float]:
    """What each answer has of the probability of all of them together; they sum to one."""
    shifted = np.exp(np.array(logs) - max(logs))
    return [float(each) for each in shifted / shifted.sum()]


def _log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    found: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return found
