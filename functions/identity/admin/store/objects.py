"""Files of `admin` in the bucket that capabilities share: imports, exports, seals."""

from datetime import timedelta
from typing import Any, Self

from tessera import aws, clock, objects
from tessera.settings import Bindings

from ..config import AdminSettings

URL_LIFE = timedelta(minutes=15)


class Objects:
    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.settings(AdminSettings).bucket)

    def put(self, key: str, body: bytes, *, lock_days: int = 0) -> None:
        """1 request. A locked file can be replaced by nobody, not even by us, before its days are over."""
        lock: dict[str, Any] = {}
        if lock_days:
            until = clock.now() + timedelta(days=lock_days)
            lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
        aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body, **lock)

    def get(self, key: str, *, at_most: int | None = None) -> bytes | None:
        """The file, or None when there is none. Never reads more than one byte over `at_most`."""
        return objects.read(self.bucket, key, at_most=at_most)

    def delete(self, key: str) -> None:
        """1 request; no error when there is none."""
        aws.client("s3").delete_object(Bucket=self.bucket, Key=key)

    def upload_url(self, key: str, media_type: str) -> str:
        """Where a file of this type may be put for a quarter of an hour. No request."""
        return self._signed("put_object", Key=key, ContentType=media_type)

    def download_url(self, key: str, file_name: str) -> str:
        """Where the file may be had for a quarter of an hour. No request."""
        return self._signed("get_object", Key=key, ResponseContentDisposition=f'attachment; filename="{file_name}"')

    def _signed(self, operation: str, **parameters: str) -> str:
        # The default signs with an older scheme, which new regions refuse and which binds no headers.
        client = aws.client("s3", signature_version="s3v4")
        given = {"Bucket": self.bucket, **parameters}
        url: str = client.generate_presigned_url(operation, Params=given, ExpiresIn=int(URL_LIFE.total_seconds()))
        return url
