"""The rate falls where the reward stands still, and a killed run goes on as one that was not."""

import pytest
import torch
from tiny_bases import make_base

from training.objective.config import Plateau
from training.objective.plateau import PlateauPace
from training.tune.adapt import learning, load_base
from training.tune.course import Course, run_course

ROWS = [([0, *range(10 + n, 20 + n), 30, 31 + n % 5, 1], 11) for n in range(14)]
COURSE = Course(epochs=3, batch=4, rate=5e-3, seed=9, save_every=2)
SETTINGS = Plateau(every=2, patience=0, factor=0.5)


class KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    torch.set_num_threads(1)
    return make_base(tmp_path_factory.mktemp("base") / "base", "llama")


def run(base, folder, measure, *, killed_at=None):
    model, _, slots, markers = load_base(str(base))
    adapted = learning(model, slots, "lora", 4, 9)
    pace = PlateauPace(SETTINGS, measure)

    def report(done, loss):
        if done == killed_at:
            raise KilledError

    run_course(adapted, ROWS, markers.pad, COURSE, folder, report, pace=pace)
    return adapted, pace


def test_the_rate_falls_only_where_the_reward_stands_still(base, tmp_path):
    rewards = iter([0.1, 0.2, 0.2, 0.2, 0.4, 0.3])
    _, pace = run(base, tmp_path, lambda model: next(rewards))
    assert [step for step, _, _ in pace.history] == [2, 4, 6, 8, 10, 12]
    assert [rate / COURSE.rate for _, _, rate in pace.history] == pytest.approx([1, 1, 0.5, 0.25, 0.25, 0.125])


def test_a_killed_run_has_the_weights_and_the_rates_of_one_that_was_not(base, tmp_path):
    def stands_still(model):
        # Drawn chance of a measure must not reach the training's.
        with torch.random.fork_rng():
            torch.manual_seed(1)
            torch.rand(3)
        return 0.3

    whole, first = run(base, tmp_path / "whole", stands_still)
    with pytest.raises(KilledError):
        run(base, tmp_path / "killed", stands_still, killed_at=7)
    again, second = run(base, tmp_path / "killed", stands_still)
    assert first.history == second.history
    assert first.history[-1][2] < first.history[0][2]
    for (name, left), (_, right) in zip(whole.named_parameters(), again.named_parameters(), strict=True):
        assert torch.equal(left, right), name


def test_a_rate_that_falls_is_another_run(base, tmp_path):
    rising = iter(range(20))
    falls, _ = run(base, tmp_path / "falls", lambda model: 0.0)
    stays, _ = run(base, tmp_path / "stays", lambda model: float(next(rising)))
    pairs = zip(falls.named_parameters(), stays.named_parameters(), strict=True)
    assert any(not torch.equal(left, right) for (_, left), (_, right) in pairs)
