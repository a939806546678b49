"""What versions of the policy were worth, as people read it."""

from collections.abc import Iterator

from inference.experiment.offpolicy import Figure
from patter.policies.evaluate import Evaluated
from patter.policies.lines import utc


def verdict(found: Evaluated) -> str:
    """What the gain says, in one sentence."""
    other = f"version {found.against}" if found.against is not None else "what was got"
    low, high = found.gain.low, found.gain.high
    if low is None or high is None:
        return "too few decisions to say anything"
    if low <= 0 <= high:
        return f"whether it is better than {other} cannot be told from these decisions"
    return f"it is {'better' if low > 0 else 'worse'} than {other}"


def evaluation(found: Evaluated) -> Iterator[str]:
    """The figures per 1,000 decisions, and what they say."""
    others = {name: count for name, count in found.outcomes.items() if name != "used"}
    read = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in others.items())
    used = f"{found.outcomes.get('used', 0)} decisions of {found.shoppers} shoppers"
    yield f"{used}, from {utc(found.since_ms)}{f'; not used: {read}' if read else ''}"
    what = f"{found.reward}s per 1,000"
    yield f"{'got':>10}  {_figure(found.logged)} {what}"
    for each in found.candidates:
        worth = f"worth {each.judged.ess:.0f} decisions, mean weight {each.judged.mean_weight or 0:.3f}"
        yield f"{each.version:>10}  {_figure(each.judged.snips)} {what}, {worth}"
        if each.unreached > 0:
            yield f"{'':>10}  {each.unreached:.1%} of its choices were never drawn: of these nothing is known"
    yield f"{'gain':>10}  {_figure(found.gain)}: {verdict(found)}"
    if found.in_sample:
        yield "in sample: a version was fitted to some of these decisions, and its figure flatters it"


def _figure(figure: Figure) -> str:
    if figure.value is None or figure.low is None or figure.high is None:
        return "unknown"
    return f"{1000 * figure.value:.2f} [{1000 * figure.low:.2f}, {1000 * figure.high:.2f}]"
