"""The closed set of error codes and the exceptions that carry them.

A code is at once the DLQ header `patter-code`, the metric label `code`, the word in `error[CODE]` on stderr and the
anchor in `docs/reference/errors.md`; a contract test holds them together.

    PatterError
    ├── ConfigError      wrong settings, wrong file, wrong usage     refuse to start, exit 2
    ├── LackingError     broker, store, bundle, Java not there       refuse to start, exit 3
    ├── CheckFailed      a check that was asked for did not hold     exit 1
    └── Brake            so many rejects that Patter is suspect      stop the worker, exit 1, never restarted
"""

from enum import StrEnum
from typing import ClassVar


class Code(StrEnum):
    """Every code there is. The group in a comment says who may use it."""

    # records: why a record of the input log is set aside (DLQ)
    UNDECODABLE = "undecodable"
    EMPTY_RECORD = "empty_record"
    TOO_LARGE = "too_large"
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_KIND = "unknown_kind"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    EMPTY_ID = "empty_id"
    ID_TOO_LONG = "id_too_long"
    TIME_INVALID = "time_invalid"
    TIME_ABSURD = "time_absurd"
    NEGATIVE_AMOUNT = "negative_amount"
    OUT_OF_RANGE = "out_of_range"
    UNMAPPED = "unmapped"

    # decisions: why a decision shows nothing, or something else than its arm
    PRODUCT_UNKNOWN = "product_unknown"
    OUT_OF_STOCK = "out_of_stock"
    HOLDOUT = "holdout"
    KILL_SWITCH = "kill_switch"
    FREQUENCY_CAP = "frequency_cap"
    POOL_MISS = "pool_miss"
    PRICE_BEHIND = "price_behind"
    SLOT_UNFILLED = "slot_unfilled"
    TEXT_TOO_LONG = "text_too_long"

    # copy: why a written text is not admitted to the pool
    COPY_EMPTY = "copy_empty"
    COPY_TOO_LONG = "copy_too_long"
    COPY_UNFINISHED = "copy_unfinished"
    COPY_SLOT_UNKNOWN = "copy_slot_unknown"
    COPY_NAME_MISSING = "copy_name_missing"
    COPY_CLAIM = "copy_claim"
    COPY_REPEATS = "copy_repeats"
    COPY_CTA_MISSING = "copy_cta_missing"
    COPY_UNSURE = "copy_unsure"
    COPY_DEADLINE = "copy_deadline"
    COPY_UNBACKED = "copy_unbacked"
    COPY_IRRELEVANT = "copy_irrelevant"
    COPY_BRAND = "copy_brand"
    COPY_TOXIC = "copy_toxic"
    COPY_PII = "copy_pii"
    COPY_DUPLICATE = "copy_duplicate"
    COPY_REJECTED = "copy_rejected"
    COPY_RETIRED = "copy_retired"
    COPY_SENSITIVE = "copy_sensitive"

    # settings, files, usage
    SETTINGS_INVALID = "settings_invalid"
    FILE_MISSING = "file_missing"
    FILE_INVALID = "file_invalid"
    CHECKPOINT_REFUSED = "checkpoint_refused"
    USAGE = "usage"
    PARITY = "parity"

    # environment
    BROKER_UNREACHABLE = "broker_unreachable"
    BROKER_FAILED = "broker_failed"
    BROKER_UNSUITABLE = "broker_unsuitable"
    JAVA_MISSING = "java_missing"
    JARS_MISSING = "jars_missing"
    PORT_TAKEN = "port_taken"
    TOPIC_MISSING = "topic_missing"
    TOPIC_MISMATCH = "topic_mismatch"
    STORE_UNREACHABLE = "store_unreachable"
    STORE_UNSUITABLE = "store_unsuitable"
    BUNDLE_MISSING = "bundle_missing"
    BUNDLE_TAMPERED = "bundle_tampered"
    BUNDLE_INCOMPATIBLE = "bundle_incompatible"
    TASK_MISSING = "task_missing"
    PROVIDER_MISSING = "provider_missing"
    KEY_MISSING = "key_missing"
    DEPENDENCY_MISSING = "dependency_missing"

    # stream
    BRAKE = "brake"
    FENCED = "fenced"
    CODE_COLLISION = "code_collision"
    EVICTED = "evicted"
    ROLE_DIED = "role_died"
    PENDING = "pending"
    MISCOUNT = "miscount"
    NOT_ISOLATED = "not_isolated"


RECORD_CODES = frozenset(
    {
        Code.UNDECODABLE,
        Code.EMPTY_RECORD,
        Code.TOO_LARGE,
        Code.NOT_AN_OBJECT,
        Code.UNKNOWN_KIND,
        Code.MISSING_FIELD,
        Code.WRONG_TYPE,
        Code.EMPTY_ID,
        Code.ID_TOO_LONG,
        Code.TIME_INVALID,
        Code.TIME_ABSURD,
        Code.NEGATIVE_AMOUNT,
        Code.OUT_OF_RANGE,
        Code.UNMAPPED,
    }
)


class PatterError(Exception):
    """Something a person has to know: `what` happened, `where`, and `hint`, the way out.

    `where` is file:line:field, topic/partition/offset, or a settings path.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, code: Code, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.where = where
        self.hint = hint

    def line(self) -> str:
        """The one line for stderr: `error[CODE]: what, where, what to do`."""
        parts = [" ".join(part.split()) for part in (self.what, self.where, self.hint) if part]
        return f"error[{self.code.value}]: " + ", ".join(parts)

    def __str__(self) -> str:
        return self.line()


class ConfigError(PatterError):
    """Bad input or usage. Nothing has been started or sent."""

    exit_code = 2


class LackingError(PatterError):
    """The environment lacks something; the message names it."""

    exit_code = 3


class CheckFailed(PatterError):
    """A check that the user asked for, or that a run makes of itself, did not hold."""

    exit_code = 1


class Brake(PatterError):
    """So many records in a row were rejected that the data is not to blame. The worker must not be restarted."""

    exit_code = 1
