"""The AWS account that the caller's own credentials lead to."""

import os

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from tools.say import Failure


def identity() -> tuple[str, str]:
    """The number of the account, and the region. Raises `Failure` with what is missing."""
    session = botocore.session.get_session()
    try:
        region, credentials = region_of(session), session.get_credentials()
        if credentials is None:
            raise Failure(
                "There are no AWS credentials here.",
                remedy="Sign in (aws sso login) or set AWS_PROFILE, then try again. Nothing was created.",
            )
        if not region:
            raise Failure("No AWS region is set.", remedy="Say which, before the command: AWS_REGION=eu-central-1")
        account = session.create_client("sts", region_name=region).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as refused:
        raise Failure(
            f"These AWS credentials do not work: {refused}",
            remedy="Sign in again, or choose another AWS_PROFILE. Nothing was created.",
        ) from None
    return str(account), region


def region_of(session: botocore.session.Session) -> str:
    """The region as the AWS CLI finds it. Of the variables botocore reads only `AWS_DEFAULT_REGION`."""
    return str(os.environ.get("AWS_REGION") or session.get_config_variable("region") or "")
