"""Files, shop, recount and view are pure: none of them brings a client, a store or a model into the process."""

import subprocess
import sys

import pytest

HEAVY = ("confluent_kafka", "feast", "onnxruntime", "faust")


@pytest.mark.parametrize("module", ["patter.files", "patter.demo.shop", "patter.demo.recount", "patter.demo.view"])
def test_the_pure_parts_load_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
