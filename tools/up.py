"""`make run`: the whole of Tessera on this machine, until Ctrl-C."""

import json
import os
import sys
from collections.abc import Mapping, Sequence

from tools import cloud, ports, registry, seed
from tools.paths import DEMO, RUN, shown
from tools.processes import stopping_on_signals
from tools.say import Failure, explain
from tools.stack import AlreadyRunning, Facts, LocalStack


def main() -> int:
    cloud.leave_accounts()
    persist, forgets = (os.environ.get("PERSIST") == wanted for wanted in ("1", "0"))
    try:
        port = ports.wanted(8000)
    except Failure as failure:
        explain("the port", failure)
        return 1
    try:
        with (
            stopping_on_signals(),
            LocalStack(RUN, door_port=port, persist=persist, forgets=forgets, remembers=True) as stack,
        ):
            sessions: dict[str, str] = {}
            if stack.is_new:
                with stack.steps.step("demo data"):
                    sessions = seed.run(stack.facts)
                stack.settle()
            print_welcome(stack.facts, stack.steps.elapsed)
            with seed.going_on(stack.facts, sessions):
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
    names = ", ".join(capability.name for capability in registry.capabilities() if capability.routes)
    lines = [
        "",
        f"  Tessera is ready after {seconds:.0f} s.",
        "",
        f"  home        {facts.base_url}/",
        f"  reference   {facts.base_url}/docs",
        f"  mailbox     {facts.base_url}/mailbox",
        f"  WebSocket   {facts.socket_url}",
        f"  emulator    {facts.endpoint}",
        f"  offers      {names}",
    ]
    users: list[dict[str, str]] = json.loads(DEMO.read_text())["users"] if DEMO.exists() else []
    if users:
        lines += ["", f"  demo logins (also in {shown(DEMO)})"]
        lines += [f"    {user['email']:<28} {user['password']:<24} {user['role']}" for user in users]
        lines += [f"    {user['role']:<28} {user['secret']}" for user in users if "secret" in user]
    lines += ["", "  Paste these, one after the other", "", *first_requests(facts.base_url, users)]
    lines += ["", "  Ctrl-C stops everything."]
    print("\n".join(lines), flush=True)


def first_requests(base_url: str, users: Sequence[Mapping[str, str]]) -> list[str]:
    """Lines for a shell: sign in and keep the token, make a task, list the tasks, the same as a program with a key."""
    user = next((user for user in users if user["role"] == "user"), None)
    if user is None:
        return [f"curl -i {base_url}/health"]
    login = json.dumps({"email": user["email"], "password": user["password"]})
    # Nothing but what every shell has: the token is cut out of the answer by sed.
    token = r"""sed 's/.*"access_token":"\([^"]*\)".*/\1/'"""
    # curl takes these two for addresses like ours, and no proxy leads here.
    has_proxy = any(os.environ.get(name) for name in ("http_proxy", "all_proxy"))
    curl = "curl --noproxy '*' -s" if has_proxy else "curl -s"
    as_json, as_user = "-H 'content-type: application/json'", '-H "authorization: Bearer $TOKEN"'
    lines = [
        f"TOKEN=$({curl} {base_url}/accounts/login {as_json} -d '{login}' | {token})",
        f"""{curl} {base_url}/tasks {as_user} {as_json} -d '{{"title": "Try Tessera"}}'; echo""",
        f"{curl} {base_url}/tasks {as_user}; echo",
    ]
    if "api_key" in user:
        lines.append(f"{curl} {base_url}/tasks -H 'authorization: Bearer {user['api_key']}'; echo")
    return lines


if __name__ == "__main__":
    sys.exit(main())
