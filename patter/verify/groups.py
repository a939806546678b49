"""Whose orders are whose, by intent to treat: the experiments by which collect counted, asked for each order."""

from array import array
from bisect import bisect_right
from collections.abc import Mapping

from inference.experiment.trial_groups import TrialGroups
from patter.verify.rows import Column, Rows, numbers
from patter.verify.rules import Rules
from schemas.token import code_of


def group_table(rows: Rows, rules: Rules) -> Mapping[str, Column]:
    """The table `tried`: for each order of a shopper whom an experiment with a holdout had, its code, and whether it
    held them out.
    """
    table = {name: array("q") for name in ("part", "off", "experiment", "held")}
    # Of spans that began at one offset only the last has counted anything.
    spans = {part: {span.since: span.trials for span in each} for part, each in rules.trials.items()}
    groups = {
        part: (sorted(each), [TrialGroups(rules.holdout, each[since]) for since in sorted(each)])
        for part, each in spans.items()
    }
    for part, off, time_ms, user_id in rows.bought if groups else ():
        begun, by = groups.get(part, ([], []))
        place = bisect_right(begun, off) - 1
        found = by[place].of(user_id, time_ms) if place >= 0 else None
        if found is not None:
            for name, value in zip(table, (part, off, code_of(found[0]), int(found[1])), strict=True):
                table[name].append(value)
    return numbers(table)
