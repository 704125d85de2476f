"""Logs go where `docs/security.md` says and nowhere else, and nothing of ours takes them away."""

import ast
import json
from pathlib import Path

import pytest

from tests.kit.sources import nodes
from tests.kit.templates import ROOT, resources, template

CODE = sorted(
    path
    for top in ("functions", "layers/shared/python")
    for path in (ROOT / top).rglob("*.py")
    if "__pycache__" not in path.parts
)
GROUPS = resources("template", "AWS::Logs::LogGroup")
# The one module that writes lines; `entry` silences a logger of a library there.
WRITES = {"layers/shared/python/tessera/log.py"}
# Chance decides here how long to wait, and nothing that anybody could guess at.
WAITS = {
    "functions/identity/accounts/actions/attempts.py",
    "functions/identity/sessions/store/openings.py",
    "functions/live/notifications/actions/deliver.py",
    "functions/live/outbox/actions/deliver.py",
    "layers/shared/python/tessera/backoff.py",
}


def calls_of(path: Path) -> set[str]:
    """Every name that is called, as it is written."""
    return {ast.unparse(node.func) for node in nodes(path.read_text()) if isinstance(node, ast.Call)}


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.asvs("16.2.3")
def test_one_module_writes_log_lines():
    writing = {"print", "logging.info", "logging.warning", "logging.error", "sys.stdout.write", "sys.stderr.write"}
    handlers = {"logging.FileHandler", "logging.StreamHandler", "logging.basicConfig", "Logger"}

    found = {place(path): calls_of(path) & (writing | handlers) for path in CODE}

    assert {name: calls for name, calls in found.items() if calls} == {name: {"Logger"} for name in WRITES}


@pytest.mark.asvs("16.1.1", "16.2.3")
def test_every_log_group_is_in_the_inventory():
    page = (ROOT / "docs" / "security.md").read_text()

    names = [
        group["Properties"]["LogGroupName"]["Fn::Sub"].replace("${AWS::StackName}", "<stack>")
        for group in GROUPS.values()
    ]

    assert len(names) >= 3
    assert [name for name in names if f"`{name}`" not in page] == []
    assert {group["Properties"]["RetentionInDays"] for group in GROUPS.values()} == {30}


@pytest.mark.asvs("16.4.3")
def test_every_function_logs_outside_itself_to_a_group_of_the_stack():
    general = template("template")["Globals"]["Function"]["LoggingConfig"]
    own = [
        function["Properties"].get("LoggingConfig", general)
        for function in resources("template", "AWS::Serverless::Function").values()
    ]

    assert {config["LogFormat"] for config in own} == {"JSON"}
    assert {config["LogGroup"]["Ref"] for config in own} <= set(GROUPS)


@pytest.mark.asvs("16.4.2")
@pytest.mark.parametrize("name", ["template", "stores", "messages", "alarms"])
def test_no_role_may_change_or_delete_logs(name):
    text = json.dumps(template(name), default=str)

    assert '"logs:*"' not in text
    for action in ("Delete", "PutRetention", "PutSubscription", "PutDestination"):
        assert f"logs:{action}" not in text


@pytest.mark.asvs("16.2.5")
def test_the_gateways_own_log_holds_no_path_no_query_and_no_header():
    (stage,) = resources("template", "AWS::ApiGatewayV2::Stage").values()
    logged = stage["Properties"]["AccessLogSettings"]["Format"]

    assert "$context.requestId" in logged
    for left_out in ("path", "query", "header", "authorizer", "identity", "domain"):
        assert left_out not in logged.lower()


@pytest.mark.asvs("6.5.3", "7.2.3")
def test_chance_that_can_be_foreseen_decides_only_how_long_to_wait():
    imported = {
        place(path): {ast.unparse(node) for node in nodes(path.read_text()) if uses_random(node)} for path in CODE
    }
    found = {name: uses for name, uses in imported.items() if uses}

    assert set(found) == WAITS
    assert set().union(*found.values()) == {"random.uniform"}


def uses_random(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module in ("random", "numpy.random")
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random"
