"""The document of all capabilities keeps to its own rules, and the event catalogue to its."""

import pytest

from tests.kit.templates import resources
from tools import events, registry
from tools.document import apps, check


@pytest.fixture(scope="module")
def catalogue():
    return events.catalogue()


def test_every_operation_and_schema_keeps_to_the_rules(document):
    assert not check.faults(document), "\n".join(check.faults(document))


def test_every_capability_that_serves_http_is_in_the_document(document):
    tagged = {tag for methods in document["paths"].values() for one in methods.values() for tag in one["tags"]}

    assert {loaded.capability.name for loaded in apps.load_all()} <= tagged


def test_no_operation_is_open_that_does_not_say_so(document):
    for methods in document["paths"].values():
        for operation in methods.values():
            is_public = operation["x-access"].startswith("public")
            assert (operation["security"] == []) == is_public, operation["operationId"]


# What is asked for here is the end of an account, whatever its profile says by then.
WHATEVER_IT_SAYS = {"/accounts/me", "/admin/users/{user_id}"}


def test_what_is_changed_as_it_was_read_is_deleted_so_too(document):
    for path, methods in document["paths"].items():
        changing = [methods[method] for method in ("put", "patch") if method in methods]
        if "delete" in methods and path not in WHATEVER_IT_SAYS and any(map(takes_if_match, changing)):
            assert takes_if_match(methods["delete"]), path


def takes_if_match(operation):
    return {"$ref": "#/components/parameters/IfMatch"} in operation.get("parameters", ())


def test_both_ends_of_every_event_fit(catalogue):
    assert not events.faults(catalogue), "\n".join(events.faults(catalogue))


def test_every_event_that_is_read_has_a_rule_that_brings_it(catalogue):
    rules = [rule["Properties"]["EventPattern"] for rule in resources("messages", "AWS::Events::Rule").values()]

    def is_brought(emitter, event):
        """By a rule that names its source, or a beginning of it."""
        named = [source for rule in rules if event in rule.get("detail-type", ()) for source in rule["source"]]
        return any(
            emitter == one if isinstance(one, str) else emitter.startswith(one.get("prefix", "-")) for one in named
        )

    for entry in catalogue.values():
        for emitter in entry.emitters if entry.read else ():
            assert is_brought(f"tessera.{emitter}", entry.type), entry.type


def test_health_counts_every_capability_that_serves_http():
    variables = resources("template", "AWS::Serverless::Function")["Health"]["Properties"]["Environment"]["Variables"]

    assert set(variables["CAPABILITIES"].split()) == {
        capability.name for capability in registry.capabilities() if capability.has_app
    }
