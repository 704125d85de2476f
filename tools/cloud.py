"""The emulator seen from outside: credentials that work nowhere else, clients, and what `sam deploy` cannot set."""

import os
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.config import Config

from tools import templates
from tools.say import Failure

REGION = "eu-central-1"
ARTIFACTS = "tessera-artifacts"


def environment(endpoint: str = "") -> dict[str, str]:
    """The caller's environment, without anything that could reach a real account."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "SAM_CLI_", "VIRTUAL_ENV"))}
    ours = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return {**kept, **ours, **({"AWS_ENDPOINT_URL": endpoint} if endpoint else {})}


def leave_accounts() -> None:
    """From now on neither this process nor anything it starts can reach a real account, or trips over its settings."""
    local = environment()
    for name in set(os.environ) - set(local):
        del os.environ[name]
    os.environ.update(local)


def client(service: str, endpoint: str) -> Any:
    session = botocore.session.Session()
    config = Config(retries={"mode": "standard", "total_max_attempts": 3}, read_timeout=60)
    return session.create_client(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


def make_artifact_bucket(endpoint: str) -> None:
    s3 = client("s3", endpoint)
    location = {"LocationConstraint": REGION}
    if ARTIFACTS not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=ARTIFACTS, CreateBucketConfiguration=location)


def apply_cors(endpoint: str, api_id: str, origins: list[str]) -> None:
    """CloudFormation's CORS settings are stored by the emulator in a form it does not read; this one it does."""
    stated: Mapping[str, Any] = templates.load("template")["Resources"]["Api"]["Properties"]["CorsConfiguration"]
    configuration = {**stated, "AllowOrigins": origins, "AllowCredentials": origins != ["*"]}
    client("apigatewayv2", endpoint).update_api(ApiId=api_id, CorsConfiguration=configuration)


def why_failed(endpoint: str, stack: str) -> str:
    """The first resources that failed, with their reasons, from the stack's own events."""
    try:
        events = client("cloudformation", endpoint).describe_stack_events(StackName=stack)["StackEvents"]
    except botocore.exceptions.ClientError:
        return ""
    failed = [event for event in reversed(events) if "FAILED" in event["ResourceStatus"]]
    return "\n".join(f"    {e['LogicalResourceId']}: {e.get('ResourceStatusReason', '')}" for e in failed[:5])


def outputs(endpoint: str, stack: str) -> dict[str, str]:
    found = client("cloudformation", endpoint).describe_stacks(StackName=stack)["Stacks"]
    if not found:
        raise Failure(f"The stack {stack} is not there.")
    return {output["OutputKey"]: output["OutputValue"] for output in found[0].get("Outputs", [])}
