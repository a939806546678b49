"""What a run needs of a machine, told before it begins. Estimates: within a factor of two for models of this kind."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
from msgspec import Struct

from training.train import Row

_MIB = 2**20
_FLOAT = 4
# Protobuf's bound, which a graph in one file keeps to.
GRAPH_BYTES = 2**31
# Floats that a layer keeps of each token for the way back, in multiples of the hidden size: attention, its sums, the
# feed-forward part, and the norms between.
_KEPT = 40
# Python with torch and transformers.
_PROCESS_MIB = 900
# Loading, export, three runs of the gate, quantisation and evaluation of a model of a hundred million weights took so
# long on two cores.
_EXPORT_S_A_MILLION = 1.5


class Needs(Struct, frozen=True, kw_only=True):
    """Of one run. `memory_mib` is the most that it holds at once, `disk_mib` what is written, in part for a while."""

    rows: int
    held_out: int
    left_out: int
    parameters: int
    learned: int
    steps: int
    tokens_longest: int
    memory_mib: int
    disk_mib: int
    bundle_mib: int
    seconds: int


def needs_of(
    model: Any, rows: Sequence[Row], held_out: int, left_out: int, batch: int, steps: int, step_s: float
) -> Needs:
    """The needs of `steps` steps of `step_s` seconds over `rows`."""
    config = model.config
    weights = list(model.parameters())
    parameters = sum(weight.numel() for weight in weights)
    learned = sum(weight.numel() for weight in weights if weight.requires_grad)
    longest = max(len(ids) for ids, _ in rows)
    said = max(len(ids) - prompt for ids, prompt in rows)
    kept = (
        batch * longest * config.hidden_size * config.num_hidden_layers * _KEPT + 3 * batch * said * config.vocab_size
    )
    ends = config.vocab_size * config.hidden_size
    # A gradient and two moments for each weight that learns; the export holds the model some three times.
    training = parameters + 3 * learned + kept
    export = 3 * parameters + 2 * ends
    return Needs(
        rows=len(rows),
        held_out=held_out,
        left_out=left_out,
        parameters=parameters,
        learned=learned,
        steps=steps,
        tokens_longest=longest,
        memory_mib=_PROCESS_MIB + _FLOAT * max(training, export) // _MIB,
        disk_mib=_FLOAT * (3 * learned + 3 * parameters + 2 * ends) // _MIB + bundle_bytes(config, parameters) // _MIB,
        bundle_mib=max(1, bundle_bytes(config, parameters) // _MIB),
        seconds=round(steps * step_s + _EXPORT_S_A_MILLION * parameters / 1e6 + 10),
    )


def bundle_bytes(config: Any, parameters: int) -> int:
    """The graph's size: a byte and an eighth for a weight of a matrix product, four for one of the embeddings."""
    ends: int = config.vocab_size * config.hidden_size
    products = parameters if getattr(config, "tie_word_embeddings", False) else parameters - ends
    return int(products * 1.125) + _FLOAT * ends


def told(needs: Needs, folder: Path) -> Iterator[str]:
    """Lines for a person, those that begin with `warning` where the machine has less."""
    yield f"rows: {needs.rows} to learn from, {needs.held_out} held out, {needs.left_out} left out"
    yield f"model: {needs.parameters:,} weights, {needs.learned:,} of them learn; bundle about {needs.bundle_mib} MiB"
    yield f"memory: about {needs.memory_mib} MiB; disk: about {needs.disk_mib} MiB in {folder}"
    yield f"time: {needs.steps} steps, about {_time(needs.seconds)} until the bundle is there"
    if (free := psutil.virtual_memory().available // _MIB) < needs.memory_mib:
        yield f"warning: only {free} MiB of memory are free; take a smaller --batch or a smaller base"
    if (free := shutil.disk_usage(folder).free // _MIB) < needs.disk_mib:
        yield f"warning: only {free} MiB of disk are free in {folder}"


def _time(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"
