"""The endpoints that `@uppy/aws-s3` calls when its `endpoint` is `{api}/files`. Bodies are its, problems are ours.

There is no `sts` among them: files are signed for one request each, and no client is ever given credentials.
"""

import re
from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import ValidationError

from tessera.entry import Router, problems
from tessera.problems import FieldError, InvalidRequest, NotFound, PayloadTooLarge

from ..actions import parts, uppy
from ..rules.files import LINK_LIFE, MAX_PARTS, Part
from ..rules.problems import PartsMismatch, QuotaExceeded, TooManyPending, refused
from ..schemas.uppy import (
    AbortedOut,
    CompleteIn,
    CompleteOut,
    MultipartIn,
    MultipartOut,
    ParamsOut,
    PartOut,
    PartsOut,
    Said,
    SignedAllOut,
    SignedOut,
)
from .given import Bound, FormWriter, Writer

router = Router(prefix="/files/s3", tags=["files"])

SECONDS = int(LINK_LIFE.total_seconds())
MAX_SIGNED = 100
UploadId = Annotated[str, Path(max_length=1024)]
Key = Annotated[str, Query(max_length=200)]
_META = re.compile(r"metadata\[([A-Za-z0-9_]{1,64})\]")


@router.get("/params", responses=problems(InvalidRequest, QuotaExceeded, TooManyPending, PayloadTooLarge))
async def form(
    request: Request,
    caller: FormWriter,
    ports: Bound,
    filename: Annotated[str, Query(max_length=1024)],
    type: Annotated[str | None, Query(max_length=255)] = None,  # noqa: A002
) -> ParamsOut:
    """A form that takes one file. `metadata[size]`, when the page sends it, is held exactly."""
    found = {match[1]: value for name, value in request.query_params.items() if (match := _META.fullmatch(name))}
    signed = uppy.form(ports, _named(filename, type, found), by=caller)
    return ParamsOut(method=signed.method, url=signed.url, fields=signed.fields, expires=signed.seconds)


@router.post("/multipart", responses=problems(InvalidRequest, QuotaExceeded, TooManyPending, PayloadTooLarge))
async def begin(body: MultipartIn, caller: Writer, ports: Bound) -> MultipartOut:
    """Begin an upload in parts."""
    content = uppy.parts(ports, _named(body.filename, body.type, body.metadata or {}), by=caller)
    assert content.upload_id is not None
    return MultipartOut(key=content.key, uploadId=content.upload_id, bucket=ports.objects.quarantine)


@router.get("/multipart/{upload_id}", responses=problems(NotFound))
async def list_parts(upload_id: UploadId, key: Key, caller: Writer, ports: Bound) -> PartsOut:
    """The parts that have been sent."""
    found = parts.listed(ports, upload_id, key, caller)
    return [PartOut(PartNumber=part.number, Size=part.size, ETag=part.etag) for part in found]


@router.get("/multipart/{upload_id}/batch", responses=problems(NotFound, InvalidRequest))
async def sign_parts(
    upload_id: UploadId,
    key: Key,
    caller: Writer,
    ports: Bound,
    part_numbers: Annotated[str, Query(alias="partNumbers", max_length=600, pattern=r"^\d{1,5}(,\d{1,5})*$")],
) -> SignedAllOut:
    """Where to put up to a hundred parts."""
    numbers = sorted({int(number) for number in part_numbers.split(",")})
    _hold(numbers)
    signed = parts.signed(ports, upload_id, key, numbers, caller)
    return SignedAllOut(presignedUrls={str(number): url for number, url in signed.items()})


@router.get("/multipart/{upload_id}/{part}", responses=problems(NotFound, InvalidRequest))
async def sign_part(upload_id: UploadId, part: int, key: Key, caller: Writer, ports: Bound) -> SignedOut:
    """Where to put one part."""
    _hold([part])
    return SignedOut(url=parts.signed(ports, upload_id, key, [part], caller)[part], expires=SECONDS)


@router.post(
    "/multipart/{upload_id}/complete",
    responses=problems(NotFound, InvalidRequest, PartsMismatch, QuotaExceeded, PayloadTooLarge),
)
async def complete(upload_id: UploadId, key: Key, body: CompleteIn, caller: Writer, ports: Bound) -> CompleteOut:
    """Join the parts. Asked again it answers the same."""
    given = [Part(part.PartNumber, part.ETag) for part in body.parts]
    joined = parts.complete(ports, upload_id, key, given, caller)
    return CompleteOut(location=joined.location, key=joined.key, bucket=joined.bucket, file_id=joined.file_id)


@router.delete("/multipart/{upload_id}", responses=problems(NotFound))
async def abort(upload_id: UploadId, key: Key, caller: Writer, ports: Bound) -> AbortedOut:
    """Give the upload up."""
    parts.abort(ports, upload_id, key, caller)
    return AbortedOut()


def _hold(numbers: list[int]) -> None:
    if len(numbers) > MAX_SIGNED or not 1 <= numbers[0] <= numbers[-1] <= MAX_PARTS:
        raise refused("partNumbers", f"Name up to {MAX_SIGNED} parts, from 1 to {MAX_PARTS}.")


def _named(filename: str, kind: str | None, metadata: dict[str, Any]) -> uppy.Named:
    try:
        said = Said.model_validate(metadata)
    except ValidationError as error:
        errors = [FieldError(f"/metadata/{fault['loc'][0]}", fault["msg"]) for fault in error.errors()]
        raise InvalidRequest("The metadata cannot be read.", errors=errors) from None
    return uppy.Named(filename, kind, said.size, said.folder_id)
