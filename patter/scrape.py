"""Asks the roles of a data folder how they are."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import psutil
from msgspec import Struct

# A role that does not answer on the loopback interface within this time is busy or gone; the view must not wait for it.
TIMEOUT_S = 1.0


class RoleAddress(Struct, frozen=True):
    """Where a role listens."""

    role: str
    member: str
    pid: int
    port: int


def addresses(data_dir: Path) -> list[RoleAddress]:
    """Every role that announced itself in the folder and still lives."""
    found = []
    for path in sorted((data_dir / "run").glob("*.json")):
        try:
            address = RoleAddress(**json.loads(path.read_text()))
        except (ValueError, TypeError, OSError):
            continue
        if psutil.pid_exists(address.pid):
            found.append(address)
    return found


def get(address: RoleAddress, path: str) -> tuple[int, str]:
    """(HTTP status, body) of a role's page; status 0 where it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{address.port}{path}", timeout=TIMEOUT_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except (OSError, ValueError):
        return 0, ""


def ready(data_dir: Path, members: set[str]) -> bool:
    """Whether all of these members are ready."""
    known = {address.member: address for address in addresses(data_dir)}
    return members <= set(known) and all(get(known[member], "/ready")[0] == 200 for member in members)
