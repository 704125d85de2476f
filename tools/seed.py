"""Demo data, made through the public API by the modules of `localstack/seed/`, and the demo logins they leave."""

import asyncio
import importlib
import json
import threading
import time

import aiohttp

from localstack.seed import World
from tools import registry
from tools.paths import DEMO, ROOT
from tools.say import Failure
from tools.stack import Facts


def run(facts: Facts) -> dict[str, str]:
    """Make the people and what one looks at first, and write the demo logins, which are new each time.

    What comes back is for `go_on`. A seed that meets what it did not expect raises `Failure` with a sentence.
    """
    try:
        users, sessions = asyncio.run(_first(facts))
    except (RuntimeError, OSError, aiohttp.ClientError) as error:
        raise Failure(str(error), remedy="`make run` again, and `make logs` in another terminal, say more.") from None
    DEMO.touch(mode=0o600)
    DEMO.write_text(json.dumps({"users": users}, indent=2) + "\n")
    return sessions


def go_on(facts: Facts, sessions: dict[str, str]) -> None:
    """Make the rest beside whatever the person does meanwhile, and say when it is there."""
    thread = threading.Thread(target=_go_on, args=(facts, sessions), daemon=True)
    thread.start()


def modules() -> list[str]:
    """`accounts` makes the people whom all others give something to, so it goes first."""
    packages = sorted((one.package for one in registry.capabilities()), key=lambda package: package != "accounts")
    return [package for package in packages if (ROOT / "localstack" / "seed" / f"{package}.py").exists()]


def _go_on(facts: Facts, sessions: dict[str, str]) -> None:
    began = time.monotonic()
    try:
        asyncio.run(_rest(facts, sessions))
    except (RuntimeError, OSError, aiohttp.ClientError) as error:
        print(f"  Some demo data is missing: {error}", flush=True)
    else:
        print(f"  The rest of the demo data is there, after {time.monotonic() - began:.0f} s more.", flush=True)


async def _first(facts: Facts) -> tuple[list[dict[str, str]], dict[str, str]]:
    async with World(facts.base_url, facts.endpoint, facts.stack) as world:
        await _run(world, after_ready=False)
        return world.users, world.refresh_tokens


async def _rest(facts: Facts, sessions: dict[str, str]) -> None:
    async with World(facts.base_url, facts.endpoint, facts.stack) as world:
        world.refresh_tokens = sessions
        await _run(world, after_ready=True)


async def _run(world: World, *, after_ready: bool) -> None:
    for package in modules():
        module = importlib.import_module(f"localstack.seed.{package}")
        if getattr(module, "AFTER_READY", False) is after_ready:
            await module.seed(world)
