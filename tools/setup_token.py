"""`python -m tools.setup_token dev`: a token that makes the first owner of a stage.

Whoever may invoke the functions of the stage may have one. It is good for 7 days and one owner; making another one
ends it. `docs/runbooks/first-owner.md` says what to do with it.
"""

import json
import sys
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from tools import account
from tools.say import Failure, explain

PATH = "/admin/internal/setup-token"


def stack_of(stage: str) -> str:
    return "tessera" if stage == "prod" else f"tessera-{stage}"


def event() -> dict[str, Any]:
    """The invocation by which a person asks an internal route: IAM decides who may."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": PATH,
        "rawQueryString": "",
        "headers": {"host": "internal", "content-type": "application/json"},
        "requestContext": {
            "http": {"method": "POST", "path": PATH, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": ""},
            "tessera": {"internal": True, "caller": "seed"},
        },
        "body": "{}",
        "isBase64Encoded": False,
    }


def ask(client: Any, stack: str) -> str | None:
    """The token, or None when this deployment has had its first owner. Raises `Failure`."""
    try:
        answer = client.invoke(FunctionName=f"{stack}-admin", Payload=json.dumps(event()).encode())
    except (BotoCoreError, ClientError) as refused:
        raise Failure(
            f"{stack}-admin could not be asked: {refused}",
            remedy="Whoever may invoke it can ask again: docs/runbooks/first-owner.md says how.",
        ) from None
    said = json.loads(answer["Payload"].read())
    if said.get("statusCode") == 409:
        return None
    if said.get("statusCode") != 200:
        raise Failure(
            f"{stack}-admin answered {said.get('statusCode', said)}.",
            remedy=f"Its lines in the log group /tessera/{stack} say more.",
        )
    return str(json.loads(said["body"])["token"])


def told(token: str) -> str:
    return (
        "\n  If nobody owns this deployment yet: sign up, then send the address with this token, which works once.\n\n"
        f"    {token}\n\n"
        '    POST /admin/bootstrap {"token": "…", "email": "you@example.com"}\n'
    )


def offer(stack: str, region: str) -> None:
    """Print a token, unless the deployment has had its first owner."""
    client = botocore.session.get_session().create_client("lambda", region_name=region)
    token = ask(client, stack)
    if token is not None:
        print(told(token))


def main(arguments: list[str]) -> int:
    try:
        if len(arguments) != 1:
            raise Failure("Which stage?", remedy="Say it: .tessera/env/dev/bin/python -m tools.setup_token dev")
        _, region = account.identity()
        offer(stack_of(arguments[0]), region)
    except Failure as failure:
        explain("setup-token", failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
