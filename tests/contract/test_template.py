"""The templates, read: what the emulator would let pass and AWS would not."""

import json
import re

import pytest
import yaml

from tessera.auth.roles import grants
from tessera.namespaces import may_append
from tessera.transact import SEEN_DAYS
from tests.kit.templates import ROOT, resources, template

FUNCTIONS = resources("template", "AWS::Serverless::Function")
TABLES = resources("stores", "AWS::DynamoDB::Table")
QUEUES = resources("messages", "AWS::SQS::Queue")


def statements(function):
    for entry in function["Properties"].get("Policies", []):
        found = entry["Statement"]
        yield from found if isinstance(found, list) else [found]


def kebab(logical_id):
    return re.sub(r"(?<!^)(?=[A-Z])", "-", logical_id).lower()


def actions(statement):
    found = statement["Action"]
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_outlives_its_code_and_streams_its_changes(name):
    table = TABLES[name]
    properties = table["Properties"]

    assert table["DeletionPolicy"] == "RetainExceptOnCreate" and table["UpdateReplacePolicy"] == "Retain"
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert properties["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert "PointInTimeRecoverySpecification" in properties and "DeletionProtectionEnabled" in properties
    assert properties["TableName"] == {"Fn::Sub": f"${{Stack}}-{kebab(name)}"}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_declares_exactly_the_attributes_its_keys_use(name):
    properties = TABLES[name]["Properties"]
    schemas = [properties["KeySchema"], *(index["KeySchema"] for index in properties.get("GlobalSecondaryIndexes", []))]

    used = {key["AttributeName"] for schema in schemas for key in schema}

    assert used == {attribute["AttributeName"] for attribute in properties["AttributeDefinitions"]}


@pytest.mark.parametrize("name", [name for name in QUEUES if not name.endswith("Dead")])
def test_a_queue_has_dead_letters_and_time_enough(name):
    properties = QUEUES[name]["Properties"]

    assert properties["RedrivePolicy"]["maxReceiveCount"] == 5
    assert properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] == dead_letters_of(name)
    assert properties["VisibilityTimeout"] >= 6 * 55
    assert properties["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize("name", QUEUES)
def test_an_event_is_remembered_for_longer_than_it_may_wait_to_be_sent_again(name):
    assert QUEUES[name]["Properties"]["MessageRetentionPeriod"] < SEEN_DAYS * 86_400


def dead_letters_of(name):
    return name.removesuffix("Queue").removesuffix("Retry").rstrip("1234") + "Dead"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_policy_names_actions_and_resources(name):
    waived = {"kms:CreateKey", "kms:TagResource", "ses:GetAccount", "sns:Publish"}
    for statement in statements(FUNCTIONS[name]):
        assert not [action for action in actions(statement) if action.endswith("*")], statement
        assert "dynamodb:Scan" not in actions(statement)
        if statement["Resource"] == "*":
            assert set(actions(statement)) <= waived, statement


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_reaches_only_its_own_table_and_the_shared_ones(name):
    swept = (
        "sweeper accounts admin apikeys organisations ratelimit tasks outbox files chat notifications presence blog "
        "shortener search"
    )
    workers = {"HealthCounters": {"health"}, "FilesWorker": {"files"}, "ShortenerWorker": {"shortener"}}
    workers |= {"MediaWorker": {"media"}, "MediaHeavyWorker": {"media"}}
    several = {"Relay": set(), "Sweeper": set(swept.split()), **workers}
    own = several.get(name, {kebab(name)})
    allowed = own | {"authfeed", "ratelimit", "apikeys", "realtime"}
    for statement in statements(FUNCTIONS[name]):
        if any(action.startswith("dynamodb:") for action in actions(statement)):
            text = json.dumps(statement["Resource"])
            tables = {part.split("/")[0].split('"')[0] for part in text.split("${AWS::StackName}-")[1:]}
            assert tables <= allowed, f"{name} may reach {tables - allowed}"


# Its schedules fire to the second, so it sweeps by itself.
SWEPT_BY_ITS_OWN = {"Reminders"}
WAITING = {
    name
    for name, table in TABLES.items()
    if any(index["IndexName"] == "due" for index in table["Properties"].get("GlobalSecondaryIndexes", []))
}


@pytest.mark.parametrize("name", sorted(WAITING - SWEPT_BY_ITS_OWN))
def test_a_table_where_something_waits_is_swept_into_its_queue(name):
    sweeper = FUNCTIONS["Sweeper"]
    entries, named = sweeper["Properties"]["Environment"]["Variables"]["DUE_TABLES"]["Fn::Sub"]
    reading, sending = (
        json.dumps([one["Resource"] for one in statements(sweeper) if action in actions(one)])
        for action in ("dynamodb:Query", "sqs:SendMessage")
    )

    assert f"${{{name}}}=${{{name}Queue}}" in entries.split()
    assert named[name] == {"Fn::GetAtt": ["Stores", f"Outputs.{name}"]}
    assert named[f"{name}Queue"] == {"Fn::GetAtt": ["Messages", f"Outputs.{name}Queue"]}
    assert f"-{kebab(name)}/index/due" in reading
    assert f"Outputs.{name}QueueArn" in sending


def test_the_limiter_is_charged_only_through_its_own_keys():
    for function in FUNCTIONS.values():
        for statement in statements(function):
            # The sweeper's index holds leases only, for a bucket is never due.
            named = json.dumps(statement["Resource"]).replace("-ratelimit/index/due", "")
            if "dynamodb" in named and "-ratelimit" in named and function is not FUNCTIONS.get("Ratelimit"):
                keys = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
                assert keys == ["B#*", "POLICY#*"]


def capability_of(name):
    """`RealtimeSocket` is a second function of `realtime`."""
    return kebab(name).removesuffix("-socket").removesuffix("-worker").removesuffix("-heavy")


@pytest.mark.parametrize("caller", sorted({capability_of(name) for name in FUNCTIONS}))
def test_a_capability_may_invoke_exactly_those_its_grants_name(caller):
    granted = {grant["callee"] for grant in grants() if grant["caller"] == caller}
    invoked = {
        part.split('"')[0]
        for name in FUNCTIONS
        if capability_of(name) == caller
        for statement in statements(FUNCTIONS[name])
        if "lambda:InvokeFunction" in actions(statement)
        for part in json.dumps(statement["Resource"]).split("function:${AWS::StackName}-")[1:]
    }

    assert invoked == granted


SOURCES = (ROOT / "functions").rglob("*.py")
CHECKING = sorted({path.relative_to(ROOT).parts[2] for path in SOURCES if re.search(r"\bchecking\(", path.read_text())})


@pytest.mark.parametrize("capability", CHECKING)
def test_who_holds_a_condition_on_an_item_it_leaves_alone_may_do_so(capability):
    table = f"table/${{AWS::StackName}}-{capability}"
    name = capability.title().replace("_", "")

    allowed = [
        action
        for statement in statements(FUNCTIONS[name])
        if f'{table}"' in json.dumps(statement["Resource"])
        for action in actions(statement)
    ]

    assert "dynamodb:ConditionCheckItem" in allowed


def test_a_log_is_written_only_by_who_owns_its_topics():
    for name, function in FUNCTIONS.items():
        for statement in statements(function):
            named = json.dumps(statement["Resource"]).replace("-realtime/index/due", "")
            if name.startswith("Realtime") or not ("dynamodb" in named and "-realtime" in named):
                continue
            for leading in statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]:
                kind, _, topic = leading.partition("#")
                assert kind in ("LOG", "GRANT") and topic.endswith(":*"), f"{name} may write {leading}"
                assert may_append(kebab(name), topic.replace("*", "x")), f"{name} may write {leading}"


def test_relay_reads_the_stream_of_every_table_that_emits():
    events = FUNCTIONS["Relay"]["Properties"]["Events"]
    read = {name for name, event in events.items() if event["Type"] == "DynamoDB"}
    emitting = {folder.parent.name.title().replace("_", "") for folder in (ROOT / "functions").glob("*/*/events.py")}

    assert read == emitting & TABLES.keys()


def test_every_queue_may_be_written_only_by_who_is_named():
    for name, policy in resources("messages", "AWS::SQS::QueuePolicy").items():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if statement.get("Effect") == "Allow":
                assert "Condition" in statement, f"{name} lets anyone of the service in"


@pytest.mark.parametrize("name", ["template", "stores", "messages", "alarms"])
def test_a_stack_stays_far_from_its_limits(name):
    found = template(name)
    functions = sum(value["Type"] == "AWS::Serverless::Function" for value in found["Resources"].values())

    # SAM makes a role of each function and a mapping, rule or permission of each event.
    assert len(found["Resources"]) + 5 * functions <= 480
    assert len(found.get("Outputs", {})) <= 190 and len(found.get("Parameters", {})) <= 190


def test_every_value_a_nested_stack_is_asked_for_is_put_out():
    text = (ROOT / "template.yaml").read_text()
    for nested, name in (("Stores", "stores"), ("Messages", "messages")):
        asked = {part.split()[0].rstrip("]},") for part in text.split(f"{nested}.Outputs.")[1:]}
        assert asked <= template(name)["Outputs"].keys()


def test_no_two_keys_of_a_mapping_are_the_same():
    class Strict(yaml.SafeLoader):
        pass

    def mapping(loader, node, deep=False):
        keys = [key.value for key, _ in node.value if key.value != "<<"]
        assert len(keys) == len(set(keys)), f"{sorted(keys)} near line {node.start_mark.line}"
        return {}

    Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    Strict.add_multi_constructor("!", lambda loader, suffix, node: None)
    for name in ("template", "stores", "messages", "alarms"):
        yaml.load((ROOT / f"{name}.yaml").read_text(), Loader=Strict)


def test_every_finding_that_is_waived_says_why():
    lines = (ROOT / ".checkov.yaml").read_text().splitlines()
    waived = {line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- CKV")}
    reasons = " ".join(line for line in lines if line.strip().startswith("#"))

    assert waived
    assert not {name for name in waived if f"{name}:" not in reasons and f"{name}," not in reasons}
