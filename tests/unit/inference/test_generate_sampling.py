import numpy as np

from inference.bundle import Sampler
from inference.generate.sampling import draw, uniforms

SAMPLER = Sampler(temperature=1.0, top_p=1.0, top_k=8)
LOGITS = np.log(np.array([[0.5, 0.3, 0.15, 0.05]], np.float32))
ALL = np.ones((1, 4), np.bool_)


def test_u_picks_by_the_inverse_of_the_distribution():
    picked = [int(draw(LOGITS, ALL, np.array([u]), SAMPLER)[0]) for u in (0.0, 0.49, 0.51, 0.79, 0.81, 0.96, 0.9999999)]
    assert picked == [0, 0, 1, 1, 2, 3, 3]


def test_a_token_that_is_not_allowed_is_never_drawn():
    allowed = np.array([[False, True, False, True]])
    drawn = {int(draw(LOGITS, allowed, np.array([u]), SAMPLER)[0]) for u in np.linspace(0, 0.999, 50)}
    assert drawn == {1, 3}
    greedy = Sampler(temperature=0.0, top_p=1.0, top_k=8)
    assert draw(LOGITS, allowed, np.array([0.9]), greedy)[0] == 1


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
    allowed = rng.random((16, 50)) < 0.7
    u = rng.random(16)
    sampler = Sampler(temperature=0.8, top_p=0.9, top_k=20)
    together = draw(logits, allowed, u, sampler)
    alone = [int(draw(logits[n : n + 1], allowed[n : n + 1], u[n : n + 1], sampler)[0]) for n in range(16)]
    assert together.tolist() == alone


def test_a_seed_gives_its_numbers_whatever_its_sign_or_size():
    assert uniforms(7, 5).tolist() == uniforms(7, 5).tolist()
    assert uniforms(7, 5).tolist() != uniforms(8, 5).tolist()
    assert uniforms(7, 8)[:5].tolist() == uniforms(7, 5).tolist()
    assert len({tuple(uniforms(seed, 3)) for seed in (-1, 0, 1, 2**63, 2**64 - 2)}) == 5
