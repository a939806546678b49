"""Which deaths of a role are final, and how its roles are named. Nothing is started here."""

from pathlib import Path

import pytest

from patter import supervisor
from patter.roles import role_specs
from patter.supervisor import MAX_RESTARTS_A_MINUTE, TICK_S, RoleSpec, Supervisor, _Child


class Watched:
    """A supervisor whose roles are only noted, and whose clock stands until it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, names: tuple[str, ...], *, restart: bool) -> None:
        self.now = 0.0
        self.spawned: list[str] = []
        monkeypatch.setattr(supervisor.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(Supervisor, "_spawn", lambda _, child: self.spawned.append(child.spec.name))
        self.subject = Supervisor([RoleSpec(name, ("run", name)) for name in names], folder, restart=restart)

    def die(self, name: str, code: int) -> None:
        self.subject._died(self.child(name), code)

    def child(self, name: str) -> _Child:
        return next(child for child in self.subject._children if child.spec.name == name)


@pytest.mark.parametrize("code", [-9, -15, 0, 3, 70, 137])
def test_a_role_that_dies_is_started_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int) -> None:
    watched = Watched(monkeypatch, tmp_path, ("serve", "generate"), restart=True)
    watched.die("serve", code)
    assert watched.spawned == ["serve"]
    assert watched.subject.failure is None
    assert watched.subject.usage()["serve"].restarts == 1
    assert watched.subject.usage()["generate"].restarts == 0


@pytest.mark.parametrize("code", [1, 2])
def test_the_brake_and_wrong_settings_are_final(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int) -> None:
    watched = Watched(monkeypatch, tmp_path, ("serve",), restart=True)
    watched.die("serve", code)
    assert watched.spawned == []
    assert watched.child("serve").given_up
    assert watched.subject.failure == f"serve ended with exit code {code}"


def test_without_restart_the_first_death_is_final_and_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    watched = Watched(monkeypatch, tmp_path, ("serve", "generate"), restart=False)
    watched.die("generate", -9)
    watched.die("serve", 3)
    assert watched.spawned == []
    assert watched.subject.failure == "generate ended with exit code -9"


def test_a_role_that_keeps_dying_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    watched = Watched(monkeypatch, tmp_path, ("serve",), restart=True)
    for _ in range(MAX_RESTARTS_A_MINUTE):
        watched.now += 1
        watched.die("serve", 3)
    assert watched.subject.failure is None
    watched.die("serve", 3)
    assert watched.subject.failure == "serve ended with exit code 3"
    assert len(watched.spawned) == MAX_RESTARTS_A_MINUTE


def test_deaths_of_more_than_a_minute_ago_do_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    watched = Watched(monkeypatch, tmp_path, ("serve",), restart=True)
    for _ in range(5 * MAX_RESTARTS_A_MINUTE):
        watched.now += 60 / MAX_RESTARTS_A_MINUTE
        watched.die("serve", 3)
    assert watched.subject.failure is None
    assert len(watched.spawned) == 5 * MAX_RESTARTS_A_MINUTE


def test_deaths_are_noticed_well_within_the_second_that_is_promised() -> None:
    assert TICK_S <= 0.5


def test_the_end_of_a_log_is_told(tmp_path: Path) -> None:
    subject = Supervisor([], tmp_path, restart=True)
    assert subject.log_tail("serve") == ""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "serve.log").write_text("one\ntwo\nthree\nfour\n")
    assert subject.log_tail("serve") == "two\nthree\nfour"
    assert subject.log_tail("serve", 1) == "four"


def test_roles_have_stable_members_of_their_own(tmp_path: Path) -> None:
    specs = role_specs(tmp_path / "patter.toml", 3, generators=2, learners=0)
    assert [spec.name for spec in specs] == ["serve", "serve-1", "serve-2", "generate", "generate-1", "collect"]
    members = [spec.arguments[spec.arguments.index("--member") + 1] for spec in specs]
    assert members == ["serve-0", "serve-1", "serve-2", "generate-0", "generate-1", "collect-0"]
    assert all(spec.arguments[-2:] == ("--config", str(tmp_path / "patter.toml")) for spec in specs)
    assert role_specs(None, 1, generators=0)[0].arguments == ("run", "serve", "--member", "serve-0", "--port", "0")
