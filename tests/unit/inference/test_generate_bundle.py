import hashlib
import json
import shutil

import pytest

from inference.bundle import bundle_digest, load_bundle, starter_dir
from inference.bundle.contents import FILES, SUMS, sums_text
from inference.generate import open_writer
from schemas.errors import Code, LackingError


@pytest.fixture
def folder(tmp_path):
    target = tmp_path / "copy"
    shutil.copytree(starter_dir(), target)
    return target


def refused(folder):
    with pytest.raises(LackingError) as caught:
        load_bundle(folder)
    assert caught.value.exit_code == 3
    return caught.value


def reseal(folder):
    (folder / SUMS).write_text(sums_text(folder), "utf-8")


def edit(folder, change):
    path = folder / "generation.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    reseal(folder)


def test_the_starter_is_whole_and_small():
    bundle = load_bundle(starter_dir())
    assert bundle.name == "starter"
    assert bundle.sha256 == hashlib.sha256((starter_dir() / SUMS).read_bytes()).hexdigest()
    assert sum(path.stat().st_size for path in starter_dir().iterdir()) <= 12 * 2**20


def test_sums_are_those_of_sha256sum(folder):
    for line in (folder / SUMS).read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_a_missing_folder_is_named(tmp_path):
    error = refused(tmp_path / "nowhere")
    assert error.code is Code.BUNDLE_MISSING
    assert "nowhere" in error.line()


@pytest.mark.parametrize("name", [*FILES, SUMS])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    error = refused(folder)
    assert error.code is Code.BUNDLE_MISSING
    assert name in error.line()


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found_in_every_file(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    error = refused(folder)
    assert error.code is Code.BUNDLE_TAMPERED
    assert name in error.line()


def test_a_file_more_is_found(folder):
    (folder / "extra.bin").write_bytes(b"")
    error = refused(folder)
    assert error.code is Code.BUNDLE_TAMPERED
    assert "extra.bin" in error.line()


@pytest.mark.parametrize(
    "lines",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines, lines[0]],
        lambda lines: [*lines, f"{'0' * 64}  ../model.onnx"],
        lambda lines: ["nonsense", *lines],
    ],
)
def test_sums_that_cover_less_or_other_than_the_files_are_refused(folder, lines):
    path = folder / SUMS
    path.write_text("\n".join(lines(path.read_text().splitlines())) + "\n")
    assert refused(folder).code is Code.BUNDLE_TAMPERED


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda g: g.update(schema=3), "schema"),
        (lambda g: g["graph"].update(opset=12), "opset"),
        (lambda g: g["graph"].update(opset=99), "opset"),
        (lambda g: g["graph"].pop("layers"), "layers"),
        (lambda g: g["sampler"].update(temperature=-1), "temperature"),
        (lambda g: g["slots"].append("WAS"), "WAS"),
        (lambda g: g["slots"].remove("RATING"), "RATING"),
        (lambda g: g.update(surprise=1), "surprise"),
    ],
)
def test_what_this_version_cannot_run_is_named_by_field(folder, change, field):
    edit(folder, change)
    error = refused(folder)
    assert error.code is Code.BUNDLE_INCOMPATIBLE
    assert field in error.line()


def test_another_content_is_another_bundle(folder):
    before = bundle_digest(folder)
    edit(folder, lambda g: g["sampler"].update(temperature=0.5))
    assert load_bundle(folder).sha256 != before


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda g: g["graph"].update(layers=g["graph"]["layers"] + 1), "inputs"),
        (lambda g: g["controls"]["tones"].append("salty"), "<tone:salty>"),
    ],
)
def test_a_graph_or_tokenizer_that_does_not_fit_is_refused_when_it_is_opened(folder, change, what):
    edit(folder, change)
    with pytest.raises(LackingError) as caught:
        open_writer(folder, provider="cpu")
    assert caught.value.code is Code.BUNDLE_INCOMPATIBLE
    assert what in caught.value.line()


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_file_that_does_not_load_is_refused(folder, name):
    (folder / name).write_bytes(b"not what it says")
    reseal(folder)
    with pytest.raises(LackingError) as caught:
        open_writer(folder, provider="cpu")
    assert caught.value.code is Code.BUNDLE_INCOMPATIBLE
    assert name in caught.value.line()
