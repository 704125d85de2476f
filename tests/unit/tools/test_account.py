"""The account that a deployment would go to, or why it goes nowhere."""

import botocore.session
import pytest

from tools import account
from tools.say import Failure


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell without anything of AWS."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_REGION": "eu-west-3"}, "eu-west-3"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-3", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-3"),
        ({}, ""),
    ],
    ids=["as the documents say", "the older variable", "both", "none"],
)
def test_the_region_is_the_one_that_the_shell_names(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], region: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert account.region_of(botocore.session.get_session()) == region


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "There are no AWS credentials here"),
        ({"AWS_PROFILE": "nope"}, "profile (nope) could not be found"),
        ({"AWS_ACCESS_KEY_ID": "only-half"}, "Partial credentials"),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, "No AWS region is set"),
    ],
    ids=["none", "a profile that is not there", "half of a key", "no region"],
)
def test_what_is_missing_is_said_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(Failure) as failed:
        account.identity()

    assert said in failed.value.what
    assert failed.value.remedy
