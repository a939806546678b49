import numpy as np

from inference.bundle import Sampler
from inference.generate import sampling
from inference.generate.sampling import uniforms

SAMPLER = Sampler(temperature=1.0, top_p=1.0, top_k=8)
LOGITS = np.log(np.array([[0.5, 0.3, 0.15, 0.05]], np.float32))
ALL = np.zeros((1, 4), np.float32)
NEVER = -np.inf


def draw(logits, bars, u, sampler, said=0):
    return sampling.draw(logits, bars, u, np.full(len(u), said), sampler).tokens


def test_u_picks_by_the_inverse_of_the_distribution():
    picked = [int(draw(LOGITS, ALL, np.array([u]), SAMPLER)[0]) for u in (0.0, 0.49, 0.51, 0.79, 0.81, 0.96, 0.9999999)]
    assert picked == [0, 0, 1, 1, 2, 3, 3]


def test_a_token_that_is_not_allowed_is_never_drawn():
    bars = np.array([[NEVER, 0, NEVER, 0]], np.float32)
    drawn = {int(draw(LOGITS, bars, np.array([u]), SAMPLER)[0]) for u in np.linspace(0, 0.999, 50)}
    assert drawn == {1, 3}
    greedy = Sampler(temperature=0.0, top_p=1.0, top_k=8)
    assert draw(LOGITS, bars, np.array([0.9]), greedy)[0] == 1


def test_the_nucleus_leaves_the_tail_out():
    sampler = Sampler(temperature=1.0, top_p=0.7, top_k=8)
    drawn = {int(draw(LOGITS, ALL, np.array([u]), sampler)[0]) for u in np.linspace(0, 0.999, 50)}
    assert drawn == {0, 1}


def test_the_k_likeliest_are_kept():
    sampler = Sampler(temperature=1.0, top_p=1.0, top_k=3)
    drawn = {int(draw(LOGITS, ALL, np.array([u]), sampler)[0]) for u in np.linspace(0, 0.999, 50)}
    assert drawn == {0, 1, 2}


def test_equal_scores_are_taken_by_id():
    flat = np.zeros((1, 4), np.float32)
    assert [int(draw(flat, ALL, np.array([u]), SAMPLER)[0]) for u in (0.1, 0.3, 0.6, 0.9)] == [0, 1, 2, 3]


def test_rows_do_not_hear_each_other():
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(16, 50)).astype(np.float32)
    bars = np.where(rng.random((16, 50)) < 0.7, 0, NEVER).astype(np.float32)
    u = rng.random(16)
    sampler = Sampler(temperature=0.8, top_p=0.9, top_k=20)
    together = draw(logits, bars, u, sampler)
    alone = [int(draw(logits[n : n + 1], bars[n : n + 1], u[n : n + 1], sampler)[0]) for n in range(16)]
    assert together.tolist() == alone


def test_a_seed_gives_its_numbers_whatever_its_sign_or_size():
    assert uniforms(7, 5).tolist() == uniforms(7, 5).tolist()
    assert uniforms(7, 5).tolist() != uniforms(8, 5).tolist()
    assert uniforms(7, 8)[:5].tolist() == uniforms(7, 5).tolist()
    assert len({tuple(uniforms(seed, 3)) for seed in (-1, 0, 1, 2**63, 2**64 - 2)}) == 5


def test_the_opening_is_drawn_at_its_own_temperature():
    sampler = Sampler(temperature=1.0, top_p=1.0, top_k=8, opening=2, later=0.0)
    late = np.array([0.96])
    assert [int(draw(LOGITS, ALL, late, sampler, said)[0]) for said in (0, 1, 2, 9)] == [3, 3, 0, 0]


def test_the_chance_is_the_models_own_whatever_the_bars_and_the_temperature():
    sampler = Sampler(temperature=0.5, top_p=1.0, top_k=8)
    found = sampling.draw(LOGITS, ALL, np.array([0.0]), np.zeros(1, np.int64), sampler)
    assert found.tokens.tolist() == [0]
    assert abs(found.chance[0] - 0.5) < 1e-6
    bars = np.array([[NEVER, NEVER, NEVER, 0]], np.float32)
    barred = sampling.draw(LOGITS, bars, np.array([0.0]), np.zeros(1, np.int64), sampler)
    assert barred.tokens.tolist() == [3]
    # Beside the likeliest, which was barred, and no other: 0.05 / (0.5 + 0.05).
    assert abs(barred.chance[0] - 1 / 11) < 1e-6
