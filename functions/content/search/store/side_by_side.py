"""Several requests at once: a query is three or four rounds, however many lists it reads."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from functools import lru_cache
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

WORKERS = 8
_at_work: ContextVar[bool] = ContextVar("search_at_work", default=False)


def at_once(do: Callable[[A], B], asked: Sequence[A]) -> list[B]:
    """`do` of each, in their order. What one of them raises is raised here."""
    # Whoever is already among those at work does its part alone: all of them waiting for others would wait for ever.
    if len(asked) < 2 or _at_work.get():
        return [do(one) for one in asked]
    # A copy of the context for each, because what is counted for this request is counted there.
    waiting = [_pool().submit(copy_context().run, _work, do, one) for one in asked]
    return [one.result() for one in waiting]


def _work(do: Callable[[A], B], one: A) -> B:
    _at_work.set(True)
    return do(one)


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="search")
