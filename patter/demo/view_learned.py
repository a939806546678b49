"""The feedback half of a run's summary: what came back, how far the policy has come, and that online equals batch."""

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

Section = Mapping[str, object]


def learned(result: Section) -> Table:
    """The rows feedback, reach, policy and proof."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold cyan", no_wrap=True, min_width=11)
    grid.add_column(overflow="fold")
    back, match = _section(result, "feedback"), _section(_section(result, "feedback"), "match")
    ways = ", ".join(f"{_int(match.get(way))} {way}" for way in ("token", "session", "inferred", "none"))
    grid.add_row(
        "feedback",
        Text(
            f"{_int(back.get('impressions'))} impressions ({_int(back.get('imputed'))} imputed),"
            f" {_int(back.get('clicks'))} clicks, {_int(back.get('carts'))} carts, {_int(back.get('orders'))} orders"
            f" (lines by {ways}), {_int(back.get('refunds'))} refunds; {_int(back.get('duplicates'))} duplicates,"
            f" {_int(back.get('late'))} too late, {_int(back.get('token_invalid'))} forged,"
            f" {_int(back.get('suppressed'))} of bots{_by_rule(back)}; simulated shoppers"
        ),
    )
    reach = _section(_section(result, "reach"), "shoppers")
    best = _section(result, "reach").get("most_orders")
    grid.add_row(
        "reach",
        Text(
            f"{_int(reach.get('impressions'))} shoppers saw copy, {_int(reach.get('clicks'))} clicked,"
            f" {_int(reach.get('orders'))} ordered" + (f"; most orders by product {best}" if best else "")
        ),
    )
    policy = _section(result, "policy")
    grid.add_row(
        "policy",
        Text(
            f"{_int(policy.get('versions'))} versions; picked the truly best arm in"
            f" {_percent(policy.get('best_share_first'))} of decisions at first, in"
            f" {_percent(policy.get('best_share_last'))} at the end (at least"
            f" {_percent(policy.get('best_share_last_low'))}); clicks lost for every 1,000 decisions:"
            f" {_int(policy.get('regret_per_1000'))}, by picking evenly {_int(policy.get('uniform_regret_per_1000'))}"
        ),
    )
    verify = _section(result, "verify")
    equal = result.get("online_equals_batch") is True
    counted = f"{_int(verify.get('cells'))} cells and {_int(verify.get('sketches'))} sketches counted again in SQL"
    text = Text(f"{counted}, {_int(verify.get('differing'))} differ: ")
    grid.add_row(
        "proof", text.append("online equals batch" if equal else "NOT equal", style="green" if equal else "bold red")
    )
    return grid


def _by_rule(back: Section) -> str:
    counted = [f"{_int(number)} {name}" for name, number in _section(back, "suppressed_by").items()]
    return f" ({', '.join(counted)})" if counted else ""


def _section(table: Section, name: str) -> Section:
    found = table.get(name)
    return found if isinstance(found, Mapping) else {}


def _int(number: object) -> str:
    return f"{number:,.0f}" if isinstance(number, int | float) else "-"


def _percent(share: object) -> str:
    return f"{share:.0%}" if isinstance(share, int | float) else "-"
