"""Files of the blog in the bucket that capabilities share: what is exported, and what is to be imported."""

from typing import IO, Self

from tessera import aws, objects, uploads
from tessera.settings import Bindings

from ..config import BlogSettings
from ..rules.arriving import MAX_FILE_BYTES

LINK_SECONDS = 900
UPLOAD_TYPE, ZIP_TYPE = "application/octet-stream", "application/zip"


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
        return objects.read(self.bucket, key, at_most=at_most)

    def delete(self, key: str) -> None:
        aws.client("s3").delete_object(Bucket=self.bucket, Key=key)


def upload_key(owner_id: str, upload_id: str) -> str:
    return f"blog/imports/{owner_id}/{upload_id}"


def part_key(owner_id: str, job_id: str, part: int) -> str:
    return f"blog/exports/{owner_id}/{job_id}/part-{part:04d}.json"


def export_key(owner_id: str, job_id: str) -> str:
    return f"blog/exports/{owner_id}/{job_id}/blog.zip"
