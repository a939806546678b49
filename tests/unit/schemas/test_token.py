"""Decision tokens: signed, short, and refused as soon as one bit differs."""

import string
import struct
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import blake2b

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.token import NO_CODE, TOKEN_CHARS, Claims, code_of, sign, verify

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
    copy=CODES,
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
        copy=code_of("5f3a0c91"),
    )
    return Case(claims, sign(claims, 1, KEY))


@given(CLAIMS)
def test_what_was_signed_is_read(claims: Claims) -> None:
    token = sign(claims, 7, KEY)
    assert len(token) == TOKEN_CHARS <= 96
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")
    assert verify(token, {7: KEY}) == claims


def version_1(claims: Claims, key_id: int, key: bytes) -> str:
    """As version 1 was signed: the six codes without the copy's, packed here and nowhere else any more."""
    flags = (1 if claims.holdout else 0) | (2 if claims.excluded else 0)
    body = bytes((1, key_id)) + claims.decision_id + claims.time_ms.to_bytes(6, "big")
    body += struct.pack(">fB", claims.propensity, flags)
    codes = (claims.experiment, claims.policy_version, claims.arm, claims.segment, claims.category, claims.product)
    body += struct.pack(">6I", *codes)
    mac = blake2b(body, digest_size=12, key=key).digest()
    return urlsafe_b64encode(body + mac).rstrip(b"=").decode()


@given(CLAIMS)
def test_a_token_of_version_1_is_still_read_and_its_copy_is_none(claims: Claims) -> None:
    token = version_1(claims, 7, KEY)
    assert len(token) == 87
    assert verify(token, {7: KEY}) == msgspec.structs.replace(claims, copy=NO_CODE)
    assert verify(token, {7: OTHER}) is None


@given(CLAIMS, st.integers(0, 86), st.sampled_from(string.ascii_letters + string.digits + "-_"))
def test_every_altered_character_of_version_1_is_refused(claims: Claims, place: int, letter: str) -> None:
    token = version_1(claims, 7, KEY)
    altered = token[:place] + letter + token[place + 1 :]
    assert (verify(altered, {7: KEY}) is None) == (altered != token)


@pytest.mark.parametrize("version", [0, 1, 2, 3])
@pytest.mark.parametrize("codes", [5, 6, 7, 8])
def test_a_version_is_of_one_length(version: int, codes: int) -> None:
    body = bytes((version, 7)) + bytes(16 + 6 + 5 + 4 * codes)
    raw = body + blake2b(body, digest_size=12, key=KEY).digest()
    token = urlsafe_b64encode(raw).rstrip(b"=").decode()
    assert (verify(token, {7: KEY}) is not None) == ((version, codes) in {(1, 6), (2, 7)})


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
