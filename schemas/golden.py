"""The JSON Schemas of everything on the wire, as committed under `schemas/registry/`.

`python -m schemas.golden` writes them; a contract test fails where the committed ones differ, so a change of the wire
format is seen in review.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec
import orjson

from schemas.catalog import Product
from schemas.copy import CopyRequest, CopyVerdict, PoolEntry
from schemas.curation import CopyRuling, Creativity
from schemas.decisions import DecisionRead
from schemas.events import Event
from schemas.experiments import ExperimentRecord
from schemas.partials import CellMetrics, Partial, Progress
from schemas.policies import PolicySnapshot
from schemas.retirements import Retirement
from schemas.sketches import Sketch, Stretch
from schemas.token import CodeName

REGISTRY = Path(__file__).parent / "registry"
TYPES: dict[str, Any] = {
    "patter.events.v1": Event,
    "patter.catalog.v1": Product,
    "patter.decisions.v1": DecisionRead,
    "patter.copy.requests.v1": CopyRequest,
    "patter.copy.v1": PoolEntry,
    "patter.copy.review.v1": CopyVerdict,
    "patter.copy.rulings.v1": CopyRuling,
    "patter.copy.creativity.v1": Creativity,
    "patter.copy.retirements.v1": Retirement,
    "patter.partials.v1": Partial,
    "patter.partials.v1.progress": Progress,
    "patter.sketches.v1": Sketch,
    "patter.sketches.v1.counted": Stretch,
    "patter.metrics.v1": CellMetrics,
    "patter.policy.v1": PolicySnapshot,
    "patter.experiments.v1": ExperimentRecord,
    "patter.codes.v1": CodeName,
}


def rendered() -> dict[str, bytes]:
    """File name -> content."""
    return {
        f"{name}.schema.json": orjson.dumps(
            msgspec.json.schema(kind), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        )
        for name, kind in TYPES.items()
    }


def main() -> None:
    """Write every schema."""
    REGISTRY.mkdir(exist_ok=True)
    for name, content in rendered().items():
        (REGISTRY / name).write_bytes(content)
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
