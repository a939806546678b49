"""What the policy writer is told, and the cells that it reads."""

from pathlib import Path

import msgspec

from inference.decide.policy import fixed_prior
from schemas.cells import ArmCell, Cell
from schemas.partials import CellMetrics
from schemas.policies import PolicySnapshot
from schemas.token import code_of
from streams.kafka.records import Record
from streams.learn.cohorts import Cohorts
from streams.learn.overview import Overview
from streams.learn.setup import LearnSetup, LearnTopics

ARMS = ("template", "good", "bad")
SETUP = LearnSetup(
    tenant="t",
    member="learn-0",
    faust_dir=Path("nowhere"),
    topics=LearnTopics("partials", "metrics", "codes", "policy", "log", "copy", "retirements"),
    experiment="x",
    arms=ARMS,
    reward="click",
    shrinkage=20.0,
    sharpness=1.0,
    every_s=1.0,
    epsilon=0.1,
    draws=64,
)


def record(
    arm: str,
    revision: int = 1,
    *,
    experiment: str = "x",
    category: str = "bags",
    segment: str = "new",
    bucket: str = "life",
    **counters: int,
) -> Record:
    cell = Cell("cohort", bucket, ArmCell(code_of(experiment), code_of(category), code_of(segment), code_of(arm)))
    value = CellMetrics(
        family="cohort",
        bucket=bucket,
        experiment=experiment,
        category=category,
        segment=segment,
        variant=arm,
        counters=counters,
        sources={},
        revision=revision,
    )
    return Record("metrics", 0, 0, 0, cell.text().encode(), msgspec.json.encode(value))


def overview(*records: Record) -> Overview:
    made = Overview()
    made.take(records)
    return made


def cohorts(*records: Record, setup: LearnSetup = SETUP) -> Cohorts:
    made = Cohorts(code_of(setup.experiment), setup.arms, setup.reward, setup.ageing)
    made.take(records)
    return made


def prior(**changes: object) -> PolicySnapshot:
    made = fixed_prior(
        version=4, experiment="x", arms=ARMS, epsilon=0.1, draws=64, created_ms=1, by="someone", why="because"
    )
    return msgspec.structs.replace(made, **changes)
