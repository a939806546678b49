"""How likely a bundle's model finds a text, on ONNX Runtime as serving runs it."""

from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer

from inference.bundle import Bundle
from inference.generate.decoder import Decoder, decoder_of
from inference.generate.session import open_session


class BundleLikelihood:
    """Implements `training.evaluation.answers.Likelihood` over a bundle whose prompt is in words."""

    def __init__(self, decoder: Decoder, tokenizer: Tokenizer, bos: int | None, pad: int, context: int) -> None:
        self._decoder, self._tokenizer = decoder, tokenizer
        self._bos, self._pad, self._context = bos, pad, context

    def mean_log(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """The mean log probability (nats) of a token of each continuation behind the prompt.

        A prompt that leaves no room in the model's context goes without its beginning, as a writer's does. A
        continuation without a token has minus infinity.
        """
        wanted = [self._ids(text) for text in continuations]
        width = max(map(len, wanted), default=0)
        if not width:
            return [-np.inf] * len(wanted)
        begin = [] if self._bos is None else [self._bos]
        asked = [*begin, *self._ids(prompt)[-(self._context - width - len(begin)) :]]
        count = len(wanted)
        tokens = np.tile(np.array(asked, np.int64), (count, 1))
        held = np.full(count, len(asked), np.int64)
        logits = self._decoder.forward(0, tokens, held * 0, held)
        sums = np.zeros(count)
        for place in range(width):
            # A row whose text is done is fed padding, and what it says is not counted.
            step = np.array([ids[place] if place < len(ids) else self._pad for ids in wanted], np.int64)
            said = _log_softmax(logits.astype(np.float64))[np.arange(count), step]
            sums += np.where([place < len(ids) for ids in wanted], said, 0.0)
            if place + 1 < width:
                logits = self._decoder.forward(0, step[:, None], held.copy(), held * 0 + 1)
                held += 1
        for row in range(count):
            self._decoder.clear(row)
        return [float(total) / len(ids) if ids else -np.inf for total, ids in zip(sums, wanted, strict=True)]

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids


def open_likelihood(bundle: Bundle, *, rows: int, threads: int = 1) -> BundleLikelihood:
    """The likelihoods of a verified bundle on the CPU; `rows` is the most continuations of one prompt.

    Raises LackingError (BUNDLE_INCOMPATIBLE).
    """
    session, _ = open_session(bundle, "cpu", threads)
    generation = bundle.generation
    return BundleLikelihood(
        decoder_of(session, generation.graph, rows, "cpu"),
        Tokenizer.from_file(str(bundle.tokenizer)),
        generation.bos,
        generation.pad,
        generation.graph.context,
    )


def _log_softmax(
    logits: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    found: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = shifted - np.log(
        np.exp(shifted).sum(axis=1, keepdims=True)
    )
    return found
