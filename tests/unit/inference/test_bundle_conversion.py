"""A bundle may hold a model of predicted conversion, and is the same bundle as before where it does not."""

import shutil

import pytest

from inference.bundle import bundle_digest, load_bundle, starter_dir, take_conversion
from inference.bundle.contents import SUMS, sums_text
from inference.text.conversion import Conversion, Weight, p_conv, versioned, write_conversion
from schemas.errors import Code, LackingError

MODEL = versioned(
    Conversion(
        schema=1,
        version="",
        attributes={"question": Weight(mean=0.2, scale=0.4, weight=-0.1)},
        segments={},
        ngrams={},
        order=2,
        source={},
        figures={},
    )
)


@pytest.fixture
def folder(tmp_path):
    target = tmp_path / "copy"
    shutil.copytree(starter_dir(), target)
    return target


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "fitted.json"
    write_conversion(MODEL, path)
    return path


def test_a_bundle_without_one_has_none(folder):
    assert load_bundle(folder).conversion is None


def test_a_bundle_takes_one_in_and_is_another_bundle(folder, file):
    before = bundle_digest(folder)
    take_conversion(folder, file)
    bundle = load_bundle(folder)
    assert bundle.conversion == MODEL
    assert bundle.sha256 == bundle_digest(folder) != before
    assert p_conv(bundle.conversion, "Why?") < 0.5


def test_without_a_digest_it_is_no_part_of_the_bundle(folder, file):
    shutil.copy(file, folder / "conversion.json")
    with pytest.raises(LackingError) as caught:
        load_bundle(folder)
    assert caught.value.code is Code.BUNDLE_TAMPERED


@pytest.mark.parametrize("change", ["flip", "remove"])
def test_its_digest_is_checked_as_any_other(folder, file, change):
    take_conversion(folder, file)
    held = folder / "conversion.json"
    if change == "flip":
        held.write_bytes(held.read_bytes().replace(b"question", b"questiom"))
    else:
        held.unlink()
    with pytest.raises(LackingError) as caught:
        load_bundle(folder)
    assert caught.value.code is (Code.BUNDLE_TAMPERED if change == "flip" else Code.BUNDLE_MISSING)
    assert "conversion.json" in caught.value.line()


def test_one_of_another_schema_is_incompatible(folder, file):
    take_conversion(folder, file)
    held = folder / "conversion.json"
    held.write_bytes(held.read_bytes().replace(b'"schema":1', b'"schema":9'))
    (folder / SUMS).write_text(sums_text(folder))
    with pytest.raises(LackingError) as caught:
        load_bundle(folder)
    assert caught.value.code is Code.BUNDLE_INCOMPATIBLE
    assert "schema is 9" in caught.value.line()
