"""Under the demo's truths, traffic and delays, a policy that learns visibly gets better than it began."""

import pytest
from learning_run import Learner, learn_on_paper, plain, shrunk

pytestmark = pytest.mark.statistical


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_best_arm_is_picked_more_often_at_the_end(seed: int) -> None:
    """Seeded, so it always ends the same way; over 20 runs the lower bound lay 0.30 or more above the first share."""
    outcome = learn_on_paper(seed)
    shares = outcome.shares
    assert shares.decisions > 10_000
    assert shares.first is not None
    assert shares.last_low is not None
    assert shares.last_low > shares.first + 0.2
    assert shares.regret_per_1000 is not None
    assert shares.uniform_regret_per_1000 is not None
    assert shares.regret_per_1000 < 0.7 * shares.uniform_regret_per_1000
    # What the sizing of topics rests on: at most 1.3 reactions and 0.1 carts for each decision.
    assert outcome.reactions < 1.3 * outcome.decisions
    assert outcome.carts < 0.1 * outcome.decisions


@pytest.mark.parametrize(
    ("learner", "rate", "texts_per_s"), [(plain, 400.0, 60.0), (shrunk, 250.0, 40.0), (shrunk, 400.0, 200.0)]
)
def test_it_does_so_with_margin(learner: Learner, rate: float, texts_per_s: float) -> None:
    """A simpler learner, less traffic with a slow writer, and a pool that fills at once."""
    shares = learn_on_paper(2, learner, rate=rate, texts_per_s=texts_per_s).shares
    assert shares.first is not None
    assert shares.last_low is not None
    assert shares.last_low > shares.first + 0.15
