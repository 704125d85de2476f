"""How the emulator brings messages and changes of tables to functions: as on AWS, none waits for another.

One thread of the emulator looks for what there is. It hands the messages of a queue to another thread, but brings the
changes of tables itself, one table after the other, and while it does nothing else moves. Of a queue that keeps an
order it brings one batch at a time, though a group of which a message is on its way is passed over anyway.
"""

import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from ministack.core import arn
from ministack.services import dynamodb, lambda_svc, sqs

Source = tuple[str, str, dict[str, Any]]
# Each of them has a worker of its own by and by, and they wait for this one process.
TABLES_AT_ONCE = 2
_alone: ContextVar[Source | None] = ContextVar("alone", default=None)


def side_by_side() -> None:
    _Tables(lambda_svc._iter_all_esms, lambda_svc._poll_dynamodb_streams).install()
    _groups()
    _empty_queues()


class _Tables:
    """The changes of each table on a thread of their own, in their order; who has waited longest is next."""

    def __init__(self, sources: Any, bring: Any) -> None:
        self._sources, self._bring = sources, bring
        self._begun: dict[str, float] = {}

    def install(self) -> None:
        lambda_svc._iter_all_esms = self._looked_at
        lambda_svc._poll_dynamodb_streams = self._begin

    def _looked_at(self) -> Iterator[Source]:
        alone = _alone.get()
        return iter([alone]) if alone else self._sources()

    def _begin(self) -> bool:
        """Whether anything was begun. Called by the one thread that looks."""
        of_tables = [source for source in self._sources() if ":dynamodb:" in source[2].get("EventSourceArn", "")]
        under_way = sum(_is_under_way(source) for source in of_tables)
        waiting = sorted(filter(_has_news, of_tables), key=lambda source: self._begun.get(source[2]["UUID"], 0.0))
        beginning = waiting[: max(TABLES_AT_ONCE - under_way, 0)]
        for source in beginning:
            name = source[2]["UUID"]
            self._begun[name] = time.monotonic()
            lambda_svc._dispatch_esm_batch(name, self._bring_of, source)
        return bool(beginning)

    def _bring_of(self, source: Source) -> None:
        account, region, mapping = source
        before = _position(source)
        # The context is this thread's own.
        _alone.set(source)
        self._bring()
        if _position(source) == before:
            # Nothing could be brought, and to try again at once would keep everybody else from their turn.
            until = time.time() + lambda_svc._ESM_BACKOFF_SECONDS
            lambda_svc._esm_backoff_until.set_scoped(account, region, mapping["UUID"], until)


def _is_under_way(source: Source) -> bool:
    return source[2]["UUID"] in lambda_svc._esm_inflight


def _has_news(source: Source) -> bool:
    account, region, mapping = source
    if _is_under_way(source) or not mapping.get("Enabled", True):
        return False
    named = lambda_svc._dynamodb_stream_table_from_arn_spec(arn.parse_arn(mapping["EventSourceArn"]))
    not_before: float = lambda_svc._esm_backoff_until.get_scoped(account, region, mapping["UUID"], 0.0)
    if named is None or not_before > time.time():
        return False
    return bool(dynamodb.stream_end_position(named[0], account_id=account, region=region) != _position(source))


def _position(source: Source) -> int | None:
    account, region, mapping = source
    found: int | None = lambda_svc._dynamodb_stream_positions.get_scoped(account, region, mapping["UUID"])
    return found


def _groups() -> None:
    """As many batches at a time of a queue that keeps an order as of any other."""
    allowed = lambda_svc._sqs_esm_concurrency
    lambda_svc._sqs_esm_concurrency = lambda mapping, function, config, queue=None: allowed(mapping, function, config)


def _empty_queues() -> None:
    """A queue without messages has none that are too old, and none that were received too often."""
    receive = sqs._receive_messages_for_esm

    def received(url: str, most: int) -> list[dict[str, Any]]:
        return receive(url, most) if sqs._get_q(url)["messages"] else []

    sqs._receive_messages_for_esm = received
