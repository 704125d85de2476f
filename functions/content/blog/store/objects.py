"""Files of the blog in the bucket that capabilities share: what is exported, and what is to be imported."""

from typing import IO, Self

from tessera import aws, uploads
from tessera.settings import Bindings

from ..config import BlogSettings
from ..rules.arriving import MAX_FILE_BYTES

LINK_SECONDS = 900
UPLOAD_TYPE, ZIP_TYPE = "application/octet-stream", "application/zip"
# Who may not list a bucket is told of a missing file what is told of a forbidden one; and ours are all allowed.
_GONE = frozenset(["NoSuchKey", "404", "NotFound", "AccessDenied"])


class Objects:
    """Every key holds its owner, so that nobody reaches the file of somebody else by its id."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.settings(BlogSettings).bucket)

    def upload(self, owner_id: str, upload_id: str) -> uploads.Signed:
        """A form to send a file by; the store itself refuses a larger one. No request."""
        return uploads.post_form(
            self.bucket,
            upload_key(owner_id, upload_id),
            seconds=LINK_SECONDS,
            media_type=UPLOAD_TYPE,
            sizes=(1, MAX_FILE_BYTES),
        )

    def download(self, key: str, name: str, seconds: int) -> str:
        return uploads.download_link(self.bucket, key, seconds=seconds, filename=name, media_type=ZIP_TYPE)

    def put(self, key: str, body: bytes | IO[bytes]) -> None:
        """1 request."""
        aws.client("s3", read_timeout=25).put_object(Bucket=self.bucket, Key=key, Body=body)

    def get(self, key: str, *, at_most: int | None = None) -> bytes | None:
        """The file, or None when there is none. Never reads more than one byte over `at_most`."""
        limited = {} if at_most is None else {"Range": f"bytes=0-{at_most}"}
        try:
            found = aws.client("s3", read_timeout=25).get_object(Bucket=self.bucket, Key=key, **limited)
        except aws.ClientError as error:
            if aws.code_of(error) in _GONE:
                return None
            # An empty file has no range.
            if aws.code_of(error) == "InvalidRange":
                return b""
            raise
        body: bytes = found["Body"].read()
        return body

    def delete(self, key: str) -> None:
        aws.client("s3").delete_object(Bucket=self.bucket, Key=key)


def upload_key(owner_id: str, upload_id: str) -> str:
    return f"blog/imports/{owner_id}/{upload_id}"


def part_key(owner_id: str, job_id: str, part: int) -> str:
    return f"blog/exports/{owner_id}/{job_id}/part-{part:04d}.json"


def export_key(owner_id: str, job_id: str) -> str:
    return f"blog/exports/{owner_id}/{job_id}/blog.zip"
