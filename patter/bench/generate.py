"""`patter bench generate`: useful tokens a second, against other engines on the same model in the same run.

Every subject is a process with one thread, is asked for the same texts, and takes its turn: repeat by repeat, batch by
batch. Useful tokens are those of a text; what a batch computes for rows that are done is not counted.
"""

import importlib.util
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console

from inference.bundle import load_bundle, starter_dir
from patter.bench.asking import CHANNEL, ask, requests
from patter.bench.figures import ratio
from patter.bench.writers import Answers, WriterProcess, patter_writer, rival_writer
from patter.bench.writing_cases import case, skipped, tokens_per_s
from patter.result import envelope
from schemas.errors import Code, ConfigError, LackingError, PatterError
from schemas.subject import Ask

RIVALS = ("optimum", "ctranslate2", "transformers")
GOALS = {("optimum", 1): 2.5, ("optimum", 8): 2.0, ("optimum", 32): 1.3}
# Ahead of CTranslate2 at every batch.
_AHEAD = 1.0
_NEEDED = ("torch", "transformers", "optimum", "onnx", "ctranslate2")
# Requests before the first that is measured: each subject's caches and allocators are warm.
_WARM = 16


class Options(Struct, frozen=True, kw_only=True):
    """What is measured. Without a checkpoint the weights are random and texts have the corpus's lengths."""

    bundle: Path | None
    checkpoint: Path | None
    requests: int
    batches: tuple[int, ...]
    repeats: int
    seed: int
    subjects: tuple[str, ...]


def bench_generate(options: Options) -> dict[str, object]:
    """The result in the shape of the contract.

    Raises ConfigError (usage: an unknown subject, no batch), LackingError (dependency_missing: the training packages
    are not installed; and what opening the bundle raises).
    """
    _check(options)
    started, console = datetime.now(UTC), Console(stderr=True)
    source = options.bundle or starter_dir()
    load_bundle(source)
    with tempfile.TemporaryDirectory(prefix="patter-bench-") as name:
        folder = Path(name)
        console.print("making the model in every form that a subject takes ...")
        made = _run("prepare", source, folder, options)
        bundle = load_bundle(folder / "bundle")
        asked = requests(bundle.generation.controls, options.requests, options.seed)
        lengths = None if options.checkpoint else _lengths(made["lengths"], options)
        question = ask(bundle, asked, lengths)
        params = {key: value for key, value in made.items() if key != "lengths"} | {
            "requests": options.requests,
            "channel": CHANNEL,
            "ends": "by the model" if lengths is None else "as planned, the model's own end ignored for everyone",
            "prompt_tokens": round(sum(map(len, question.prompts)) / len(asked), 1),
            "sampler": {"temperature": question.temperature, "top_p": question.top_p, "top_k": question.top_k},
            "threads": 1,
        }
        with _open(options, folder) as subjects:
            on_cpu = _measure(subjects, question, options.batches, options.repeats, console)
        cases = [case(each, batch, params) for each in on_cpu for batch in options.batches]
        ratios, failures = _compared(on_cpu, options.batches)
        on_gpu, faster = _cuda(source, folder, question, options, on_cpu[0], params, console)
    result = envelope("bench", " ".join(["patter", *sys.argv[1:]]), options.seed, started, failures, None)
    result.update(cases=cases + on_gpu, ratios=ratios + faster)
    for each in ratios + faster:
        console.print(f"{each['name']}: {each['median']} [{each['low']}, {each['high']}], goal {each['goal']}")
    return result


def _check(options: Options) -> None:
    unknown = sorted(set(options.subjects) - set(RIVALS))
    if unknown:
        what = f"{unknown[0]} is no subject; there are {', '.join(RIVALS)}"
        raise ConfigError(Code.USAGE, what, where="--subjects")
    if not options.batches or min(options.batches) < 1:
        raise ConfigError(Code.USAGE, "a batch is 1 or more", where="--batches")
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        what = f"{missing[0]} is not installed: a rival runs on it"
        raise LackingError(Code.DEPENDENCY_MISSING, what, where="patter bench generate", hint="make setup-dev")


def _run(verb: str, source: Path, folder: Path, options: Options) -> dict[str, Any]:
    """A verb of the training side, which makes the model's forms in a process of its own."""
    arguments = [sys.executable, "-m", "training.rivals", verb, "--bundle", str(source), "--out", str(folder)]
    if verb == "prepare":
        arguments += ["--seed", str(options.seed)]
        if options.checkpoint is not None:
            arguments += ["--checkpoint", str(options.checkpoint)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["without a word"]
        raise PatterError(Code.ROLE_DIED, f"training.rivals {verb} ended: {lines[-1]}", where=str(source))
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _lengths(corpus: Sequence[int], options: Options) -> list[int]:
    """As many tokens for each text as a line of the corpus has, drawn."""
    return random.Random(options.seed).choices(corpus, k=options.requests)


@contextmanager
def _open(options: Options, folder: Path) -> Iterator[list[WriterProcess]]:
    with ExitStack() as stack:
        subjects = []
        for name in ("patter", *options.subjects):
            if name == "patter":
                subject = patter_writer(folder / "bundle", "cpu", folder)
            else:
                subject = rival_writer(name, folder, "cpu", folder)
            stack.callback(subject.stop)
            subjects.append(subject)
        yield subjects


def _measure(
    subjects: list[WriterProcess], question: Ask, batches: Sequence[int], repeats: int, console: Console
) -> list[Answers]:
    """Every subject at every batch, repeat by repeat; who begins changes from repeat to repeat."""
    held = [Answers(each, each.answer(part_of(question, 1)), {batch: [] for batch in batches}) for each in subjects]
    for each in held:
        each.subject.answer(replace(part_of(question, _WARM), batch=max(batches)))
    for repeat in range(repeats):
        turn = repeat % len(held)
        for batch in batches:
            for each in held[turn:] + held[:turn]:
                answer = each.subject.answer(replace(question, batch=batch))
                each.by_batch[batch].append(answer)
                console.print(f"{repeat + 1}/{repeats} batch {batch} {each.subject.name}: {tokens_per_s(answer):.0f}/s")
    return held


def part_of(question: Ask, count: int) -> Ask:
    """The first texts of a question."""
    lengths = None if question.lengths is None else question.lengths[:count]
    return replace(
        question,
        prompts=question.prompts[:count],
        seeds=question.seeds[:count],
        slots=question.slots[:count],
        lengths=lengths,
    )


def _compared(held: list[Answers], batches: Sequence[int]) -> tuple[list[dict[str, object]], list[str]]:
    """Ratios of Patter to each rival at each batch, and what does not hold."""
    ours, ratios, failures = held[0], [], []
    digests = {answer.sha256 for answers in ours.by_batch.values() for answer in answers}
    if len(digests) > 1:
        failures.append(f"a text depends on its batch: {len(digests)} different outputs of the same requests")
    for rival in held[1:]:
        for batch in batches:
            name = rival.subject.name
            least = GOALS.get((name, batch))
            found = _ratio(ours, rival, batch, least or (_AHEAD if name == "ctranslate2" else None), least)
            ratios.append(found)
            if least is not None and float(str(found["median"])) < least:
                failures.append(f"{found['name']} is {found['median']}, at least {least} is wanted")
    return ratios, failures


def _ratio(ours: Answers, theirs: Answers, batch: int, goal: float | None, least: float | None) -> dict[str, object]:
    pair, both = (ours.subject.name, theirs.subject.name), (ours.by_batch[batch], theirs.by_batch[batch])
    wall = [[tokens_per_s(answer) for answer in answers] for answers in both]
    cpu = [[answer.tokens / answer.cpu_s for answer in answers] for answers in both]
    name = f"{pair[0]}/{pair[1]}@{batch}"
    found = ratio(name, "useful tokens per second", wall[0], wall[1], goal, least=least, subjects=pair)
    per_cpu = ratio(name, "useful tokens per CPU second", cpu[0], cpu[1], goal, least=least, subjects=pair)
    return found | {"median_per_cpu_s": per_cpu["median"]}


def _cuda(
    source: Path,
    folder: Path,
    question: Ask,
    options: Options,
    on_cpu: Answers,
    params: dict[str, Any],
    console: Console,
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """In half precision on a GPU, against our CPU and against transformers there; or the case that says why not."""
    batch = max(options.batches)
    probe = patter_writer(folder / "bundle", "cuda", folder)
    probe.stop()
    if probe.lacking is not None:
        return [skipped("patter@cuda", batch, params, probe.lacking)], []
    _run("halve", source, folder, options)
    with ExitStack() as stack:
        ours = patter_writer(folder / "bundle_fp16", "cuda", folder)
        stack.callback(ours.stop)
        theirs = rival_writer("transformers", folder, "cuda", folder)
        stack.callback(theirs.stop)
        held = _measure([ours, theirs], question, options.batches, options.repeats, console)
    cases = [case(each, size, params | {"precision": "fp16"}) for each in held for size in options.batches]
    ratios = [_ratio(held[0], other, size, None, None) for other in (on_cpu, held[1]) for size in options.batches]
    return cases, ratios
