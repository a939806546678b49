"""`patter demo`, end to end: broker, store, roles, input, watch, drain, recount, result."""

import contextlib
import json
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from patter.demo import offsets
from patter.demo.answers import Answers, totals
from patter.demo.brokerage import OpenBroker, open_broker
from patter.demo.finish import Ended, finish
from patter.demo.follow import Follower
from patter.demo.input import RunInput, plan_input
from patter.demo.live import Live
from patter.demo.options import DemoOptions
from patter.demo.prepare import StorePreparation, check_first, publish_catalogue, run_settings
from patter.demo.probe import transactions_isolated
from patter.demo.record import RunRecord
from patter.demo.sender import Sender
from patter.demo.settled import drain
from patter.demo.sizing import embedded_partitions
from patter.demo.view import summary
from patter.roles import role_specs
from patter.scrape import ready
from patter.supervisor import Supervisor
from patter.telemetry.logging import set_up
from patter.wiring.kafka import kafka_options, topics_of
from patter.wiring.policy import publish_prior
from patter.wiring.process import now_ms
from patter.wiring.topics import apply_topics
from schemas.errors import Code, PatterError

READY_TIMEOUT_S = 120.0
ROLES = {"serve-0", "generate-0", "collect-0", "learn-0"}


def run_demo(options: DemoOptions, *, quiet: bool, json_path: Path | None = None) -> dict[str, object]:
    """Run it. `quiet` keeps stdout for JSON. Raises PatterError where the run could not take place at all."""
    started = datetime.now(UTC)
    console = Console(stderr=quiet)
    # The view says what goes on; a log line in the middle of it only where something is broken, and never on stdout.
    set_up("demo", "error")
    run_id = started.strftime("%Y%m%dT%H%M%S") + "-" + secrets.token_hex(3)
    folder = options.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    for stale in (folder / "run").glob("*.json"):
        stale.unlink()
    check_first(options)
    plan = plan_input(options, run_id, folder / "input")
    partitions = _partitions(options, plan)
    console.print(f"[bold]patter demo[/bold] run {run_id}: starting the {options.broker} broker ...")
    with _closing(open_broker(options.broker, folder, partitions)) as broker:
        record = _prepare(options, run_id, started, plan, broker, partitions, console)
        result = _run(record, plan, console)
    _remember(record)
    summary(result, console, json_path)
    return result


def _partitions(options: DemoOptions, plan: RunInput) -> dict[str, int]:
    if options.broker != "embedded":
        return {}
    # Every product in six segments and three variants, each asked for and written about once.
    return dict(embedded_partitions(plan.estimate, plan.largest_bytes, len(plan.products) * 18))


@contextlib.contextmanager
def _closing(broker: OpenBroker) -> Iterator[OpenBroker]:
    try:
        yield broker
    finally:
        broker.close()


def _prepare(
    options: DemoOptions,
    run_id: str,
    started: datetime,
    plan: RunInput,
    broker: OpenBroker,
    partitions: dict[str, int],
    console: Console,
) -> RunRecord:
    settings, config = run_settings(options, broker, partitions, plan.products[0].currency)
    console.print("filling the feature store, creating topics, publishing catalogue and policy ...")
    store = StorePreparation(config, plan.users_file, plan.catalog_file)
    apply_topics(settings)
    kafka = kafka_options(settings, "patter-demo")
    topics = {logical: topic.name for logical, topic in topics_of(settings).items()}
    begin = offsets.ends(kafka, topics.values())
    isolated = transactions_isolated(kafka, topics["probe"], run_id)
    publish_catalogue(settings, plan.products)
    publish_prior(settings, "patter demo", f"demo run {run_id}")
    store.wait()
    return RunRecord(
        options=options,
        run_id=run_id,
        started=started,
        broker=broker,
        isolated=isolated,
        settings=settings,
        config=config,
        kafka=kafka,
        topics=topics,
        begin=begin,
        previous_runs=len(_runs(options)),
        counted_before=totals(kafka, topics["partials"]),
    )


def _run(record: RunRecord, plan: RunInput, console: Console) -> dict[str, object]:
    options, topics = record.options, record.topics
    supervisor = Supervisor(role_specs(record.config, 1), options.data_dir, restart=record.broker.kind != "embedded")
    sender: Sender | None = None
    live = Live(record, supervisor, console)
    answers = Answers(record)
    supervisor.start()
    try:
        console.print("starting serve, generate, collect and learn ...")
        _wait_ready(record, supervisor)
        sender = Sender(record.kafka, topics["events"], plan.records(now_ms() + 500))
        follower = Follower(record.kafka, topics["decisions"], record.begin[topics["decisions"]], sender.due)
        follower.start()
        answers.start()
        sender.start()
        with live.showing(sender, follower, answers):
            while not sender.sent.done and supervisor.failure is None:
                live.tick()
            live.phase = "drain"
            drained, spoken = drain(record, supervisor, sender, answers, live)
            live.phase = "hold"
            held = time.monotonic() + options.hold_s
            while time.monotonic() < held and supervisor.failure is None:
                live.tick()
        sender.stop()
        # A reader of committed records sees the last decisions a moment after their commit.
        time.sleep(0.5)
        follower.stop()
        end_lag = live.lag_end()
    finally:
        answers.stop()
        supervisor.stop()
    console.print("recounting from the topics ...")
    ended = Ended(supervisor, sender, spoken, follower, live, end_lag, answers.truth, drained=drained)
    return finish(record, ended)


def _wait_ready(record: RunRecord, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not ready(record.options.data_dir, ROLES):
        if supervisor.failure is not None:
            raise _died(supervisor)
        if time.monotonic() > deadline:
            raise PatterError(Code.ROLE_DIED, "the roles were not ready in time", where=supervisor.log_tail("serve", 1))
        time.sleep(0.2)


def _died(supervisor: Supervisor) -> PatterError:
    what = supervisor.failure or "a role died"
    name = what.partition(" ")[0]
    return PatterError(Code.ROLE_DIED, what, where=supervisor.log_tail(name, 1), hint="its log is in DATA/logs")


def _runs(options: DemoOptions) -> list[dict[str, object]]:
    path = options.data_dir / "runs.json"
    try:
        runs: list[dict[str, object]] = json.loads(path.read_text())
    except (OSError, ValueError):
        return []
    return runs


def _remember(record: RunRecord) -> None:
    runs = [*_runs(record.options), {"id": record.run_id, "broker": record.broker.kind}]
    (record.options.data_dir / "runs.json").write_text(json.dumps(runs, indent=1))
