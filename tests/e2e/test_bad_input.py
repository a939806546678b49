"""What is wrong or lacking is one line that names it, and an exit code of the contract; nothing is started."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from inference.bundle import starter_dir

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
NOWHERE = "127.0.0.1:9"


def patter(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "patter", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        timeout=120,
        check=False,
    )


def lines(done: "subprocess.CompletedProcess[str]", code: str) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.startswith(f"error[{code}]: ")]


def test_a_broker_that_is_not_there(tmp_path: Path) -> None:
    for role in ("serve", "generate"):
        done = patter(tmp_path, "run", role, PATTER_KAFKA__BOOTSTRAP=NOWHERE)
        assert done.returncode == 3
        (line,) = lines(done, "broker_unreachable")
        assert NOWHERE in line
        assert "Traceback" not in done.stderr


def test_settings_are_refused_by_field(tmp_path: Path) -> None:
    settings = tmp_path / "patter.toml"
    settings.write_text('[experiment]\nholdout = 2\n[kafka.client]\n"acks" = "1"\n')
    done = patter(tmp_path, "run", "serve", "--config", str(settings))
    assert done.returncode == 2
    assert "experiment.holdout" in lines(done, "settings_invalid")[0]
    done = patter(tmp_path, "check", "--config", str(settings), "--json", "-")
    assert done.returncode == 2
    assert {"experiment.holdout"} <= {problem["field"] for problem in json.loads(done.stdout)["problems"]}


def test_check_says_what_is_wrong_behind_the_syntax(tmp_path: Path) -> None:
    settings = tmp_path / "patter.toml"
    settings.write_text(
        """
[kafka.client]
"enable.idempotence" = "false"
[[variants]]
name = "shout"
tone = "furious"
cta = "shop"
[[segments]]
name = "vip"
all = [{feature = "user_profile:yachts", op = ">=", value = 1}]
[tokens]
keys = [{id = 1, ref = "env:NO_SUCH_KEY"}]
"""
    )
    done = patter(tmp_path, "check", "--config", str(settings), "--json", "-")
    assert done.returncode == 2
    fields = {problem["field"] for problem in json.loads(done.stdout)["problems"]}
    assert fields == {
        "kafka.client.enable.idempotence",
        "variants[0].tone",
        "segments[0].all[0].feature",
        "tokens.keys[0].ref",
    }


@pytest.mark.parametrize("what", ["missing", "tampered", "incompatible"])
def test_a_bundle_that_cannot_be_trusted(tmp_path: Path, what: str) -> None:
    bundle = tmp_path / "bundle"
    if what != "missing":
        shutil.copytree(starter_dir(), bundle)
    if what == "tampered":
        with (bundle / "model.onnx").open("r+b") as file:
            file.seek(1000)
            file.write(b"\0\1\2\3")
    if what == "incompatible":
        from inference.bundle.contents import sums_text

        generation = json.loads((bundle / "generation.json").read_text())
        (bundle / "generation.json").write_text(json.dumps({**generation, "schema": 99}))
        (bundle / "SHA256SUMS").write_text(sums_text(bundle))
    done = patter(tmp_path, "bundle", "verify", str(bundle))
    assert done.returncode == 3
    assert len(lines(done, f"bundle_{what}")) == 1
    done = patter(tmp_path, "demo", "--bundle", str(bundle), "--data", str(tmp_path / "d"), "--seconds", "2")
    assert done.returncode == 3, done.stderr
    assert len(lines(done, f"bundle_{what}")) == 1


def test_a_users_file_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    catalogue = tmp_path / "c.csv"
    catalogue.write_text("product_id,name,category,preis\np1,Mug,kitchen,19.99\n")
    done = patter(tmp_path, "demo", "--catalog", str(catalogue), "--data", str(tmp_path / "d"))
    assert done.returncode == 2
    (line,) = lines(done, "file_invalid")
    assert "--map price=preis" in line
    done = patter(tmp_path, "demo", "--events", str(tmp_path / "no.jsonl"), "--data", str(tmp_path / "d"))
    assert done.returncode == 2
    assert len(lines(done, "file_missing")) == 1
    events = tmp_path / "e.jsonl"
    events.write_text('{"kind":"product_viewed","event_id":"","user_id":"u","time":"2026-01-01T00:00:00Z"}\n')
    done = patter(tmp_path, "demo", "--events", str(events), "--data", str(tmp_path / "d"))
    assert done.returncode == 2
    assert f"{events}:1" in lines(done, "file_invalid")[0]


def test_a_demanded_gpu_that_is_not_there(tmp_path: Path) -> None:
    from schemas.errors import Code, LackingError

    script = (
        "from inference.generate import open_writer\nfrom inference.bundle import starter_dir\n"
        "open_writer(starter_dir(), provider='cuda')"
    )
    if "CUDAExecutionProvider" in _providers():
        pytest.skip("this machine has CUDA")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode != 0
    assert Code.PROVIDER_MISSING.value in done.stderr
    assert LackingError.exit_code == 3


def _providers() -> str:
    script = "import onnxruntime, ctypes; ctypes.CDLL('libcuda.so.1'); print(onnxruntime.get_available_providers())"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False).stdout
