"""Texts drawn under serving's masks, and a model that comes to prefer what it was shown to."""

import pytest
import torch
from msgspec.structs import replace
from tiny_bases import make_base

from inference.generate.slots import SLOT
from schemas.ports import TextRequest
from training.objective.config import Preference
from training.objective.dpo import prefer
from training.objective.preference import Preferred, preferred, read_pairs, write_pairs
from training.objective.sampling import Drawer, Said
from training.objective.scored import Scored
from training.tune.adapt import load_base
from training.tune.product import SAMPLER
from training.tune.sift import Row

REQUEST = TextRequest(
    product_id="p9",
    category="Kitchen",
    segment="any",
    variant="v",
    tone="warm",
    cta="none",
    length="short",
    channel="push",
    locale="en",
    facts={"NAME": "Copper Pot", "PRICE": "$9.00"},
    seed=1,
    max_chars=120,
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    torch.set_num_threads(1)
    return make_base(tmp_path_factory.mktemp("base") / "base", "qwen2")


def test_drawn_texts_hold_what_serving_would_let_them_hold(base):
    model, tokenizer, slots, markers = load_base(str(base))
    drawer = Drawer(tokenizer.backend_tokenizer, slots, markers, SAMPLER, 24)
    prompt = tokenizer.encode("Text:\n", add_special_tokens=False)
    torch.manual_seed(3)
    state = torch.get_rng_state()
    said = drawer.draw(model, prompt, REQUEST, 12, seed=5)
    assert torch.equal(state, torch.get_rng_state())
    assert said == drawer.draw(model, prompt, REQUEST, 12, seed=5)
    assert said != drawer.draw(model, prompt, REQUEST, 12, seed=6)
    assert len({each.text for each in said}) > 6
    for each in said:
        facts = [slot for slot in SLOT.findall(each.text) if slot in ("NAME", "PRICE", "BRAND", "COLOR", "OFF", "SIZE")]
        assert set(facts) <= {"NAME", "PRICE"}
        assert len(facts) == len(set(facts))
        assert not any(letter.isdigit() or letter in "$%<>[]|\n" for letter in SLOT.sub("", each.text))
        assert markers.eos not in each.tokens
        if each.finished:
            assert each.text.endswith((".", "!", "?"))
            assert "{NAME}" in each.text
        else:
            assert len(each.tokens) == 24


def pairs_of(tokenizer, markers):
    ids = lambda text: tokenizer.encode(text, add_special_tokens=False)  # noqa: E731
    texts = [("A warm start.", "The cold end."), ("A fine day.", "The long night."), ("A calm sea.", "The hard road.")]
    return [
        Preferred(
            prompt=ids(f"Number {number}. Text:\n"),
            chosen=[*ids(good), markers.eos],
            rejected=ids(bad),
            product_id="p",
            chosen_text=good,
            rejected_text=bad,
            chosen_reward=0.8,
            rejected_reward=None,
            rejected_codes=("copy_claim",),
        )
        for number, (good, bad) in enumerate(texts)
    ]


def said(model, prompt, text):
    """log p of a text behind its prompt."""
    with torch.no_grad():
        logp = model(torch.tensor([[*prompt, *text]])).logits[0].log_softmax(-1)
    return sum(logp[len(prompt) + place - 1, token].item() for place, token in enumerate(text))


def chance(model, pair):
    """log p(chosen) - log p(rejected)."""
    return said(model, pair.prompt, pair.chosen) - said(model, pair.prompt, pair.rejected)


def test_with_the_likelihood_the_better_text_itself_becomes_likelier(base, tmp_path):
    def gained(likelihood):
        model, tokenizer, _, markers = load_base(str(base))
        found = pairs_of(tokenizer, markers)
        settings = Preference(samples=2, rate=2e-4, epochs=6, batch=3, likelihood=likelihood)
        before = sum(said(model, pair.prompt, pair.chosen) for pair in found)
        tuned, _ = prefer(model, tokenizer, found, settings, method="full", rank=4, seed=7, scratch=tmp_path / "s")
        return sum(said(tuned, pair.prompt, pair.chosen) for pair in found) - before

    assert gained(4.0) > gained(0.0) + 0.1


@pytest.mark.parametrize("method", ["lora", "full"])
def test_it_comes_to_prefer_the_better_texts(base, tmp_path, method):
    settings = Preference(samples=2, rate=2e-3 if method == "lora" else 2e-4, epochs=6, batch=3)

    def made():
        model, tokenizer, _, markers = load_base(str(base))
        found = pairs_of(tokenizer, markers)
        before = [chance(model, pair) for pair in found]
        tuned, figures = prefer(
            model, tokenizer, found, settings, method=method, rank=4, seed=7, scratch=tmp_path / "scratch"
        )
        return before, [chance(tuned, pair) for pair in found], figures, tuned

    before, after, figures, tuned = made()
    assert all(late > early + 0.1 for early, late in zip(before, after, strict=True))
    assert figures["steps"] == 6
    # At the first step the model is its own reference, so its loss is log 2.
    assert figures["first"]["loss"] == pytest.approx(0.6931, abs=1e-3)
    assert figures["last"]["loss"] < figures["first"]["loss"]
    _, _, _, again = made()
    for (name, left), (_, right) in zip(tuned.named_parameters(), again.named_parameters(), strict=True):
        assert torch.equal(left, right), name


def test_what_is_learned_are_the_pairs_own_tokens(base, tmp_path, monkeypatch):
    """Not what trl makes of their texts: a tokenizer may cut prompt and text otherwise where they meet."""
    model, tokenizer, _, markers = load_base(str(base))
    found = pairs_of(tokenizer, markers)
    fed = []
    monkeypatch.setattr(
        "training.objective.dpo.DataCollatorForPreference",
        lambda pad_token_id: lambda examples: fed.extend(examples) or _collated(pad_token_id, examples),
    )
    prefer(model, tokenizer, found, Preference(batch=3), method="lora", rank=4, seed=7, scratch=tmp_path)
    wanted = {(tuple(pair.prompt), tuple(pair.chosen), tuple(pair.rejected)) for pair in found}
    assert {tuple(tuple(each[f"{name}_ids"]) for name in ("prompt", "chosen", "rejected")) for each in fed} == wanted


def _collated(pad, examples):
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    return DataCollatorForPreference(pad_token_id=pad)(examples)


def scored(texts, rewards):
    row = Row(product=_product(), request=REQUEST, text="", impressions=0, clicks=0)
    said = [Said(text, (5, 6, place), finished=place != 1) for place, text in enumerate(texts)]
    codes = [("copy_claim",) if value is None else () for value in rewards]
    return Scored(row, [1, 2], said, codes, rewards, [])


def _product():
    from schemas.catalog import Product

    return Product(product_id="p9", name="Copper Pot", category="Kitchen", price_minor=900, currency="USD")


def test_pairs_are_the_best_and_the_worst_of_a_prompt_and_without_a_winner_there_is_none(tmp_path):
    found = preferred(
        [
            scored(["a", "b", "c"], [0.2, 0.4, 0.9]),
            scored(["a", "b"], [None, None]),
            scored(["a", "b"], [0.1, None]),
        ],
        eos=99,
        least_gap=0.05,
    )
    assert [(each.chosen_text, each.rejected_text) for each in found] == [("c", "a"), ("a", "b")]
    assert found[0].chosen == [5, 6, 2, 99]
    # The second text of each came to no end by itself, so none is learned.
    assert found[1].rejected == [5, 6, 1]
    assert (found[1].rejected_reward, found[1].rejected_codes) == (None, ("copy_claim",))
    write_pairs(tmp_path / "pairs.jsonl", found)
    assert read_pairs(tmp_path / "pairs.jsonl") == found
    assert preferred([replace(scored(["a", "b"], [0.5, 0.5]))], 99, 0.05) == []
