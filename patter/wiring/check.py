"""Everything that can be said about settings without starting anything, by field."""

from pathlib import Path

from inference.bundle import load_bundle
from inference.generate.channels import LIMITS
from patter.settings import Settings, problems
from patter.settings.load import Problem
from patter.wiring.brand import brand_rules
from patter.wiring.bundle import bundle_path
from patter.wiring.kafka import kafka_options
from patter.wiring.tokens import token_keys
from schemas.errors import ConfigError, PatterError
from streams.kafka.client_check import check_client


def all_problems(path: Path | None) -> list[Problem]:
    """What is wrong, by field; empty where nothing is. Raises ConfigError where the file cannot be read."""
    found = problems(path)
    if not isinstance(found, Settings):
        return found
    return [
        *_kafka(found),
        *_bundle(found),
        *_brand(found),
        *_tokens(found),
        *_features(found),
    ]


def _kafka(settings: Settings) -> list[Problem]:
    try:
        check_client(kafka_options(settings))
    except ConfigError as error:
        return [Problem(error.where or "kafka.client", error.what)]
    return []


def _bundle(settings: Settings) -> list[Problem]:
    wrong = []
    if settings.serve.channel not in LIMITS:
        known = ", ".join(LIMITS)
        wrong.append(Problem("serve.channel", f"no channel {settings.serve.channel!r}; there are {known}"))
    try:
        controls = load_bundle(bundle_path(settings)).generation.controls
    except PatterError as error:
        return [*wrong, Problem("bundle", f"{error.what} ({error.where})")]
    for number, variant in enumerate(settings.variants):
        for field, value, words in (
            ("tone", variant.tone, controls.tones),
            ("cta", variant.cta, controls.ctas),
            ("length", variant.length, controls.lengths),
        ):
            if value not in words:
                text = f"the bundle knows no {field} {value!r}; it knows {', '.join(words)}"
                wrong.append(Problem(f"variants[{number}].{field}", text))
    return wrong


def _brand(settings: Settings) -> list[Problem]:
    try:
        brand_rules(settings)
    except ConfigError as error:
        return [Problem("brand_rules", f"{error.what} ({error.where})")]
    return []


def _tokens(settings: Settings) -> list[Problem]:
    if not settings.tokens.keys:
        return []
    try:
        token_keys(settings)
    except PatterError as error:
        return [Problem(error.where, error.what)]
    return []


def _features(settings: Settings) -> list[Problem]:
    from features.segment_check import validate
    from features.store.start import known_features
    from patter.wiring.experiment import segment_table
    from patter.wiring.features import feature_options

    try:
        known = known_features(feature_options(settings))
    except PatterError as error:
        return [
            Problem("features.service" if settings.features.repo_path is None else "features.repo_path", error.what)
        ]
    wrong = [Problem(field, message) for field, message in validate(segment_table(settings), known)]
    cap = settings.serve.frequency_cap
    if cap is not None:
        view, _, name = cap.feature.partition(":")
        if name not in known.get(view, {}):
            wrong.append(Problem("serve.frequency_cap.feature", f"no feature {cap.feature!r} in the service"))
    return wrong
