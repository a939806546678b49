"""The policy's history: what each version changed, who made it and why. Pure; the log may begin anywhere."""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from inference.decide.acts import KILL, LEARN, LEARNED, SET
from schemas.policies import Beta, PolicySnapshot

# Two percent of a rate is far less than a belief about it is wide; every version moves every belief by a hair.
_MOVED = 0.02


class Move(Struct, frozen=True):
    """The belief whose mean moved most, relatively, and its means before and after."""

    category: str
    segment: str
    arm: str
    before: float
    after: float


class Step(Struct, frozen=True, kw_only=True):
    """One version. `changes` are words; None where the version before it is not known, so that nothing can be said.

    `moved` counts beliefs whose mean changed by more than 2 % of itself, and `move` is the furthest of them.
    """

    version: int
    created_ms: int
    cause: str
    by: str
    why: str
    kill: bool
    held: int | None
    cells: int
    moved: int | None
    move: Move | None
    changes: list[str] | None


class Gap(Struct, frozen=True):
    """Versions `first` to `last` that the log does not have."""

    first: int
    last: int


def cause_of(snapshot: PolicySnapshot) -> str:
    """Why there is this version; told from what it says where it is older than causes are."""
    if snapshot.cause:
        return snapshot.cause
    return LEARNED if snapshot.by == LEARN else KILL if snapshot.kill else SET


def steps(snapshots: Iterable[PolicySnapshot]) -> Iterator[Step]:
    """The versions in the order of the log, each beside the one before it."""
    before: PolicySnapshot | None = None
    for snapshot in snapshots:
        if before is not None and snapshot.version <= before.version:
            yield replace(step(None, snapshot), changes=["a version of this number was there: no worker takes it"])
            continue
        follows = before is not None and snapshot.version == before.version + 1
        yield step(before if follows else None, snapshot)
        before = snapshot


def step(before: PolicySnapshot | None, after: PolicySnapshot) -> Step:
    """What `after` says, and what it changed; version 1 changed nothing."""
    moved, move = _moves(before, after) if before is not None else (None, None)
    first = after.version == 1
    return Step(
        version=after.version,
        created_ms=after.created_ms,
        cause=cause_of(after),
        by=after.by,
        why=after.why,
        kill=after.kill,
        held=after.held,
        cells=len(after.cells),
        moved=moved,
        move=move,
        changes=["the first version"] if first else None if before is None else list(_changes(before, after, moved)),
    )


def gaps(versions: Iterable[int]) -> list[Gap]:
    """What is missing between version 1 and the highest."""
    found, due = [], 1
    for version in sorted(set(versions)):
        if version > due:
            found.append(Gap(due, version - 1))
        due = version + 1
    return found


def _changes(before: PolicySnapshot, after: PolicySnapshot, moved: int | None) -> Iterator[str]:
    if before.kill != after.kill:
        yield "all copy stopped" if after.kill else "copy shown again"
    if before.held != after.held:
        yield f"beliefs of version {after.held} held" if after.held is not None else "learning goes on"
    for name in ("experiment", "epsilon", "draws"):
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            yield f"{name} {was} to {now}"
    gone, come = sorted(before.prior.keys() - after.prior.keys()), sorted(after.prior.keys() - before.prior.keys())
    if come:
        yield "arms " + ", ".join(f"+{arm}" for arm in come)
    if gone:
        yield "arms " + ", ".join(f"-{arm}" for arm in gone)
    if len(before.cells) != len(after.cells):
        yield f"cells {len(before.cells)} to {len(after.cells)}"
    if moved:
        yield f"{moved} belief{'' if moved == 1 else 's'} moved"
    if before.conversion_version != after.conversion_version:
        yield f"P_conv {before.conversion_version or 'none'} to {after.conversion_version or 'none'}"


def _moves(before: PolicySnapshot, after: PolicySnapshot) -> tuple[int, Move | None]:
    old = {(cell.category, cell.segment): cell.arms for cell in before.cells}
    moved, furthest, far = 0, None, _MOVED
    for cell in after.cells:
        beliefs = old.get((cell.category, cell.segment), {})
        for arm, belief in cell.arms.items():
            # An arm that a cell did not name fell back to the prior.
            was = beliefs.get(arm) or before.prior.get(arm)
            if was is None:
                continue
            mean, now = _mean(was), _mean(belief)
            distance = abs(now - mean) / mean
            moved += distance > _MOVED
            if distance > far:
                far, furthest = distance, Move(cell.category, cell.segment, arm, mean, now)
    return moved, furthest


def _mean(belief: Beta) -> float:
    return belief.alpha / (belief.alpha + belief.beta)
