"""The documents: generated pages are in step, links lead somewhere, and what they name exists."""

import doctest
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from patter.reference import PAGES, rendered
from patter.reference.changelog import changelog_page
from patter.reference.commands import options, verbs
from patter.reference.error_codes import groups
from patter.reference.setting_fields import setting_fields
from patter.settings import Settings
from patter.settings.load import problems, read_toml
from schemas.errors import RECORD_CODES, Code
from schemas.metrics import BY_NAME as METRICS
from schemas.topics import CATALOGUE as TOPICS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy" / "patter.toml"
PAGES_BY_HAND = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changelog.d").glob("*.md")]
    if str(path.relative_to(ROOT)) not in PAGES
)
EVERY_PAGE = sorted({*PAGES_BY_HAND, *(ROOT / name for name in PAGES)})


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PATTER_"):
            monkeypatch.delenv(name)


def test_generated_pages_are_in_step_with_the_code() -> None:
    behind = [name for name, text in rendered(ROOT).items() if (ROOT / name).read_text(encoding="utf-8") != text]
    assert behind == [], "run `python -m patter.reference`"


def test_every_error_code_is_documented_once() -> None:
    told = [name for group in groups().values() for name in group.codes]
    assert sorted(told) == sorted(code.value for code in Code)
    assert set(groups()["records"].codes) == {code.value for code in RECORD_CODES}
    assert all(each.meaning and each.todo for group in groups().values() for each in group.codes.values())


def test_the_changelog_is_put_together_from_fragments() -> None:
    page = "# Changelog\n\n## [Unreleased]\n\nold\n\n## [0.1.0]\n\n- first\n"
    made = changelog_page(page, {"2.fixed.md": "- two\n", "1.added.md": "- one\n", "3.added.md": "- three\n"})
    assert made == (
        "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- one\n- three\n\n### Fixed\n\n- two\n\n## [0.1.0]\n\n- first\n"
    )
    assert changelog_page(made, {}) == "# Changelog\n\n## [Unreleased]\n\n## [0.1.0]\n\n- first\n"
    with pytest.raises(ValueError, match="novel"):
        changelog_page(page, {"1.novel.md": "- one\n"})


# --- links -----------------------------------------------------------------------------------------------------------

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    """What a page's headings are called in links: lower case, without punctuation, blanks as hyphens."""
    heads = re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", EVERY_PAGE, ids=named)
def test_relative_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


# --- what is named exists --------------------------------------------------------------------------------------------

SPAN = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"(?:\.venv/bin/|\.venv-dev/bin/)?patter [a-z]")


@cache
def commands() -> dict[str, Any]:
    return dict(verbs())


def invocations(text: str) -> Iterator[str]:
    """Every command line that a page shows, in spans and fenced blocks; a `text` block holds what a command said."""
    for block in re.findall(r"^```(?!text)\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if COMMAND.match(line):
                yield re.split(r"\s{3,}|\s#", line)[0]
    for span in SPAN.findall(FENCE.sub("", text)):
        if COMMAND.match(span):
            yield span


def wrong_in(line: str) -> str | None:
    """What of an invocation does not exist; a word such as start|stop stands for each of its parts."""
    words = shlex.split(line)
    place, rest = "patter", words[1:]
    while rest and not rest[0].startswith("-") and getattr(commands()[place], "commands", None):
        *others, last = rest.pop(0).split("|")
        if last.isupper():
            return None
        for each in [*others, last]:
            if f"{place} {each}" not in commands():
                return f"{place} {each}"
        place = f"{place} {last}"
    known = options(commands()[place]) | {"--help"}
    return next((word for word in rest if word.startswith("--") and word.partition("=")[0] not in known), None)


@pytest.mark.parametrize("page", [*PAGES_BY_HAND, EXAMPLE], ids=named)
def test_verbs_and_options_that_are_shown_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert {line: wrong for line in invocations(text) if (wrong := wrong_in(line))} == {}


def test_a_verb_or_option_that_does_not_exist_is_found() -> None:
    assert wrong_in("patter teleport --now") == "patter teleport"
    assert wrong_in("patter topics plan|aply") == "patter topics aply"
    assert wrong_in("patter up --wrokers 2") == "--wrokers"
    assert wrong_in("patter run intake --from T --map a=b") is None
    assert list(invocations("x `patter up` y\n```\npatter dlq list   # all\npatter run \\\n  serve\n```\n")) == [
        "patter dlq list",
        "patter run serve",
        "patter up",
    ]


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=named)
def test_topics_and_metrics_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    topics = {topic.name for topic in TOPICS}
    assert [name for name in re.findall(r"`(patter(?:\.[a-z]+)+\.v\d+)`", text) if name not in topics] == []
    assert [name for name in re.findall(r"`(patter_[a-z_]+)", text) if name not in METRICS] == []


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=named)
def test_settings_that_are_named_exist(page: Path) -> None:
    parts = {name for name in Settings.model_fields if name not in ("metrics",)}
    known = {field.path.replace("[]", "") for field in setting_fields()} | parts | {"topics.NAME"}
    for span in SPAN.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        found = re.match(rf"(?:{'|'.join(parts)})\.[a-z_]+(?:\.[a-zA-Z_]+)*(?=$|\[| =)", span)
        if found and not span.endswith((".py", ".v1", ".toml", ".md", ".json")):
            assert found[0] in known, span


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=named)
def test_files_that_are_named_exist(page: Path) -> None:
    tops = "schemas|features|inference|streams|patter|training|tests|deploy|docs|requirements|benchmarks|changelog.d"
    made = ("benchmarks/results/",)
    spans = SPAN.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    paths = [span for span in spans if re.fullmatch(rf"(?:{tops})/[\w./-]*", span) and span not in made]
    assert [path for path in paths if not (ROOT / path).exists()] == []


# --- the example of a settings file, and examples in pages -----------------------------------------------------------

SWITCHED_OFF = re.compile(r"^#(?=[a-z\[\"])", re.MULTILINE)


def test_the_example_settings_are_valid_as_they_stand_and_with_everything_switched_on(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert isinstance(problems(EXAMPLE), Settings)
    whole = tmp_path / "whole.toml"
    whole.write_text(SWITCHED_OFF.sub("", text), encoding="utf-8")
    settings = problems(whole)
    assert isinstance(settings, Settings), settings
    assert settings.kafka.client
    assert len(settings.tokens.keys) == 2
    assert settings.serve.frequency_cap is not None


def test_the_example_shows_every_part_of_the_settings(tmp_path: Path) -> None:
    whole = tmp_path / "whole.toml"
    whole.write_text(SWITCHED_OFF.sub("", EXAMPLE.read_text(encoding="utf-8")), encoding="utf-8")
    given = read_toml(whole)
    left_out = {"segment_version", "segment_default", "segment_unknown"}
    assert set(Settings.model_fields) - set(given) <= left_out


def test_the_example_uses_words_of_the_bundle_and_features_of_the_service() -> None:
    from inference.bundle import load_bundle
    from patter.wiring.bundle import bundle_path
    from patter.wiring.check import all_problems

    assert all_problems(EXAMPLE) == []
    settings = problems(EXAMPLE)
    assert isinstance(settings, Settings)
    learned = load_bundle(bundle_path(settings)).generation.controls.segments
    assert {rule.name for rule in settings.segments or []} <= set(learned)


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=named)
def test_settings_in_pages_are_valid(page: Path, tmp_path: Path) -> None:
    for number, block in enumerate(
        re.findall(r"^```toml\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    ):
        path = tmp_path / f"{number}.toml"
        path.write_text(block, encoding="utf-8")
        assert isinstance(found := problems(path), Settings), found


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=named)
def test_examples_in_pages_give_what_they_show(page: Path) -> None:
    failed, _ = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert failed == 0


def test_the_propensity_example_is_run() -> None:
    text = (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8")
    assert len(doctest.DocTestParser().get_examples(text)) >= 5


# --- nothing of a machine or a registry ------------------------------------------------------------------------------

# Put together here, so that this file does not hold what it looks for.
FORBIDDEN = re.compile(
    "|".join(
        [
            r"(?<![\w.])/(?:" + "|".join(["work", "root", "Users", r"home/\w+", "mnt", "srv"]) + r")/",
            r"--(?:extra-)?" + r"index-url\b|--find" + "-links",
            r"https?://[^\s\"')]*(?:py" + r"pi|python" + r"hosted|artifactory|nexus|registry\.|mirror|repo1?\.maven)",
        ]
    )
)


def texts() -> Iterator[tuple[Path, str]]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in listed.split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.stat().st_size < 4_000_000:
            content = path.read_bytes()
            if b"\0" not in content:
                yield path, content.decode("utf-8", "replace")


def test_no_file_names_a_machine_s_paths_or_a_package_index() -> None:
    found = {named(path): match[0] for path, text in texts() if (match := FORBIDDEN.search(text))}
    assert found == {}


def test_a_machine_s_path_would_be_found() -> None:
    assert FORBIDDEN.search("see /" + "work/main/x")
    assert FORBIDDEN.search("--" + "index-url x")
    assert FORBIDDEN.search("https://files.python" + "hosted.org/x")
    assert not FORBIDDEN.search("docs/" + "work/x and at /" + "workers or file:/" + "run/secrets/x")
