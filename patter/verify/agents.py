"""The rules on bots as tables for SQL: user agents, the parts they are looked through for, what is watched, and from
which offset on which rules hold.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from patter.verify.rows import Column, Rows, numbers
from patter.verify.rules import Rules
from schemas.agents import AgentRules, RulesSpan


def agent_tables(rows: Rows, rules: Rules) -> Mapping[str, Mapping[str, Column]]:
    """By name; `rules` in them are numbers of sets of rules, `rank` is a rule's place in its set."""
    parts = sorted({int(part) for table in (rows.event, rows.rejected) for part in numbers(table.columns)["part"]})
    sets: list[AgentRules] = []
    spans = []
    for part in parts:
        # Of rules that took effect at one offset only the last have judged anything.
        lasting = {span.since: span.rules for span in _spans(part, rules)}
        for number, (since, each) in enumerate(lasting.items()):
            if each not in sets:
                sets.append(each)
            # What a collect of before these rules has counted was by rules that nobody wrote down.
            spans.append((part, number, since if number else 0, sets.index(each)))
    named, watched = [], []
    for at, each in enumerate(sets):
        for rank, agent in enumerate(each.agent):
            named += [(at, rank, agent.name, part.lower(), False) for part in agent.any]
            named += [(at, rank, agent.name, part.lower(), True) for part in agent.but]
        for rank, watch in enumerate(each.watch):
            times = (watch.window_ms, watch.hold_ms, watch.within_ms)
            watched.append((at, rank, watch.name, watch.counts, watch.over, *times))
    return {
        "agent_text": _columns([(no, text) for text, no in rows.agents.items()], no=int, text=str),
        "span": _columns(spans, part=int, number=int, since=int, rules=int),
        "agent_part": _columns(named, rules=int, rank=int, name=str, part=str, but=bool),
        "watch_rule": _columns(
            watched, rules=int, rank=int, name=str, counts=str, most=int, window_ms=int, hold_ms=int, within_ms=int
        ),
    }


def _spans(partition: int, rules: Rules) -> Sequence[RulesSpan]:
    return rules.spans.get(partition) or (RulesSpan(since=0, rules=rules.agents),)


_TYPES: Mapping[type, Any] = {int: np.int64, bool: np.bool_, str: object}


def _columns(rows: Sequence[tuple[Any, ...]], **types: type) -> dict[str, Column]:
    return {
        # Without words there is nothing to tell the type by.
        name: np.array([row[at] for row in rows], dtype=_TYPES[kind] if rows or kind is not str else np.str_)
        for at, (name, kind) in enumerate(types.items())
    }
