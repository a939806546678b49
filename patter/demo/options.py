"""What a demo run was asked for."""

from pathlib import Path

from msgspec import Struct


class DemoOptions(Struct, frozen=True, kw_only=True):
    """`rate` is offered events per second; `hold_s` keeps the roles up after the input ends; None means 'not given'."""

    broker: str = "embedded"
    data_dir: Path = Path(".patter/demo")
    config: Path | None = None
    bundle: Path | None = None
    events: Path | None = None
    catalog: Path | None = None
    users: Path | None = None
    mapping: tuple[str, ...] = ()
    raw: bool = False
    rebase_times: bool = False
    seconds: float | None = None
    rate: float = 400.0
    shoppers: int = 3_000
    malformed: int = 40
    duplicates: int = 200
    keep: Path | None = None
    hold_s: float = 0.0
    seed: int = 1
    command: str = "patter demo"


# Long enough for the pool to fill and for the warm part to be most of the run; with start and recount under 90 s.
DEFAULT_SECONDS = 45.0
