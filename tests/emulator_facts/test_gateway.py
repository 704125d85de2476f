"""How the emulator's API Gateway behaves, and what the launcher and the front door make of it."""

import json
import os
import socket
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import psutil
import yaml

from tests.emulator_facts.conftest import Stack


def ask(url: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(url, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}
    except urllib.error.HTTPError as refused:
        return refused.code, {name.lower(): value for name, value in refused.headers.items()}


PREFLIGHT = {"Origin": "https://app.example", "Access-Control-Request-Method": "PATCH"}


def test_the_tag_pins_the_api_s_id(stack: Stack) -> None:
    assert ask(f"{stack.endpoint}/_aws/execute-api/{stack.name}/$default/health")[0] == 200


def test_cors_set_by_cloudformation_is_ignored_until_it_is_set_again(stack: Stack, name: str) -> None:
    cors = {"AllowOrigins": ["*"], "AllowMethods": ["PATCH"], "AllowHeaders": ["authorization"]}
    properties = {"Name": name, "ProtocolType": "HTTP", "CorsConfiguration": cors, "Tags": {"ms-custom-id": name}}
    stage = {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True}
    template = {
        "Resources": {
            "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": properties},
            "Stage": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": stage},
        }
    }
    formation = stack.client("cloudformation")
    formation.create_stack(StackName=name, TemplateBody=yaml.safe_dump(template))
    formation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    url = f"{stack.endpoint}/_aws/execute-api/{name}/$default/x"

    before = ask(url, method="OPTIONS", headers=PREFLIGHT)
    stack.client("apigatewayv2").update_api(ApiId=name, CorsConfiguration=cors)
    after = ask(url, method="OPTIONS", headers=PREFLIGHT)

    assert "access-control-allow-origin" not in before[1]
    assert after[1]["access-control-allow-origin"] == "*"


def test_preflights_are_answered_at_the_front_door(stack: Stack) -> None:
    status, headers = ask(f"{stack.base_url}/health", method="OPTIONS", headers=PREFLIGHT)

    assert (status, headers["access-control-allow-origin"]) == (204, "*")


def test_only_loopback_listens(stack: Stack) -> None:
    ports = {int(url.rsplit(":", 1)[1]) for url in (stack.endpoint, stack.base_url)}
    mine = [process for process in psutil.process_iter() if ports & set(_listening(process, "127.0.0.1"))]
    family = {member for process in mine for member in (process, *process.children(recursive=True))}

    assert len(mine) == len(ports)
    assert all(address in ("127.0.0.1", "::1") for member in family for address in _addresses(member))


def test_tls_only_queues_refuse_the_local_stack_which_speaks_plain_http(stack: Stack, name: str) -> None:
    sqs = stack.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**deny, "Condition": condition}]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    try:
        sqs.send_message(QueueUrl=url, MessageBody="x")
        code = ""
    except sqs.exceptions.ClientError as refused:
        code = refused.response["Error"]["Code"]

    assert code == "AccessDenied"


def _listening(process: psutil.Process, address: str) -> list[int]:
    return [port for found, port in _sockets(process) if found == address]


def _addresses(process: psutil.Process) -> list[str]:
    return [address for address, _ in _sockets(process)]


def _sockets(process: psutil.Process) -> list[tuple[str, int]]:
    if process.pid == os.getpid():
        return []
    try:
        found = process.net_connections(kind="inet")
    except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
        return []
    return [(each.laddr.ip, each.laddr.port) for each in found if each.status == psutil.CONN_LISTEN]


def test_an_answer_comes_whole(stack: Stack) -> None:
    """Its server writes the head first and wakes whoever asked; ours waits for the body."""
    place = urlsplit(stack.endpoint)
    with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
        for _ in range(50):
            connection.sendall(b"GET /_ministack/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200") and json.loads(body)

        connection.sendall(b"HEAD /_ministack/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65_536).endswith(b"\r\n\r\n")
