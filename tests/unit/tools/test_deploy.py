"""What a deployment hands to CloudFormation."""

import pytest

from tools import deploy, templates
from tools.say import Failure


@pytest.mark.parametrize("stage", deploy.STAGES)
def test_what_is_not_set_is_left_as_it_was_deployed(stage: str) -> None:
    assert deploy.parameters(stage, {}) == {"Stage": stage, "Runtime": "python3.13", "Architecture": "arm64"}


def test_what_is_set_is_handed_on_by_its_parameter() -> None:
    handed_on = deploy.parameters("dev", deploy.settings({"ALARMS": "on", "MAIL_FROM": "a@example.com", "DOMAIN": ""}))

    assert (handed_on["Alarms"], handed_on["MailFrom"]) == ("on", "a@example.com")
    assert "Domain" not in handed_on


def test_every_setting_is_a_parameter_of_the_template() -> None:
    assert set(deploy.SETTINGS) <= set(templates.load("template")["Parameters"])


def test_alarms_are_on_in_prod_until_somebody_says_otherwise() -> None:
    parsed = templates.load("template")
    auto_in_prod = {
        "Fn::And": [{"Fn::Equals": [{"Ref": "Alarms"}, "auto"]}, {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}]
    }

    assert parsed["Parameters"]["Alarms"]["Default"] == "auto"
    assert parsed["Conditions"]["Watched"] == {"Fn::Or": [{"Fn::Equals": [{"Ref": "Alarms"}, "on"]}, auto_in_prod]}


@pytest.mark.parametrize("said", ["", "test", "Dev"])
def test_a_stage_that_is_not_there_is_answered_with_those_that_are(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("STAGE", said)

    with pytest.raises(Failure, match="Which stage") as failed:
        deploy.deploy(deploy.Steps())
    assert "dev, staging, prod" in failed.value.remedy
