"""Experiment, segments and policy of the settings, as the core knows them."""

import msgspec

from features.segments import SegmentTable
from inference.decide.assign import Experiment, Holdout, Recipe
from patter.settings import Settings


def experiment_of(settings: Settings) -> Experiment:
    """The experiment with the variants as its arms."""
    part = settings.experiment
    return Experiment(
        name=part.name,
        version=part.version,
        salt=part.salt,
        holdout=part.holdout,
        recipes=tuple(Recipe(each.name, each.tone, each.cta, each.length) for each in settings.variants),
    )


def holdout_of(settings: Settings) -> Holdout | None:
    """Who is held out; None where nobody is."""
    part = settings.experiment
    return Holdout(part.name, part.salt, part.holdout) if part.holdout else None


def segment_table(settings: Settings) -> SegmentTable:
    """The ordered segment rules: the settings', or those that fit Patter's own feature views."""
    if settings.segments is None:
        from features.default_segments import DEFAULT_TABLE

        return msgspec.structs.replace(DEFAULT_TABLE, version=settings.segment_version)
    return msgspec.convert(
        {
            "version": settings.segment_version,
            "rules": [rule.model_dump() for rule in settings.segments],
            "default": settings.segment_default,
            "unknown": settings.segment_unknown,
        },
        SegmentTable,
    )
