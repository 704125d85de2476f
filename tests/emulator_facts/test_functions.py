"""How the emulator runs functions."""

from collections.abc import Callable

from tests.emulator_facts.conftest import Function, Stack
from tests.kit.races import together

WHERE = """
import os, sys, tessera.clock, pydantic, botocore
def handler(event, context):
    print("a line, so that the call is not waited for")
    modules = {m.__name__: m.__file__ for m in (tessera.clock, pydantic, botocore)}
    return {"modules": modules, "python": sys.executable, "level": os.environ.get("POWERTOOLS_LOG_LEVEL")}
"""
FRAGILE = """
import os
def handler(event, context):
    print("called")
    if event.get("fail"):
        raise ValueError("out")
    return os.getpid()
"""
READER = """
import os, botocore.session
from botocore.exceptions import ClientError
def handler(event, context):
    print("reading")
    table = botocore.session.Session().create_client("dynamodb")
    try:
        table.get_item(TableName=event["table"], Key={"pk": {"S": event["pk"]}, "sk": {"S": "x"}})
    except ClientError as refused:
        return refused.response["Error"]["Code"]
    return "allowed"
"""


def test_a_layer_of_one_pth_file_comes_before_the_emulator_s_own_packages(
    function_of: Callable[..., Function],
) -> None:
    found = function_of(WHERE)()

    assert all("/.tessera/layers/" in path for path in found["modules"].values()), found
    assert "/env/emulator/" in found["python"]


def test_the_emulator_s_log_level_does_not_reach_the_functions_logger(function_of: Callable[..., Function]) -> None:
    assert function_of(WHERE)()["level"] == "INFO"


def test_an_exception_that_leaves_the_handler_ends_the_worker(function_of: Callable[..., Function]) -> None:
    fragile = function_of(FRAGILE)
    first, again = fragile(), fragile()

    failed = fragile({"fail": True})

    assert first == again
    assert failed["errorMessage"] == "out"
    assert fragile() != first


def test_all_that_a_function_logs_is_in_one_stream(stack: Stack, function_of: Callable[..., Function]) -> None:
    """As `localstack/log_streams.py` has it: to read a group takes the longer, the more streams it has."""
    fragile = function_of(FRAGILE)
    together(fragile, times=4)
    logs, group = stack.client("logs"), f"/aws/lambda/{fragile.name}"

    found = logs.filter_log_events(logGroupName=group)["events"]

    assert len({event["logStreamName"] for event in found}) == 1
    assert [event["message"] for event in found].count("called") == 4
    assert [event["timestamp"] for event in found] == sorted(event["timestamp"] for event in found)


def test_a_function_without_a_table_policy_is_denied(stack: Stack, function_of: Callable[..., Function]) -> None:
    reader = function_of(READER)

    assert reader({"table": f"{stack.name}-authfeed", "pk": "a"}) == "AccessDeniedException"


def test_leading_keys_are_not_enforced(stack: Stack, function_of: Callable[..., Function]) -> None:
    allowed = {
        "Effect": "Allow",
        "Action": "dynamodb:GetItem",
        "Resource": f"arn:aws:dynamodb:*:*:table/{stack.name}-authfeed",
        "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["ONLY#*"]}},
    }
    reader = function_of(READER, statements=[allowed])

    assert reader({"table": f"{stack.name}-authfeed", "pk": "OTHER#1"}) == "allowed"
