"""`patter simulate`: policies in made-up shops whose shoppers' true rates are known."""

import sys
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from patter.cli import creativity
from patter.cli.options import Json, Seed

app = typer.Typer(no_args_is_help=False, invoke_without_command=True)
app.command(name="lambda")(creativity.sweep)


@app.callback()
def simulate(
    context: typer.Context,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Shops, each made up by a seed of its own.")] = 50,
    decisions: Annotated[int, typer.Option("--decisions", min=1, help="Visits in each shop.")] = 100_000,
    days: Annotated[int, typer.Option("--days", min=1, help="Over how many days they come.")] = 14,
    every_minutes: Annotated[int, typer.Option("--every-minutes", min=1, help="Between two fits of a policy.")] = 120,
    drift: Annotated[float, typer.Option("--drift", min=0, help="How far rates move in a day, in log-odds.")] = 0.15,
    delay: Annotated[float, typer.Option("--delay", min=0, help="Scales all delays; 0: everything at once.")] = 1.0,
    bots: Annotated[float, typer.Option("--bots", min=0, max=1, help="Share of visits that are bots'.")] = 0.05,
    missed: Annotated[float, typer.Option("--missed", min=0, max=1, help="Share of bots that no rule tags.")] = 0.0,
    reward: Annotated[str, typer.Option("--reward", help="click or order.")] = "click",
    policies: Annotated[list[str] | None, typer.Option("--policy", help="Only these; repeat it for several.")] = None,
    seed: Seed = 1,
    json: Json = None,
) -> None:
    """Regret of the policy that serves against an even split, epsilon-greedy and A/B-then-commit. All figures
    simulated.
    """
    if context.invoked_subcommand is not None:
        return
    from inference.simulate.contest import contest
    from inference.simulate.estimates import place_effects
    from inference.simulate.learners import Tuning, learners
    from inference.simulate.traffic import Setting, make_traffic
    from patter.result import envelope, write_result
    from patter.settings import Settings
    from schemas.errors import Code, ConfigError

    started, settings = datetime.now(UTC), Settings()
    if reward not in ("click", "order"):
        raise ConfigError(Code.USAGE, f"{reward!r} is no reward", where="--reward", hint="click or order")
    tuning = Tuning(
        epsilon=settings.policy.epsilon,
        draws=settings.policy.draws,
        shrinkage=settings.learn.shrinkage,
        sharpness=settings.learn.sharpness,
        half_life_days=settings.learn.half_life_days,
        mature_hours=settings.learn.mature_hours,
    )
    known = list(learners(tuning, seed))
    names = policies or known
    if strange := sorted(set(names) - set(known)):
        what = f"there is no policy {strange[0]!r}"
        raise ConfigError(Code.USAGE, what, where="--policy", hint=f"policies: {', '.join(known)}")
    setting = Setting(decisions=decisions, days=days, drift=drift, delay=delay, bots=bots, missed=missed, reward=reward)
    shops = range(seed, seed + seeds)
    found = contest(setting, tuning, shops, every_minutes * 60_000, names, time.process_time, _progress(seeds))
    body: dict[str, Any] = {
        "simulated": True,
        "seeds": seeds,
        "setting": {**_plain(setting), "every_minutes": every_minutes},
        "tuning": _plain(tuning),
        **found,
        "bench": place_effects(make_traffic(setting, seed), seed),
    }
    write_result(envelope("simulate", "simulate", seed, started, [], None) | body, json)
    if json is None:
        typer.echo(_told(body))


def _plain(value: Any) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(value)
    return found


def _progress(seeds: int) -> Any:
    def say(done: int) -> None:
        if done % 10 == 0 or done == seeds:
            print(f"{done} of {seeds} shops", file=sys.stderr, flush=True)

    return say


def _told(body: dict[str, Any]) -> str:
    setting = body["setting"]
    about = f"{body['seeds']} simulated shops of {setting['decisions']} visits in {setting['days']} days; "
    lines = [about + f"regret in expected {setting['reward']}s per 1,000 decisions, 95 % over shops"]
    for name, row in body["policies"].items():
        lines.append(
            f"{name:24}{_cell(row['regret_per_1000']):>26}   {row['decisions_per_cpu_minute']:>12,} a CPU minute"
        )
    if body["below"]:
        lines.append("regret of the others above that of serving, shop by shop")
    for name, row in body["below"].items():
        lines.append(f"{name:24}{_cell(row):>26}")
    return "\n".join(lines)


def _cell(row: dict[str, float | None]) -> str:
    value, low, high = (row[key] for key in ("value", "low", "high"))
    if value is None:
        return "-"
    return f"{value:.2f}" + ("" if low is None or high is None else f" [{low:.2f}, {high:.2f}]")
