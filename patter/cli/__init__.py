"""The command line: one verb a file, heavy imports inside the verbs, one line for an error."""

import os
import sys
import traceback

import typer

from patter import __version__
from schemas.errors import PatterError

# sysexits.h's EX_SOFTWARE: a bug, as against everything that the contract has a code for. A supervisor restarts it.
BUG = 70


def _version(value: bool) -> None:  # noqa: FBT001 - typer's callback signature
    if value:
        typer.echo(__version__)
        raise typer.Exit


def build() -> typer.Typer:
    """The whole command."""
    from patter.cli import (
        ask,
        bench,
        broker,
        bundle,
        check,
        conversion,
        copy,
        demo,
        dlq,
        evaluate,
        experiment,
        features,
        policy,
        reach,
        replay,
        report,
        run,
        simulate,
        status,
        topics,
        train,
        up,
        verify,
        write,
    )

    app = typer.Typer(
        name="patter",
        help="Writes, serves and learns personalized marketing copy in the stream.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def root(
        version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),  # noqa: FBT001
    ) -> None:
        """Writes, serves and learns personalized marketing copy in the stream."""

    looks = (verify.verify, replay.replay, report.report, reach.reach)
    for verb in (demo.demo, up.up, status.status, check.check, *looks, write.write, ask.ask):
        app.command()(verb)
    app.command(cls=conversion.Train)(train.train)
    for name, group, about in (
        ("run", run.app, "Run one role in this process."),
        ("broker", broker.app, "A real Kafka on this machine, without Docker."),
        ("topics", topics.app, "Topics: plan, apply, dump."),
        ("features", features.app, "The feature store: apply, materialize, check."),
        ("policy", policy.app, "The policy: show, set, history, rollback, resume, evaluate."),
        ("experiment", experiment.app, "Experiments: create, start, stop, list."),
        ("dlq", dlq.app, "Records that were set aside: list, show, replay."),
        ("copy", copy.app, "Copy in the pool: show, review, lambda."),
        ("bundle", bundle.app, "Model bundles: verify, show."),
        ("evaluate", evaluate.app, "Measure copy and models."),
        ("simulate", simulate.app, "Policies in made-up shops whose true rates are known."),
        ("bench", bench.app, "Measure Patter against a baseline."),
    ):
        app.add_typer(group, name=name, help=about)
    return app


def main() -> None:
    """Entry point: runs the command and turns errors into one line and an exit code."""
    # Feast sets this for a server of its own, and children inherit it: every metric would then go through a file.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    try:
        build()(standalone_mode=True)
    except PatterError as error:
        print(error.line(), file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)
    except Exception:  # noqa: BLE001 - the last place where a bug can be shown
        traceback.print_exc()
        sys.exit(BUG)
