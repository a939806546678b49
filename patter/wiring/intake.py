"""intake as a process."""

from patter.settings import Settings
from patter.wiring.kafka import kafka_options, topics_of
from patter.wiring.process import RoleProcess, now_ms
from patter.wiring.serve import reject_brake
from schemas.errors import Code, ConfigError
from streams.intake.mapping import EventMap
from streams.intake.step import ROLE, IntakeWorker
from streams.kafka.admin import check_partitions
from streams.kafka.loop import Loop, LoopOptions


def pairs(options: list[str], name: str) -> dict[str, str]:
    """`A=B` options as a table. Raises ConfigError (usage) where one has no `=`."""
    table = {}
    for option in options:
        left, equals, right = option.partition("=")
        if not left or not equals or not right:
            raise ConfigError(Code.USAGE, f"{option!r} is not FIELD=VALUE", where=name)
        table[left] = right
    return table


def run_intake(
    settings: Settings, member: str, port: int | None, source: str, paths: list[str], kinds: list[str]
) -> None:
    """Run until SIGTERM. Raises PatterError where it cannot start or go on."""
    event_map = EventMap(pairs(paths, "--map"), pairs(kinds, "--kind"))
    missing = [field for field in ("kind", "user_id", "time") if field not in event_map.paths]
    if missing:
        raise ConfigError(
            Code.USAGE, f"no path for {', '.join(missing)}", where="--map", hint="for example --map user_id=userId"
        )
    process = RoleProcess(ROLE, member, settings, port)
    options = kafka_options(settings, f"patter-{member}")
    topics = topics_of(settings)
    check_partitions(options, {topics[name].name: topics[name].partitions for name in ("events", "dlq")})
    worker = IntakeWorker(event_map, topics["events"].name, topics["dlq"].name, process.metrics, reject_brake(settings))
    loop = Loop(
        options,
        LoopOptions(
            role=ROLE,
            member=member,
            group=f"patter-intake-{settings.tenant}-{source}",
            topic=source,
            batch_ms=settings.serve.batch_ms,
            batch_records=settings.serve.batch_records,
        ),
        worker,
        process.metrics,
        now_ms,
        process.beat,
    )
    loop.run(process.stop)
