"""The engine on random weights: what a text is must not depend on neighbours, slots, graph or device."""

import random

import msgspec
import numpy as np
import pytest
from engine_jobs import FOREVER, Steps, opened, some_jobs, texts
from tiny_bundle import tiny_bundle

from inference.generate.decoder import DeviceDecoder, FusedDecoder


def test_a_text_does_not_depend_on_its_neighbours_or_their_number(tiny):
    jobs = some_jobs(tiny, 80)
    alone = [texts(opened(tiny, 1).write([job], FOREVER))[0] for job in jobs]
    assert len(set(alone)) > 60
    assert len({len(text) for text, _ in alone}) > 10
    for slots in (1, 3, 32):
        assert texts(opened(tiny, slots).write(jobs, FOREVER)) == alone
    shuffled = random.Random(2).sample(range(80), 80)
    again = opened(tiny, 3).write([jobs[place] for place in shuffled], FOREVER)
    assert texts(again) == [alone[place] for place in shuffled]


@pytest.mark.parametrize("graph", ["nb8", "int8-rows"])
def test_eight_bit_weights_keep_a_text_independent_of_its_batch(graph, tmp_path):
    bundle = tiny_bundle(tmp_path / graph, graph)
    jobs = some_jobs(bundle, 40)
    assert texts(opened(bundle, 32).write(jobs, FOREVER)) == texts(opened(bundle, 1).write(jobs, FOREVER))


def test_an_export_as_it_is_says_what_the_fused_graph_says(tiny, plain):
    jobs = some_jobs(tiny, 40)
    assert plain.generation.graph.kind == "plain"
    assert texts(opened(plain, 5).write(jobs, FOREVER)) == texts(opened(tiny, 32).write(jobs, FOREVER))


def test_the_seed_decides_before_and_after_a_restart(tiny):
    jobs = [msgspec.structs.replace(some_jobs(tiny, 1)[0], seed=seed) for seed in range(24)]
    first = texts(opened(tiny).write(jobs, FOREVER))
    assert first == texts(opened(tiny).write(jobs, FOREVER))
    assert len(set(first)) > 12


def test_buffers_that_stay_on_a_device_change_no_text(tiny):
    """The device here is the CPU: rows stay where they are, and a batch is admitted whole."""
    jobs = some_jobs(tiny, 20)
    engine = opened(tiny, 6)
    usual = engine._decoder
    assert isinstance(usual, FusedDecoder)
    engine._decoder = DeviceDecoder(usual._session, tiny.generation.graph, 6, "cpu")
    assert texts(engine.write(jobs, FOREVER)) == texts(opened(tiny, 6).write(jobs, FOREVER))


class Watching:
    """A decoder that looks, before a text begins in a row, whether anything of another is left there."""

    whole = False

    def __init__(self, decoder, clears=True):
        self._decoder, self._clears, self.began = decoder, clears, 0

    def forward(self, first, tokens, before, added):
        for row in np.flatnonzero(before == 0):
            self.began += 1
            for buffer in self._decoder._buffers.values():
                assert not buffer[first + row].any(), "keys and values of another text"
        return self._decoder.forward(first, tokens, before, added)

    def move(self, *which):
        self._decoder.move(*which)

    def clear(self, row):
        if self._clears:
            self._decoder.clear(row)


@pytest.mark.parametrize("graph", ["tiny", "plain"])
def test_a_row_is_cleared_before_another_text_uses_it(graph, request):
    bundle = request.getfixturevalue(graph)
    jobs = some_jobs(bundle, 30)
    engine = opened(bundle, 4)
    engine._decoder = Watching(engine._decoder)
    engine.write(jobs, FOREVER)
    assert engine._decoder.began == 30
    assert not any(buffer.any() for buffer in engine._decoder._decoder._buffers.values())
    # And the watch itself sees a row that was not.
    engine._decoder = Watching(engine._decoder._decoder, clears=False)
    with pytest.raises(AssertionError, match="of another text"):
        engine.write(jobs, FOREVER)


def test_what_was_given_up_is_cleared_too(tiny):
    engine = opened(tiny, 4)
    engine.write(some_jobs(tiny, 12), 15.0, Steps())
    assert not any(buffer.any() for buffer in engine._decoder._buffers.values())


def test_a_row_that_moves_takes_its_past_along_and_nothing_else(tiny):
    decoder = opened(tiny, 3)._decoder
    lengths = np.array([9, 7, 5])
    decoder.forward(0, np.random.default_rng(1).integers(1, 60, (3, 9)), lengths * 0, lengths)
    moved = [buffer[2].copy() for buffer in decoder._buffers.values()]
    decoder.move(2, 0, 5)
    for buffer, past in zip(decoder._buffers.values(), moved, strict=True):
        assert past[:, :5].any()
        assert (buffer[0, :, :5] == past[:, :5]).all()
        assert not buffer[0, :, 5:].any()


def test_past_the_deadline_nothing_is_kept_and_what_was_done_stays(tiny):
    jobs = some_jobs(tiny, 12)
    full = texts(opened(tiny, 4).write(jobs, FOREVER))
    written = texts(opened(tiny, 4).write(jobs, 45.0, Steps()))
    late = [place for place, (_, ending) in enumerate(written) if ending == "late"]
    assert 0 < len(late) < 12
    assert all(written[place] == (("", "late") if place in late else full[place]) for place in range(12))


class Never:
    """A decoder that must not run."""

    whole = False

    def forward(self, *fed):
        raise AssertionError("it ran")


def test_a_deadline_in_the_past_runs_nothing(tiny):
    engine = opened(tiny, 4)
    engine._decoder = Never()
    written = engine.write(some_jobs(tiny, 6), 0.0, Steps())
    assert [(each.text, each.tokens, each.ending) for each in written] == [("", 0, "late")] * 6


def test_nothing_asked_nothing_written(tiny):
    assert opened(tiny).write([], FOREVER) == []
