"""Counters as text for Prometheus, in its own format and in OpenMetrics 1.0."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .rules import BUCKETS_MS, Series, Sums

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Family:
    """`name` as OpenMetrics has it, without the `_total` that a counter's samples carry."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[str, Labels, float], ...]


def exposed(series: Mapping[Series, Sums], *, version: str, commit: str, openmetrics: bool) -> str:
    lines = []
    for family in _families(series, version, commit):
        # The older format names the family like its samples.
        name = f"{family.name}_total" if family.kind == "counter" and not openmetrics else family.name
        kind = family.kind
        if kind == "info" and not openmetrics:
            name, kind = f"{family.name}_info", "gauge"
        lines += [f"# HELP {name} {_escaped(family.help, quotes=openmetrics)}", f"# TYPE {name} {kind}"]
        lines += [
            f"{family.name}{suffix}{_labels(labels)} {_number(value)}" for suffix, labels, value in family.samples
        ]
    return "\n".join([*lines, *(["# EOF"] if openmetrics else [])]) + "\n"


def wants_openmetrics(accept: str) -> bool:
    return "application/openmetrics-text" in accept


def _families(series: Mapping[Series, Sums], version: str, commit: str) -> Iterator[Family]:
    by_route: dict[tuple[str, str, str], Sums] = defaultdict(Sums)
    by_capability: dict[str, Sums] = defaultdict(Sums)
    errors: dict[tuple[str, str], int] = defaultdict(int)
    for key, sums in sorted(series.items()):
        by_route[key.capability, key.method, key.route].add(sums)
        by_capability[key.capability].add(sums)
        if key.code >= 400:
            errors[key.capability, "server" if key.code >= 500 else "client"] += sums.count
    yield Family(
        "http_requests",
        "counter",
        "Requests answered.",
        tuple(("_total", _of(key), float(sums.count)) for key, sums in sorted(series.items())),
    )
    yield Family(
        "http_request_duration_seconds",
        "histogram",
        "How long answers took.",
        tuple(sample for key, sums in by_route.items() for sample in _histogram(key, sums)),
    )
    yield Family(
        "http_request_errors",
        "counter",
        "Requests refused (client) or failed (server).",
        tuple(("_total", {"capability": name, "kind": kind}, float(n)) for (name, kind), n in errors.items()),
    )
    yield _plain("lambda_cold_starts", "Requests that started an environment.", by_capability, "cold")
    yield _plain("dynamodb_requests", "Requests to DynamoDB.", by_capability, "db_requests")
    yield Family(
        "dynamodb_consumed_units",
        "counter",
        "Capacity units consumed.",
        tuple(
            ("_total", {"capability": name, "kind": kind}, units / 1000)
            for name, sums in by_capability.items()
            for kind, units in (("read", sums.read_milliunits), ("write", sums.write_milliunits))
        ),
    )
    yield Family("build", "info", "What runs here.", (("_info", {"version": version, "commit": commit}, 1.0),))


def _plain(name: str, text: str, by_capability: Mapping[str, Sums], attribute: str) -> Family:
    samples = (
        ("_total", {"capability": capability}, float(getattr(sums, attribute)))
        for capability, sums in by_capability.items()
    )
    return Family(name, "counter", text, tuple(samples))


def _histogram(key: tuple[str, str, str], sums: Sums) -> Iterator[tuple[str, Labels, float]]:
    labels = dict(zip(("capability", "method", "route"), key, strict=True))
    bounds = [f"{bound / 1000:g}" for bound in BUCKETS_MS] + ["+Inf"]
    reached = 0
    for bound, count in zip(bounds, sums.buckets, strict=True):
        reached += count
        yield "_bucket", {**labels, "le": bound}, float(reached)
    yield "_sum", labels, sums.micros / 1_000_000
    yield "_count", labels, float(sums.count)


def _of(series: Series) -> Labels:
    return {
        "capability": series.capability,
        "method": series.method,
        "route": series.route,
        "code": str(series.code),
    }


def _labels(labels: Labels) -> str:
    inside = ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def _escaped(text: str, *, quotes: bool) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quotes else escaped


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
