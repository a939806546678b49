"""How the arms do, on the screen: rates with their intervals, and how often the policy picks the best."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from inference.decide.intervals import wilson
from schemas.cells import LIFE
from schemas.partials import CellMetrics, Rate

_NONE = Rate(None, None, None)


class VariantRates(Struct, frozen=True, kw_only=True):
    """One arm over all categories and segments, with 95 % intervals."""

    variant: str
    impressions: int
    clicks: int
    carts: int
    orders: int
    ctr: Rate
    cart_per_click: Rate
    order_per_impression: Rate


class Learned(Struct, frozen=True, kw_only=True):
    """The policy in use: its version, its age, and the true best arm's share of the newest choices and of the first
    ones; None where there are too few yet.
    """

    version: int | None
    age_s: float | None
    best_share: float | None
    best_share_first: float | None


def variant_rates(cells: Iterable[CellMetrics]) -> list[VariantRates]:
    """Lifetime cohort cells added up by variant, by name; other cells are passed over."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for cell in cells:
        if cell.family == "cohort" and cell.bucket == LIFE:
            sums[cell.variant].update(cell.counters)
    return [_rates(variant, counted) for variant, counted in sorted(sums.items())]


def _rates(variant: str, counted: Counter[str]) -> VariantRates:
    return VariantRates(
        variant=variant,
        impressions=counted["impressions"],
        clicks=counted["clicks"],
        carts=counted["carts"],
        orders=counted["orders"],
        ctr=_rate(counted["clicks"], counted["impressions"]),
        cart_per_click=_rate(counted["clicked_carts"], counted["clicks"]),
        order_per_impression=_rate(counted["impressed_orders"], counted["impressions"]),
    )


def _rate(part: int, whole: int) -> Rate:
    if whole <= 0 or not 0 <= part <= whole:
        return _NONE
    return Rate(part / whole, *wilson(part, whole))


def rates_table(variants: Sequence[VariantRates], learned: Learned) -> RenderableType:
    """The table and two lines about the policy; with short names it fits in a panel of 80 columns."""
    table = Table(box=None, padding=(0, 1), collapse_padding=True, pad_edge=False, header_style="dim")
    table.add_column("variant", no_wrap=True)
    for name in ("seen", "clicks", "CTR (95 %)", "cart/click", "orders", "order/seen"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in variants:
        table.add_row(
            each.variant,
            f"{each.impressions:,}",
            f"{each.clicks:,}",
            _between(each.ctr),
            _percent(each.cart_per_click.value),
            f"{each.orders:,}",
            _percent(each.order_per_impression.value),
        )
    if not variants:
        table.add_row(Text("no feedback yet", style="dim"))
    return Group(table, _policy(learned), Text("shoppers are simulated", style="dim"))


def _policy(learned: Learned) -> Text:
    version = "none" if learned.version is None else str(learned.version)
    text = Text(f"policy {version}")
    if learned.age_s is not None:
        text.append(f", {learned.age_s:.1f} s old")
    text.append("; picks the true best arm ")
    better = (
        learned.best_share is not None
        and learned.best_share_first is not None
        and learned.best_share > learned.best_share_first
    )
    text.append(_percent(learned.best_share), style="green" if better else "")
    if learned.best_share_first is not None:
        text.append(f", at first {_percent(learned.best_share_first)}")
    return text


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _between(rate: Rate) -> str:
    if rate.value is None or rate.low is None or rate.high is None:
        return "-"
    return f"{rate.value:.1%} ({100 * rate.low:.1f} to {100 * rate.high:.1f})"
