"""Which pages are generated, and from what."""

from collections.abc import Callable, Mapping
from pathlib import Path

from patter.reference.changelog import changelog_page
from patter.reference.commands import cli_page
from patter.reference.error_codes import errors_page
from patter.reference.metric_table import metrics_page
from patter.reference.setting_fields import settings_page
from patter.reference.topic_table import topics_page

PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/settings.md": settings_page,
    "docs/reference/errors.md": errors_page,
    "docs/reference/metrics.md": metrics_page,
    "docs/reference/topics.md": topics_page,
    "docs/reference/cli.md": cli_page,
}
"""Path in the repository -> what renders it."""

CHANGELOG = "CHANGELOG.md"


def rendered(root: Path) -> dict[str, str]:
    """Path -> text of every generated page; the changelog's from what stands in the checkout at `root`."""
    fragments = {path.name: path.read_text(encoding="utf-8") for path in (root / "changelog.d").glob("*.*.md")}
    changelog = changelog_page((root / CHANGELOG).read_text(encoding="utf-8"), fragments)
    return {**{name: render() for name, render in PAGES.items()}, CHANGELOG: changelog}
