"""The token that makes the first owner, asked for by the person who deploys."""

import io
import json

import pytest
from botocore.exceptions import ClientError

from functions.identity.admin.app import app
from tessera.auth.guards import Service
from tessera.entry.guard import guard_of
from tools import setup_token
from tools.say import Failure


class Functions:
    """The Lambda service, of which one answer is known."""

    def __init__(self, status: int, body: object) -> None:
        self.said, self.asked = {"statusCode": status, "body": json.dumps(body)}, []

    def invoke(self, **asked):
        self.asked.append(asked)
        return {"Payload": io.BytesIO(json.dumps(self.said).encode())}


def test_the_token_is_asked_of_the_stage_and_told_with_what_to_do():
    functions = Functions(200, {"token": "tsu_abc"})

    token = setup_token.ask(functions, setup_token.stack_of("dev"))

    assert functions.asked[0]["FunctionName"] == "tessera-dev-admin"
    assert token == "tsu_abc" and "tsu_abc" in setup_token.told(token) and "/admin/bootstrap" in setup_token.told(token)


def test_the_stage_that_lasts_has_the_plain_name():
    assert (setup_token.stack_of("prod"), setup_token.stack_of("staging")) == ("tessera", "tessera-staging")


def test_a_deployment_that_has_had_its_owner_gets_no_token():
    assert setup_token.ask(Functions(409, {}), "tessera") is None


class Refusing:
    """The Lambda service as it answers somebody who may not."""

    def invoke(self, **asked):
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not yours"}}, "Invoke")


def test_a_refusal_by_aws_is_told_with_what_to_do():
    with pytest.raises(Failure, match="not yours") as failed:
        setup_token.ask(Refusing(), "tessera-dev")

    assert "tessera-dev-admin" in failed.value.what and failed.value.remedy


def test_any_other_answer_is_a_failure():
    with pytest.raises(Failure):
        setup_token.ask(Functions(403, {}), "tessera")


def test_it_asks_for_a_route_that_there_is_and_as_a_caller_it_takes():
    event = setup_token.event()
    (route,) = [route for route in app.router.routes if route.path == event["rawPath"]]

    guard = guard_of(route)

    assert event["requestContext"]["http"]["method"] in route.methods
    assert isinstance(guard, Service) and event["requestContext"]["tessera"]["caller"] in guard.callers
