"""The engine: a bundle's graph on ONNX Runtime, many texts at once, a cache of keys and values, no torch.

Prompts are padded on the right to one width and masked; a row that has finished leaves the batch, which is where the
speed is; a row's text depends on its own prompt, seed and slots alone.
"""

import contextlib
import ctypes
import io
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from inference.bundle import Bundle, Generation
from inference.generate.prompt import all_tokens
from inference.generate.rows import Job, Rows, Written, vocabulary_of
from inference.generate.sampling import Floats, Ids, draw
from schemas.errors import Code, LackingError

_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"
_SILENT = 4


class Engine:
    """A session and a tokenizer. Not for several threads at once."""

    def __init__(self, session: Any, tokenizer: Tokenizer, generation: Generation, provider: str) -> None:
        self.provider = provider
        self._session = session
        self._tokenizer = tokenizer
        self._graph = graph = generation.graph
        self._sampler = generation.sampler
        self._vocabulary = vocabulary_of(generation, tokenizer.token_to_id)
        layers = range(graph.layers)
        self._past = [name.format(layer=n) for n in layers for name in (graph.past_key, graph.past_value)]
        present = [name.format(layer=n) for n in layers for name in (graph.present_key, graph.present_value)]
        self._outputs = [graph.logits, *present]

    def write(self, jobs: Sequence[Job], until: float, clock: Callable[[], float] = time.monotonic) -> list[Written]:
        """Write one batch. A row that is not done when `clock` reads `until` is given up."""
        began = clock()
        rows = Rows(self._vocabulary, jobs)
        logits, past = self._prefill(rows)
        while True:
            tokens = draw(logits, rows.allowed, rows.chance, self._sampler)
            rows.extend(tokens, logits.argmax(axis=1), clock() - began)
            if not rows.alive.size:
                break
            if clock() >= until:
                rows.give_up(clock() - began)
                break
            # Only where a row has finished are the caches copied to close the gap.
            if rows.left is not None:
                past = [cache[rows.left] for cache in past]
            logits, past = self._step(rows, past)
        return rows.written(lambda ids: self._tokenizer.decode_batch(ids, skip_special_tokens=True))

    def _prefill(self, rows: Rows) -> tuple[Floats, list[Floats]]:
        graph = self._graph
        empty = np.zeros((len(rows.lengths), graph.kv_heads, 0, graph.head_dim), np.float32)
        positions = np.minimum(np.arange(rows.prompts.shape[1])[None], rows.lengths[:, None] - 1)
        logits, past = self._run(rows.prompts, rows.mask, positions, [empty] * len(self._past))
        return logits[np.arange(len(rows.lengths)), rows.lengths - 1], past

    def _step(self, rows: Rows, past: list[Floats]) -> tuple[Floats, list[Floats]]:
        logits, past = self._run(rows.last[:, None], rows.mask, rows.position[:, None], past)
        return logits[:, -1], past

    def _run(self, ids: Ids, mask: Ids, positions: Ids, past: list[Floats]) -> tuple[Floats, list[Floats]]:
        graph = self._graph
        feeds: dict[str, Any] = {graph.input_ids: ids, graph.attention_mask: mask, graph.position_ids: positions}
        feeds.update(zip(self._past, past, strict=True))
        logits, *present = self._session.run(self._outputs, feeds)
        return logits, present


def open_engine(bundle: Bundle, *, provider: Literal["auto", "cpu", "cuda"], threads: int) -> Engine:
    """Load a verified bundle.

    Raises LackingError: PROVIDER_MISSING (CUDA was demanded and does not work here), BUNDLE_INCOMPATIBLE (the runtime
    cannot load the graph, or tokenizer and graph do not fit generation.json).
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait would take the cores that serve and collect run on.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = _SILENT
    wanted = [_CPU] if provider == "cpu" or not _has_cuda() else [_CUDA, _CPU]
    session = _session(bundle, options, wanted)
    # The runtime falls back to the CPU without a word, so what it took has to be asked for.
    took = session.get_providers()[0]
    if provider == "cuda" and took != _CUDA:
        raise LackingError(
            Code.PROVIDER_MISSING,
            "CUDA was demanded and does not work here",
            where=f"onnxruntime {onnxruntime.__version__}",
            hint="install its CUDA and cuDNN libraries, or set the provider to auto or cpu",
        )
    tokenizer = _tokenizer(bundle)
    _check_fit(bundle, tokenizer, (value.name for value in session.get_inputs()))
    return Engine(session, tokenizer, bundle.generation, "cuda" if took == _CUDA else "cpu")


def _session(bundle: Bundle, options: Any, providers: list[str]) -> Any:
    try:
        return onnxruntime.InferenceSession(str(bundle.model), options, providers=providers)
    except Exception as error:  # noqa: BLE001 - the runtime raises classes of its own, which it does not export
        raise _incompatible(bundle, f"model.onnx does not load: {error}") from None


def _tokenizer(bundle: Bundle) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(bundle.tokenizer))
    except Exception as error:  # noqa: BLE001 - tokenizers raises bare Exception
        raise _incompatible(bundle, f"tokenizer.json does not load: {error}") from None


def _check_fit(bundle: Bundle, tokenizer: Tokenizer, inputs: Iterable[str]) -> None:
    generation = bundle.generation
    graph = generation.graph
    layers = range(graph.layers)
    fed = {graph.input_ids, graph.attention_mask, graph.position_ids}
    fed |= {name.format(layer=n) for n in layers for name in (graph.past_key, graph.past_value)}
    if fed != set(inputs):
        raise _incompatible(bundle, f"the graph's inputs are others: {', '.join(sorted(fed ^ set(inputs)))}")
    words = (*all_tokens(generation.controls), *(f"{{{slot}}}" for slot in generation.slots))
    lost = [word for word in words if tokenizer.token_to_id(word) is None]
    if lost or tokenizer.get_vocab_size() > graph.vocabulary:
        raise _incompatible(bundle, f"tokenizer.json does not fit generation.json: {', '.join(lost) or 'vocabulary'}")


def _incompatible(bundle: Bundle, what: str) -> LackingError:
    return LackingError(
        Code.BUNDLE_INCOMPATIBLE, what, where=str(bundle.folder), hint="make the bundle anew (docs/model.md)"
    )


def _has_cuda() -> bool:
    """Whether asking for CUDA has a chance; asking in vain makes the runtime write to the terminal."""
    if _CUDA not in onnxruntime.get_available_providers():
        return False
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    # Loads the CUDA libraries of Python packages where there are any; says on stdout what it does not find.
    with contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()
    return True
