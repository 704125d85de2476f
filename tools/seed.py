"""Demo data, made through the public API by the modules of `localstack/seed/`, and the demo logins they leave."""

import asyncio
import importlib
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from localstack.seed import World
from tools import registry
from tools.paths import DEMO, ROOT
from tools.say import Failure
from tools.stack import Facts

# What a seed raises when the stack does not answer, or otherwise than it should.
UNANSWERED = (RuntimeError, OSError, aiohttp.ClientError, BotoCoreError, ClientError)


def run(facts: Facts) -> dict[str, str]:
    """Make the people and what one looks at first, and write the demo logins, which are new each time.

    What comes back is for `going_on`. A seed that meets what it did not expect raises `Failure` with a sentence.
    """
    try:
        users, sessions = asyncio.run(_first(facts))
    except UNANSWERED as error:
        raise Failure(str(error), remedy="`make run` again, and `make logs` in another terminal, say more.") from None
    DEMO.touch(mode=0o600)
    DEMO.write_text(json.dumps({"users": users}, indent=2) + "\n")
    return sessions


@contextmanager
def going_on(facts: Facts, sessions: dict[str, str]) -> Iterator[None]:
    """Make the rest beside whatever the person does meanwhile, and say when it is there."""
    leaving = threading.Event()
    if sessions:
        threading.Thread(target=_go_on, args=(facts, sessions, leaving), daemon=True).start()
    try:
        yield
    finally:
        leaving.set()


def modules() -> list[str]:
    packages = [one.package for one in registry.capabilities()]
    return [package for package in packages if (ROOT / "localstack" / "seed" / f"{package}.py").exists()]


def _go_on(facts: Facts, sessions: dict[str, str], leaving: threading.Event) -> None:
    began = time.monotonic()
    try:
        asyncio.run(_rest(facts, sessions))
    except UNANSWERED as error:
        # Whoever stops the stack knows that it answers no more.
        if not leaving.is_set():
            print(f"  Some demo data is missing: {error}", flush=True)
    else:
        print(f"  The rest of the demo data is there, after {time.monotonic() - began:.0f} s more.", flush=True)


async def _first(facts: Facts) -> tuple[list[dict[str, str]], dict[str, str]]:
    async with World(facts.base_url, facts.endpoint, facts.stack) as world:
        # Each waits for the people it needs; `accounts` waits for many a mail, in which the others are made.
        await asyncio.gather(*(seed(world) for seed in _seeds(after_ready=False)))
        return world.users, world.refresh_tokens


async def _rest(facts: Facts, sessions: dict[str, str]) -> None:
    async with World(facts.base_url, facts.endpoint, facts.stack) as world:
        world.refresh_tokens = sessions
        for seed in _seeds(after_ready=True):
            await seed(world)


def _seeds(*, after_ready: bool) -> list[Callable[[World], Awaitable[None]]]:
    found = [importlib.import_module(f"localstack.seed.{package}") for package in modules()]
    name = "seed_after_ready" if after_ready else "seed"
    return [getattr(module, name) for module in found if hasattr(module, name)]
