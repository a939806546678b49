"""Files by which Prometheus finds the roles."""

import json
from pathlib import Path

from patter.telemetry.targets import FOLDER, announce, withdraw


def test_a_member_s_file_names_where_it_listens(tmp_path: Path) -> None:
    place = announce(tmp_path, "serve-0", "10.0.0.7", 9101)
    assert place == tmp_path / FOLDER / "serve-0.json"
    assert json.loads(place.read_text()) == [{"targets": ["10.0.0.7:9101"], "labels": {"instance": "serve-0"}}]


def test_an_address_that_means_all_is_asked_for_on_this_machine(tmp_path: Path) -> None:
    for host, target in (("0.0.0.0", "127.0.0.1:1"), ("::", "[::1]:1"), ("::1", "[::1]:1"), ("box", "box:1")):
        assert json.loads(announce(tmp_path, "serve-0", host, 1).read_text())[0]["targets"] == [target]


def test_a_restart_replaces_the_file_and_leaves_no_draft(tmp_path: Path) -> None:
    announce(tmp_path, "serve-0", "127.0.0.1", 1)
    place = announce(tmp_path, "serve-0", "127.0.0.1", 2)
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["serve-0.json"]
    assert json.loads(place.read_text())[0]["targets"] == ["127.0.0.1:2"]


def test_who_withdraws_is_not_asked_any_more(tmp_path: Path) -> None:
    kept = announce(tmp_path, "serve-0", "127.0.0.1", 1)
    gone = announce(tmp_path, "learn-0", "127.0.0.1", 2)
    withdraw(gone)
    withdraw(gone)
    assert list((tmp_path / FOLDER).iterdir()) == [kept]
