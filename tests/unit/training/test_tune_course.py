"""A run that was killed goes on and ends with the weights of one that was not."""

import pytest
import torch
from tiny_bases import make_base

from training.tune.adapt import learning, load_base, plain_model
from training.tune.course import STATE, Course, loss_of, run_course, seconds_a_step, step_loss

ROWS = [([0, *range(10 + n, 20 + n), 30, 31 + n % 5, 1], 11) for n in range(14)]
COURSE = Course(epochs=3, batch=4, rate=5e-3, seed=9, save_every=2)


class KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    torch.set_num_threads(1)
    return make_base(tmp_path_factory.mktemp("base") / "base", "llama")


def run(base, method, folder, *, killed_at=None):
    model, _, slots, markers = load_base(str(base))
    adapted = learning(model, slots, method, 4, 9)
    seen = []

    def report(done, loss):
        seen.append(done)
        if done == killed_at:
            raise KilledError

    run_course(adapted, ROWS, markers.pad, COURSE, folder, report)
    return adapted, slots, seen


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_killed_run_ends_with_the_weights_of_one_that_was_not(base, tmp_path, method):
    whole, _, seen = run(base, method, tmp_path / "whole")
    assert seen == list(range(1, 13))
    with pytest.raises(KilledError):
        run(base, method, tmp_path / "killed", killed_at=7)
    again, _, seen = run(base, method, tmp_path / "killed")
    # The last state before the kill is that of step 6.
    assert seen == list(range(7, 13))
    for (name, left), (_, right) in zip(whole.named_parameters(), again.named_parameters(), strict=True):
        assert torch.equal(left, right), name


def test_a_run_that_is_done_is_not_done_again(base, tmp_path):
    run(base, "lora", tmp_path)
    assert run(base, "lora", tmp_path)[2] == []
    assert (tmp_path / STATE).is_file()


def test_a_course_lowers_the_loss(base, tmp_path):
    model, _, _, markers = load_base(str(base))
    before = loss_of(model, ROWS, markers.pad, 4)
    adapted, _, _ = run(base, "full", tmp_path)
    assert loss_of(adapted, ROWS, markers.pad, 4) < before - 0.5


@pytest.mark.parametrize("tied", [False, True])
def test_of_the_vocabulary_only_the_slots_learn_and_at_both_ends(base, tmp_path, tied):
    if tied:
        base = make_base(tmp_path / "tied", "smollm")
    fresh, _, slots, _ = load_base(str(base))
    merged = plain_model(run(base, "lora", tmp_path)[0])
    for get in ("get_input_embeddings", "get_output_embeddings"):
        moved = (getattr(fresh, get)().weight - getattr(merged, get)().weight).abs().amax(dim=1) > 0
        assert set(torch.nonzero(moved)[:, 0].tolist()) == set(slots.values()), get


def test_only_texts_carry_loss(base):
    model, _, _, markers = load_base(str(base))
    ids, prompt = ROWS[0]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    wanted = torch.nn.functional.cross_entropy(logits[prompt - 1 : -1], torch.tensor(ids[prompt:]))
    assert step_loss(model, [(ids, prompt)], markers.pad).item() == pytest.approx(wanted.item(), rel=1e-5)


def test_timing_leaves_nothing_behind(base, tmp_path):
    model, _, slots, markers = load_base(str(base))
    adapted = learning(model, slots, "lora", 4, 9)
    state = torch.get_rng_state()
    assert seconds_a_step(adapted, ROWS, markers.pad, COURSE) > 0
    assert torch.equal(state, torch.get_rng_state())
    assert all(weight.grad is None for weight in adapted.parameters())
