"""`make run`: the whole of Tessera on this machine, until Ctrl-C."""

import json
import os
import sys

from tools import registry, seed
from tools.paths import DEMO, RUN, shown
from tools.processes import stopping_on_signals
from tools.say import Failure
from tools.stack import AlreadyRunning, Facts, LocalStack


def main() -> int:
    persist = os.environ.get("PERSIST") == "1"
    try:
        port = int(os.environ.get("PORT") or 8000)
    except ValueError:
        print(f"PORT must be a number; it is {os.environ['PORT']!r}.", file=sys.stderr)
        return 2
    try:
        with stopping_on_signals(), LocalStack(RUN, door_port=port, persist=persist) as stack:
            if stack.is_new:
                with stack.steps.step("demo data"):
                    seed.run(stack.facts)
            print_welcome(stack.facts, stack.steps.elapsed)
            stack.watch()
    except AlreadyRunning as other:
        print(f"Tessera is running here already: {other}. Stop that one with Ctrl-C first.", file=sys.stderr)
        return 1
    except Failure:
        return 1
    except KeyboardInterrupt:
        print("\n  stopped" + ("; the data is kept" if persist else ""))
        return 0
    return 0


def print_welcome(facts: Facts, seconds: float) -> None:
    base = facts.base_url
    names = ", ".join(capability.name for capability in registry.capabilities() if capability.routes)
    lines = [
        "",
        f"  Tessera is ready after {seconds:.0f} s.",
        "",
        f"  home        {base}/",
        f"  API         {base}/docs",
        f"  mailbox     {base}/mailbox",
        f"  socket      {facts.socket_url}",
        f"  emulator    {facts.endpoint}",
        f"  offers      {names}",
    ]
    users = json.loads(DEMO.read_text())["users"] if DEMO.exists() else []
    if users:
        lines += ["", f"  demo logins (also in {shown(DEMO)})"]
        lines += [f"    {user['email']:<28} {user['password']:<24} {user['role']}" for user in users]
    lines += ["", "  Try", f"    curl -i {base}/health", "", "  Ctrl-C stops everything."]
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main())
