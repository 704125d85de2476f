"""The two buckets: what has just come and nobody may have, and what was found clean."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from tessera import aws, uploads
from tessera.settings import Bindings

from ..config import FilesSettings
from ..rules.files import DOWNLOAD_LIFE, LINK_LIFE, Content, Part, bare

ABSENT = frozenset(["404", "NotFound", "NoSuchKey", "NoSuchUpload", "NoSuchVersion"])
MOST_COPIED_AT_ONCE = 5 * 1024**3
COPIED_PART = 512 * 1024**2
READ_BYTES = 1024 * 1024
FILE_ID = "file_id"


class NoUpload(Exception):
    """There is no upload in parts of this name, any more."""


class ObjectChanged(Exception):
    """The object is not the one that was looked at."""


@dataclass(frozen=True)
class Found:
    size: int
    etag: str


class Objects:
    """Uploads go into `quarantine`; nothing is given out but from `clean`."""

    def __init__(self, quarantine: str, clean: str) -> None:
        self.quarantine, self.clean = quarantine, clean

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(FilesSettings)
        return cls(settings.quarantine, settings.clean)

    def put_link(self, content: Content, sha256: str | None) -> uploads.Signed:
        """Where exactly these bytes may be put: as many as were declared, and no others. No request."""
        assert content.declared is not None
        return uploads.put_link(
            self.quarantine,
            content.key,
            seconds=_LINK_SECONDS,
            media_type=content.type,
            size=content.declared,
            sha256=sha256,
            metadata={FILE_ID: content.file_id},
        )

    def post_form(self, content: Content, most: int) -> uploads.Signed:
        """A form by which a browser may send up to so many bytes. No request."""
        return uploads.post_form(
            self.quarantine,
            content.key,
            seconds=_LINK_SECONDS,
            media_type=content.type,
            sizes=(content.declared or 0, most),
            metadata={FILE_ID: content.file_id},
        )

    def part_link(self, content: Content, number: int) -> str:
        assert content.upload_id is not None
        return uploads.part_link(
            self.quarantine, content.key, upload_id=content.upload_id, number=number, seconds=_LINK_SECONDS
        )

    def download_link(self, key: str, *, filename: str, disposition: str, media_type: str) -> str:
        """Where the bytes may be had for a minute. No request."""
        return uploads.download_link(
            self.clean,
            key,
            seconds=int(DOWNLOAD_LIFE.total_seconds()),
            filename=filename,
            media_type=media_type,
            disposition=disposition,
        )

    def location(self, key: str) -> str:
        """The address of an upload, by which nobody can have it."""
        endpoint = aws.client("s3").meta.endpoint_url
        return f"{endpoint}/{self.quarantine}/{key}"

    def begin(self, content: Content) -> str:
        """A new upload in parts. 1 request."""
        answer = aws.client("s3").create_multipart_upload(
            Bucket=self.quarantine, Key=content.key, ContentType=content.type, Metadata={FILE_ID: content.file_id}
        )
        return str(answer["UploadId"])

    def parts(self, content: Content) -> list[Part]:
        """Every part that was sent: 1 request per 1000. Raises `NoUpload`."""
        found: list[Part] = []
        asked: dict[str, Any] = {"Bucket": self.quarantine, "Key": content.key, "UploadId": content.upload_id}
        while True:
            try:
                answer = aws.client("s3").list_parts(**asked)
            except aws.ClientError as error:
                raise _absent(error, NoUpload()) from None
            found += [Part(part["PartNumber"], part["ETag"], part["Size"]) for part in answer.get("Parts", ())]
            if not answer.get("IsTruncated"):
                return found
            asked["PartNumberMarker"] = answer["NextPartNumberMarker"]

    def join(self, content: Content, parts: list[Part]) -> None:
        """Make one object of the parts. 1 request. Raises `NoUpload`."""
        named = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        try:
            aws.client("s3", read_timeout=25).complete_multipart_upload(
                Bucket=self.quarantine,
                Key=content.key,
                UploadId=content.upload_id,
                MultipartUpload={"Parts": named},
            )
        except aws.ClientError as error:
            raise _absent(error, NoUpload()) from None

    def abort(self, content: Content) -> None:
        """End every upload in parts to this place, also one that was begun and never noted. 1 request for each."""
        begun = aws.client("s3").list_multipart_uploads(Bucket=self.quarantine, Prefix=content.key).get("Uploads", ())
        known = {str(one["UploadId"]) for one in begun if one["Key"] == content.key}
        for upload_id in known | ({content.upload_id} if content.upload_id else set()):
            self.abort_one(content.key, upload_id)

    def abort_one(self, key: str, upload_id: str) -> None:
        """1 request; no error when there is none."""
        try:
            aws.client("s3").abort_multipart_upload(Bucket=self.quarantine, Key=key, UploadId=upload_id)
        except aws.ClientError as error:
            if aws.code_of(error) not in ABSENT:
                raise

    def look(self, key: str) -> Found | None:
        """The object that came, or None while there is none. 1 request."""
        try:
            answer = aws.client("s3").head_object(Bucket=self.quarantine, Key=key)
        except aws.ClientError as error:
            if aws.code_of(error) in ABSENT:
                return None
            raise
        return Found(int(answer["ContentLength"]), str(answer["ETag"]))

    def read(self, key: str, etag: str, *, clean: bool = False) -> Iterator[bytes]:
        """Its bytes, a megabyte at a time. 1 request. Raises `ObjectChanged`."""
        bucket = self.clean if clean else self.quarantine
        try:
            body = aws.client("s3", read_timeout=25).get_object(Bucket=bucket, Key=key, IfMatch=etag)["Body"]
        except aws.ClientError as error:
            if aws.code_of(error) in ABSENT | {"PreconditionFailed", "412"}:
                raise ObjectChanged from None
            raise
        while piece := body.read(READ_BYTES):
            yield piece

    def release(self, key: str, found: Found, media_type: str) -> str:
        """Copy what was found clean to where it may be had, and return its ETag there. Raises `ObjectChanged`."""
        source = {"Bucket": self.quarantine, "Key": key}
        try:
            if found.size > MOST_COPIED_AT_ONCE:
                return self._release_in_parts(key, found, media_type)
            answer = aws.client("s3", read_timeout=50).copy_object(
                Bucket=self.clean,
                Key=key,
                CopySource=source,
                CopySourceIfMatch=found.etag,
                MetadataDirective="REPLACE",
                ContentType=media_type,
            )
        except aws.ClientError as error:
            if aws.code_of(error) in ABSENT | {"PreconditionFailed", "412"}:
                raise ObjectChanged from None
            raise
        return bare(str(answer["CopyObjectResult"]["ETag"]))

    def _release_in_parts(self, key: str, found: Found, media_type: str) -> str:
        s3 = aws.client("s3", read_timeout=50)
        where = {"Bucket": self.clean, "Key": key}
        upload_id = s3.create_multipart_upload(**where, ContentType=media_type)["UploadId"]
        parts = []
        for number, start in enumerate(range(0, found.size, COPIED_PART), 1):
            answer = s3.upload_part_copy(
                **where,
                UploadId=upload_id,
                PartNumber=number,
                CopySource={"Bucket": self.quarantine, "Key": key},
                CopySourceIfMatch=found.etag,
                CopySourceRange=f"bytes={start}-{min(found.size, start + COPIED_PART) - 1}",
            )
            parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
        done = s3.complete_multipart_upload(**where, UploadId=upload_id, MultipartUpload={"Parts": parts})
        return bare(str(done["ETag"]))

    def writer(self, key: str, media_type: str) -> "Writer":
        """Write a new clean object piece by piece."""
        return Writer(self.clean, key, media_type)

    def drop(self, key: str) -> None:
        """Delete what came. 1 request; no error when there is nothing."""
        aws.client("s3").delete_object(Bucket=self.quarantine, Key=key)

    def delete(self, key: str) -> None:
        """Delete it wherever it is. 2 requests."""
        self.drop(key)
        aws.client("s3").delete_object(Bucket=self.clean, Key=key)


class Writer:
    """An object that grows: what is written goes out in parts of eight megabytes."""

    PART_BYTES = 8 * 1024 * 1024

    def __init__(self, bucket: str, key: str, media_type: str) -> None:
        self._s3 = aws.client("s3", read_timeout=25)
        self._where = {"Bucket": bucket, "Key": key}
        self._upload_id = self._s3.create_multipart_upload(**self._where, ContentType=media_type)["UploadId"]
        self._waiting, self._parts, self.size = bytearray(), list[dict[str, Any]](), 0

    def write(self, piece: bytes) -> int:
        self._waiting += piece
        self.size += len(piece)
        while len(self._waiting) >= self.PART_BYTES:
            self._send(bytes(self._waiting[: self.PART_BYTES]))
            del self._waiting[: self.PART_BYTES]
        return len(piece)

    def flush(self) -> None:
        """A part is sent when it is full."""

    def close(self) -> str:
        """Its ETag, once all of it is there."""
        self._send(bytes(self._waiting))
        done = self._s3.complete_multipart_upload(
            **self._where, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts}
        )
        return bare(str(done["ETag"]))

    def abandon(self) -> None:
        self._s3.abort_multipart_upload(**self._where, UploadId=self._upload_id)

    def _send(self, piece: bytes) -> None:
        number = len(self._parts) + 1
        answer = self._s3.upload_part(**self._where, UploadId=self._upload_id, PartNumber=number, Body=piece)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})


_LINK_SECONDS = int(LINK_LIFE.total_seconds())


def _absent(error: aws.ClientError, instead: Exception) -> Exception:
    return instead if aws.code_of(error) in ABSENT else error
