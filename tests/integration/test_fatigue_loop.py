"""Three roles on a real broker: a text wears off in its clicks, is retired, and other copy takes its place for good."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from role_workers import Workers, settings_on, several, until, write_config
from shop_topics import ShopTopics
from typer.testing import CliRunner

from inference.generate.denied import text_key
from patter.cli import build
from patter.settings import Settings
from patter.verify.run import verify_online
from patter.wiring.tokens import token_keys
from schemas.cells import DAY_MS
from schemas.copy import CopyKey, CopyRequest, PoolEntry
from schemas.partials import CellMetrics
from schemas.retirements import Retirement
from schemas.token import Claims, CodeName, code_of, sign
from streams.generate.renewal import NO_DECISION

pytestmark = pytest.mark.integration

ROLES = ("collect", "learn", "generate")
NAMES = ["Trail Mug", "Harbor Kettle", "Oval Pan", "Bread Knife", "Tea Cups", "Soup Bowl"]
SEGMENTS = ("regular", "loyal")
DAYS, LOOKS = 10, 200
# Clicks of a hundred on the first six days, and after them. Of two that fall the second falls less clearly.
FALLS, FALLS_LESS, STAYS = (0.3, 0.03), (0.3, 0.1), (0.3, 0.3)


class Shop(ShopTopics):
    """What the shop sends, and what stands in its pool."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        ((self.key_id, self.key),) = token_keys(settings).items()
        self.rng = np.random.default_rng(1)

    def pool(self) -> dict[CopyKey, PoolEntry]:
        return {entry.key(): entry for entry in self.read("copy", PoolEntry)}

    def begin(self) -> None:
        self.products(NAMES)
        for name in ("default", "kitchen", "warm_discover", *SEGMENTS):
            self.put("codes", f"{code_of(name):08x}", CodeName(code_of(name), "name", name))
        self.flush()

    def ask(self) -> None:
        for number in range(len(NAMES)):
            for segment in SEGMENTS:
                request = CopyRequest(
                    product_id=f"p{number}",
                    segment=segment,
                    variant="warm_discover",
                    channel="push",
                    locale="en",
                    tone="warm",
                    cta="discover",
                    length="short",
                    requested_ms=int(time.time() * 1000),
                    decision_id="d",
                )
                self.put("copy_requests", request.key().encode(), request)
        self.flush()

    def look(self, texts: dict[str, tuple[float, float]]) -> None:
        """Shoppers of `regular` look at texts (copy_id) for ten days, up to the end of yesterday."""
        today = int(time.time() * 1000) // DAY_MS
        number = 0
        for day in range(DAYS):
            for copy_id, (at_first, later) in texts.items():
                for _ in range(LOOKS):
                    number += 1
                    at_ms = (today - DAYS + day) * DAY_MS + number
                    token = self._token(copy_id, number, at_ms)
                    self._event("copy_impression", number, at_ms, token)
                    if self.rng.random() < (at_first if day < 6 else later):
                        self._event("copy_click", number, at_ms + 1, token)
        self.flush()

    def _token(self, copy_id: str, number: int, at_ms: int) -> str:
        claims = Claims(
            decision_id=number.to_bytes(8, "big") + bytes(8),
            time_ms=at_ms,
            propensity=0.5,
            holdout=False,
            excluded=False,
            experiment=code_of("default"),
            policy_version=1,
            arm=code_of("warm_discover"),
            segment=code_of("regular"),
            category=code_of("kitchen"),
            product=code_of("p0"),
            copy=code_of(copy_id),
        )
        return sign(claims, self.key_id, self.key)

    def _event(self, kind: str, number: int, at_ms: int, token: str) -> None:
        moment = datetime.fromtimestamp(at_ms / 1000, UTC)
        event = {"kind": kind, "event_id": f"{kind}{number}", "user_id": f"u{number}", "time": moment, "token": token}
        self.put("events", f"u{number}", event)


@pytest.fixture
def settings(local_broker: str, fresh_topics: dict[str, str], tmp_path: Path) -> Settings:
    return settings_on(local_broker, fresh_topics, tmp_path)


@pytest.fixture
def config(settings: Settings, tmp_path: Path) -> Path:
    path = write_config(settings, tmp_path / "patter.toml")
    more = "[experiment]\nholdout = 0.0\n[agents]\nwatch = false\n"
    more += "[fatigue]\na_day = 1\nsettle_hours = 0\nevery_s = 0.5\nspent = 1.0\n"
    path.write_text(path.read_text() + "\n" + more)
    return path


@pytest.fixture
def roles(settings: Settings, config: Path, tmp_path: Path) -> Iterator[dict[str, Workers]]:
    with several(ROLES, settings, tmp_path, config) as made:
        yield made


def listed(config: Path) -> list[dict[str, Any]]:
    done = CliRunner().invoke(build(), ["copy", "retired", "--config", str(config), "--json", "-"])
    assert done.exit_code == 0, done.output
    texts: list[dict[str, Any]] = msgspec.json.decode(done.stdout)["texts"]
    return texts


def test_a_text_that_wears_off_is_retired_and_does_not_come_back(
    settings: Settings, config: Path, roles: dict[str, Workers]
) -> None:
    shop = Shop(settings)
    shop.begin()
    roles["generate"].begin()
    shop.ask()

    def written() -> bool:
        pool = shop.pool()
        return len(pool) >= 10 and sum(len(entry.candidates) for entry in pool.values()) >= 18

    until(written, lambda: (shop.pool(), roles["generate"].said("generate-0")))
    time.sleep(2)
    before = shop.pool()
    regular = sorted(
        {each.copy_id for key, entry in before.items() if key.segment == "regular" for each in entry.candidates}
    )
    worn, weary, *fresh = regular[:5]
    words = {each.copy_id: text_key(each.slot_text) for entry in before.values() for each in entry.candidates}
    assert len({words[each] for each in regular[:5]}) == 5

    def holding(pool: dict[CopyKey, PoolEntry], copy_id: str, segment: str) -> set[CopyKey]:
        """Keys whose entry holds a text by its words."""
        return {
            key
            for key, entry in pool.items()
            if key.segment == segment and words[copy_id] in {text_key(each.slot_text) for each in entry.candidates}
        }

    lost = holding(before, worn, "regular")
    elsewhere = holding(before, worn, "loyal")
    roles["collect"].begin()
    roles["learn"].begin()
    shop.look({worn: FALLS, weary: FALLS_LESS, **dict.fromkeys(fresh, STAYS)})

    # One a day: the other waits.
    until(lambda: bool(shop.read("retirements", Retirement)), lambda: roles["learn"].said("learn-0"))
    (retired,) = shop.read("retirements", Retirement)
    assert (retired.copy_id, retired.segment, retired.reason, retired.by) == (worn, "regular", "decline", "learn")
    assert retired.entries == len({key for key in lost if worn in {each.copy_id for each in before[key].candidates}})
    assert retired.figures["after"] < 0.2 < 0.25 < retired.figures["before"]
    waits = 'patter_copy_worn_waiting{role="learn"}'
    until(lambda: roles["learn"].metric("learn-0", waits) == 1.0, lambda: roles["learn"].said("learn-0"))

    # The pool gives it up in that segment; who stood by is shown, and others are written. Not every product lets the
    # starter find another text in its eight tries.
    known = {each.copy_id for key in lost for each in before[key].candidates}

    def renewed() -> bool:
        now = shop.pool()
        entries = [now[key] for key in lost]
        shown = all(any(each.state == "active" for each in entry.candidates) for entry in entries)
        new = {each.copy_id for entry in entries for each in entry.candidates} - known
        return shown and bool(new) and not holding(now, worn, "regular")

    until(renewed, lambda: ({key: shop.pool()[key] for key in lost}, roles["generate"].said("generate-0")))
    assert holding(shop.pool(), worn, "loyal") == elsewhere
    assert holding(shop.pool(), weary, "regular")
    requests = [each for each in shop.read("copy_requests", CopyRequest) if each.decision_id == NO_DECISION]
    assert {request.key() for request in requests} == lost
    assert len(requests) == len(lost)

    # Another writer, and another generator, know all of it; and whoever asks again is not given it.
    for role in ("learn", "generate"):
        roles[role].kill(f"{role}-0")
        roles[role].begin()
    until(lambda: roles["learn"].metric("learn-0", waits) == 1.0, lambda: roles["learn"].said("learn-0"))
    for key in lost:
        shop.put("copy", key.encode(), before[key])
    shop.flush()
    # Somebody has put the old entries back: who starts looks at every one.
    roles["generate"].kill("generate-0")
    roles["generate"].begin()
    until(renewed, lambda: ({key: shop.pool()[key] for key in lost}, roles["generate"].said("generate-0")))
    assert len(shop.read("retirements", Retirement)) == 1
    (told,) = listed(config)
    assert (told["copy_id"], told["segment"], told["by"], told["why"]) == (worn, "regular", "learn", retired.why)
    assert told["figures"] == retired.figures

    days = [each for each in shop.read("metrics", CellMetrics) if (each.family, each.bucket[:2]) == ("copy", "1d")]
    assert len({each.bucket for each in days}) == DAYS
    result = verify_online(settings, 20)
    assert result.differences == []
    for role, workers in roles.items():
        assert workers.stop(f"{role}-0") == 0, workers.said(f"{role}-0")
