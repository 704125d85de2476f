"""What can be asked of `health`, and what it is told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypeVar

from tessera import clock
from tessera.settings import Bindings

from . import rules
from .rules import Recent, Series, State, Sums
from .store import Checks, Counters, HealthSettings

CHECKS_KEPT_SECONDS, COUNTERS_KEPT_SECONDS = 5, 10
T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """How one capability has answered in the last five minutes."""

    name: str
    state: State
    recent: Recent


class Watch:
    """The state of the stack as this container last read it."""

    def __init__(self, settings: HealthSettings, counters: Counters, checks: Checks) -> None:
        self.settings, self.counters, self.checks = settings, counters, checks
        self.started_at = clock.now()
        self._kept: dict[str, tuple[float, Any]] = {}

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.settings(HealthSettings), bindings.get(Counters), bindings.get(Checks))

    def ready(self) -> dict[str, bool]:
        """Every check by its name. Up to 1 request each, at most once in 5 seconds."""
        return self._remembered("checks", CHECKS_KEPT_SECONDS, self.checks.run)

    def series(self) -> dict[Series, Sums]:
        """Every counter. 1 request a capability, at most once in 10 seconds."""
        return self._remembered("series", COUNTERS_KEPT_SECONDS, self._all_series)

    def capabilities(self, now: datetime) -> list[Seen]:
        """How each capability is doing. 1 request, at most once in 10 seconds."""
        recent = self._remembered("recent", COUNTERS_KEPT_SECONDS, lambda: self.counters.recent(now))
        found = ((name, recent.get(name, Recent())) for name in self.settings.names)
        return [Seen(name, rules.state_of(one), one) for name, one in found]

    def _all_series(self) -> dict[Series, Sums]:
        return {key: sums for name in self.settings.names for key, sums in self.counters.series(name).items()}

    def _remembered(self, name: str, seconds: float, read: Callable[[], T]) -> T:
        until, value = self._kept.get(name, (0.0, None))
        if clock.monotonic() >= until:
            value = read()
            self._kept[name] = clock.monotonic() + seconds, value
        found: T = value
        return found
