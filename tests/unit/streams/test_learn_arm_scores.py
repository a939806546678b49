"""What P_conv says of each arm's texts, from the pool's own records."""

from math import log

import msgspec
from learn_rig import SETUP

from inference.text.conversion import Conversion
from schemas.copy import CopyKey
from schemas.policies import ConversionFit
from streams.kafka.records import Record
from streams.learn.arm_scores import ArmScores
from streams.learn.conversion import NO_MODEL, InForce

MODEL = Conversion(
    schema="patter.conversion/1", version="v", attributes={}, segments={}, ngrams={}, order=2, source={},
    figures={"start": {"warm": {"slope": 0.5}}},
)  # fmt: skip
REFITTED = InForce(ConversionFit(base="v", weights={}, texts=9, impressions=99), "w")


def entry(product_id: str, variant: str, *texts: tuple[str, float | None]) -> Record:
    key = CopyKey(product_id, "new", variant, "push", "en").encode()
    body = {"candidates": [{"state": state, "scores": {"p_conv": p}} for state, p in texts]}
    return Record(SETUP.topics.copy, 0, 0, 0, key.encode(), msgspec.json.encode(body))


def scores(*records: Record, model: Conversion | None = MODEL) -> ArmScores:
    made = ArmScores(model)
    for record in records:
        made.take(record)
    return made


def test_an_arm_stands_where_its_shown_texts_do_on_average() -> None:
    made = scores(
        entry("p1", "warm", ("active", 0.7), ("standby", 0.01)),
        entry("p2", "warm", ("active", 0.7)),
        entry("p1", "bold", ("active", 0.5)),
    )
    odds = log(0.7 / 0.3)
    # Half of it, and it is above the mean of the two arms, not of the three entries.
    assert made.warm(NO_MODEL) == {"bold": round(-odds / 4, 2), "warm": round(odds / 4, 2)}
    assert made.warm(REFITTED) == {"bold": round(-odds / 2, 2), "warm": round(odds / 2, 2)}


def test_what_leaves_the_pool_says_nothing_any_more() -> None:
    made = scores(entry("p1", "warm", ("active", 0.7)), entry("p1", "bold", ("active", 0.5)))
    gone = entry("p1", "warm", ("active", 0.7))
    made.take(msgspec.structs.replace(gone, value=None))
    assert made.warm(REFITTED) == {"bold": 0.0}


def test_a_model_that_does_not_say_how_far_it_is_to_be_trusted_is_not() -> None:
    model = msgspec.structs.replace(MODEL, figures={})
    made = scores(entry("p1", "warm", ("active", 0.9)), entry("p1", "bold", ("active", 0.1)), model=model)
    assert set(made.warm(NO_MODEL).values()) == {0.0}


def test_without_a_model_or_scores_nothing_is_said() -> None:
    assert scores(entry("p1", "warm", ("active", 0.9)), model=None).warm(NO_MODEL) == {}
    assert scores(entry("p1", "warm", ("active", None))).warm(NO_MODEL) == {}


def test_what_does_not_decode_is_skipped() -> None:
    made = scores(Record("copy", 0, 0, 0, b"no key", b"{"), entry("p1", "warm", ("active", 1.0)))
    assert made.skipped == 1
    assert made.warm(REFITTED) == {"warm": 0.0}
