"""A decision record against the one that its inputs give again: what differs, member by member.

Equality is exact: probabilities are sums and quotients of the same whole numbers in the same order, so a float that
differs in its last bit was computed from something else.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

import msgspec
from msgspec import Struct

from schemas.decisions import DecisionRead
from schemas.token import NO_CODE, TOKEN_CHARS, Claims, unsealed, verify

OF_THE_ARM = frozenset(
    {"action", "bundle_sha256", "copy_id", "excluded", "guard", "override", "prompt_id", "shown", "slot_text"}
    | {"source", "text", "token"}
)
"""What follows from the arm: of an arm that was not drawn the record does not say which text it would have shown."""

_CLAIMS = Claims.__struct_fields__


class Why(StrEnum):
    """Why a record could not be decided again."""

    UNDECODABLE = "undecodable"
    NO_TRIGGER = "no_trigger"
    TIME_INVALID = "time_invalid"
    CATALOGUE_INVALID = "catalogue_invalid"
    POLICY_GONE = "policy_gone"
    POLICY_AMBIGUOUS = "policy_ambiguous"
    OTHER_SEGMENT_RULES = "other_segment_rules"
    OTHER_EXPERIMENT = "other_experiment"
    EXPERIMENT_AMBIGUOUS = "experiment_ambiguous"
    OTHER_CHANNEL = "other_channel"
    OTHER_FEATURES = "other_features"


MEANING: Mapping[Why, str] = {
    Why.UNDECODABLE: "the value is no decision record",
    Why.NO_TRIGGER: "its kind of event asks for no decision",
    Why.TIME_INVALID: "its time is none",
    Why.CATALOGUE_INVALID: "its product's facts are no product record",
    Why.POLICY_GONE: "no snapshot of its policy version is at hand",
    Why.POLICY_AMBIGUOUS: "two different snapshots have its policy version",
    Why.OTHER_SEGMENT_RULES: "its segment rules are of another version than the settings'",
    Why.OTHER_EXPERIMENT: "no record of its experiment and version is at hand, and it is not the settings'",
    Why.EXPERIMENT_AMBIGUOUS: "two different records have its experiment and version",
    Why.OTHER_CHANNEL: "its channel or locale is not the settings'",
    Why.OTHER_FEATURES: "it holds a feature view that the settings' feature service does not have",
}
"""One sentence for each, as the report has it."""


class FieldDifference(Struct, frozen=True):
    """One member that differs. `field` is a member of the record, or `token.` and what the token says of it."""

    field: str
    recorded: object
    replayed: object


def differences(
    recorded: DecisionRead, replayed: DecisionRead, keys: Mapping[int, bytes]
) -> tuple[FieldDifference, ...]:
    """Where the record is not what its inputs give. `keys` are token keys by id; without the key that signed the
    token, what it says is compared, and not who signed it.
    """
    seen, again = msgspec.structs.asdict(recorded), msgspec.structs.asdict(replayed)
    left_out = OF_THE_ARM if recorded.arm != replayed.arm else frozenset()
    found = [
        FieldDifference(name, told, again[name])
        for name, told in seen.items()
        if name != "token" and name not in left_out and told != again[name]
    ]
    if "token" not in left_out:
        found += _of_tokens(recorded.token, replayed.token, keys)
    return tuple(found)


def _of_tokens(recorded: str, replayed: str, keys: Mapping[int, bytes]) -> Iterator[FieldDifference]:
    if recorded == replayed:
        return
    said, due = unsealed(recorded), unsealed(replayed)
    if said is None or due is None:
        yield FieldDifference("token", recorded, replayed)
        return
    (key_id, claims), (_, wanted) = said, due
    if len(recorded) != TOKEN_CHARS:
        # Version 1 named no copy. It is not signed any more, so its words are compared and its signature verified.
        wanted = msgspec.structs.replace(wanted, copy=NO_CODE)
    told = False
    for name in _CLAIMS:
        before, after = getattr(claims, name), getattr(wanted, name)
        if before != after:
            told = True
            yield FieldDifference(f"token.{name}", _shown(before), _shown(after))
    if not told and key_id in keys and verify(recorded, keys) is None:
        yield FieldDifference("token", recorded, replayed)


def _shown(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
