"""Reading objects."""

import pytest

from tessera import aws, objects
from tests.kit.faults import failing
from tests.kit.stores import make_bucket


@pytest.fixture
def bucket(cloud: None) -> str:
    return make_bucket("objects")


@pytest.mark.parametrize(("at_most", "read"), [(None, 10), (3, 4), (9, 10), (100, 10)])
def test_never_more_than_one_byte_over_what_is_allowed_is_read(bucket, at_most, read):
    aws.client("s3").put_object(Bucket=bucket, Key="k", Body=b"0123456789")

    assert objects.read(bucket, "k", at_most=at_most) == b"0123456789"[:read]


def test_an_empty_object_is_empty_and_one_that_is_not_there_is_none(bucket):
    aws.client("s3").put_object(Bucket=bucket, Key="empty", Body=b"")

    assert objects.read(bucket, "empty") == b"" == objects.read(bucket, "empty", at_most=5)
    assert objects.read(bucket, "nothing") is None is objects.read(bucket, "nothing", at_most=5)


@pytest.mark.parametrize("code", ["AccessDenied", "404", "NoSuchVersion"])
def test_what_stands_for_a_missing_object_is_none(bucket, code):
    with failing("s3", "GetObject", code=code):
        assert objects.read(bucket, "k") is None


@pytest.mark.parametrize("code", ["SlowDown", "NoSuchBucket", "InternalError"])
def test_anything_else_is_an_error(bucket, code):
    with failing("s3", "GetObject", code=code), pytest.raises(aws.ClientError):
        objects.read(bucket, "k")
