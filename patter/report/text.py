"""Reports as a person reads them in a terminal."""

from collections.abc import Sequence

from inference.experiment.report_text import rendered
from patter.report.rates import ArmRates
from patter.report.run import Reported


def written(found: Sequence[Reported]) -> str:
    """Every report, one after the other."""
    return "\n\n".join(map(_experiment, found)) or "no experiments; `patter experiment create` draws one up"


def _experiment(each: Reported) -> str:
    head = [each.experiment] if each.report is None else [rendered(each.report)]
    return "\n".join([*head, *each.notes, *_rates(each.rates)])


def _rates(rates: Sequence[ArmRates]) -> list[str]:
    if not rates:
        return ["nothing is counted yet"]
    head = f"{'rates as counted':20} {'arm':20} {'impressions':>12} {'ctr':>8}  {'95 % interval':20} {'orders':>8}"
    return ["", f"{head} {'per impression':>15}", *map(_line, rates)]


def _line(each: ArmRates) -> str:
    return (
        f"{each.category or 'all categories':20} {each.arm:20} {each.impressions:>12,} {_share(each.ctr):>8}  "
        f"{f'[{_share(each.ctr_low)}, {_share(each.ctr_high)}]':20} {each.orders:>8,} "
        f"{_share(each.order_per_impression):>15}"
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"
