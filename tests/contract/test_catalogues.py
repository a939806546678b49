"""The closed sets: topics, metrics, error codes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.errors import Code
from schemas.metrics import CATALOGUE as METRICS
from schemas.topics import CATALOGUE as TOPICS

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for package in ("schemas", "features", "inference", "streams", "patter", "training", "benchmarks", "tests")
    for path in (ROOT / package).rglob("*.py")
]


def test_topics_have_one_name_each_and_are_compacted_for_ever() -> None:
    assert len({topic.name for topic in TOPICS}) == len(TOPICS) == len({topic.logical for topic in TOPICS})
    assert all(topic.retention_ms == -1 for topic in TOPICS if topic.cleanup == "compact")
    assert all(re.fullmatch(r"patter(\.[a-z]+)+\.v1", topic.name) for topic in TOPICS)


def test_metrics_are_named_by_the_grammar() -> None:
    for metric in METRICS:
        assert re.fullmatch(r"patter_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") is (metric.kind == "counter"), metric.name
        assert bool(metric.buckets) is (metric.kind == "histogram"), metric.name
        assert not {"user_id", "product_id", "text"} & set(metric.labels)


def test_every_metric_that_code_names_is_in_the_catalogue() -> None:
    known = {metric.name for metric in METRICS}
    for path in SOURCES:
        if "tests" not in path.parts:
            for name in re.findall(r'"(patter_[a-z_]+)"', path.read_text()):
                assert name in known or name == "patter_version", f"{path}: {name}"


def test_every_metric_is_published_somewhere() -> None:
    text = "\n".join(path.read_text() for path in SOURCES if "tests" not in path.parts and path.name != "metrics.py")
    assert [metric.name for metric in METRICS if f'"{metric.name}"' not in text] == []


def test_error_codes_are_their_own_names() -> None:
    assert all(code.value == code.name.lower() for code in Code)


def test_every_error_code_is_used() -> None:
    text = "\n".join(path.read_text() for path in SOURCES if path.name != "errors.py")
    assert [code.name for code in Code if f"Code.{code.name}" not in text] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_longer_than_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_the_median_module_has_at_most_100_lines() -> None:
    sizes = sorted(len(path.read_text().splitlines()) for path in SOURCES if "tests" not in path.parts)
    assert sizes[len(sizes) // 2] <= 100


def loaded_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_help_loads_nothing_heavy() -> None:
    code = (
        "from typer.testing import CliRunner\nfrom patter.cli import build\n"
        "assert CliRunner().invoke(build(), ['--help']).exit_code == 0"
    )
    heavy = {"faust", "feast", "onnxruntime", "torch", "pandas", "transformers", "tokenizers", "confluent_kafka"}
    assert not heavy & loaded_after(code)


def test_streams_and_inference_load_no_torch() -> None:
    assert not {"torch", "transformers"} & loaded_after("import streams, streams.serve.step, streams.generate.step")
    assert not {"torch", "onnxruntime"} & loaded_after("import inference, inference.generate, inference.bundle")
    assert not {"feast", "pandas"} & loaded_after("import features, features.segments")
