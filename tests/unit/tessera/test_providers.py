"""The secret of providers."""

import json

import pytest

from tessera import aws, ids
from tessera.providers import HOLD_MS, Providers, SecretUnread


def secret(text: str) -> str:
    name = f"providers-{ids.new()}"
    aws.client("secretsmanager").create_secret(Name=name, SecretString=text)
    return name


def test_each_provider_is_told_its_own_part_and_the_rest_was_not_set_up(cloud):
    providers = Providers(secret(json.dumps({"one": {"key": "k1"}, "two": None})))

    assert providers.of("one") == {"key": "k1"}
    assert providers.of("two") == {} == providers.of("three")


def test_without_a_secret_nothing_was_set_up_and_nothing_is_asked():
    with aws.intercepted(lambda *call: pytest.fail(f"{call} was asked.")):
        assert Providers("").of("one") == {}


def test_a_change_is_seen_after_five_minutes_and_costs_one_request_until_then(cloud, frozen):
    name = secret(json.dumps({"one": {"key": "k1"}}))
    providers, asked = Providers(name), []
    with aws.intercepted(lambda service, operation, parameters: asked.append(operation)):
        assert providers.of("one") == {"key": "k1"}
        aws.client("secretsmanager").put_secret_value(SecretId=name, SecretString=json.dumps({"one": {"key": "k2"}}))
        frozen.advance(milliseconds=HOLD_MS - 1)
        assert providers.of("one") == {"key": "k1"}
        frozen.advance(milliseconds=1)
        assert providers.of("one") == {"key": "k2"}

    assert asked.count("GetSecretValue") == 2


@pytest.mark.parametrize("text", ["no json", "[1]", '"text"', '{"one": 7}', '{"one": ["k1"]}'])
def test_a_secret_that_is_not_as_it_should_be_is_said_to_be_so(cloud, text):
    with pytest.raises(SecretUnread):
        Providers(secret(text)).of("one")


def test_a_secret_that_is_not_there_cannot_be_read_and_is_asked_for_again(cloud):
    name = f"providers-{ids.new()}"
    providers = Providers(name)
    with pytest.raises(SecretUnread):
        providers.of("one")
    aws.client("secretsmanager").create_secret(Name=name, SecretString='{"one": {"key": "k1"}}')

    assert providers.of("one") == {"key": "k1"}
