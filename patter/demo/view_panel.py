"""How a moment of the run looks in a terminal of 80 to 120 columns."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from patter.demo.view_brokers import limits
from patter.demo.view_snapshot import RoleLoad, Snapshot

_BLOCKS = "▁▂▃▄▅▆▇█"
_BAR = 14
# Above this share of its time a role has no room left for a burst.
_FULL = 0.9
_FATES = {
    "decision": "decided",
    "duplicate": "duplicates",
    "not_trigger": "ask for none",
    "suppressed": "bots",
    "dlq": "set aside",
}
_PHASES = {"input": "events flow", "drain": "the input has ended, the roles finish", "hold": "held, roles stay up"}


def panel(snapshot: Snapshot, handled: Sequence[float], rates: RenderableType | None = None) -> RenderableType:
    """The whole view. `handled` are the rates of the last moments, oldest first; `rates` says how the arms do."""
    run = snapshot.run
    parts: list[RenderableType] = [
        _progress(snapshot),
        Text(),
        _figures(snapshot, handled),
        Text(),
        _roles(snapshot.roles),
    ]
    if rates is not None:
        parts += [Text(), rates]
    note = limits(run.broker)
    if note:
        parts += [Text(), Text(note, style="dim")]
    title = Text.assemble(("patter demo", "bold"), f"  {run.broker} broker  ", (_PHASES.get(run.phase, ""), "dim"))
    return Panel(Group(*parts), title=title, title_align="left", border_style="cyan", padding=(0, 1))


def _progress(snapshot: Snapshot) -> RenderableType:
    run = snapshot.run
    text = Text()
    if run.seconds:
        share = min(1.0, run.elapsed_s / run.seconds)
        text.append(bar(share, 30), style="cyan")
        text.append(f"  {min(run.elapsed_s, run.seconds):.0f} of {run.seconds:.0f} s")
    else:
        text.append(f"{run.elapsed_s:.0f} s")
    text.append(f"   {run.sent:,} sent, {snapshot.decisions:,} decided", style="dim")
    return text


def _figures(snapshot: Snapshot, handled: Sequence[float]) -> RenderableType:
    run = snapshot.run
    behind = run.phase == "input" and snapshot.handled_per_s < 0.9 * run.offered_per_s
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True, min_width=9)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    rate = Text(f"offered {run.offered_per_s:,.0f}   handled ")
    rate.append(f"{snapshot.handled_per_s:,.0f}", style="yellow" if behind else "green")
    rate.append("   ")
    rate.append(sparkline(handled), style="cyan")
    grid.add_row("events/s", rate)
    fates = [f"{told} {_percent(snapshot.outcomes.get(name, 0.0))}" for name, told in _FATES.items()]
    grid.add_row("outcomes", Text(", ".join(fates)))
    span = "from when an event is due to its decision read" if run.delays_ms else "from an event to its commit"
    grid.add_row("latency", Text(f"p50 {_ms(snapshot.p50_ms)}   p99 {_ms(snapshot.p99_ms)}   {span}"))
    entries = "?" if snapshot.pool_entries is None else f"{snapshot.pool_entries:,}"
    grid.add_row(
        "pool",
        Text(f"{entries} texts   hit rate {_percent(snapshot.pool_hit_rate)}   shown by the model ").append(
            _percent(snapshot.model_share), style="green"
        ),
    )
    grid.add_row(
        "writing",
        Text(
            f"{snapshot.copies_per_s:,.1f} copies/s   {snapshot.tokens_per_s:,.0f} tokens/s   "
            f"{snapshot.copies:,} admitted, {snapshot.rejected:,} rejected"
        ),
    )
    states = ", ".join(f"{state} {_percent(share)}" for state, share in snapshot.features.items()) or "none yet"
    errors = Text(f"   {snapshot.feature_errors} read errors", style="red") if snapshot.feature_errors else Text()
    grid.add_row("features", Text(f"{states}   from cache {_percent(snapshot.cache_hit_rate)}").append_text(errors))
    grid.add_row("set aside", Text(f"{snapshot.dlq:,} records in the DLQ"))
    return grid


def _roles(roles: Sequence[RoleLoad]) -> RenderableType:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column("role", no_wrap=True)
    table.add_column("busy", no_wrap=True)
    for name in ("handled/s", "lag records", "lag s", "restarts"):
        table.add_column(name, justify="right", no_wrap=True)
    for load in roles:
        if not load.up:
            table.add_row(load.role, Text("does not answer", style="red"), "", "", "", str(load.restarts))
            continue
        busy = load.busy or 0.0
        colour = "red" if busy > _FULL else "yellow" if busy > _FULL / 2 else "green"
        table.add_row(
            load.role,
            Text(bar(busy, _BAR), style=colour).append(f" {_percent(load.busy):>5}"),
            f"{load.handled_per_s or 0:,.0f}",
            f"{load.lag_records or 0:,.0f}",
            f"{load.lag_s or 0:.1f}",
            Text(str(load.restarts), style="yellow" if load.restarts else ""),
        )
    return table


def line(snapshot: Snapshot) -> str:
    """The same moment as one plain line, for logs and pipes."""
    run = snapshot.run
    parts = [
        f"{run.elapsed_s:.0f} s",
        f"offered {run.offered_per_s:.0f}/s",
        f"handled {snapshot.handled_per_s:.0f}/s",
        f"p50 {_ms(snapshot.p50_ms)}",
        f"p99 {_ms(snapshot.p99_ms)}",
        f"pool {snapshot.pool_entries if snapshot.pool_entries is not None else '?'}",
        f"hits {_percent(snapshot.pool_hit_rate)}",
        f"writing {snapshot.copies_per_s:.1f}/s",
        f"dlq {snapshot.dlq}",
    ]
    for load in snapshot.roles:
        if load.up:
            parts.append(f"{load.role} busy {_percent(load.busy)} lag {load.lag_records or 0:.0f}")
        else:
            parts.append(f"{load.role} does not answer")
    return ", ".join(parts)


def bar(share: float, width: int) -> str:
    """A bar of `width` characters, `share` of it full."""
    full = round(max(0.0, min(1.0, share)) * width)
    return "█" * full + "░" * (width - full)


def sparkline(values: Sequence[float]) -> str:
    """One character for each value, as high as its share of the greatest."""
    most = max(values, default=0.0)
    if most <= 0:
        return ""
    return "".join(_BLOCKS[min(len(_BLOCKS) - 1, int(value / most * len(_BLOCKS)))] for value in values)


def _percent(share: float | None) -> str:
    if share is None:
        return "-"
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"


def _ms(value_ms: float | None) -> str:
    if value_ms is None:
        return "-"
    return f"{value_ms:.0f} ms" if value_ms < 10_000 else f"{value_ms / 1000:.1f} s"
