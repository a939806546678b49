"""The end of a run on one screen: what was counted, how fast it was, what was written, what did not hold."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from patter.demo.view_brokers import limits
from patter.demo.view_learned import learned

Section = Mapping[str, object]


def summary(result: Section, console: Console, json_path: Path | str | None = None) -> None:
    """Print a demo's result. `json_path` is where the JSON went, if anywhere."""
    failures = result.get("failures")
    bad = list(failures) if isinstance(failures, list) else []
    run = _section(result, "run")
    title = Text(f"patter demo, run {run.get('id')}: ")
    title.append("NOT fine" if bad else "everything adds up", style="bold red" if bad else "bold green")
    console.print()
    console.rule(title, align="left")
    console.print(_counts(result))
    console.print(_speed(result))
    if result.get("feedback"):
        console.print(learned(result))
    console.print()
    console.print(_copies(result))
    if bad:
        console.print()
    for failure in bad:
        console.print(Text(f"failed  {failure}", style="red"))
    broker = _section(result, "broker")
    note = limits(str(broker.get("kind")))
    if note:
        console.print(Padding(Text(note, style="yellow"), (1, 0, 0, 0)))
    if json_path is not None and str(json_path) != "-":
        console.print(Padding(Text(f"everything, as JSON: {json_path}"), (1, 0, 0, 0)))
    artifacts = result.get("artifacts")
    if isinstance(artifacts, Mapping) and artifacts.get("events"):
        folder = Path(str(artifacts["events"])).parent
        console.print(Text(f"every record of the run: {folder}"))
    console.print()


def _counts(result: Section) -> Table:
    serve, dlq, render = _section(result, "serve"), _section(result, "dlq"), _section(result, "render")
    grid = _grid()
    grid.add_row(
        "events",
        Text(
            f"{_int(serve.get('events_in'))} in = {_int(serve.get('decisions'))} decisions"
            f" + {_int(serve.get('duplicates'))} duplicates + {_int(serve.get('not_trigger'))} that ask for no copy"
            f" + {_int(serve.get('suppressed'))} of bots + {_int(serve.get('dlq'))} set aside;"
            f" {_int(serve.get('pending'))} pending"
        ),
    )
    codes = _section(dlq, "by_code")
    if codes:
        told = ", ".join(f"{code} {_int(number)}" for code, number in sorted(codes.items(), key=_most_first))
        grid.add_row("set aside", Text(told))
    grid.add_row(
        "shown",
        Text(
            f"{_int(render.get('model'))} texts of the model, {_int(render.get('template'))} of the template,"
            f" {_int(render.get('none'))} nothing ({_int(serve.get('holdout'))} held out);"
            f" model's share after {_figure(render.get('warm_at_s'), 0)} s: {_percent(render.get('model_share_warm'))}"
        ),
    )
    return grid


def _speed(result: Section) -> Table:
    delay, flow = _section(result, "event_to_decision_ms"), _section(result, "throughput")
    pool, writing, features = _section(result, "pool"), _section(result, "generate"), _section(result, "features")
    grid = _grid()
    grid.add_row(
        "latency",
        Text(
            f"p50 {_figure(delay.get('p50'), 1)} ms, p95 {_figure(delay.get('p95'), 1)} ms, p99"
            f" {_figure(delay.get('p99'), 1)} ms, max {_figure(delay.get('max'), 1)} ms,"
            " from when an event was due to when its decision was read"
        ),
    )
    grid.add_row(
        "throughput",
        Text(
            f"serve {_figure(flow.get('serve_events_per_s'), 0)} events/s at"
            f" {_figure(flow.get('serve_cpu_us_per_event'), 0)} us of CPU an event"
        ),
    )
    grid.add_row(
        "pool",
        Text(
            f"{_int(pool.get('entries'))} texts, hit rate {_percent(pool.get('hit_rate'))};"
            f" {_int(pool.get('misses'))} misses became {_int(pool.get('requests'))} requests"
        ),
    )
    rejected = _section(writing, "rejected_by_code")
    told = ", ".join(f"{code} {_int(number)}" for code, number in sorted(rejected.items(), key=_most_first)) or "none"
    wait = _section(writing, "copy_ms")
    bundle = str(writing.get("bundle_sha256") or "-")[:12]
    grid.add_row(
        "writing",
        Text(
            f"{_int(writing.get('copies_written'))} texts by bundle {bundle} on {writing.get('provider') or '-'},"
            f" {_figure(writing.get('copies_per_s'), 1)}/s, {_figure(writing.get('tokens_per_s'), 0)} tokens/s,"
            f" a text in {_figure(wait.get('p50'), 0)} ms (p99 {_figure(wait.get('p99'), 0)} ms); not admitted: {told}"
        ),
    )
    states = ", ".join(f"{name} {_int(features.get(name))}" for name in ("found", "missing", "stale", "null", "errors"))
    grid.add_row("features", Text(f"{states}; from cache {_percent(features.get('cache_hit_rate'))}"))
    roles = [
        f"{name} {_figure(each.get('cpu_s'), 1)} s CPU, {_figure(each.get('rss_mib'), 0)} MiB,"
        f" {_int(each.get('restarts'))} restarts"
        for name, each in _section(result, "processes").items()
        if isinstance(each, Mapping)
    ]
    if roles:
        grid.add_row("processes", Text("; ".join(roles)))
    return grid


def _copies(result: Section) -> Table | Text:
    copies = result.get("copies")
    found = [each for each in copies if isinstance(each, Mapping)] if isinstance(copies, list) else []
    if not found:
        return Text("  no copy was shown", style="yellow")
    table = Table(
        title=f"one product ({found[0].get('product_id')}) in each segment",
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2),
        header_style="dim",
    )
    for name in ("segment", "variant", "by"):
        table.add_column(name, no_wrap=True)
    table.add_column("text", overflow="fold")
    for each in found:
        model = each.get("source") == "model"
        table.add_row(
            Text(str(each.get("segment"))),
            Text(str(each.get("variant"))),
            Text(str(each.get("source")), style="green" if model else "dim"),
            Text(str(each.get("text"))),
        )
    return table


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold cyan", no_wrap=True, min_width=11)
    grid.add_column(overflow="fold")
    return grid


def _section(table: Section, name: str) -> Section:
    found = table.get(name)
    return found if isinstance(found, Mapping) else {}


def _most_first(item: tuple[str, object]) -> float:
    number = item[1]
    return -number if isinstance(number, int | float) else 0.0


def _int(number: object) -> str:
    return f"{number:,.0f}" if isinstance(number, int | float) else "-"


def _figure(number: object, digits: int) -> str:
    return f"{number:,.{digits}f}" if isinstance(number, int | float) else "-"


def _percent(share: object) -> str:
    return f"{share:.0%}" if isinstance(share, int | float) else "-"
