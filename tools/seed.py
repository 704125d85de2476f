"""Demo data, made through the public API by the modules of `localstack/seed/`, and the demo logins they leave."""

import asyncio
import importlib
import json

import aiohttp

from localstack.seed import World
from tools import registry
from tools.paths import DEMO, ROOT
from tools.say import Failure
from tools.stack import Facts


def run(facts: Facts) -> None:
    """Run every capability's seed, in the registry's order, and write the demo logins. They are new each time.

    A seed that meets what it did not expect raises `RuntimeError` with a sentence.
    """
    try:
        users = asyncio.run(_run(facts))
    except (RuntimeError, OSError, aiohttp.ClientError) as error:
        raise Failure(str(error), remedy="`make run` again, and `make logs` in another terminal, say more.") from None
    DEMO.touch(mode=0o600)
    DEMO.write_text(json.dumps({"users": users}, indent=2) + "\n")


def modules() -> list[str]:
    packages = [capability.package for capability in registry.capabilities()]
    return [package for package in packages if (ROOT / "localstack" / "seed" / f"{package}.py").exists()]


async def _run(facts: Facts) -> list[dict[str, str]]:
    async with World(facts.base_url, facts.endpoint, facts.stack) as world:
        for package in modules():
            await importlib.import_module(f"localstack.seed.{package}").seed(world)
        return world.users
