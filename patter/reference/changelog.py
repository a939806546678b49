"""The changelog's section of what is not released yet, put together from the fragments in `changelog.d/`.

Fragments are files of their own because two changes that both add a line to one list always meet.
"""

import re
from collections.abc import Mapping

KINDS = ("added", "changed", "deprecated", "removed", "fixed", "security")
"""Keep a Changelog's sections, in its order; a fragment is called ISSUE.KIND.md."""

_UNRELEASED = re.compile(r"(?<=^## \[Unreleased\]\n).*?(?=^## |^\[|\Z)", re.MULTILINE | re.DOTALL)


def changelog_page(page: str, fragments: Mapping[str, str]) -> str:
    """The changelog with its Unreleased section made anew from fragments (file name -> text).

    Raises ValueError where there is no such section, or a fragment's name does not say what kind of change it is.
    """
    by_kind: dict[str, list[str]] = {}
    for name in sorted(fragments):
        kind = name.split(".")[-2]
        if kind not in KINDS:
            raise ValueError(f"changelog.d/{name}: {kind!r} is none of {', '.join(KINDS)}")
        by_kind.setdefault(kind, []).append(fragments[name].strip())
    if not _UNRELEASED.search(page):
        raise ValueError("CHANGELOG.md has no section '## [Unreleased]'")
    sections = [f"### {kind.capitalize()}\n\n" + "\n".join(by_kind[kind]) for kind in KINDS if kind in by_kind]
    body = "\n" + "\n\n".join(sections) + "\n\n" if sections else "\n"
    return _UNRELEASED.sub(lambda _: body, page, count=1).rstrip("\n") + "\n"
