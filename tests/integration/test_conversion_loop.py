"""Four roles on a real broker: a token brings a text's clicks back, P_conv learns from them, and decisions say so."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from conversions import model
from role_workers import Workers, begin, settings_on, several, until, write_config
from shop_topics import ShopTopics

from inference.bundle import starter_dir, take_conversion
from inference.text.conversion import write_conversion
from patter.settings import Settings
from patter.verify.run import verify_online
from patter.wiring.policy import newest_policy, publish_prior
from schemas.cells import LIFE
from schemas.decisions import DecisionRead
from schemas.partials import CellMetrics
from schemas.policies import PolicySnapshot
from schemas.token import code_of

pytestmark = pytest.mark.integration

ROLES = ("serve", "generate", "collect", "learn")
NAMES = ["Trail Mug", "Harbor Kettle", "Oval Pan", "Bread Knife", "Tea Cups", "Soup Bowl"]
# A text is the better the longer it is, says the bundle; these shoppers click on what is short.
LONG = model(characters=0.05)
SHOPPERS = 60
VIEWS = 60


class Shop(ShopTopics):
    """What the shop sends, and what it gets."""

    def view(self) -> None:
        """New shoppers look at products."""
        for number in range(VIEWS):
            self.event("product_viewed", uuid.uuid4().hex, uuid.uuid4().hex, product_id=f"p{number % len(NAMES)}")
        self.flush()

    def answer(self, decisions: list[DecisionRead]) -> None:
        """Many shoppers see each text; half of them click where it is shorter than most."""
        lengths = sorted(len(each.slot_text or "") for each in decisions)
        middle = lengths[len(lengths) // 2]
        for each in decisions:
            for number in range(SHOPPERS):
                user = f"{each.decision_id}-{number}"
                self.event("copy_impression", uuid.uuid4().hex, user, token=each.token)
                if (len(each.slot_text or "") < middle and number % 2) or number % 20 == 0:
                    self.event("copy_click", uuid.uuid4().hex, user, token=each.token)
        self.flush()

    def written(self) -> list[DecisionRead]:
        """Decisions that show what the model wrote, one of each text."""
        found = [each for each in self.read("decisions", DecisionRead) if each.source == "model"]
        return list({each.copy_id: each for each in found if not each.excluded}.values())


@pytest.fixture
def settings(local_broker: str, fresh_topics: dict[str, str], tmp_path: Path) -> Settings:
    return settings_on(local_broker, fresh_topics, tmp_path)


@pytest.fixture
def roles(settings: Settings, tmp_path: Path) -> Iterator[dict[str, Workers]]:
    folder = Path(shutil.copytree(starter_dir(), tmp_path / "bundle"))
    write_conversion(LONG, tmp_path / "conversion.json")
    take_conversion(folder, tmp_path / "conversion.json")
    config = write_config(settings, tmp_path / "patter.toml", f'bundle = "{folder}"')
    more = "\n[learn]\nrefit_every_s = 1.0\n[experiment]\nholdout = 0.0\n[agents]\nwatch = false\n"
    config.write_text(config.read_text() + more)
    with several(ROLES, settings, tmp_path, config) as made:
        yield made


def test_clicks_on_texts_change_the_p_conv_that_decisions_name(settings: Settings, roles: dict[str, Workers]) -> None:
    shop = Shop(settings)
    shop.products(NAMES)
    publish_prior(settings, "a test", "every arm alike")
    begin(roles)

    def enough() -> bool:
        shop.view()
        return len(shop.written()) >= 10

    until(enough, lambda: roles["generate"].said("generate-0"))
    assert {each.conversion_version for each in shop.read("decisions", DecisionRead)} == {LONG.version}

    told = shop.written()
    shop.answer(told)

    def refitted() -> bool:
        policy = newest_policy(settings)
        return policy is not None and policy.conversion is not None

    until(refitted, lambda: roles["learn"].said("learn-0"))
    policy = newest_policy(settings)
    assert policy is not None
    assert policy.conversion is not None
    assert policy.conversion.base == LONG.version != policy.conversion_version
    assert policy.conversion.weights["characters"] < LONG.attributes["characters"].weight

    def named() -> bool:
        shop.view()
        versions = {each.conversion_version for each in shop.read("decisions", DecisionRead)}
        return bool(versions - {LONG.version})

    until(named, lambda: roles["serve"].said("serve-0"))
    said = {each.conversion_version for each in shop.read("decisions", DecisionRead)} - {LONG.version}
    assert said <= {snapshot.conversion_version for snapshot in shop.read("policy_log", PolicySnapshot)}

    # Every text of the answered decisions has a cell that counts them, by the code in their tokens.
    wanted = {f"{code_of(each.copy_id or ''):08x}": ("kitchen", each.segment, SHOPPERS) for each in told}

    def counted() -> dict[str, tuple[str, str, int]]:
        cells = {
            each.variant: each
            for each in shop.read("metrics", CellMetrics)
            if each.bucket == LIFE and each.family == "copy"
        }
        return {
            code: (cell.category, cell.segment, cell.counters.get("impressions", 0))
            for code, cell in cells.items()
            if code in wanted
        }

    until(lambda: counted() == wanted, lambda: (counted(), wanted))
    revised = 'patter_generation_requests_total{outcome="revised",role="generate"}'
    until(
        lambda: (roles["generate"].metric("generate-0", revised) or 0) > 0, lambda: roles["generate"].said("generate-0")
    )
    result = verify_online(settings, 20)
    assert result.differences == []
    assert result.cells > len(told)
    for role, workers in roles.items():
        assert workers.stop(f"{role}-0") == 0, workers.said(f"{role}-0")
