"""docs/reference/errors.md, from `schemas.errors.Code` and the meanings in `error_codes.toml`."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files

import msgspec
from msgspec import Struct

from patter.reference.markdown import code, page, table
from schemas.errors import Code

_INTRO = """
One closed set of codes. A code is the word in `error[CODE]` on stderr, the header `patter-code` of a dead letter, the
label `code` of a metric, a value of `override`, `ineligible` or `codes` in records, and the anchor on this page.
"""
_EXITS = (
    ("0", "fine"),
    ("1", "a check did not hold, the brake, or a role that ended for good; not started again"),
    ("2", "bad input or usage; not started again"),
    ("3", "the environment lacks something; `patter up` starts a role that ends so again"),
    ("4", "inconclusive"),
    ("70", "a bug, with its traceback; `patter up` starts a role that ends so again"),
)


class Meaning(Struct, frozen=True, forbid_unknown_fields=True):
    """What a code means, and what to do."""

    meaning: str
    todo: str


class Group(Struct, frozen=True, forbid_unknown_fields=True):
    """Codes that are used in the same place."""

    title: str
    about: str
    codes: dict[str, Meaning]


def groups() -> Mapping[str, Group]:
    """Every group with its codes, in the order of the page."""
    text = files("patter.reference").joinpath("error_codes.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Group])


def errors_page() -> str:
    """The page. Raises LookupError where the meanings and the closed set differ."""
    told = [name for group in groups().values() for name in group.codes]
    differing = set(told) ^ {each.value for each in Code}
    if differing:
        raise LookupError(f"error_codes.toml and schemas.errors.Code differ in {', '.join(sorted(differing))}")
    parts = ["## Exit codes", table(["exit code", "when"], _EXITS)]
    for group in groups().values():
        parts += [f"## {group.title}", group.about]
        for name, each in group.codes.items():
            parts += [f"### {code(name)}", f"{each.meaning}\n\n**What to do:** {each.todo}"]
    return page("Errors", _INTRO, *parts)
