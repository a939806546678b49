"""What deciding again depends on besides the records: settings, the feature views that they name, token keys."""

import msgspec

from features.store.options import FeatureOptions
from features.views import BY_NAME, SERVICES
from patter.replay.world import RecordedReader, Views
from patter.settings import Settings
from patter.wiring.features import feature_options
from patter.wiring.serve import serve_setup
from patter.wiring.tokens import known_keys
from streams.serve.setup import ServeSetup

# Stands in where the key is not at hand. What it signs is never compared as signed.
_NO_KEY = bytes(16)


class ReplayRules(msgspec.Struct, frozen=True, kw_only=True):
    """serve's setup, the views it reads, and the token keys by id: none where they are not at hand."""

    setup: ServeSetup
    views: Views
    keys: dict[int, bytes]

    def key(self, key_id: int) -> bytes:
        """The key to sign with."""
        return self.keys.get(key_id, _NO_KEY)


def replay_rules(settings: Settings) -> ReplayRules:
    """The rules of the settings. Makes no key where there is none, and opens no feature store.

    Raises ConfigError or LackingError where a feature repository of the shop's own cannot be opened.
    """
    views, keys = views_of(feature_options(settings)), known_keys(settings)
    signing = {settings.tokens.active: _NO_KEY, **keys}
    setup = serve_setup(settings, "replay", RecordedReader(views), "", keys=signing)
    return ReplayRules(setup=setup, views=views, keys=keys)


def views_of(options: FeatureOptions) -> Views:
    """The views of the settings' feature service with their join keys. Imports Feast only for a shop's own repository.

    Raises ConfigError or LackingError as `open_store` and `resolve` do.
    """
    if options.repo_path is None:
        for service in SERVICES:
            if service.name == options.service:
                return tuple((view, BY_NAME[view].keys[0]) for view in service.views)
    from features.store.opening import open_store
    from features.store.plan import resolve

    _, plans = resolve(open_store(options), options)
    return tuple((plan.name, plan.join_key) for plan in plans)
