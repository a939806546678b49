"""Kept topics of one experiment: raw events, what collect and learn make of them, decisions, and the record."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from feedback_log import DAY, KEYS, Log, token

from inference.experiment.assignment import arm_of
from inference.experiment.lifecycle import draft, planned, started
from schemas.agents import rules_of_parts
from schemas.cells import cell_of
from schemas.decode import decode_event
from schemas.experiments import ExperimentArm, ExperimentRecord, Mode, StoppingRule
from schemas.partials import Partial
from schemas.token import code_of
from schemas.topics import BY_LOGICAL
from streams.collect.rules import Rules
from streams.collect.source import Source
from streams.kafka.dump import DumpRecord, dump_line
from streams.learn.cells import Value, apply, metrics_of
from streams.learn.names import Names

RULES = Rules(
    keys=KEYS, currency="USD", agents=rules_of_parts("bot"), lateness_ms=7 * DAY, max_cells=50_000, max_copies=50_000
)
CATEGORIES = ("bags", "shoes")
NAMES = {code_of(name): name for name in (*CATEGORIES, "new", "template", "warm")}


def record(name: str, mode: Mode = "fixed", **more: Any) -> ExperimentRecord:
    """A running experiment of two arms."""
    arms = (ExperimentArm("template"), ExperimentArm("warm", 3))
    plan = planned(arms, baseline=0.1, effect=0.5, per_shopper=8, design_effect=2, alpha=0.05, power=0.8)
    rule = StoppingRule(max_shoppers=plan.shoppers_always_valid)
    usual = {"metric": "ctr", "plan": plan, "rule": rule, "mode": mode, "time_ms": 1, "by": "ada", "why": "a test"}
    return started(draft(name, arms=arms, **{**usual, **more}), [], time_ms=2, by="ada", why="go")


def raw(
    experiment: ExperimentRecord, shoppers: int, rates: dict[str, float], seed: int, *, known: bool = False
) -> tuple[dict[int, Log], list[dict[str, Any]]]:
    """Events of shoppers by partition, and the decisions behind them. Shoppers differ in rate and in number of visits.

    In mode adaptive each decision draws an arm, with other propensities every time. Half of the shoppers are `known`:
    they have been in the settings' experiment before, and some go on there meanwhile.
    """
    drawn = np.random.Generator(np.random.PCG64(seed))
    past = np.random.Generator(np.random.PCG64([seed, 1]))
    names = [arm.name for arm in experiment.arms]
    logs, decisions = {0: Log(), 1: Log()}, []
    for number in range(shoppers):
        user = f"shopper-{number}"
        log, liking = logs[number % 2], float(drawn.gamma(4, 1 / 4))
        if known and number % 4 < 2:
            _elsewhere(log, user, 40, liking, past)
        for _ in range(2 + int(drawn.poisson(6))):
            eligible = dict(zip(names, experiment.shares(), strict=True))
            arm = arm_of(experiment, user)
            if experiment.mode == "adaptive":
                p = float(np.float32(drawn.choice([0.25, 0.5, 0.8])))
                eligible = {names[0]: p, names[1]: 1 - p}
                arm = names[int(drawn.random() >= p)]
            if arm is None:
                continue
            category = CATEGORIES[int(drawn.integers(2))]
            said = token(
                len(decisions) + 1,
                experiment=code_of(experiment.name),
                arm=code_of(arm),
                category=code_of(category),
                segment=code_of("new"),
                propensity=eligible[arm],
            )
            decisions.append(
                {"decision_id": f"{len(decisions):x}", "experiment": experiment.name, "arm": arm, "eligible": eligible,
                 "event": {"topic": "events", "partition": number % 2, "offset": 0}, "excluded": False}
            )  # fmt: skip
            log.shown(said, user_id=user)
            if drawn.random() < min(0.9, rates[arm] * liking):
                log.clicked(said, 1, user_id=user)
                if drawn.random() < 0.1:
                    log.clicked(said, 2, user_id=user)
        if known and number % 3 == 0:
            _elsewhere(log, user, 5, liking, past)
    return logs, decisions


def _elsewhere(log: Log, user: str, views: int, liking: float, drawn: np.random.Generator) -> None:
    """So many views, in the mean, of a shopper in the settings' experiment, whose arms have the same names."""
    for _ in range(int(drawn.poisson(views))):
        arm = ("template", "warm")[int(drawn.integers(2))]
        propensity = float(np.float32(drawn.choice([0.25, 0.5, 1.0])))
        where = {"experiment": code_of("shop"), "arm": code_of(arm), "category": code_of("bags")}
        said = token(10**6 + len(log.records), propensity=propensity, **where)
        log.shown(said, user_id=user)
        if drawn.random() < min(0.9, 0.1 * liking):
            log.clicked(said, 1, user_id=user)


def counted(logs: dict[int, Log]) -> list[tuple[bytes, bytes]]:
    """Keys and values of `patter.metrics.v1` after collect and learn."""
    cells: defaultdict[str, Value] = defaultdict(dict)
    for partition, log in logs.items():
        source = Source(f"events-1:{partition}", RULES)
        for offset, timestamp, value in log.records:
            source.take(offset, decode_event(value, timestamp))
        for cell, counters in source.counts.everything():
            text = cell.text()
            partial = Partial(source=source.name, cell=text, through=source.through, counters=counters)
            # Over the wire: squares have more than 64 bits.
            partial = msgspec.json.decode(msgspec.json.encode(partial), type=Partial)
            cells[text] = apply(cells[text], partial) or {}
    names = Names()
    names.take([])
    names._names.update(NAMES)
    return [
        (text.encode(), msgspec.json.encode(metrics_of(cell_of(text), value, names))) for text, value in cells.items()
    ]


def kept(
    path: Path, experiments: list[ExperimentRecord], logs: dict[int, Log], decisions: list[dict[str, Any]]
) -> Path:
    """The topics as lines, as `patter topics dump` writes them."""
    lines = [(BY_LOGICAL["experiments"].name, each.key().encode(), msgspec.json.encode(each)) for each in experiments]
    lines += [(BY_LOGICAL["metrics"].name, key, value) for key, value in counted(logs)]
    lines += [(BY_LOGICAL["decisions"].name, b"u", json.dumps(each).encode()) for each in decisions]
    dumped = [dump_line(DumpRecord(topic, 0, at, 0, key, value)) for at, (topic, key, value) in enumerate(lines)]
    path.write_bytes(b"\n".join(dumped) + b"\n")
    return path
