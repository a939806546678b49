"""`patter features apply|materialize|check`: the feature store's definitions, its rows, and whether it can be read."""

import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from patter.cli.options import Config, Json

app = typer.Typer(no_args_is_help=True)


@app.command()
def apply(config: Config = None, json: Json = None) -> None:
    """Write feature_store.yaml, put views and services into the registry and tables into the store."""
    import msgspec

    from features.store.apply import apply as apply_definitions
    from patter.settings import load
    from patter.wiring.features import feature_options

    started = datetime.now(UTC)
    options = feature_options(load(config))
    applied = apply_definitions(options)
    if options.repo_path is not None:
        typer.echo(f"{applied.folder} is your own repository: `feast apply` there applies it", err=True)
    _answer("apply", started, msgspec.to_builtins(applied), json)
    if json is None:
        typer.echo(f"{'applied' if applied.changed else 'nothing to apply'}: {applied.folder}")


@app.command()
def materialize(
    users: Annotated[Path | None, typer.Option("--users", help="Your shoppers: CSV or JSON lines.")] = None,
    catalog: Annotated[Path | None, typer.Option("--catalog", help="Your products: CSV or JSON lines.")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="FIELD=COLUMN for other column names.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Let Feast materialize batch sources from here (RFC 3339 or a date).")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="... up to here; now by default.")] = None,
    config: Config = None,
    json: Json = None,
) -> None:
    """Fill the online store: from files of shoppers and products, or by Feast from the views' batch sources."""
    from patter.settings import load
    from patter.wiring.features import feature_options
    from schemas.errors import Code, ConfigError

    started = datetime.now(UTC)
    if since is None and users is None and catalog is None:
        raise ConfigError(
            Code.USAGE, "there is nothing to materialize", where="--users, --catalog, --since", hint="give one of them"
        )
    options = feature_options(load(config))
    result: dict[str, object] = {"users": 0, "products": 0, "views": []}
    if users is not None or catalog is not None:
        result.update(_from_files(options, users, catalog, mapping or []))
    if since is not None:
        from features.store.load import rematerialize

        begin = _moment(since, "--since")
        end = _moment(until, "--until") if until else started
        # Feast tells on stdout how it gets on; that is where a result goes.
        with contextlib.redirect_stdout(sys.stderr):
            result["views"] = rematerialize(options, begin, end)
    _answer("materialize", started, result, json)
    if json is None:
        views = ", ".join(map(str, result["views"])) if isinstance(result["views"], list) and result["views"] else ""
        typer.echo(
            f"{result['users']} shoppers, {result['products']} products" + (f"; by Feast: {views}" if views else "")
        )


@app.command()
def check(config: Config = None, json: Json = None) -> None:
    """Registry, service, views with their ttl, and a sample read. Exit 3 where something is missing."""
    import msgspec

    from features.store.check import check as check_store
    from patter.settings import load
    from patter.wiring.features import feature_options

    started = datetime.now(UTC)
    report = check_store(feature_options(load(config)))
    _answer("check", started, msgspec.to_builtins(report), json)
    if json is None:
        typer.echo(f"{report.service} in {report.folder}: {report.store}, read by {report.path}, {report.read_ms} ms")
        for view in report.views:
            ttl = f"fresh for {view.ttl_s / 86_400:g} d" if view.ttl_s else "never stale"
            found = f"{view.found} of {view.sampled} sampled rows found"
            cached = f"cached {view.cache_ttl_s:g} s"
            typer.echo(f"  {view.name} by {view.join_key}: {len(view.features)} features, {ttl}, {cached}, {found}")


def _from_files(options: object, users: Path | None, catalog: Path | None, maps: list[str]) -> dict[str, object]:
    import time

    from features.store.check import check as check_store
    from features.store.load import materialize as load_rows
    from features.store.options import FeatureOptions
    from patter.files import FieldMap, read_catalogue, read_shoppers

    assert isinstance(options, FeatureOptions)
    if options.repo_path is not None:
        # The demo hands its files over whatever the settings are; what counts then is that the repository can be read.
        check_store(options)
        typer.echo(
            "the files are not loaded: features.repo_path names your own repository, whose views replace Patter's",
            err=True,
        )
        return {}
    columns = FieldMap.parse(maps)
    loaded = load_rows(
        options,
        read_shoppers(users, columns) if users is not None else (),
        read_catalogue(catalog, columns) if catalog is not None else (),
        now_ms=time.time_ns() // 1_000_000,
    )
    return {"users": loaded.users, "products": loaded.products}


def _moment(text: str, option: str) -> datetime:
    from schemas.errors import Code, ConfigError

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            Code.USAGE, f"{text!r} is no time", where=option, hint="write 2026-01-31 or 2026-01-31T08:00:00Z"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _answer(verb: str, started: datetime, result: dict[str, object], json: Path | None) -> None:
    from patter.result import envelope, write_result

    if json is not None:
        head = envelope(f"features.{verb}", f"features {verb}", None, started, [], None)
        write_result({**head, **result}, json)
