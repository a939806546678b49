"""Splits by group: no group stands on both sides, so that no text is judged by a model that has seen its like."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b

from schemas.arms import Arm
from schemas.errors import Code, ConfigError


def folds_of(groups: Sequence[str], folds: int, seed: int) -> list[int]:
    """The fold of each row, 0..folds - 1, by a hash of its group's name and the seed: order and other rows play no
    part.
    """
    return [_hashed(group, seed) % folds for group in groups]


def splits(arms: Sequence[Arm], folds: int, seed: int) -> Iterator[tuple[list[Arm], list[Arm]]]:
    """(to fit on, to measure on) for each fold: every arm is measured once, by a model without its group.

    Raises ConfigError (file_invalid) where there are fewer groups than folds.
    """
    if len({arm.group for arm in arms}) < folds:
        raise ConfigError(
            Code.FILE_INVALID, f"fewer than {folds} groups cannot be split", hint="give more tests, or --test"
        )
    places = folds_of([arm.group for arm in arms], folds, seed)
    for fold in range(folds):
        test = [arm for arm, place in zip(arms, places, strict=True) if place == fold]
        if test:
            yield [arm for arm, place in zip(arms, places, strict=True) if place != fold], test


def apart(train: Sequence[Arm], test: Sequence[Arm]) -> tuple[list[Arm], int]:
    """`train` without the arms whose group stands in `test` too, and how many groups that were."""
    held = {arm.group for arm in test}
    return [arm for arm in train if arm.group not in held], len({arm.group for arm in train} & held)


def _hashed(group: str, seed: int) -> int:
    return int.from_bytes(blake2b(f"{seed}\x00{group}".encode(), digest_size=8).digest(), "big")
