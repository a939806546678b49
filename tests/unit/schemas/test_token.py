"""Decision tokens: signed, short, and refused as soon as one bit differs."""

import string
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.token import TOKEN_CHARS, Claims, code_of, sign, verify

KEY, OTHER = b"k" * 32, b"o" * 32
CODES = st.integers(0, 2**32 - 1)
CLAIMS = st.builds(
    Claims,
    decision_id=st.binary(min_size=16, max_size=16),
    time_ms=st.integers(0, 2**48 - 1),
    propensity=st.floats(0, 1, width=32),
    holdout=st.booleans(),
    excluded=st.booleans(),
    experiment=CODES,
    policy_version=CODES,
    arm=CODES,
    segment=CODES,
    category=CODES,
    product=CODES,
)


@dataclass(frozen=True)
class Case:
    claims: Claims
    token: str


@pytest.fixture
def case() -> Case:
    claims = Claims(
        decision_id=bytes(range(16)),
        time_ms=1_780_000_000_000,
        propensity=0.25,
        holdout=False,
        excluded=True,
        experiment=code_of("spring"),
        policy_version=3,
        arm=code_of("warm"),
        segment=code_of("new"),
        category=code_of("shoes"),
        product=code_of("p1"),
    )
    return Case(claims, sign(claims, 1, KEY))


@given(CLAIMS)
def test_what_was_signed_is_read(claims: Claims) -> None:
    token = sign(claims, 7, KEY)
    assert len(token) == TOKEN_CHARS <= 96
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")
    assert verify(token, {7: KEY}) == claims


def test_two_keys_are_valid_during_a_rotation(case: Case) -> None:
    assert verify(case.token, {1: KEY, 2: OTHER}) == case.claims
    assert verify(sign(case.claims, 2, OTHER), {1: KEY, 2: OTHER}) == case.claims


def test_a_foreign_or_retired_key_is_refused(case: Case) -> None:
    assert verify(case.token, {1: OTHER}) is None
    assert verify(case.token, {2: KEY}) is None


def test_every_altered_character_is_refused(case: Case) -> None:
    for place in range(len(case.token)):
        for letter in string.ascii_letters + string.digits + "-_":
            if letter != case.token[place]:
                altered = case.token[:place] + letter + case.token[place + 1 :]
                assert verify(altered, {1: KEY}) is None, (place, letter)


@pytest.mark.parametrize("token", ["", "x", "!" * TOKEN_CHARS, "A" * TOKEN_CHARS, "é" * TOKEN_CHARS, "A" * 4000])
def test_what_is_no_token_is_refused(token: str) -> None:
    assert verify(token, {1: KEY, 0: KEY}) is None


def test_a_cut_token_is_refused(case: Case) -> None:
    assert verify(case.token[:-1], {1: KEY}) is None
    assert verify(case.token + "A", {1: KEY}) is None


def test_a_code_is_never_the_one_that_means_none() -> None:
    assert all(code_of(str(number)) != 0 for number in range(1000))
