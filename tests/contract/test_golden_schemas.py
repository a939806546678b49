"""The wire formats are those that were committed."""

import msgspec
import pytest

from schemas.decisions import CONTEXT, HEAD, DecisionBody, DecisionRead
from schemas.golden import REGISTRY, rendered


@pytest.mark.parametrize("name", sorted(rendered()))
def test_a_schema_is_as_committed(name: str) -> None:
    assert (REGISTRY / name).read_bytes() == rendered()[name], "python -m schemas.golden writes it anew"


def test_nothing_else_stands_in_the_registry() -> None:
    assert {path.name for path in REGISTRY.iterdir()} == set(rendered())


def test_the_record_that_is_written_is_the_record_that_is_read() -> None:
    written = {field.name for field in msgspec.structs.fields(DecisionBody)} | set(HEAD) | set(CONTEXT)
    assert written == {field.name for field in msgspec.structs.fields(DecisionRead)}
