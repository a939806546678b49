"""Token keys are found by reference, and a reference that leads nowhere is named."""

import stat
from pathlib import Path

import pytest

from patter.settings import Settings, load
from patter.wiring.tokens import token_keys
from schemas.errors import Code, LackingError
from schemas.token import Claims, sign, verify

KEY = b"0123456789abcdef"


def with_keys(*refs: str, active: int = 1) -> Settings:
    keys = [{"id": number, "ref": ref} for number, ref in enumerate(refs, start=1)]
    return load(None, {"tokens": {"active": active, "keys": keys}})


def test_keys_come_from_the_environment_and_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"k" * 64 + b"\n")
    monkeypatch.setenv("TOKEN_KEY_OF_THE_TEST", KEY.decode())
    keys = token_keys(with_keys("env:TOKEN_KEY_OF_THE_TEST", f"file:{path}"))
    assert keys == {1: KEY, 2: b"k" * 64}


@pytest.mark.parametrize("length", [1, 15, 65])
def test_a_key_of_another_length_is_refused_by_its_reference(tmp_path: Path, length: int) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"k" * length)
    with pytest.raises(LackingError) as caught:
        token_keys(with_keys(f"file:{path}"))
    assert caught.value.code is Code.KEY_MISSING
    assert caught.value.exit_code == 3
    assert caught.value.where == "tokens.keys[0].ref"
    assert f"holds {length} bytes" in caught.value.what


def test_what_is_missing_is_named_and_no_key_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_KEY_OF_THE_TEST", KEY.decode())
    monkeypatch.delenv("TOKEN_KEY_THAT_IS_NOT", raising=False)
    for ref in ("env:TOKEN_KEY_THAT_IS_NOT", f"file:{tmp_path / 'none'}"):
        with pytest.raises(LackingError) as caught:
            token_keys(with_keys("env:TOKEN_KEY_OF_THE_TEST", ref))
        assert caught.value.where == "tokens.keys[1].ref"
        assert ref in caught.value.what
        assert KEY.decode() not in caught.value.line()


def test_without_keys_one_is_made_once_for_this_machine(tmp_path: Path) -> None:
    settings = load(None, {"data_dir": str(tmp_path), "tokens": {"active": 7}})
    first = token_keys(settings)
    assert set(first) == {7}
    assert 16 <= len(first[7]) <= 64
    path = tmp_path / "keys" / "token.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token_keys(settings) == first
    assert token_keys(load(None, {"data_dir": str(tmp_path / "other")}))[1] != first[7]


def test_the_keys_sign_and_verify(tmp_path: Path) -> None:
    keys = token_keys(load(None, {"data_dir": str(tmp_path)}))
    claims = Claims(
        decision_id=b"d" * 16,
        time_ms=1,
        propensity=0.5,
        holdout=False,
        excluded=False,
        experiment=1,
        policy_version=2,
        arm=3,
        segment=4,
        category=5,
        product=6,
    )
    assert verify(sign(claims, 1, keys[1]), keys) == claims
    assert verify(sign(claims, 1, KEY), keys) is None
