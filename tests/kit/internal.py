"""Internal routes of the stack that runs, by direct invocation."""

import json
import os
from typing import Any

import localstack_client.session


def invoke(caller: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Ask a capability as the function of that name may; the status and what the answer holds come back."""
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            "tessera": {"internal": True, "caller": caller},
        },
        "body": "" if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }
    region = os.environ.get("AWS_DEFAULT_REGION", "eu-central-1")
    near = localstack_client.session.Session("test", "test", region_name=region)
    functions = near.client("lambda", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    name = f"{os.environ.get('STACK', 'tessera')}-{path.split('/')[1]}"
    answer = json.loads(functions.invoke(FunctionName=name, Payload=json.dumps(event))["Payload"].read())
    return int(answer["statusCode"]), json.loads(answer.get("body") or "null")
