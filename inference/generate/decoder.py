"""One step of a model for the rows of a batch, with keys and values kept in slots: a row of every buffer is a text's.

A fused graph writes its cache in place and computes only a row's own length. An export as it is gets the whole buffer,
of one width at every step, and what lies beyond a row's length is masked: slower, and independent of the neighbours
too.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import onnxruntime

from inference.bundle.generation import Graph
from inference.generate.sampling import Floats, Ids

_TYPES = {"fp32": np.float32, "fp16": np.float16}


class Decoder(Protocol):
    """Rows of a cache and the model that fills them. `whole`: rows are filled only where none is held."""

    whole: bool

    def forward(self, first: int, tokens: Ids, before: Ids, added: Ids) -> Floats:
        """Feed rows `first`, `first` + 1, ... and answer logits [rows, vocabulary] after each row's last new token.

        They stand in memory that the next call may use again.

        `tokens` is [rows, width], padded on the right; `before` [rows] says how many tokens each row holds already,
        `added` [rows] how many of these are its own.
        """
        ...

    def move(self, source: int, target: int, length: int) -> None:
        """Row `target` becomes what row `source` is, of `length` tokens."""
        ...

    def clear(self, row: int) -> None:
        """Nothing is left of a text that is done."""
        ...


class _Slots:
    """Keys and values in memory of numpy's, [slots, heads, context, head size] for every layer."""

    whole = False

    def __init__(self, session: Any, graph: Graph, slots: int) -> None:
        self._session, self._graph = session, graph
        shape = (slots, graph.kv_heads, graph.context, graph.head_dim)
        self._buffers = {name: np.zeros(shape, np.float32) for name in past_names(graph)}
        # How far from its beginning a row may hold anything: what lies behind it is zero and stays so.
        self._held: Ids = np.zeros(slots, np.int64)

    def move(self, source: int, target: int, length: int) -> None:
        held = int(self._held[target])
        for buffer in self._buffers.values():
            buffer[target, :, :length] = buffer[source, :, :length]
            buffer[target, :, length:held] = 0
        self._held[target] = length

    def clear(self, row: int) -> None:
        held = int(self._held[row])
        for buffer in self._buffers.values():
            buffer[row, :, :held] = 0
        self._held[row] = 0

    def _hold(self, first: int, before: Ids, width: int) -> None:
        """What a run may write to: padding behind a shorter prompt is written too."""
        rows = slice(first, first + len(before))
        self._held[rows] = np.maximum(self._held[rows], before + width)


class _Step:
    """One more token for rows 0 to `count` - 1: everything is bound once, and a run only fills what it is fed.

    To bind 20 buffers anew takes a third of the time of a run for one row.
    """

    def __init__(self, session: Any, graph: Graph, count: int, buffers: Mapping[str, Floats]) -> None:
        self._session, self._binding = session, session.io_binding()
        self._tokens, self._last = np.zeros((count, 1), np.int64), np.zeros(count, np.int64)
        self._lengths, self._total = np.zeros(count, np.int32), np.zeros((), np.int32)
        self._logits: Floats = np.empty((count, graph.vocabulary), np.float32)
        fed = {"input_ids": self._tokens, "last": self._last, "lengths": self._lengths, "total": self._total}
        # The binding keeps addresses only; the values have to live as long as it.
        self._kept = {name: onnxruntime.OrtValue.ortvalue_from_numpy(array) for name, array in fed.items()}
        for name, buffer in buffers.items():
            self._kept[name] = onnxruntime.OrtValue.ortvalue_from_numpy(buffer[:count])
            self._binding.bind_ortvalue_output(present_name(name), self._kept[name])
        for name, value in self._kept.items():
            self._binding.bind_ortvalue_input(name, value)
        self._kept["logits"] = onnxruntime.OrtValue.ortvalue_from_numpy(self._logits)
        self._binding.bind_ortvalue_output("logits", self._kept["logits"])

    def run(self, tokens: Ids, before: Ids) -> Floats:
        self._tokens[:], self._lengths[:] = tokens, before
        self._total[...] = before.max() + 1
        self._session.run_with_iobinding(self._binding)
        return self._logits


class FusedDecoder(_Slots):
    """A graph whose attention reads and writes the buffers in place, on the CPU."""

    def __init__(self, session: Any, graph: Graph, slots: int) -> None:
        super().__init__(session, graph, slots)
        self._steps: dict[int, _Step] = {}

    def forward(self, first: int, tokens: Ids, before: Ids, added: Ids) -> Floats:
        count, width = tokens.shape
        self._hold(first, before, width)
        if first == 0 and width == 1:
            if count not in self._steps:
                self._steps[count] = _Step(self._session, self._graph, count, self._buffers)
            return self._steps[count].run(tokens, before)
        binding = self._session.io_binding()
        _bind_rows(binding, tokens, before, added)
        rows = slice(first, first + len(tokens))
        # The binding keeps addresses only; the values have to live until the run is over.
        kept = []
        for name, buffer in self._buffers.items():
            value = onnxruntime.OrtValue.ortvalue_from_numpy(buffer[rows])
            kept.append(value)
            binding.bind_ortvalue_input(name, value)
            binding.bind_ortvalue_output(present_name(name), value)
        binding.bind_output("logits", "cpu")
        self._session.run_with_iobinding(binding)
        logits: Floats = binding.get_outputs()[-1].numpy()
        return logits


class DeviceDecoder:
    """A fused graph whose buffers stay on a device: every row of them takes part in every run, and none is ever copied.

    A row that is moved keeps its memory and changes its number. What a text leaves behind goes when the last one does,
    so a batch is admitted whole.
    """

    whole = True

    def __init__(self, session: Any, graph: Graph, slots: int, device: str) -> None:
        self._session, self._slots = session, slots
        self._shape = (slots, graph.kv_heads, graph.context, graph.head_dim)
        self._type, self._device = _TYPES[graph.precision], device
        self._buffers = {name: self._empty() for name in past_names(graph)}
        # The row of the buffers that a row of the batch has.
        self._held = np.arange(slots)

    def forward(self, first: int, tokens: Ids, before: Ids, added: Ids) -> Floats:
        rows = self._held[first : first + len(tokens)]
        # Rows that nobody holds are fed one token too; what they answer is not read.
        fed: Ids = np.zeros((self._slots, tokens.shape[1]), np.int64)
        behind, own = np.zeros(self._slots, np.int64), np.ones(self._slots, np.int64)
        fed[rows], behind[rows], own[rows] = tokens, before, added
        binding = self._session.io_binding()
        _bind_rows(binding, fed, behind, own)
        for name, value in self._buffers.items():
            binding.bind_ortvalue_input(name, value)
            binding.bind_ortvalue_output(present_name(name), value)
        binding.bind_output("logits", "cpu")
        self._session.run_with_iobinding(binding)
        logits = binding.get_outputs()[-1].numpy()
        return np.asarray(logits[rows], np.float32)

    def move(self, source: int, target: int, length: int) -> None:
        self._held[[source, target]] = self._held[[target, source]]

    def clear(self, row: int) -> None:
        """With the last row of a batch goes everything."""
        if row == 0:
            self._buffers = {name: self._empty() for name in self._buffers}

    def _empty(self) -> Any:
        return onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(self._shape, self._type), self._device, 0)


class PlainDecoder(_Slots):
    """An export as optimum makes it: past in, longer past out, which is copied back to its slots."""

    def forward(self, first: int, tokens: Ids, before: Ids, added: Ids) -> Floats:
        rows, (count, width), context = slice(first, first + len(tokens)), tokens.shape, self._graph.context
        self._hold(first, before, width)
        held, fresh = np.arange(context)[None] < before[:, None], np.arange(width)[None] < added[:, None]
        feeds: dict[str, Any] = {
            "input_ids": tokens,
            "attention_mask": np.concatenate([held, fresh], axis=1).astype(np.int64),
            "position_ids": before[:, None] + np.minimum(np.arange(width)[None], added[:, None] - 1),
        }
        feeds.update((name, buffer[rows]) for name, buffer in self._buffers.items())
        names = ["logits", *map(present_name, self._buffers)]
        logits, *present = self._session.run(names, feeds)
        for buffer, longer in zip(self._buffers.values(), present, strict=True):
            for row in range(count):
                start, end = before[row], before[row] + added[row]
                buffer[first + row, :, start:end] = longer[row, :, context : context + added[row]]
        picked: Floats = logits[np.arange(count), added - 1]
        return picked


def decoder_of(session: Any, graph: Graph, slots: int, device: str) -> Decoder:
    """The decoder for a graph on a device of ONNX Runtime's (`cpu`, `cuda`)."""
    if graph.kind == "plain":
        return PlainDecoder(session, graph, slots)
    return FusedDecoder(session, graph, slots) if device == "cpu" else DeviceDecoder(session, graph, slots, device)


def inputs_of(graph: Graph) -> frozenset[str]:
    """What a graph has to take, by name."""
    fed = ("input_ids", "attention_mask", "position_ids")
    own = fed if graph.kind == "plain" else ("input_ids", "last", "lengths", "total")
    return frozenset([*own, *past_names(graph)])


def past_names(graph: Graph) -> list[str]:
    """The inputs for keys and values, layer after layer."""
    return [f"past_key_values.{layer}.{part}" for layer in range(graph.layers) for part in ("key", "value")]


def present_name(past: str) -> str:
    """The output that belongs to an input of keys or values."""
    return past.replace("past_key_values", "present", 1)


def _bind_rows(binding: Any, tokens: Ids, before: Ids, added: Ids) -> None:
    binding.bind_cpu_input("input_ids", np.ascontiguousarray(tokens))
    binding.bind_cpu_input("last", added - 1)
    binding.bind_cpu_input("lengths", (before + added - 1).astype(np.int32))
    binding.bind_cpu_input("total", np.array(before.max() + tokens.shape[1], np.int32))
