"""What the local cloud's object store holds as AWS does, and what it lets pass."""

from collections.abc import Iterator
from typing import Any

import botocore.session
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.emulator_facts.conftest import Stack
from tools import cloud

REGION = {"LocationConstraint": "eu-central-1"}


@pytest.fixture
def s3(stack: Stack) -> Any:
    return stack.client("s3")


@pytest.fixture
def bucket(s3: Any, name: str) -> Iterator[str]:
    s3.create_bucket(Bucket=name, CreateBucketConfiguration=REGION)
    yield name
    for item in s3.list_objects_v2(Bucket=name).get("Contents", ()):
        s3.delete_object(Bucket=name, Key=item["Key"])
    s3.delete_bucket(Bucket=name)


def test_parts_are_joined_that_aws_would_refuse_as_too_small(s3: Any, bucket: str) -> None:
    # So whoever completes an upload looks at the sizes of its parts.
    where = {"Bucket": bucket, "Key": "k"}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    tags = [s3.upload_part(**where, PartNumber=number, Body=b"x")["ETag"] for number in (1, 2)]
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]

    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})

    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 2


def test_a_copy_holds_the_condition_on_its_source(s3: Any, bucket: str) -> None:
    old = s3.put_object(Bucket=bucket, Key="k", Body=b"one")["ETag"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"two")

    with pytest.raises(ClientError) as refused:
        s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "k"}, CopySourceIfMatch=old)

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


def test_a_signed_link_holds_the_length_that_was_signed(stack: Stack, bucket: str) -> None:
    link = _presign(stack, bucket, length=3)

    assert httpx.put(link, content=b"four").status_code == 403
    assert httpx.put(link, content=b"tri").status_code == 200


def test_a_lifecycle_rule_is_kept_and_not_carried_out(s3: Any, bucket: str) -> None:
    # So what is to end after a day is ended by our own sweeper; on AWS the rule stands behind it.
    rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Date": "2020-01-01T00:00:00Z"}}
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})

    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["ID"] == "a"
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 1


def _presign(stack: Stack, bucket: str, *, length: int) -> str:
    client = botocore.session.get_session().create_client(
        "s3",
        region_name=cloud.REGION,
        endpoint_url=stack.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(signature_version="s3v4"),
    )
    given = {"Bucket": bucket, "Key": "k", "ContentLength": length}
    link: str = client.generate_presigned_url("put_object", Params=given)
    return link
