"""The loss: off it is cross-entropy, and each term lowers what it should lower on planted rows."""

import pytest
import torch
from tiny_bases import make_base

from training.objective.config import Loss
from training.objective.loss import loss_for, marked_loss
from training.objective.marked import Marked
from training.objective.siblings import completions
from training.tune.adapt import learning, load_base
from training.tune.course import Course, run_course, step_loss

PAD = 1
PROMPT = [0, 10, 11, 12, 13]
# Two texts for one prompt that begin alike, and a third of other words; the last token is the end.
TEXTS = [[20, 21, 22, 23, 1], [20, 21, 22, 24, 25, 1], [30, 31, 1]]
IDS = [([*PROMPT, *text], len(PROMPT)) for text in TEXTS]
N = 3


def rows(**changes):
    """The planted rows; the marks are those of the terms that are asked for."""
    found = []
    for number, ids in enumerate(IDS):
        others = [text[:-1] for other, text in enumerate(TEXTS) if other != number]
        marks = {
            "calls": (1, 2) if "calls" in changes else (),
            "unlikely": completions(TEXTS[number][:-1], others, N) if "unlikely" in changes else (),
            "weight": changes.get("weight", [1.0] * 3)[number],
        }
        found.append(Marked(ids, **marks))
    return found


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    torch.set_num_threads(1)
    return make_base(tmp_path_factory.mktemp("base") / "base", "llama")


@pytest.fixture
def model(base):
    return load_base(str(base))[0]


def chances(model, ids, prompt):
    """The log-chances of the whole vocabulary at each text token, by the model's own forward."""
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].log_softmax(-1)[prompt - 1 : -1]


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_with_every_term_off_it_is_the_loss_of_plain_tuning(tmp_path, family):
    model = load_base(str(make_base(tmp_path / family, family)))[0]
    plain = step_loss(model, IDS, PAD)
    own = marked_loss(model, rows(), PAD, Loss())
    assert own.item() == pytest.approx(plain.item(), rel=1e-6)


def test_it_is_the_formula_of_its_module(model):
    weights = Loss(unlikelihood=0.7, ngram=N, cta=0.5, conversion=1.0)
    planted = rows(calls=True, unlikely=True, weight=[1.2, 0.8, 1.0])
    wanted, tokens = 0.0, 0
    for row in planted:
        ids, prompt = row.ids
        logp = chances(model, ids, prompt)
        own = sum(
            -(1 + 0.5 * (place in row.calls)) * logp[place, token].item() for place, token in enumerate(ids[prompt:])
        )
        own += sum(-0.7 * torch.log1p(-logp[place, token].exp()).item() for place, token in row.unlikely)
        wanted += row.weight * own
        tokens += len(ids) - prompt
    assert sum(len(row.unlikely) for row in planted) == 4
    assert marked_loss(model, planted, PAD, weights).item() == pytest.approx(wanted / tokens, rel=1e-5)


def test_padding_and_prompt_carry_none(model):
    weights = Loss(unlikelihood=1.0, ngram=N, cta=1.0)
    planted = rows(calls=True, unlikely=True)
    whole = marked_loss(model, planted, PAD, weights).item()
    apart = sum(marked_loss(model, [row], PAD, weights).item() * (len(row.ids[0]) - row.ids[1]) for row in planted)
    assert whole == pytest.approx(apart / sum(len(text) for text in TEXTS), rel=1e-5)


def test_the_unlikelihood_has_a_gradient(model):
    weights, planted = Loss(unlikelihood=1.0, ngram=N), rows(unlikely=True)
    with_term = _gradient(model, planted, weights)
    without = _gradient(model, planted, Loss())
    assert (with_term - without).abs().max() > 0


def test_a_certain_shared_token_still_has_a_gradient(model):
    """A bound on p, as other implementations have it, would leave none here."""
    with torch.no_grad():
        model.lm_head.weight.mul_(200)
    row = rows(unlikely=True)[0]
    ids, prompt = row.ids
    logp = chances(model, ids, prompt)
    place = 2
    sure = int(logp[place].argmax())
    assert logp[place, sure].exp() == 1.0
    planted = [Marked(row.ids, (), ((place, sure),))]
    both = _gradient(model, planted, Loss(unlikelihood=1.0, ngram=N))
    assert (both - _gradient(model, planted, Loss())).abs().max() > 0


def _gradient(model, planted, weights):
    model.zero_grad()
    marked_loss(model, planted, PAD, weights).backward()
    return model.model.layers[0].mlp.down_proj.weight.grad.clone()


def learned(base, tmp_path, planted, weights, steps=30):
    model, _, slots, markers = load_base(str(base))
    adapted = learning(model, slots, "full", 4, 5)
    course = Course(epochs=steps, batch=3, rate=3e-3, seed=5, save_every=1000)
    run_course(adapted, planted, markers.pad, course, tmp_path, lambda done, loss: None, loss_of_step=loss_for(weights))
    return adapted


def test_the_unlikelihood_lowers_the_chance_of_shared_n_grams(base, tmp_path):
    def shared(model):
        return chances(model, *IDS[0])[2, 22].exp().item()

    without = shared(learned(base, tmp_path / "off", rows(), Loss()))
    within = shared(learned(base, tmp_path / "on", rows(unlikely=True), Loss(unlikelihood=1.0, ngram=N)))
    assert without > 0.9
    # Said and shared settles at 1 / (1 + alpha).
    assert within == pytest.approx(0.5, abs=0.15)


def test_the_weight_of_calls_lowers_their_cross_entropy(base, tmp_path):
    """The two continuations of "20 21 22" compete; the second's is a call."""

    def second(model):
        return chances(model, *IDS[1])[3, 24].item()

    planted = [Marked(IDS[0]), Marked(IDS[1], calls=(3,)), Marked(IDS[2])]
    without = second(learned(base, tmp_path / "off", planted, Loss(), 120))
    within = second(learned(base, tmp_path / "on", planted, Loss(cta=3.0), 120))
    assert within > without + 0.2


def test_the_weight_of_examples_moves_the_model_to_what_does_well(base, tmp_path):
    def second(model):
        return chances(model, *IDS[1])[3, 24].item()

    without = second(learned(base, tmp_path / "off", rows(), Loss(), 120))
    within = second(learned(base, tmp_path / "on", rows(weight=[0.2, 1.8, 1.0]), Loss(conversion=2.0), 120))
    assert within > without + 0.2
