"""The demo as a fixture."""

from pathlib import Path

import pytest
from tests_e2e import Demo, Run, finish_demo, start_demo


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    def run(*arguments: str, name: str = "run") -> Run:
        return finish_demo(start_demo(tmp_path, *arguments, name=name), tmp_path, name)

    return run
