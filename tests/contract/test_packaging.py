"""What is shipped: exactly Patter's packages, with the data that they need, and no training."""

import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"patter", "streams", "features", "inference", "schemas"}
DATA = (
    "inference/bundles/starter/model.onnx",
    "inference/bundles/starter/tokenizer.json",
    "inference/bundles/starter/SHA256SUMS",
    "inference/generate/lexicons/colours.txt",
    "patter/demo/catalogue.jsonl",
    "schemas/registry/patter.events.v1.schema.json",
)


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_the_wheel_holds_patters_packages_and_nothing_else(names: list[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


@pytest.mark.parametrize("path", DATA)
def test_the_wheel_holds_the_data(names: list[str], path: str) -> None:
    assert path in names


def test_no_other_distribution_has_our_packages_names() -> None:
    owners = packages_distributions()
    assert {name: set(owners.get(name, ())) - {"patter"} for name in PACKAGES} == {name: set() for name in PACKAGES}


def test_the_bundle_is_small_enough_to_ship() -> None:
    folder = ROOT / "inference" / "bundles" / "starter"
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 12_000_000
