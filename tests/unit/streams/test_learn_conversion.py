"""P_conv in the policy writer: copy cells and texts in, a version out, and when a snapshot says so."""

import random
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from conversions import model
from learn_rig import SETUP, cohorts, prior, record

from inference.decide.policy import Policy
from inference.text.conversion import Conversion
from inference.text.refit import Shown, in_force
from schemas.cells import COPY, LIFE, OTHERS, ArmCell, Cell
from schemas.copy import Candidate, CopyKey, PoolEntry
from schemas.partials import CellMetrics
from schemas.token import code_of
from streams.kafka.records import Record
from streams.learn import texts as texts_module
from streams.learn.conversion import NO_MODEL, InForce, Refitting
from streams.learn.copies import Copies
from streams.learn.snapshots import next_snapshot
from streams.learn.texts import PoolTexts

MODEL = model(question=0.1, exclamation=0.0)
ASKS, SHOUTS = "Is {NAME} yours?", "{NAME} is yours!"


class Following(Refitting):
    """With a pool of its own, as the policy writer hands it one."""

    def __init__(self, offline: Conversion | None, every_s: float) -> None:
        self.pool = PoolTexts()
        super().__init__(offline, every_s, self.pool)

    def told(self, metrics: Iterable[Record], pool: Iterable[Record]) -> None:
        for each in pool:
            self.pool.take(each)
        self.take(metrics)


def copy_cell(copy_id: str, revision: int = 1, segment: str = "new", **counters: int) -> Record:
    names = ("x", "bags", segment)
    arm = ArmCell(*map(code_of, names), code_of(copy_id))
    value = CellMetrics(
        family=COPY,
        bucket=LIFE,
        experiment="x",
        category="bags",
        segment=segment,
        variant=f"{arm.variant:08x}",
        counters=counters,
        sources={},
        revision=revision,
    )
    return Record("metrics", 0, 0, 0, Cell(COPY, LIFE, arm).text().encode(), msgspec.json.encode(value))


def pool(product_id: str, **texts: str) -> Record:
    candidates = [
        Candidate(copy_id=copy_id, slot_text=text, state="standby", bundle_sha256="b")
        for copy_id, text in texts.items()
    ]
    key = CopyKey(product_id, "new", "warm", "push", "en")
    entry = PoolEntry(
        product_id=product_id, segment="new", variant="warm", channel="push", locale="en", candidates=candidates
    )
    return Record("copy", 0, 0, 0, key.encode().encode(), msgspec.json.encode(entry))


def test_copies_are_the_newest_revision_of_lifetime_cells_with_names() -> None:
    copies = Copies()
    unnamed = msgspec.json.decode(copy_cell("c").value or b"")
    unnamed["segment"] = f"{code_of('new'):08x}"
    other = Cell(COPY, LIFE, OTHERS).text().encode()
    for each in (
        copy_cell("a", 4, impressions=20, clicks=3),
        copy_cell("a", 3, impressions=9),
        copy_cell("b", impressions=5),
        msgspec.structs.replace(copy_cell("b"), value=None),
        record("good", impressions=7),
        msgspec.structs.replace(copy_cell("c"), value=msgspec.json.encode(unnamed)),
        Record("metrics", 0, 0, 0, other, copy_cell("a").value),
        Record("metrics", 0, 0, 0, b"copy|life|junk", b"{}"),
        Record("metrics", 0, 0, 0, None, None),
    ):
        copies.take(each)
    assert list(copies) == [Shown("x", "bags", "new", code_of("a"), 20, 3)]
    assert copies.skipped == 1
    before = copies.version
    copies.take(copy_cell("a", 5, impressions=20, clicks=3, carts=1))
    assert copies.version == before
    copies.take(copy_cell("a", 6, impressions=21, clicks=3))
    assert copies.version == before + 1


def test_texts_are_those_that_the_pool_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = PoolTexts()
    for each in (
        pool("p1", a=ASKS, b=SHOUTS),
        pool("p2", a=ASKS),
        msgspec.structs.replace(pool("p1"), value=None),
        msgspec.structs.replace(pool("p3"), value=b"{"),
    ):
        texts.take(each)
    assert texts.by_code() == {code_of("a"): ASKS}
    assert texts.skipped == 1
    texts.take(pool("p1", b=SHOUTS, c="Third."))
    assert set(texts.by_code().values()) == {ASKS, SHOUTS, "Third."}
    # Of two texts with one code nobody knows which did what.
    monkeypatch.setattr(texts_module, "code_of", lambda name: 7 if name in "ab" else code_of(name))
    assert texts.by_code() == {code_of("c"): "Third."}


def refitting(every_s: float = 60.0) -> Following:
    made = Following(MODEL, every_s)
    assert made.renew(100.0) == InForce(None, MODEL.version)
    return made


CLICKED = [copy_cell("a", 2, impressions=50_000, clicks=900), copy_cell("b", 2, impressions=50_000, clicks=9_000)]


def test_what_did_better_is_worth_more_from_the_next_fit_on() -> None:
    made = refitting()
    made.told(CLICKED, [pool("p1", a=ASKS, b=SHOUTS)])
    assert made.renew(159.9) == InForce(None, MODEL.version)
    now = made.renew(160.0)
    assert now.fit is not None
    assert now.fit.weights["exclamation"] > 0 > now.fit.weights["question"] - 0.1
    assert (now.fit.base, now.fit.texts, now.fit.impressions) == (MODEL.version, 2, 100_000)
    found = in_force(MODEL, now.fit)
    assert found is not None
    assert found.version == now.version != MODEL.version
    assert made.renew(900.0) is now
    # A text that left the pool takes what is known of it along.
    made.told([], [msgspec.structs.replace(pool("p1"), value=None)])
    assert made.renew(960.0) == InForce(None, MODEL.version)


def test_a_restarted_writer_comes_to_the_same_whatever_order_it_reads_in() -> None:
    records = [
        *CLICKED,
        copy_cell("c", impressions=900, clicks=20),
        copy_cell("a", 3, "loyal", impressions=80, clicks=4),
    ]
    entries = [pool("p1", a=ASKS, b=SHOUTS), pool("p2", c="{NAME}, at last.")]
    first = refitting()
    first.told(records, entries)
    random.Random(3).shuffle(records)
    again = Following(MODEL, 60.0)
    again.told(records, reversed(entries))
    assert again.renew(1.0) == first.renew(900.0) != InForce(None, MODEL.version)


def test_without_a_model_nothing_is_held() -> None:
    made = Following(None, 60.0)
    made.told(iter(CLICKED), [pool("p1", a=ASKS)])
    assert made.renew(100.0) == NO_MODEL == InForce(None, None)


def in_force_now() -> InForce:
    made = Following(MODEL, 60.0)
    made.told(CLICKED, [pool("p1", a=ASKS, b=SHOUTS)])
    return made.renew(0.0)


def test_a_snapshot_follows_another_p_conv_and_keeps_what_is_believed_about_arms() -> None:
    known = cohorts(record("good", impressions=100, clicks=50))
    own, other = InForce(None, MODEL.version), in_force_now()
    first = next_snapshot(SETUP, known, None, 7, own)
    assert first is not None
    assert (first.conversion, first.conversion_version) == (None, MODEL.version)
    assert next_snapshot(SETUP, known, first, 8, own) is None
    second = next_snapshot(SETUP, known, first, 9, other)
    assert second is not None
    assert (second.version, second.why, second.conversion) == (2, "P_conv", other.fit)
    assert (second.prior, second.cells) == (first.prior, first.cells)
    assert next_snapshot(SETUP, known, second, 9, other) is None
    assert next_snapshot(SETUP, known, prior(kill=True), 9, other) is None


def test_a_prior_that_somebody_set_stays_where_only_p_conv_is_another() -> None:
    set_by_hand = prior(prior={arm: {"template": 9.0, "good": 2.0}.get(arm, 1.0) for arm in SETUP.arms})
    made = next_snapshot(SETUP, cohorts(), set_by_hand, 9, in_force_now())
    assert made is not None
    assert made.prior == set_by_hand.prior
    assert made.version == set_by_hand.version + 1


def test_without_a_model_a_snapshot_says_null() -> None:
    made: Any = next_snapshot(SETUP, cohorts(), None, 9)
    written = msgspec.json.decode(msgspec.json.encode(made))
    assert written["conversion"] is None
    assert written["conversion_version"] is None


def test_a_policy_names_the_version_that_ranks() -> None:
    other = in_force_now()
    refitted = Policy(prior(conversion=other.fit, conversion_version=other.version))
    assert refitted.conversion_version(MODEL.version) == other.version
    assert refitted.conversion_version("of another bundle") == "of another bundle"
    assert refitted.conversion_version(None) is None
    assert Policy(prior()).conversion_version(MODEL.version) == MODEL.version
