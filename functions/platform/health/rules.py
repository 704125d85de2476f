"""Requests counted: what a log line says, what a batch of them adds up to, and what that means for a capability."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

BUCKETS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
WINDOW_MINUTES = 5
# Above this share of failed requests a capability is degraded, or down.
DEGRADED, DOWN = 0.01, 0.5

_CAPABILITY = re.compile(r"[a-z][a-z0-9-]{0,39}")
_ROUTE = re.compile(r"[\x21-\x7e]{1,200}")


class State(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, order=True)
class Series:
    """What is counted apart. Method, route and code are bounded, so that no caller can make a new one."""

    capability: str
    method: str
    route: str
    code: int


@dataclass
class Sums:
    """What the requests of one series come to. Whole numbers, so that adding never loses anything."""

    count: int = 0
    micros: int = 0
    cold: int = 0
    db_requests: int = 0
    read_milliunits: int = 0
    write_milliunits: int = 0
    # Requests by the first bucket that holds them, the last one being beyond all bounds.
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_MS) + 1))

    def add(self, other: "Sums") -> None:
        self.count += other.count
        self.micros += other.micros
        self.cold += other.cold
        self.db_requests += other.db_requests
        self.read_milliunits += other.read_milliunits
        self.write_milliunits += other.write_milliunits
        self.buckets = [mine + more for mine, more in zip(self.buckets, other.buckets, strict=True)]


@dataclass
class Recent:
    """The requests of one capability in one minute; `bad` are those that we failed."""

    count: int = 0
    bad: int = 0


@dataclass
class Batch:
    series: dict[Series, Sums] = field(default_factory=lambda: defaultdict(Sums))
    minutes: dict[tuple[int, str], Recent] = field(default_factory=lambda: defaultdict(Recent))


def counted(events: Iterable[Mapping[str, Any]]) -> Batch:
    """What these log events add up to. Lines that are not about a request count for nothing."""
    batch = Batch()
    for event in events:
        read = _request(str(event["message"]))
        if read is None:
            continue
        series, sums = read
        batch.series[series].add(sums)
        recent = batch.minutes[int(event["timestamp"]) // 60_000, series.capability]
        recent.count += 1
        recent.bad += int(series.code >= 500)
    return batch


def state_of(recent: Recent) -> State:
    if not recent.count:
        return State.UNKNOWN
    share = recent.bad / recent.count
    return State.DOWN if share >= DOWN else State.DEGRADED if share > DEGRADED else State.OK


def worst(states: Iterable[State]) -> State:
    """The state of the whole; what nobody has asked anything lately says nothing about it."""
    found = set(states)
    return next((state for state in (State.DOWN, State.DEGRADED, State.OK) if state in found), State.UNKNOWN)


def _request(message: str) -> tuple[Series, Sums] | None:
    try:
        line = json.loads(message)
        if not isinstance(line, dict) or line.get("tessera_red") != 1:
            return None
        took_ms = float(line["duration_ms"])
        sums = Sums(
            count=1,
            micros=round(took_ms * 1000),
            cold=int(bool(line.get("cold_start"))),
            db_requests=int(line.get("db_requests", 0)),
            read_milliunits=round(float(line.get("db_read_units", 0)) * 1000),
            write_milliunits=round(float(line.get("db_write_units", 0)) * 1000),
        )
        sums.buckets[_bucket(took_ms)] = 1
        return _series(line), sums
    except (ValueError, KeyError, TypeError, OverflowError):
        # A line of another shape, cut off perhaps: the requests beside it still count.
        return None


def _series(line: Mapping[str, Any]) -> Series:
    """Raises `ValueError` for a capability or a status that no app of ours would log."""
    capability, method, route, code = str(line["capability"]), line["method"], str(line["route"]), int(line["status"])
    if not _CAPABILITY.fullmatch(capability) or not 100 <= code <= 599:
        raise ValueError("not a request of ours")
    return Series(
        capability,
        method if method in METHODS else "other",
        route if _ROUTE.fullmatch(route) else "other",
        code,
    )


def _bucket(took_ms: float) -> int:
    return next((position for position, bound in enumerate(BUCKETS_MS) if took_ms <= bound), len(BUCKETS_MS))
