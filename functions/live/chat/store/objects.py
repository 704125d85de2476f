"""The files of exported rooms, which grow part by part in the bucket that capabilities share."""

from collections.abc import Sequence
from typing import Any, Self

from tessera import aws, objects, uploads
from tessera.settings import Bindings

from ..rules.exports import Export
from .writing import ChatSettings

# S3 takes no smaller part, save for the last one.
PART_BYTES = 5 * 1024 * 1024
MEDIA_TYPE = "application/x-ndjson"
# Also what is said of an upload, and to whoever asks without reading.
_GONE = objects.GONE | {"NoSuchUpload", "403", "Forbidden"}


class Objects:
    """Every key holds whoever has asked, so that nobody reaches the file of somebody else by its id."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.settings(ChatSettings).bucket)

    def begin(self, export: Export) -> str:
        """The id of an upload by which the file grows. 1 request."""
        found = _s3().create_multipart_upload(**self._file(export), ContentType=MEDIA_TYPE)
        return str(found["UploadId"])

    def add(self, export: Export, number: int, part: bytes) -> str:
        """The ETag of this part. 1 request."""
        found = _s3().upload_part(**self._file(export), UploadId=export.upload_id, PartNumber=number, Body=part)
        return str(found["ETag"])

    def complete(self, export: Export) -> bool:
        """Make the file of its parts; False when neither the file nor what it is made of is there. 1 or 2 requests."""
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in export.parts]
        try:
            _s3().complete_multipart_upload(
                **self._file(export), UploadId=export.upload_id, MultipartUpload={"Parts": parts}
            )
        except aws.ClientError as error:
            if aws.code_of(error) != "NoSuchUpload":
                raise
            return self._is_there(export)
        return True

    def abandon(self, export: Export) -> None:
        """Let go of what was written, if anything. At most 2 requests."""
        self.drop(export)
        if export.upload_id is None:
            return
        try:
            _s3().abort_multipart_upload(**self._file(export), UploadId=export.upload_id)
        except aws.ClientError as error:
            if aws.code_of(error) not in _GONE:
                raise

    def wait(self, export: Export, number: int, piece: bytes) -> None:
        """Keep what is too little for a part. 1 request."""
        _s3().put_object(Bucket=self.bucket, Key=_piece_key(export, number), Body=piece)

    def waiting(self, export: Export) -> bytes:
        """What the steps before have left, if anything. 1 request or none."""
        if export.waiting is None:
            return b""
        found = _s3().get_object(Bucket=self.bucket, Key=_piece_key(export, export.waiting))
        body: bytes = found["Body"].read()
        return body

    def drop(self, export: Export) -> None:
        """Delete what the steps before have left. 1 request or none."""
        if export.waiting is not None:
            _s3().delete_object(Bucket=self.bucket, Key=_piece_key(export, export.waiting))

    def link(self, owner_id: str, job_id: str, *, name: str, seconds: int) -> str:
        key = file_key(owner_id, job_id)
        return uploads.download_link(self.bucket, key, seconds=seconds, filename=name, media_type=MEDIA_TYPE)

    def delete(self, owner_id: str, job_ids: Sequence[str]) -> None:
        """1 request for each."""
        for job_id in job_ids:
            _s3().delete_object(Bucket=self.bucket, Key=file_key(owner_id, job_id))

    def _is_there(self, export: Export) -> bool:
        try:
            _s3().head_object(**self._file(export))
        except aws.ClientError as error:
            if aws.code_of(error) in _GONE:
                return False
            raise
        return True

    def _file(self, export: Export) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": file_key(export.owner_id, export.job_id)}


def file_key(owner_id: str, job_id: str) -> str:
    return f"chat/exports/{owner_id}/{job_id}/room.jsonl"


def _piece_key(export: Export, number: int) -> str:
    return f"chat/exports/{export.owner_id}/{export.job_id}/piece-{number}"


def _s3() -> Any:
    return aws.client("s3", read_timeout=25)
