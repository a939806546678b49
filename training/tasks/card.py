"""The figures of a bundle's tasks as a table for people."""

from collections.abc import Iterator, Mapping
from typing import Any

_TITLES = {
    "seen": "new products, seen categories",
    "unseen_category": "unseen categories",
    "unseen_instruction": "unseen instructions",
}
_NOTE = (
    "Score [95 % interval] (n); without a model: {baselines}. Titles: share of the searched words that are true of the "
    "product and stand in the title; ad and cta: share that every check admits; the others: share of right answers. "
    "Examples of {synthetic} are synthetic, made by rules from the catalogue; docs/tasks.md says what each figure is."
)


def lines(tasks: Mapping[str, Any] | None) -> Iterator[str]:
    """Lines of Markdown for what metrics.json holds under `tasks`; none for a bundle without tasks."""
    if tasks is None:
        return
    splits = tasks["splits"]
    yield ""
    yield "## Typed tasks"
    yield ""
    yield f"| | {' | '.join(_TITLES[split] for split in splits)} | without a model |"
    yield f"|{'---|' * (len(splits) + 2)}"
    for task in splits["seen"]:
        cells = [_cell(found[task]) for found in splits.values()]
        yield f"| {task} | {' | '.join(cells)} | {_baseline(splits['seen'][task])} |"
    yield ""
    told = {each["without_a_model"] for each in splits["seen"].values() if each is not None}
    yield _NOTE.format(baselines=", ".join(sorted(told)) or "not measured", synthetic=", ".join(tasks["synthetic"]))
    yield ""
    held = tasks["held_categories"]
    yield f"Held out before tuning: {', '.join(held) if held else 'no category (there are too few)'}."
    for failure in tasks["failures"]:
        yield f"Does not hold: {failure}."


def _cell(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "-"
    bounds = "" if found["low"] is None else f" [{found['low']:.2f}, {found['high']:.2f}]"
    return f"{found['score']:.2f}{bounds} ({found['n']})"


def _baseline(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "-"
    drawn = "" if found["chance"] is None else f"; chance {found['chance']:.2f}"
    return f"{found['without_a_model']} {found['baseline']:.2f}{drawn}"
