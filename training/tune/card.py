"""MODEL_CARD.md of a tuned bundle: what it was made of, what was measured, and what that does not say."""

from typing import Any

from training.objective.told import told
from training.tasks.card import lines

_CARD = """# {name}

A language model that writes marketing copy with its facts left open as slots, tuned with `patter train`.

- **Base:** `{base}`; its licence holds for this bundle too.
- **Data:** {rows} approved texts for {products} products of the shop's own, {left_out} rows left out. The texts are not
  in the bundle; a model of this kind may repeat sentences that it was tuned on.
- **Tuning:** {method}, {epochs} epochs, {steps} steps of {batch}, seed {seed}; loss on held-out texts {loss}.
- **Graph:** {kind}, 8-bit weights. In full precision it wrote greedily what transformers writes for {parity} prompts;
  with 8-bit weights for {nb8} of them.

## Measured

Of {n} texts for {held}, one try each, the checks of copy admitted {admitted}. Codes of the others: {codes}.

Factuality gate (questions with four options on the shop's own records): {factuality}
{aims}
## What this does not say

Admitted means: no fact outside a slot, no word of the claim lists, the channel's length, the call to action asked for.
It does not mean that a text sells, or that it reads well. Read some before you serve them, and let an experiment
decide.
"""


def card(name: str, base: str, metrics: dict[str, Any]) -> str:
    """The card for what metrics.json holds."""
    held, gates, training = metrics["held_out"] or {}, metrics["gates"], metrics["training"]
    loss = training["held_out_loss"]
    aims = "".join(f"{line}\n" for line in told(training, metrics.get("sentiment")))
    aims += "".join(f"{line}\n" for line in lines(metrics.get("tasks")))
    return _CARD.format(
        name=name,
        base=base,
        rows=training["rows"],
        products=training["products"],
        left_out=training["left_out"],
        method=training["method"],
        epochs=training["epochs"],
        steps=training["steps"],
        batch=training["batch"],
        seed=metrics["seed"],
        loss="not measured (no product could be held out)" if loss is None else f"{loss:.3f}",
        kind="attention fused" if gates["kind"] == "fused" else f"as exported ({gates['not_fused']})",
        parity=gates["n"],
        nb8=f"{gates['in_8_bits_equals']:.0%}",
        n=held.get("n", 0),
        held=_held(training.get("split")),
        aims=aims,
        admitted="none (nothing was held out)" if held.get("admitted") is None else f"{held['admitted']:.0%}",
        factuality=_factuality(metrics.get("factuality")),
        codes=", ".join(f"{code} {count}" for code, count in held.get("codes", {}).items()) or "none",
    )


def _held(split: dict[str, Any] | None) -> str:
    if split is None or split["since"] is None:
        return "held-out products"
    return f"the requests of texts shown since {split['since']}, of which none was learned from"


def _factuality(found: dict[str, Any] | None) -> str:
    if found is None:
        return "not asked."
    if found["qualified"] is None:
        return f"not asked; the records give {found['asked']} questions, and {found['least']} are the least."
    accuracy = found["accuracy"]
    said = (
        f"{accuracy['value']:.1%} of {accuracy['n']} right [{accuracy['low']:.1%}, {accuracy['high']:.1%}], "
        f"chance {found['chance']:.0%}"
    )
    return f"{said}; it passes." if found["qualified"] else f"{said}; **it does not pass**."
