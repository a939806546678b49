"""Checkpoints: what verify has counted, signed, so that a later run can count on from there where the log is cut.

A checkpoint is a folder with the batch's own tables (`state.duckdb`) and a manifest, which says of which life of which
log they are, up to which offsets, by which rules, and is signed with a token key. Whoever cannot sign tokens cannot
make one up, nor change a number in one.
"""

import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b, file_digest
from hmac import compare_digest
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from patter.verify.rules import Rules
from schemas.errors import Code, ConfigError

SCHEMA = "patter.checkpoint/2"
# One that says nothing of what shoppers had done before counts on as collect's own state of then does: of whoever
# stands in it nothing was known. To refuse it would leave verify without a beginning where the log is cut.
READ = (SCHEMA, "patter.checkpoint/1")
STATE, MANIFEST = "state.duckdb", "manifest.json"
# The newest may be found spoilt, and the one before may reach a log that was cut meanwhile.
KEPT = 3
# Tokens are signed with the same keys: a signature of one kind must never pass for the other (RFC 7693, 2.5).
PERSON = b"patter.verify"


class Manifest(Struct, frozen=True, kw_only=True):
    """What a checkpoint is about. `through` is the last offset that is counted, by partition; `counting` the settings
    that counts depend on. The signature is over all of the rest.
    """

    schema: str
    written_at: datetime
    topic: str
    incarnation: str
    through: dict[int, int]
    counting: dict[str, str]
    state_sha256: str
    key_id: int
    signature: str = ""


class Checkpoint(Struct, frozen=True, kw_only=True):
    """One whose signature and state were checked."""

    folder: Path
    manifest: Manifest

    @property
    def state(self) -> Path:
        """The file with its tables."""
        return self.folder / STATE


class Checkpoints:
    """Those in a folder, of one life of one input log."""

    def __init__(
        self, folder: Path, topic: str, incarnation: str, rules: Rules, keys: Mapping[int, bytes], key_id: int
    ) -> None:
        self._folder, self._topic, self._incarnation = folder, topic, incarnation
        self._counting, self._keys, self._key_id = counting_of(rules), keys, key_id

    def newest(self) -> Checkpoint | None:
        """The one that was written last, None where there is none. Raises ConfigError (checkpoint_refused)."""
        names = self._names()
        return self._checked(self._folder / names[-1]) if names else None

    def room(self) -> Path:
        """Where the state of the next one is to be written; what a run that died had left there is gone."""
        place = self._folder / f".unfinished-{self._topic}"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        return place / STATE

    def put(self, state: Path, through: Mapping[int, int], moment: datetime) -> Checkpoint:
        """Sign what was written to `room`, put it among the others, and remove those that are too many."""
        manifest = self._signed(
            Manifest(
                schema=SCHEMA,
                written_at=moment,
                topic=self._topic,
                incarnation=self._incarnation,
                through=dict(through),
                counting=self._counting,
                state_sha256=_sha256(state),
                key_id=self._key_id,
            )
        )
        (state.parent / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        for path in (state, state.parent / MANIFEST):
            with path.open("rb") as file:
                os.fsync(file.fileno())
        folder = self._folder / f"{self._topic}-{moment:%Y%m%dT%H%M%S.%fZ}"
        state.parent.rename(folder)
        for name in self._names()[:-KEPT]:
            shutil.rmtree(self._folder / name)
        return Checkpoint(folder=folder, manifest=manifest)

    def _names(self) -> list[str]:
        """In the order of their times, which their names end with."""
        names = [path.parent.name for path in self._folder.glob(f"*/{MANIFEST}")]
        return sorted(name for name in names if name.rpartition("-")[0] == self._topic)

    def _signed(self, manifest: Manifest) -> Manifest:
        return replace(manifest, signature=_signature(manifest, self._keys[manifest.key_id]))

    def _checked(self, folder: Path) -> Checkpoint:
        try:
            manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
        except (msgspec.MsgspecError, OSError) as error:
            raise _refused(folder, f"its manifest cannot be read: {error}") from error
        key = self._keys.get(manifest.key_id)
        if key is None:
            raise _refused(folder, f"it is signed with key {manifest.key_id}, which is not among tokens.keys")
        if not compare_digest(manifest.signature, _signature(manifest, key)):
            raise _refused(folder, "its signature does not match")
        if manifest.schema not in READ:
            raise _refused(folder, f"it is of another Patter: {manifest.schema}")
        if (manifest.topic, manifest.incarnation) != (self._topic, self._incarnation):
            raise _refused(folder, f"it is of another life of the log: {manifest.topic} {manifest.incarnation}")
        other = sorted(name for name, value in self._counting.items() if manifest.counting.get(name) != value)
        if other:
            raise _refused(folder, f"it was counted with other settings: {', '.join(other)}")
        try:
            found = _sha256(folder / STATE)
        except OSError as error:
            raise _refused(folder, f"its state cannot be read: {error}") from error
        if found != manifest.state_sha256:
            raise _refused(folder, "its state is not what was signed")
        return Checkpoint(folder=folder, manifest=manifest)


def counting_of(rules: Rules) -> dict[str, str]:
    """The settings that counts depend on, as a manifest names them. Rules on bots are with collect's state."""
    held = rules.holdout
    return {
        "lateness_ms": str(rules.lateness_ms),
        "currency": rules.currency,
        "max_cells": str(rules.max_cells),
        "max_copies": str(rules.max_copies),
        "holdout": "" if held is None else f"{held.name} {held.salt} {held.holdout}",
    }


def _signature(manifest: Manifest, key: bytes) -> str:
    bare = msgspec.json.encode(
        msgspec.to_builtins(replace(manifest, signature=""), str_keys=True), order="deterministic"
    )
    return blake2b(bare, digest_size=32, key=key, person=PERSON).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _refused(folder: Path, why: str) -> ConfigError:
    return ConfigError(
        Code.CHECKPOINT_REFUSED, f"the checkpoint is refused: {why}", where=str(folder), hint="remove it, or restore it"
    )
