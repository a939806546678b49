"""Which roles a machine runs, and with which arguments."""

from pathlib import Path

from patter.supervisor import RoleSpec


def role_specs(
    config: Path | None,
    workers: int,
    *,
    generators: int = 1,
    collectors: int = 1,
    learners: int = 1,
    machine: str = "",
) -> list[RoleSpec]:
    """serve `workers` times, and so on. The first of each has the role's plain name.

    `machine` goes before members' names where several machines serve one tenant: equal names would fence each other.
    """
    common = ("--config", str(config)) if config else ()
    prefix = f"{machine}-" if machine else ""
    specs = []
    counts = {"serve": workers, "generate": generators, "collect": collectors, "learn": learners}
    for role, count in counts.items():
        for number in range(count):
            name = role if number == 0 else f"{role}-{number}"
            specs.append(RoleSpec(name, ("run", role, "--member", f"{prefix}{role}-{number}", "--port", "0", *common)))
    return specs
