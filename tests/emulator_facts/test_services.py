"""What the emulator's tables, keys, buckets and queues do otherwise than AWS, and what they do alike."""

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.emulator_facts.conftest import Stack
from tests.kit.people import eventually
from tools import cloud

KEY = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
NAMES = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
HERE = {"pk": {"S": "a"}, "sk": {"S": "b"}}


@pytest.fixture
def table(stack: Stack, name: str) -> Any:
    dynamodb = stack.client("dynamodb")
    dynamodb.create_table(TableName=name, KeySchema=KEY, AttributeDefinitions=NAMES, BillingMode="PAY_PER_REQUEST")
    yield dynamodb
    dynamodb.delete_table(TableName=name)


def test_reserved_words_are_refused_as_on_aws(table: Any, name: str) -> None:
    with pytest.raises(ClientError, match="reserved keyword"):
        table.update_item(
            TableName=name, Key=HERE, UpdateExpression="SET views = :v", ExpressionAttributeValues={":v": {"N": "1"}}
        )


def test_what_is_no_condition_is_refused_each_time(table: Any, name: str) -> None:
    """As `localstack/texts.py` remembers what it has found out about a text."""
    for _ in range(2):
        with pytest.raises(ClientError, match="Invalid ConditionExpression: Syntax error"):
            table.delete_item(TableName=name, Key=HERE, ConditionExpression="attribute_exists(pk) AND")


def test_a_failed_condition_shows_the_item_that_stood_in_its_way(table: Any, name: str) -> None:
    table.put_item(TableName=name, Item={**HERE, "tat": {"N": "7"}})

    with pytest.raises(ClientError) as refused:
        table.put_item(
            TableName=name,
            Item=HERE,
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    assert refused.value.response["Item"]["tat"] == {"N": "7"}


def test_writes_are_measured_rightly_and_every_read_counts_one_unit(table: Any, name: str) -> None:
    def units(answer: Any) -> float:
        return float(answer["ConsumedCapacity"]["CapacityUnits"])

    large = {**HERE, "text": {"S": "x" * 5_000}}
    written = table.put_item(TableName=name, Item=large, ReturnConsumedCapacity="TOTAL")
    read = table.get_item(TableName=name, Key=HERE, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")

    assert units(written) == 5
    # On AWS these are two units of 4 KB: the meter computes reads by itself.
    assert units(read) == 1


def test_two_transactions_on_one_item_never_conflict(table: Any, name: str) -> None:
    from tests.kit.races import outcomes, together

    def add() -> None:
        update = {
            "TableName": name,
            "Key": HERE,
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        table.transact_write_items(TransactItems=[{"Update": update}])

    results = together(add, times=20)

    # AWS would refuse some of these with TransactionConflict, which is why the tests inject it.
    assert outcomes(results) == {"ok": 20}
    assert table.get_item(TableName=name, Key=HERE, ConsistentRead=True)["Item"]["n"] == {"N": "20"}


def presigned_by(stack: Stack, region: str, **options: Any) -> str:
    client = botocore.session.Session().create_client(
        "s3",
        region_name=region,
        endpoint_url=stack.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        **options,
    )
    url = client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"})
    return (parse_qs(urlsplit(url).query).get("X-Amz-Algorithm") or ["the old one"])[0]


def test_a_default_client_presigns_with_the_old_signature_where_a_region_still_takes_it(stack: Stack) -> None:
    # So whoever presigns says `s3v4`, or it would depend on where the stack is.
    assert presigned_by(stack, "us-east-1") == "the old one"
    assert presigned_by(stack, "us-east-1", config=Config(signature_version="s3v4")) == "AWS4-HMAC-SHA256"
    assert presigned_by(stack, cloud.REGION) == "AWS4-HMAC-SHA256"


def test_keys_arrive_url_encoded_in_a_bucket_s_events_after_a_test_event(stack: Stack, name: str) -> None:
    s3, sqs = stack.client("s3"), stack.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": arn}]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    wanted = [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"QueueConfigurations": wanted})
    s3.put_object(Bucket=name, Key="a b+c", Body=b"x")

    bodies: list[dict[str, Any]] = []

    def look() -> bool | None:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        bodies.extend(json.loads(message["Body"]) for message in found)
        return True if len(bodies) >= 2 else None

    eventually(look, what="The bucket's events")

    assert [body.get("Event") for body in bodies if "Event" in body] == ["s3:TestEvent"]
    assert [body["Records"][0]["s3"]["object"]["key"] for body in bodies if "Records" in body] == ["a+b%2Bc"]


def test_keys_of_the_curve_we_sign_with_are_made_and_sign(stack: Stack) -> None:
    kms = stack.client("kms")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    signing = {"KeyId": key, "Message": b"text", "MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256"}

    signature = kms.sign(**signing)["Signature"]

    # DER, not the raw 64 bytes that a JWS has.
    assert signature[0] == 0x30
    assert kms.verify(**signing, Signature=signature)["SignatureValid"]


def test_mail_from_an_address_that_nobody_verified_is_refused(stack: Stack) -> None:
    with pytest.raises(ClientError, match="not verified"):
        stack.client("sesv2").send_email(
            FromEmailAddress="stranger@example.org",
            Destination={"ToAddresses": ["ann@example.com"]},
            Content={"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}},
        )


def test_a_message_moves_nowhere_by_itself(stack: Stack, name: str) -> None:
    sqs = stack.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    # Which is why redriving is a command of our own: receive, send, delete.
    with pytest.raises(ClientError):
        sqs.start_message_move_task(SourceArn=arn)


def test_a_delayed_message_is_not_seen_before_its_time(stack: Stack, name: str) -> None:
    sqs = stack.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sent = time.monotonic()
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=2)

    def look() -> bool | None:
        return True if sqs.receive_message(QueueUrl=url).get("Messages") else None

    eventually(look, what="The delayed message")

    assert time.monotonic() - sent >= 1.9
