"""P_conv as generate asks for it: by the newest model that the policy carries, each text once."""

from collections.abc import Callable

from inference.text.conversion import Conversion, p_conv
from inference.text.refit import in_force
from schemas.policies import PolicySnapshot

# Whoever writes policies may do so every second, and a new model means to look at every entry of the pool. At
# 0.15 ms a text, 10,000 texts take 1.5 s of a worker: once in half a minute leaves it nine tenths of its time and more.
RENEW_MS = 30_000
# Texts that are remembered, some 300 bytes each; past that the memo starts anew.
MEMO_ENTRIES = 100_000


class Predicting:
    """The model in force and what it said of each text. `asked` counts texts that were measured and not remembered.

    `version` is that of the model; None, as every prediction then is, where the bundle has none.
    """

    def __init__(self, offline: Conversion | None, now_ms: Callable[[], int]) -> None:
        self._offline, self._model, self._now_ms = offline, offline, now_ms
        self._memo: dict[tuple[str, str], float] = {}
        self._renewed_ms: int | None = None
        self.asked = 0

    @property
    def version(self) -> str | None:
        """The version of the model that predicts."""
        return None if self._model is None else self._model.version

    def renew(self, policy: PolicySnapshot | None) -> bool:
        """Take what the newest policy says of the model; whether that is another one. At most every RENEW_MS."""
        now_ms = self._now_ms()
        if self._offline is None or policy is None:
            return False
        if self._renewed_ms is not None and now_ms - self._renewed_ms < RENEW_MS:
            return False
        model = in_force(self._offline, policy.conversion)
        if model is None or model.version == self.version:
            return False
        self._model, self._renewed_ms = model, now_ms
        self._memo.clear()
        return True

    def predict(self, slot_text: str, segment: str) -> float | None:
        """P_conv of a text; None without a model."""
        if self._model is None:
            return None
        key = (slot_text, segment)
        found = self._memo.get(key)
        if found is None:
            if len(self._memo) >= MEMO_ENTRIES:
                self._memo.clear()
            found = self._memo[key] = p_conv(self._model, slot_text, segment)
            self.asked += 1
        return found
