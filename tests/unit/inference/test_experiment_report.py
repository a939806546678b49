"""The report: words from a closed set, in the order of what makes a figure worthless; and the stopping rule."""

import msgspec
import numpy as np
import pytest

from inference.experiment.lifecycle import draft, planned, started
from inference.experiment.report import ArmData, Report, report
from inference.experiment.report_text import rendered
from inference.experiment.srm import Stratum
from inference.experiment.sums import ShopperSums, of_shopper
from inference.experiment.verdict import Decision, Ending, Guarded, decide, guard
from schemas.experiments import ExperimentArm, StoppingRule

ARMS = (ExperimentArm("template"), ExperimentArm("warm"))


def a_record(**more):
    plan = planned(ARMS, baseline=0.1, effect=0.2, per_shopper=20, design_effect=2, alpha=0.05, power=0.8)
    rule = more.pop("rule", StoppingRule(max_shoppers=plan.shoppers_always_valid))
    usual = {"metric": "ctr", "plan": plan, "rule": rule, "time_ms": 1, "by": "ada", "why": "a test"}
    return started(draft("one", arms=ARMS, **{**usual, **more}), [], time_ms=2, by="ada", why="go")


def an_arm(name: str, n: int, rate: float, seed: int, refunds: float | None = None, known: bool = False) -> ArmData:
    drawn = np.random.Generator(np.random.PCG64(seed))
    sums, rail = ShopperSums(), ShopperSums()
    for p in drawn.beta(rate * 20, (1 - rate) * 20, n):
        x = 10 + int(drawn.poisson(10))
        before = (50, int(drawn.binomial(50, p))) if known else (0, 0)
        sums += of_shopper(x, int(drawn.binomial(x, p)), before)
        if refunds is not None:
            orders = int(drawn.poisson(3))
            rail += of_shopper(orders, int(drawn.binomial(orders, refunds)))
    metrics = {"ctr": sums} | ({"refund_per_order": rail} if refunds is not None else {})
    return ArmData(name, metrics, {"web": n - n // 3, "app": n // 3})


def words(found: Report) -> tuple[Decision | None, Ending]:
    return found.comparisons[0].decision, found.ending


def test_a_large_effect_is_better_and_the_experiment_ends() -> None:
    found = report(a_record(), [an_arm("template", 1500, 0.1, 1), an_arm("warm", 1500, 0.14, 2)], time_ms=5)
    assert words(found) == (Decision.BETTER, Ending.DECIDED)
    each = found.comparisons[0]
    assert each.low < each.fixed_low < each.effect < each.fixed_high < each.high
    assert each.p < 0.05
    assert each.relative == pytest.approx(each.effect / found.arms[0].value)
    assert found.n == 3000


def test_the_same_copy_twice_shows_nothing_and_goes_on_until_it_is_full() -> None:
    arms = [an_arm("template", 400, 0.1, 1), an_arm("warm", 400, 0.1, 2)]
    assert words(report(a_record(), arms, time_ms=5)) == (Decision.NO_DIFFERENCE_SHOWN, Ending.GOES_ON)
    full = a_record(rule=StoppingRule(max_shoppers=800))
    assert words(report(full, arms, time_ms=5)) == (Decision.NO_DIFFERENCE_SHOWN, Ending.FULL)


def test_worse_is_worse_but_a_rule_may_wait_for_the_planned_size() -> None:
    arms = [an_arm("template", 1500, 0.14, 1), an_arm("warm", 1500, 0.1, 2)]
    assert words(report(a_record(), arms, time_ms=5)) == (Decision.WORSE, Ending.DECIDED)
    waits = a_record(rule=StoppingRule(max_shoppers=100_000, when="planned_size"))
    assert words(report(waits, arms, time_ms=5)) == (Decision.WORSE, Ending.GOES_ON)


def test_with_few_shoppers_it_is_too_early_whatever_they_did() -> None:
    found = report(a_record(), [an_arm("template", 60, 0.1, 1), an_arm("warm", 60, 0.5, 2)], time_ms=5)
    assert words(found) == (Decision.TOO_EARLY, Ending.GOES_ON)
    nothing = [ArmData(arm.name, {}, {}) for arm in ARMS]
    assert words(report(a_record(), nothing, time_ms=5)) == (Decision.TOO_EARLY, Ending.GOES_ON)


def test_a_mismatch_comes_before_every_other_word() -> None:
    arms = [an_arm("template", 1500, 0.1, 1), an_arm("warm", 1100, 0.14, 2)]
    found = report(a_record(), arms, time_ms=5)
    assert found.srm.fired
    assert words(found) == (Decision.INVALID_SRM, Ending.SRM)
    assert "below 0.001; farthest off" in rendered(found)


def test_a_guardrail_that_is_lower_better_is_tested_that_way() -> None:
    record = a_record(guardrails=(("refund_per_order", 0.5),))
    harmed = report(record, [an_arm("template", 2000, 0.1, 1, 0.05), an_arm("warm", 2000, 0.1, 2, 0.15)], time_ms=5)
    assert harmed.guardrails[0].guardrail is Guarded.HARMED
    assert harmed.ending is Ending.HARM
    held = report(record, [an_arm("template", 2000, 0.1, 1, 0.15), an_arm("warm", 2000, 0.1, 2, 0.05)], time_ms=5)
    assert held.guardrails[0].guardrail is Guarded.HELD
    assert held.guardrails[0].effect < 0
    few = report(record, [an_arm("template", 150, 0.1, 1, 0.05), an_arm("warm", 150, 0.1, 2, 0.05)], time_ms=5)
    assert few.guardrails[0].guardrail is Guarded.UNCLEAR


def test_what_was_known_before_narrows_the_interval() -> None:
    arms = [an_arm("template", 800, 0.1, 1, known=True), an_arm("warm", 800, 0.1, 2, known=True)]
    found = report(a_record(), arms, time_ms=5).comparisons[0]
    nothing = dict.fromkeys(("a", "a2", "b", "b2", "ab", "xa", "xb", "ya", "yb"), 0)
    bare = [msgspec.structs.replace(arm.sums["ctr"], **nothing) for arm in arms]
    without = [ArmData(arm.name, {"ctr": sums}, arm.sources) for arm, sums in zip(arms, bare, strict=True)]
    plain = report(a_record(), without, time_ms=5).comparisons[0]
    assert (plain.saved, plain.plain_effect) == (None, None)
    assert found.saved > 0.2
    assert found.fixed_high - found.fixed_low < plain.fixed_high - plain.fixed_low
    assert (found.plain_effect, found.plain_low, found.plain_high) == (plain.effect, plain.low, plain.high)


def test_adaptive_arms_are_not_adjusted() -> None:
    """Shoppers who come often are in more arms, so that arms differ in what was known of theirs."""
    arms = [an_arm("template", 800, 0.1, 1, known=True), an_arm("warm", 800, 0.1, 2, known=True)]
    strata = [Stratum("web", (0.5, 0.5), (4000, 4000))]
    found = report(a_record(mode="adaptive"), arms, time_ms=5, strata=strata).comparisons[0]
    assert (found.saved, found.plain_low) == (None, None)


def test_adaptive_arms_need_their_logged_propensities() -> None:
    arms = [an_arm("template", 300, 0.1, 1), an_arm("warm", 900, 0.1, 2)]
    record = a_record(mode="adaptive")
    with pytest.raises(ValueError, match="strata"):
        report(record, arms, time_ms=5)
    strata = [Stratum("web", (0.5, 0.5), (1000, 1010)), Stratum("web", (0.1, 0.9), (430, 3590))]
    assert not report(record, arms, time_ms=5, strata=strata).srm.fired
    with pytest.raises(ValueError, match="not those"):
        report(record, arms[::-1], time_ms=5, strata=strata)


def test_the_report_travels_as_json_and_reads_as_text() -> None:
    record = a_record(guardrails=(("refund_per_order", 0.1),), mode="aa")
    arms = [an_arm("template", 300, 0.1, 1, 0.1, known=True), an_arm("warm", 300, 0.1, 2, 0.1, known=True)]
    found = report(record, arms, time_ms=1_790_000_000_000, excluded={"bot": 12, "held out": 3400})
    assert msgspec.json.decode(msgspec.json.encode(found), type=Report) == found
    text = rendered(found)
    assert "no_difference_shown" in text
    assert "false alarm" in text
    assert f"{found.comparisons[0].saved:.1%}" in text.split("variance saved by what was known")[1]
    assert "left out: 12 bot, 3,400 held out" in text
    assert max(map(len, text.splitlines())) <= 130
    assert "-" in rendered(report(record, [ArmData(arm.name, {}, {}) for arm in ARMS], time_ms=5))


@pytest.mark.parametrize(
    ("low", "high", "up", "down"),
    [
        (0.1, 0.3, Decision.BETTER, Decision.WORSE),
        (-0.3, -0.1, Decision.WORSE, Decision.BETTER),
        (-0.1, 0.1, Decision.NO_DIFFERENCE_SHOWN, Decision.NO_DIFFERENCE_SHOWN),
        (float("nan"), 0.1, Decision.TOO_EARLY, Decision.TOO_EARLY),
    ],
)
def test_the_direction_turns_the_word(low: float, high: float, up: Decision, down: Decision) -> None:
    assert decide(low, high, "higher_is_better", (100, 100), 100, srm=False) is up
    assert decide(low, high, "lower_is_better", (100, 100), 100, srm=False) is down
    assert decide(low, high, "lower_is_better", (100, 99), 100, srm=False) is Decision.TOO_EARLY


def test_a_guardrails_margin_is_a_loss_that_is_put_up_with() -> None:
    shoppers = (100, 100)
    assert guard(-0.01, 0.02, "higher_is_better", 0.02, shoppers, 2, srm=False) is Guarded.HELD
    assert guard(-0.03, 0.02, "higher_is_better", 0.02, shoppers, 2, srm=False) is Guarded.UNCLEAR
    assert guard(-0.03, -0.01, "higher_is_better", 0.02, shoppers, 2, srm=False) is Guarded.HARMED
    assert guard(-0.02, 0.01, "lower_is_better", 0.02, shoppers, 2, srm=False) is Guarded.HELD
    assert guard(0.03, 0.04, "lower_is_better", 0.02, shoppers, 2, srm=False) is Guarded.HARMED
    assert guard(0.03, 0.04, "lower_is_better", 0.02, shoppers, 2, srm=True) is Guarded.INVALID_SRM
