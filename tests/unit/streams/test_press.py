"""The compiled press against the one in Python: the same bytes, the same notes, the same complaints."""

import gc
import json
import sys
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.decide.assign import Experiment
from inference.decide.policy import Policy
from schemas.agents import NO_RULES
from schemas.events import ProductViewed
from schemas.policies import Beta, PolicySnapshot
from schemas.token import TAIL_BYTES, Claims, tail_of, verify
from streams.serve.context import Basis, Side
from streams.serve.menu import Dish, Menu
from streams.serve.native import compiled
from streams.serve.press import CompiledPress, Found, PlainPress, press_of
from streams.serve.setup import ServeSetup, ServeTopics
from streams.serve.tally import Taken

NOW_MS = 1_780_000_000_123
KEY = b"k" * 32
TOPICS = ServeTopics('events "of" ü', "decisions", "requests", "codes", "dlq")

# Where no compiler is, there is one press, and the rest of the tests covers it.
needs_both = pytest.mark.skipif(not compiled(), reason="there is no compiled press here")


def test_the_compiled_press_is_there_where_tests_run_for_good() -> None:
    import os

    assert compiled() or os.environ.get("CI") != "true", "CI builds and tests both presses"


def setup(tenant: str = "acme", key: bytes = KEY) -> ServeSetup:
    return ServeSetup(
        tenant=tenant,
        worker="w",
        topics=TOPICS,
        experiment=Experiment(name="x", version=1, salt="s", holdout=0.0, recipes=()),
        segment_of=lambda _values: "new",
        segment_version="1",
        segments_see_products=False,
        triggers=frozenset(),
        agents=NO_RULES,
        cap=None,
        channel="push",
        locale="en",
        max_chars=100,
        views=(),
        key_id=3,
        key=key,
        bundle_sha256="",
    )


def event(event_id: str, user_id: str = "u", product_id: str = "p") -> ProductViewed:
    from datetime import UTC, datetime

    return ProductViewed(event_id=event_id, user_id=user_id, product_id=product_id, time=datetime.now(UTC))


def side(name: str, features: bytes = b'"v":{}', segment: str | None = "new", stop: Any = None) -> Side:
    quoted = json.dumps(name, ensure_ascii=False).encode()
    return Side(quoted, features, b'"v":"fresh"', b'"v":null', segment, stop, 0, Basis((), {}))


def dish(number: int, size: int = 10) -> Dish:
    return Dish(
        b'"text":"%s"}' % (b"%d" % number).rjust(size, b"x"), bytes([number]) * TAIL_BYTES, ("model", str(number))
    )


def menu(shares: list[float], texts: list[int], misses: tuple[Any, ...] = ()) -> Menu:
    sums, total = [], 0.0
    for share in shares:
        total += share / sum(shares)
        sums.append(total)
    sums[-1] = 1.0
    dishes = tuple(tuple(dish(10 * arm + text) for text in range(count)) for arm, count in enumerate(texts))
    return Menu(tuple(sums), dishes, misses, len(shares) - 1)


def policy(seed: str = "s") -> Policy:
    snapshot = PolicySnapshot(
        version=1, experiment="x", created_ms=0, seed=seed, epsilon=0.0, prior={"a": Beta(1.0, 1.0)}
    )
    return Policy(snapshot)


def written(press: Any, found: Found, triggers: list[Any], full: int = 0) -> tuple[list[Any], Taken]:
    """What a press puts, with a receiver that says `full` times that it has no room."""
    puts: list[Any] = []
    taken, refused = Taken(), [full]

    def put(topic: str, value: bytes, key: bytes) -> None:
        if refused[0] > 0:
            refused[0] -= 1
            raise BufferError
        puts.append((topic, bytes(bytearray(value)), key))

    press.write(triggers, found, taken, put, lambda: None)
    return puts, taken


def both(found: Found, triggers: list[Any], *, comma: bool = True, tenant: str = "acme", seed: str = "s") -> Any:
    answers = []
    for kind in (PlainPress, CompiledPress):
        press = kind(setup(tenant), comma=comma)
        press.begin(NOW_MS, policy(seed))
        puts, taken = written(press, found, triggers, full=2)
        answers.append((puts, taken.labels, taken.states, taken.lookups, taken.missed))
    assert answers[0] == answers[1]
    return answers[0]


# Any text that a decoder of UTF-8 can give: no lone surrogates.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)


@needs_both
@given(
    st.lists(st.tuples(NAMES, st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1)), min_size=1, max_size=40),
    st.lists(st.floats(0.01, 1.0), min_size=1, max_size=6),
    st.data(),
)
def test_the_same_bytes_for_whatever_comes(events: Any, shares: list[float], data: st.DataObject) -> None:
    texts = [data.draw(st.integers(1, 4)) for _ in shares]
    tenant, seed = data.draw(NAMES), data.draw(NAMES)
    triggers = [(event(name, user_id=name), partition, offset) for name, partition, offset in events]
    shoppers = [side(name, data.draw(st.binary(max_size=900))) for name, _, _ in events]
    shelves = {"p": {"new": menu(shares, texts, misses=(("p", "new", "a"),))}}
    found = Found(shoppers, [side("p")] * len(events), shelves, pytest.fail)
    both(found, triggers, comma=data.draw(st.booleans()), tenant=tenant, seed=seed)


@needs_both
def test_a_record_that_grows_is_whole_and_one_that_shrinks_holds_nothing_of_the_last() -> None:
    found = Found(
        [side("u", b'"w":{"x":"%s"}' % (b"y" * size)) for size in (1, 9_000, 2, 70_000, 3)],
        [side("p")] * 5,
        {"p": {"new": menu([1.0], [1])}},
        pytest.fail,
    )
    puts, *_ = both(found, [(event(str(n)), 0, n) for n in range(5)])
    assert [len(json.loads(value)["features"]["w"]["x"]) for _, value, _ in puts] == [1, 9_000, 2, 70_000, 3]


@needs_both
def test_a_receiver_that_keeps_records_has_them_unchanged() -> None:
    press = CompiledPress(setup(), comma=True)
    press.begin(NOW_MS, policy())
    kept: list[bytes] = []
    found = Found([side("u")] * 50, [side("p")] * 50, {"p": {"new": menu([1.0], [1])}}, pytest.fail)
    hashes = []

    def put(_topic: str, value: bytes, _key: bytes) -> None:
        kept.append(value)
        hashes.append(hash(value))

    press.write([(event(str(n)), 0, n) for n in range(50)], found, Taken(), put, lambda: None)
    assert [json.loads(value)["event"]["offset"] for value in kept] == list(range(50))
    assert [hash(bytes(bytearray(value))) for value in kept] == hashes


@needs_both
def test_a_hash_that_was_asked_for_is_not_that_of_the_next_record() -> None:
    press = CompiledPress(setup(), comma=True)
    press.begin(NOW_MS, policy())
    wrong = []

    def put(_topic: str, value: bytes, _key: bytes) -> None:
        wrong.append(hash(value) != hash(bytes(bytearray(value))))

    found = Found([side("u")] * 9, [side("p")] * 9, {"p": {"new": menu([1.0], [1])}}, pytest.fail)
    press.write([(event(str(n)), 0, n) for n in range(9)], found, Taken(), put, lambda: None)
    assert not any(wrong)


@needs_both
def test_the_shelf_is_asked_only_for_shoppers_who_may_be_shown_something() -> None:
    asked: list[str] = []
    stop = menu([1.0], [1])

    def menu_of(asking: Any, _shopper: Side, _product: Side) -> Menu:
        asked.append(asking.event_id)
        return stop

    shoppers = [side("a"), side("b", stop="holdout"), side("c", segment="other"), side("d", segment=None)]
    found = Found(shoppers, [side("p")] * 4, {"p": {"new": menu([1.0, 1.0], [1, 1])}}, menu_of)
    both(found, [(event(name), 0, 0) for name in "abcd"])
    assert asked == ["b", "c", "d"] * 2


@needs_both
@pytest.mark.parametrize("kind", [PlainPress, CompiledPress])
def test_what_goes_wrong_comes_out_and_leaks_nothing(kind: Any) -> None:
    press = kind(setup(), comma=True)
    press.begin(NOW_MS, policy())

    class Loud(Exception):
        pass

    def fail(*_: Any) -> Any:
        raise Loud

    fine = Found([side("u")] * 20, [side("p")] * 20, {"p": {"new": menu([1.0], [1])}}, fail)
    triggers = [(event(str(n)), 0, n) for n in range(20)]
    with pytest.raises(Loud):
        press.write(triggers, fine, Taken(), fail, lambda: None)
    with pytest.raises(Loud):
        press.write(triggers, fine._replace(shelves={}), Taken(), lambda *_: None, lambda: None)
    with pytest.raises(ValueError, match=r"shopper|shorter|longer"):
        press.write(triggers, fine._replace(shoppers=[]), Taken(), lambda *_: None, lambda: None)
    before = sys.getrefcount(fine.shoppers[0])
    for _ in range(50):
        with pytest.raises(Loud):
            press.write(triggers, fine, Taken(), fail, lambda: None)
        press.write(triggers, fine, Taken(), lambda *_: None, lambda: None)
    assert sys.getrefcount(fine.shoppers[0]) <= before + 1
    gone = weakref.ref(press)
    del press
    gc.collect()
    assert gone() is None


@needs_both
@pytest.mark.parametrize(
    "wrong",
    [
        menu([1.0], [1])._replace(cumulative=("x",)),
        menu([1.0], [1])._replace(cumulative=(0.0,)),
        menu([1.0], [1])._replace(dishes=((),)),
        menu([1.0], [1])._replace(dishes=((dish(1)._replace(tail=b"short"),),)),
        menu([1.0], [1])._replace(misses=None),
        ("not", "a", "menu"),
    ],
)
def test_a_menu_that_is_none_is_an_error_and_no_crash(wrong: Any) -> None:
    press = CompiledPress(setup(), comma=True)
    press.begin(NOW_MS, policy())
    found = Found([side("u")], [side("p")], {"p": {"new": wrong}}, pytest.fail)
    with pytest.raises((TypeError, IndexError)):
        press.write([(event("a"), 0, 0)], found, Taken(), lambda *_: None, lambda: None)


@needs_both
def test_nothing_is_written_before_a_batch_has_begun() -> None:
    found = Found([side("u")], [side("p")], {"p": {"new": menu([1.0], [1])}}, pytest.fail)
    with pytest.raises(RuntimeError):
        CompiledPress(setup(), comma=True).write([(event("a"), 0, 0)], found, Taken(), pytest.fail, pytest.fail)


CODES = st.integers(0, 2**32 - 1)


@given(CODES, CODES, st.floats(0, 1, width=32), st.booleans())
def test_both_presses_sign_the_copy_of_what_they_draw(arm: int, copy: int, propensity: float, excluded: bool) -> None:
    said = Claims(
        decision_id=b"",
        time_ms=0,
        propensity=propensity,
        holdout=False,
        excluded=excluded,
        experiment=1,
        policy_version=2,
        arm=arm,
        segment=3,
        category=4,
        product=5,
        copy=copy,
    )
    drawn = Menu((1.0,), ((Dish(b'"text":"x"}', tail_of(said), ("model", "")),),))
    found = Found([side("u")], [side("p")], {"p": {"new": drawn}}, pytest.fail)
    for kind in [PlainPress, CompiledPress] if compiled() else [PlainPress]:
        press = kind(setup(), comma=True)
        press.begin(NOW_MS, policy())
        puts, _ = written(press, found, [(event("a"), 1, 2)])
        record = json.loads(puts[0][1])
        claims = verify(record["token"], {3: KEY})
        assert claims is not None
        assert claims.decision_id.hex() == record["decision_id"]
        assert (claims.arm, claims.copy, claims.propensity) == (arm, copy, propensity)
        assert (claims.time_ms, claims.excluded) == (NOW_MS, excluded)


@pytest.mark.parametrize("size", [1, 12, 16, 32, 64])
def test_keys_of_every_length_sign_alike(size: int) -> None:
    key = bytes(range(size))
    found = Found([side("u")], [side("p")], {"p": {"new": menu([1.0], [1])}}, pytest.fail)
    kinds = [PlainPress, CompiledPress] if compiled() else [PlainPress]
    for kind in kinds:
        press = kind(setup(key=key), comma=True)
        press.begin(NOW_MS, policy())
        puts, _ = written(press, found, [(event("a"), 1, 2)])
        token = json.loads(puts[0][1])["token"]
        claims = verify(token, {3: key})
        assert claims is not None
        assert claims.time_ms == NOW_MS


def test_the_press_that_is_used_is_the_compiled_one_where_it_is_there() -> None:
    assert isinstance(press_of(setup(), comma=True), CompiledPress if compiled() else PlainPress)
