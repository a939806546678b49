"""The decision token: it travels through the shop's tracker and comes back with an impression, a click or an order.

Layout of the 69 bytes of version 2 (big-endian), base64url without padding, 92 characters:

    version 1 | key id 1 | decision id 16 | decision time, ms 6 | propensity float32 4 | flags 1
    | codes of experiment, policy version, arm, segment, category, product, copy: 4 each | keyed BLAKE2b-96 12

Version 1 had no copy: 65 bytes, 87 characters. It is not signed any more, and still verified.

BLAKE2b with a key is a MAC by itself (RFC 7693, section 2.9) and costs less than HMAC-SHA-256. A code is the first 32
bits of BLAKE2b of the name; `patter.codes.v1` maps it back, but for copies, whose names are their ids in the pool.
"""

import base64
import binascii
import hmac
import struct
from binascii import b2a_base64
from collections.abc import Mapping
from hashlib import blake2b

from msgspec import Struct

VERSION = 2
MAC_BYTES = 12
FLAG_HOLDOUT = 1
FLAG_EXCLUDED = 2
NO_CODE = 0

_TAIL = struct.Struct(">fB7I")
_BODY = struct.Struct(">BB16s6sfB7I")
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
TOKEN_BYTES = _BODY.size + MAC_BYTES
TOKEN_CHARS = -(-TOKEN_BYTES * 8 // 6)
TAIL_BYTES = _TAIL.size
_BODY_1 = struct.Struct(">BB16s6sfB6I")
_LAYOUTS = {-(-(body.size + MAC_BYTES) * 8 // 6): (version, body) for version, body in ((1, _BODY_1), (VERSION, _BODY))}


class CodeName(Struct, frozen=True):
    """A record of `patter.codes.v1`: the name behind a code."""

    code: int
    kind: str
    name: str


class Claims(Struct, frozen=True, kw_only=True):
    """What a token says. `propensity` is a float32; the codes are `code_of` of the names, 0 where there is none.

    `copy` is the code of the shown text's id; a token of version 1 says none.
    """

    decision_id: bytes
    time_ms: int
    propensity: float
    holdout: bool
    excluded: bool
    experiment: int
    policy_version: int
    arm: int
    segment: int
    category: int
    product: int
    copy: int = NO_CODE


def code_of(name: str) -> int:
    """32-bit code of a name; never 0, which stands for 'none'."""
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big") or 1


def sign(claims: Claims, key_id: int, key: bytes) -> str:
    """The token. `key` is 16 to 64 bytes, `key_id` 0..255."""
    return Seal(key_id, key).token(claims.decision_id, claims.time_ms.to_bytes(6, "big"), tail_of(claims)).decode()


def tail_of(claims: Claims) -> bytes:
    """The part of a token that many decisions share: all but id, time and signature."""
    flags = (FLAG_HOLDOUT if claims.holdout else 0) | (FLAG_EXCLUDED if claims.excluded else 0)
    return _TAIL.pack(
        claims.propensity,
        flags,
        claims.experiment,
        claims.policy_version,
        claims.arm,
        claims.segment,
        claims.category,
        claims.product,
        claims.copy,
    )


class Seal:
    """`sign` with its parts at hand: the hot path packs a tail once and seals it many times, with one key."""

    def __init__(self, key_id: int, key: bytes) -> None:
        self._prefix = bytes((VERSION, key_id))
        self._keyed = blake2b(digest_size=MAC_BYTES, key=key)

    def token(self, decision_id: bytes, time: bytes, tail: bytes) -> bytes:
        """The token in ASCII. `decision_id` has 16 bytes, `time` 6, `tail` is `tail_of` the claims."""
        body = self._prefix + decision_id + time + tail
        keyed = self._keyed.copy()
        keyed.update(body)
        return b2a_base64(body + keyed.digest(), newline=False).translate(_URL_SAFE)[:TOKEN_CHARS]


def verify(token: str, keys: Mapping[int, bytes]) -> Claims | None:
    """What the token says, or None: forged, altered, cut, foreign, or signed with a key that is not in `keys`."""
    raw = _raw(token)
    if raw is None:
        return None
    body, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    key = keys.get(raw[1])
    if key is None or not hmac.compare_digest(mac, blake2b(body, digest_size=MAC_BYTES, key=key).digest()):
        return None
    return _claims(body)


def unsealed(token: str) -> tuple[int, Claims] | None:
    """The id of the key and what the token says, whoever signed it; None where it is no token.

    For whoever looks into records of Patter's own: what comes from outside is to be verified.
    """
    raw = _raw(token)
    return None if raw is None else (raw[1], _claims(raw[:-MAC_BYTES]))


def _raw(token: str) -> bytes | None:
    """The bytes of a token of any version."""
    layout = _LAYOUTS.get(len(token))
    if layout is None:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    # 65 bytes leave 2 bits of the last character unused, and "+" is read as "-": only what `sign` writes is a token.
    spelled = base64.urlsafe_b64encode(raw).rstrip(b"=")
    return raw if raw[0] == layout[0] and spelled == token.encode() else None


def _claims(body: bytes) -> Claims:
    """What the signed bytes of a token say."""
    version, layout = _LAYOUTS[-(-(len(body) + MAC_BYTES) * 8 // 6)]
    _, _, decision_id, moment, propensity, flags, *codes = layout.unpack(body)
    return Claims(
        decision_id=decision_id,
        time_ms=int.from_bytes(moment, "big"),
        propensity=propensity,
        holdout=bool(flags & FLAG_HOLDOUT),
        excluded=bool(flags & FLAG_EXCLUDED),
        experiment=codes[0],
        policy_version=codes[1],
        arm=codes[2],
        segment=codes[3],
        category=codes[4],
        product=codes[5],
        copy=codes[6] if version >= VERSION else NO_CODE,
    )
