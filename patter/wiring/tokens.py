"""Keys of decision tokens, by reference: the settings name where a key is, never the key."""

import os
import secrets
from pathlib import Path

from patter.settings import Settings
from schemas.errors import Code, LackingError

# RFC 7693 allows up to 64 bytes; under 16 a key could be guessed.
MIN_BYTES, MAX_BYTES, OWN_BYTES = 16, 64, 32


def token_keys(settings: Settings) -> dict[int, bytes]:
    """Every accepted key by id. Without any in the settings a key is made once in the data folder (one machine only).

    Raises LackingError (key_missing) that names the reference.
    """
    if not settings.tokens.keys:
        return {settings.tokens.active: _own_key(_own_path(settings))}
    keys = {}
    for i, key in enumerate(settings.tokens.keys):
        found = _key(key.ref)
        if not MIN_BYTES <= len(found) <= MAX_BYTES:
            raise LackingError(
                Code.KEY_MISSING,
                f"{key.ref} holds {len(found)} bytes; a key has {MIN_BYTES} to {MAX_BYTES}",
                where=f"tokens.keys[{i}].ref",
                hint="set it, for example to the output of `openssl rand -hex 16`",
            )
        keys[key.id] = found
    return keys


def known_keys(settings: Settings) -> dict[int, bytes]:
    """`token_keys`, but of those keys only that are there: what is lacking is left out, and none is made."""
    if not settings.tokens.keys:
        own = _file(_own_path(settings))[:MAX_BYTES]
        return {settings.tokens.active: own} if own else {}
    found = {key.id: _key(key.ref) for key in settings.tokens.keys}
    return {number: key for number, key in found.items() if MIN_BYTES <= len(key) <= MAX_BYTES}


def _own_path(settings: Settings) -> Path:
    return Path(settings.data_dir) / "keys" / "token.key"


def _key(ref: str) -> bytes:
    scheme, _, name = ref.partition(":")
    return os.environ.get(name, "").encode() if scheme == "env" else _file(Path(name))


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError:
        return b""


def _own_key(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_hex(OWN_BYTES).encode())
    return path.read_bytes().strip()[:MAX_BYTES]
