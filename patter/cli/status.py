"""`patter status`: who runs here, and how they are."""

from pathlib import Path

import typer

from patter.cli.options import Config, Json

TAGGED = "suppressed"
"""Events of bots: an outcome of serve's, and a kind of collect's counts."""
GAUGES = {
    "lag_records": "patter_lag_records",
    "lag_s": "patter_lag_seconds",
    "busy_ratio": "patter_busy_ratio",
    "handled_per_s": "patter_handled_rate",
    "pool_entries": "patter_pool_entries",
    "policy_age_s": "patter_policy_age_seconds",
    "bots": TAGGED,
}


def status(config: Config = None, json: Json = None) -> None:
    """Roles of this machine: pid, port, ready, lag, busy share. Exit 1 where one is not ready."""
    from prometheus_client.parser import text_string_to_metric_families

    from patter.result import write_result
    from patter.scrape import addresses, get
    from patter.settings import load

    settings = load(config)
    rows = []
    for address in addresses(Path(settings.data_dir)):
        body = get(address, "/metrics")[1]
        sums: dict[str, float] = {}
        for family in text_string_to_metric_families(body):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
                if TAGGED in (sample.labels.get("kind"), sample.labels.get("outcome")):
                    sums[TAGGED] = sums.get(TAGGED, 0.0) + sample.value
        row: dict[str, object] = {
            "role": address.role,
            "member": address.member,
            "pid": address.pid,
            "port": address.port,
            "ready": get(address, "/ready")[0] == 200,
        }
        rows.append(row | {name: sums.get(metric) for name, metric in GAUGES.items()})
    fine = bool(rows) and all(row["ready"] for row in rows)
    if json is not None:
        write_result({"schema": "patter.status/1", "ok": fine, "roles": rows}, json)
    elif not rows:
        typer.echo(f"no role runs on {settings.data_dir}; `patter up` starts them")
    else:
        from rich.console import Console
        from rich.table import Table

        shown = ("member", "pid", "port", "ready", "lag_records", "busy_ratio", "handled_per_s", "pool_entries", "bots")
        table = Table(*(name.replace("_", " ") for name in shown), box=None)
        for row in rows:
            cells = (row[name] for name in shown)
            table.add_row(*("" if c is None else f"{c:.2f}" if isinstance(c, float) else str(c) for c in cells))
        Console().print(table)
    if not fine:
        raise typer.Exit(1)
