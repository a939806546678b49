"""What a model card says of a run's objective: which terms were on, with which weights, whose reading they are."""

from collections.abc import Iterator, Mapping
from typing import Any

_OWN = (
    "The paper that Patter follows (arXiv 2505.23809) prints no formula, weight or setting for tuning; these terms are "
    "Patter's own reading of its aims (docs/objectives.md)."
)


def told(training: Mapping[str, Any], sentiment: Mapping[str, Any] | None) -> Iterator[str]:
    """Lines of Markdown for what `metrics.json` holds of an objective; none for a run without one."""
    objective = training.get("objective")
    if objective is None:
        return
    yield ""
    yield "## Objective"
    yield ""
    yield f"{_OWN} A weight of 0 is off."
    yield ""
    loss, marks = objective["loss"], objective["marked"]
    yield (
        f"- **Loss:** cross-entropy; unlikelihood of siblings' {loss['ngram']}-grams {loss['unlikelihood']:g} "
        f"({marks['unlikely_tokens']} tokens), calls to action {loss['cta']:g} ({marks['call_tokens']} tokens), "
        f"examples by conversion {loss['conversion']:g} ({_source(objective)})."
    )
    plateau = objective["plateau"]
    if plateau["every"]:
        yield (
            f"- **Rate:** times {plateau['factor']:g} where the held-out reward had not risen for more than "
            f"{plateau['patience']} of the measures, one every {plateau['every']} steps. {_measures(objective)}"
        )
    else:
        yield "- **Rate:** a cosine; no plateau was watched for."
    yield f"- **Preference:** {_preference(objective)}"
    rewarded = plateau["every"] or objective["preference"]["samples"]
    weights = ", ".join(f"{name} {weight:g}" for name, weight in objective["reward"].items())
    yield f"- **Reward:** {weights if rewarded else 'not used'}. Faithfulness, policy and length are gates."
    yield f"- **Gain on held-out products:** {_gain(objective['held_out'].get('gain'))}"
    yield f"- **Sentiment asked and met:** {_moods(sentiment)}"


def _source(objective: Mapping[str, Any]) -> str:
    if not objective["loss"]["conversion"]:
        return "off"
    digest = objective["conversion_sha256"]
    return "impressions and clicks of the data" if digest is None else f"conversion.json {digest[:12]}"


def _measures(objective: Mapping[str, Any]) -> str:
    found = objective["measures"]
    if not found:
        return "The run was too short for a measure."
    return f"Reward {found[0][1]:.3f} at the first of {len(found)} measures, {found[-1][1]:.3f} at the last."


def _preference(objective: Mapping[str, Any]) -> str:
    asked, held = objective["preference"], objective["held_out"]
    if not asked["samples"]:
        return "off."
    pairs = held["pairs"]
    line = (
        f"DPO, beta {asked['beta']:g}, likelihood {asked['likelihood']:g}, rate {asked['rate']:g}, {asked['epochs']} "
        f"epochs over {pairs['n']} pairs of the best and the worst of {asked['samples']} texts for "
        f"{pairs['prompts']} prompts; "
        f"in {pairs['worse_failed_a_gate']} of them the worse failed a gate."
    )
    if not pairs["n"]:
        return f"{line} There was nothing to learn from."
    before, after = held["tuned"], held["preferred"]
    if before is None or after is None:
        return line
    return (
        f"{line} On held-out prompts the reward went from {before['reward']:.3f} to {after['reward']:.3f}, the share "
        f"that passes the gates from {before['passed']:.0%} to {after['passed']:.0%} ({after['n']} texts each)."
    )


def _gain(gain: Mapping[str, Any] | None) -> str:
    if gain is None:
        return "not measured."
    reward, passed = gain["reward"], gain["passed"]
    return (
        f"reward {reward['before']:.3f} before, {reward['after']:.3f} after ({_between(reward['difference'])}, "
        f"{reward['difference']['n']} products); texts that pass every gate {passed['before']:.0%} before, "
        f"{passed['after']:.0%} after ({_between(passed['difference'])})."
    )


def _between(difference: Mapping[str, Any]) -> str:
    if difference["low"] is None:
        return f"{difference['value']:+.3f}"
    return f"{difference['value']:+.3f} [{difference['low']:+.3f}, {difference['high']:+.3f}]"


def _moods(sentiment: Mapping[str, Any] | None) -> str:
    if sentiment is None or sentiment["kept"] is None:
        return "not measured (nothing was held out)."
    parts = [f"{mood} {came[mood]} of {sum(came.values())}" for mood, came in sentiment["asked"].items()]
    return f"{', '.join(parts)} held-out texts ({sentiment['kept']:.0%})."
