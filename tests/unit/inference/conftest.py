"""Bundles of random weights, made once for all tests of the engine."""

import pytest
from tiny_bundle import tiny_bundle


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    return tiny_bundle(tmp_path_factory.mktemp("tiny") / "fused")


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    return tiny_bundle(tmp_path_factory.mktemp("tiny") / "plain", "plain")
