"""Feast comes without torch and without rewritten functions, and leaves nothing behind."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration

SCRIPT = """
import sys, typeguard
before = typeguard.typechecked
from features.store.lean_import import lean_import
with lean_import():
    import feast
assert "torch" not in sys.modules
assert typeguard.typechecked is before
print(feast.FeatureStore.__name__)
"""


def test_feast_is_imported_lean() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "FeatureStore"
