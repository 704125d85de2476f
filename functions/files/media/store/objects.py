"""The bucket of what was made."""

from pathlib import Path
from typing import Self

from tessera import aws, uploads
from tessera.settings import Bindings

from ..config import MediaSettings
from ..rules.outputs import Format

LINK_SECONDS = 300


class Objects:
    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.settings(MediaSettings).bucket)

    def put(self, key: str, path: Path, kind: Format) -> None:
        """1 request. The same bytes again change nothing."""
        aws.client("s3", read_timeout=25).put_object(
            Bucket=self.bucket,
            Key=key,
            Body=path.read_bytes(),
            ContentType=kind.media_type,
            CacheControl="private, max-age=31536000, immutable",
        )

    def link(self, key: str, kind: Format) -> str:
        """Where it may be had for five minutes, shown in place. No request."""
        name = key.rpartition("/")[2]
        return uploads.download_link(
            self.bucket,
            key,
            seconds=LINK_SECONDS,
            filename=name,
            media_type=kind.media_type,
            disposition="inline",
        )

    def drop(self, prefix: str) -> int:
        """Delete everything below: 2 requests per 1000."""
        s3, dropped = aws.client("s3", read_timeout=25), 0
        while True:
            found = s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", ())
            if not found:
                return dropped
            s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": one["Key"]} for one in found]})
            dropped += len(found)
