"""Reading an object of a bucket, which may be gone."""

from tessera import aws, log

# Whoever may not list a bucket is told of a missing object what is told of a forbidden one, and no function may list.
_FORBIDDEN = "AccessDenied"
GONE = frozenset(["NoSuchKey", "NoSuchVersion", "404", "NotFound", _FORBIDDEN])


def read(bucket: str, key: str, *, at_most: int | None = None) -> bytes | None:
    """The object, or None when there is none. Never more than one byte over `at_most`. 1 request."""
    limited = {} if at_most is None else {"Range": f"bytes=0-{at_most}"}
    try:
        body: bytes = aws.client("s3", read_timeout=25).get_object(Bucket=bucket, Key=key, **limited)["Body"].read()
    except aws.ClientError as error:
        code = aws.code_of(error)
        if code == _FORBIDDEN:
            # Should it be there after all, a permission is missing, which nobody would find without this.
            log.line("object", outcome="forbidden")
        if code in GONE:
            return None
        # An empty object has no range.
        if code == "InvalidRange":
            return b""
        raise
    return body
