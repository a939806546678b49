"""Checkpoints of verify: signed, refused where anything does not match, and not kept for ever."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from feedback_log import DAY, RULES, Log, line, token

from patter.verify.carried import Keep
from patter.verify.check import compared
from patter.verify.checkpoint import KEPT, MANIFEST, STATE, Checkpoints, Manifest
from patter.verify.rows import Rows
from schemas.errors import Code, ConfigError

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
KEYS = {1: b"0123456789abcdef", 2: b"fedcba9876543210"}


def checkpoints(folder: Path, **changes: object) -> Checkpoints:
    given = {"topic": "events", "incarnation": "life", "rules": RULES, "keys": KEYS, "key_id": 1} | changes
    return Checkpoints(folder, **given)  # type: ignore[arg-type]


def put(kept: Checkpoints, moment: datetime = NOON) -> Path:
    state = kept.room()
    rows = Rows(RULES)
    log = Log()
    log.shown(token(1))
    for offset, timestamp, value in log.records:
        rows.put(0, offset, timestamp, value)
    assert compared(rows, {}, RULES, keep=Keep(path=state, through={0: 0})) == []
    return kept.put(state, {0: 0}, moment).folder


def test_what_was_written_is_found(tmp_path: Path) -> None:
    assert checkpoints(tmp_path).newest() is None
    folder = put(checkpoints(tmp_path))
    found = checkpoints(tmp_path, key_id=2).newest()
    assert found is not None
    assert (found.folder, found.manifest.through, found.manifest.written_at) == (folder, {0: 0}, NOON)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events-20260701T120000.000000Z"]


def test_only_the_newest_stay_and_another_topics_are_nobodys(tmp_path: Path) -> None:
    other = put(checkpoints(tmp_path, topic="events-b"))
    for day in range(KEPT + 2):
        put(checkpoints(tmp_path), NOON + timedelta(days=day))
    assert other.exists()
    assert len(list(tmp_path.iterdir())) == KEPT + 1
    found = checkpoints(tmp_path).newest()
    assert found is not None
    assert found.manifest.written_at == NOON + timedelta(days=KEPT + 1)


def test_one_of_an_older_patter_is_read_and_one_of_a_newer_is_refused(tmp_path: Path) -> None:
    kept = checkpoints(tmp_path)
    folder = put(kept)
    for schema in ("patter.checkpoint/1", "patter.checkpoint/3"):
        told = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
        signed = kept._signed(msgspec.structs.replace(told, schema=schema))
        (folder / MANIFEST).write_bytes(msgspec.json.encode(signed))
        if schema.endswith("1"):
            assert kept.newest() is not None
            continue
        with pytest.raises(ConfigError, match="another Patter"):
            kept.newest()


def _altered_manifest(folder: Path) -> None:
    path = folder / MANIFEST
    path.write_bytes(path.read_bytes().replace(b'"0": 0', b'"0": 7'))


def _altered_state(folder: Path) -> None:
    path = folder / STATE
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def _signed_anew(folder: Path) -> None:
    """By somebody who knows the form, and no key."""
    path = folder / MANIFEST
    told = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode({**told, "signature": "0" * 64}))


@pytest.mark.parametrize(
    ("spoil", "changes", "why"),
    [
        (_altered_manifest, {}, "signature"),
        (_signed_anew, {}, "signature"),
        (_altered_state, {}, "state is not"),
        (lambda folder: (folder / STATE).unlink(), {}, "state cannot be read"),
        (lambda folder: (folder / MANIFEST).write_bytes(b"{"), {}, "manifest"),
        (lambda _folder: None, {"incarnation": "next"}, "another life"),
        (lambda _folder: None, {"keys": {2: KEYS[2]}, "key_id": 2}, "key 1"),
        (lambda _folder: None, {"keys": {1: KEYS[2]}}, "signature"),
        (lambda _folder: None, {"rules": msgspec.structs.replace(RULES, currency="EUR")}, "currency"),
    ],
)
def test_what_does_not_match_is_refused(
    tmp_path: Path, spoil: Callable[[Path], object], changes: dict[str, object], why: str
) -> None:
    spoil(put(checkpoints(tmp_path)))
    with pytest.raises(ConfigError, match=why) as refused:
        checkpoints(tmp_path, **changes).newest()
    assert (refused.value.code, refused.value.exit_code) == (Code.CHECKPOINT_REFUSED, 2)


def state_of(log: Log, path: Path) -> dict[str, int]:
    """How many rows of each table a checkpoint at the end of a log has."""
    import duckdb

    rows = Rows(RULES)
    for offset, timestamp, value in log.records:
        rows.put(0, offset, timestamp, value)
    compared(rows, {}, RULES, keep=Keep(path=path, through={0: len(log.records) - 1}))
    with duckdb.connect(str(path), read_only=True) as connection:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        counted = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone() for name in names}
    return {name: found[0] for name, found in counted.items() if found is not None and found[0]}


def test_what_can_matter_no_more_is_not_carried(tmp_path: Path) -> None:
    log = Log()
    for number in range(50):
        log.shown(token(number), user_id=f"u{number}")
        log.ordered(f"o{number}", line(), user_id=f"u{number}")
    soon = state_of(log, tmp_path / "soon.duckdb")
    assert (soon["life"], soon["feedback"], soon["order"], soon["credit"], soon["standing"]) == (50,) * 5
    log.viewed(91 * DAY)
    late = state_of(log, tmp_path / "late.duckdb")
    # The cells and sketches, and which cells were first: nothing of any shopper.
    # Cells and sketches, and which cells were first: nothing of any shopper but 52 bits in estimates.
    assert late.keys() == {"source", "arm", "text", "pair", "reach", "cell"}


def test_a_checkpoint_names_no_shopper(tmp_path: Path) -> None:
    log = Log()
    log.shown(token(1), user_id="somebody@example.com")
    log.ordered("order-4711", line(), user_id="somebody@example.com", session_id="session-77")
    state_of(log, tmp_path / "state.duckdb")
    data = (tmp_path / "state.duckdb").read_bytes()
    assert not any(name in data for name in (b"somebody", b"order-4711", b"session-77"))
