"""Rules on agents, from files and settings."""

from pathlib import Path

import pytest

from patter.settings import load
from patter.wiring.agents import agent_rules
from schemas.errors import Code, ConfigError
from streams.agents.file import shipped_rules

GOOD = 'version = "7"\n[[agent]]\nname = "mine"\nany = ["Mine/"]\n'
WATCH = '[[watch]]\nname = "rate"\ncounts = "acts"\nover = 5\nseconds = 10\n'


def test_the_shipped_rules_hold_where_nothing_is_said() -> None:
    assert agent_rules(load()) == shipped_rules()
    assert {rule.counts for rule in shipped_rules().watch} == {"acts", "clicks_unseen", "clicks_at_once"}


def test_a_file_of_ones_own_the_settings_own_parts_and_no_watching(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(GOOD + WATCH)
    rules = agent_rules(load(None, {"agents": {"rules": str(path)}, "serve": {"bots": ["Tester"]}}))
    assert (rules.version, rules.names()) == ("7", ("mine", "settings", "rate"))
    assert agent_rules(load(None, {"agents": {"rules": str(path), "watch": False}})).names() == ("mine",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version = ", "Invalid value"),
        (GOOD + "[[agent]]\nname = 'mine'\nany = ['xx']\n", "two rules are named mine"),
        (GOOD.replace("mine", "My rule"), "agent[0].name"),
        (GOOD + "every = 3\n", "every"),
        (GOOD + WATCH.replace("acts", "looks"), "looks"),
        (GOOD + "".join(f"[[agent]]\nname = 'n{n}'\nany = ['xx']\n" for n in range(32)), "33 rules"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as wrong:
        agent_rules(load(None, {"agents": {"rules": str(path)}}))
    assert (wrong.value.code, wrong.value.where) == (Code.FILE_INVALID, str(path))
    assert told in wrong.value.what


def test_a_file_that_is_not_there_and_a_name_that_is_taken(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as missing:
        agent_rules(load(None, {"agents": {"rules": str(tmp_path / "none.toml")}}))
    assert missing.value.code == Code.FILE_MISSING
    path = tmp_path / "rules.toml"
    path.write_text(GOOD.replace("mine", "settings"))
    with pytest.raises(ConfigError, match=r"serve\.bots"):
        agent_rules(load(None, {"agents": {"rules": str(path)}, "serve": {"bots": ["Tester"]}}))
