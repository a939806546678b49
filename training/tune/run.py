"""One run: examples in, bundle out. Every stage leaves its result in the folder, and `resume` goes on from there."""

import logging
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from schemas.errors import CheckFailed, Code, ConfigError
from training.bundle import write_json
from training.graph import ParityError
from training.objective.aim import Aim
from training.objective.conversion import Predict
from training.objective.marked import Marked
from training.objective.sampling import Drawer
from training.tasks.lessons import Lessons
from training.tasks.mix import Source
from training.train import Row as Ids
from training.tune.adapt import learning, load_base, plain_model
from training.tune.course import STATE, Course, Pace, StepLoss, loss_of, run_course, seconds_a_step, step_loss
from training.tune.folder import Options, claim, fresh
from training.tune.needs import GRAPH_BYTES, bundle_bytes, needs_of, told
from training.tune.product import SAMPLER, controls_of, encoded, lengths_of, write_bundle
from training.tune.reading import read
from training.tune.sift import Row, Sifted, Split, split, with_references


def tune(
    options: Options,
    examples: Path,
    out: Path,
    *,
    resume: bool,
    console: Console,
    predict: Predict | None = None,
    source: Source | None = None,
) -> dict[str, Any]:
    """Make `out/bundle` of the examples (JSON lines of `schemas.approved.ApprovedCopy`); returns the result.

    `predict` is what the objective's conversion terms go by, `source` what typed tasks are made from. Raises
    ConfigError (the folder holds something, the examples, the objective or the tasks do not do, another run is gone on
    from), LackingError (the base is not here), CheckFailed (the parity gate; then there is no bundle).
    """
    out.mkdir(parents=True, exist_ok=True)
    asked = claim(options, examples, out, resume=resume)
    if (out / "bundle").is_dir():
        console.print(f"the run is finished: {out / 'bundle'}")
        found: dict[str, Any] = msgspec.json.decode((out / "result.json").read_bytes())
        return found
    quiet()
    torch.set_num_threads(options.threads)
    sifted = read(examples, out, options.seed, console)
    learned, held_out = split(sifted.rows, options.seed, options.split)
    parts = _split(options.split, held_out)
    lessons = None if source is None else Lessons(source, sifted.rows, options.seed)
    if lessons is not None:
        learned, held_out = lessons.parted(learned, held_out)
    learned = with_references(learned, options.seed)
    model, tokenizer, slots, markers = load_base(options.base)
    _check_size(model)
    controls = controls_of(sifted.rows)
    backend = tokenizer.backend_tokenizer
    ids, held_ids = (encoded(rows, backend, markers, controls) for rows in (learned, held_out))
    tasks = [] if lessons is None else lessons.ids(learned, held_out, backend, markers, controls.categories)
    every = [*ids, *tasks]
    lengths = lengths_of(every, model.config.max_position_embeddings)
    course = Course(
        epochs=options.epochs,
        batch=options.batch,
        rate=options.rate,
        seed=options.seed,
        save_every=options.save_every,
    )
    aim = None
    if options.objective is not None:
        aim = Aim(
            options.objective,
            predict,
            (learned, ids),
            (held_out, held_ids),
            tokenizer=tokenizer,
            drawer=Drawer(backend, slots, markers, SAMPLER, lengths[1]),
            kinds=controls.categories,
            eos=markers.eos,
            seed=options.seed,
        )
    adapted = learning(model, slots, options.method, options.rank, options.seed)
    adapted.to("cuda" if torch.cuda.is_available() else "cpu")
    if aim is not None:
        aim.begin(adapted)
    needs = needs_of(
        adapted,
        every,
        len(held_ids),
        len(sifted.rejected),
        course.batch,
        course.steps(len(every)),
        seconds_a_step(adapted, every, markers.pad, course),
    )
    for line in told(needs, out):
        console.print(line, highlight=False)
    write_json(out / "run.json", asked)
    losses = _learn(adapted, ids, tasks, markers.pad, course, out / "state", console, aim)
    tuned = plain_model(adapted)
    if aim is not None:
        tuned = aim.preferred(tuned, out, method=options.method, rank=options.rank, report=_told(console))
        aim.end(tuned)
    loss = loss_of(tuned, held_ids, markers.pad, course.batch)
    checkpoint = out / "checkpoint"
    tuned.to("cpu").save_pretrained(checkpoint)
    tokenizer.save_pretrained(checkpoint)
    training = {
        **_about(sifted, learned),
        "split": parts,
        "base": options.base,
        "method": options.method,
        "rank": options.rank if options.method == "lora" else None,
        "epochs": options.epochs,
        "batch": options.batch,
        "steps": needs.steps,
        "parameters": needs.parameters,
        "last_loss": losses[-1] if losses else None,
        "held_out_loss": None if loss is None else round(loss, 4),
        **({} if aim is None else {"objective": aim.about()}),
        **({} if lessons is None else {"tasks": lessons.about()}),
    }
    console.print("exporting, comparing with transformers, quantising, evaluating")
    try:
        metrics = write_bundle(
            fresh(out / "bundle.part"),
            checkpoint,
            name=options.name,
            base=options.base,
            tokenizer=tokenizer,
            markers=markers,
            slots=slots,
            controls=controls,
            lengths=lengths,
            prompts=[row[:prompt] for row, prompt in [*tasks[:: max(1, len(tasks) // 8)], *held_ids, *ids]],
            held_out=held_out,
            products=[row.product for row in sifted.rows],
            least_factual=options.least_factual,
            training=training,
            seed=options.seed,
            lessons=lessons,
        )
    except ParityError as error:
        failed = {"bundle": None, "needs": msgspec.to_builtins(needs), "metrics": None, "failures": [str(error)]}
        write_json(out / "result.json", failed)
        raise CheckFailed(Code.PARITY, str(error), where=str(out), hint="take another base, and report this") from None
    if metrics["gates"]["not_fused"] is not None:
        console.print(f"attention is not fused ({metrics['gates']['not_fused']}): the bundle runs slower")
    result = {
        "bundle": str(out / "bundle"),
        "needs": msgspec.to_builtins(needs),
        "metrics": metrics,
        "failures": _failures(metrics, options),
    }
    write_json(out / "result.json", result)
    (out / "bundle.part").rename(out / "bundle")
    return result


def _learn(
    model: Any,
    ids: list[Ids],
    tasks: list[Ids],
    pad: int,
    course: Course,
    folder: Path,
    console: Console,
    aim: Aim | None,
) -> list[float]:
    """Losses of the steps that were taken now, smoothed. An objective's terms are about copy; `tasks` have none."""
    rows: Sequence[Any] = ids if aim is None else aim.rows
    marked = bool(rows) and isinstance(rows[0], Marked)
    rows = [*rows, *(map(Marked, tasks) if marked else tasks)]
    loss_of_step: StepLoss[Any] = step_loss if aim is None else aim.loss_of_step
    pace: Pace | None = None if aim is None else aim.pace
    losses: list[float] = []
    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[loss]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("training", total=course.steps(len(rows)), loss="")

        def report(done: int, loss: float) -> None:
            losses.append(round(loss if not losses else 0.95 * losses[-1] + 0.05 * loss, 4))
            bar.update(task, completed=done, loss=f"loss {losses[-1]:.3f}")

        if (folder / STATE).is_file():
            console.print(f"going on from {folder / STATE}", highlight=False)
        run_course(model, rows, pad, course, folder, report, loss_of_step=loss_of_step, pace=pace)
    return losses


def _told(console: Console) -> Callable[[int, int], None]:
    """Says every tenth of the prompts how far the drawing is."""

    def report(done: int, prompts: int) -> None:
        if done % max(1, prompts // 10) == 0:
            console.print(f"texts to prefer from: {done} of {prompts} prompts", highlight=False)

    return report


def _check_size(model: Any) -> None:
    size = bundle_bytes(model.config, sum(weight.numel() for weight in model.parameters()))
    if size >= GRAPH_BYTES:
        what = f"a bundle of this base would have {size / 2**30:.1f} GiB, and a graph in one file has at most 2"
        raise ConfigError(Code.FILE_INVALID, what, where="--base", hint="take a base of at most a billion weights")


def _about(sifted: Sifted, learned: list[Row]) -> dict[str, Any]:
    return {
        "rows": len(learned),
        "products": len({row.request.product_id for row in learned}),
        "left_out": len(sifted.rejected),
        "with_reference": sum(row.request.reference is not None for row in learned),
        "slots": sifted.slots,
    }


def _split(by: Split, held_out: Sequence[Row]) -> dict[str, Any]:
    since = min((row.time for row in held_out if row.time is not None), default=None) if by == "time" else None
    return {"by": by, "held_out": len(held_out), "since": None if since is None else since.isoformat()}


def _failures(metrics: dict[str, Any], options: Options) -> list[str]:
    share, least = metrics["held_out"]["admitted"], options.least_admitted
    asked = metrics["factuality"] if options.least_factual else {}
    found = [f"factuality: {failure}" for failure in asked.get("failures", ())]
    if share is not None and share < least:
        found.append(
            f"the checks admit {share:.0%} of {metrics['held_out']['n']} held-out texts, fewer than {least:.0%}"
        )
    return [*found, *metrics.get("tasks", {}).get("failures", ())]


def quiet() -> None:
    """Exporters speak of every operator that they trace."""
    warnings.filterwarnings("ignore")
    for name in ("transformers", "optimum", "onnxruntime", "onnx_ir", "torch.onnx", "huggingface_hub", "trl"):
        logging.getLogger(name).setLevel(logging.ERROR)
