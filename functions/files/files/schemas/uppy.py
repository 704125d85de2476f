"""Bodies as the S3 plugin of Uppy sends and expects them, to the letter."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, field_validator

from tessera.types import In, Out

from ..rules.files import MAX_PARTS

Number = Annotated[int, Field(ge=1, le=MAX_PARTS)]
ETag = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Metadata = Annotated[dict[str, Any], Field(max_length=50)]


class MultipartIn(In):
    filename: Annotated[str, StringConstraints(max_length=1024)]
    type: Annotated[str, StringConstraints(max_length=255)] | None = None
    metadata: Metadata | None = None


class MultipartOut(Out):
    key: Annotated[str, Field(max_length=200)]
    uploadId: Annotated[str, Field(max_length=1024)]
    bucket: Annotated[str, Field(max_length=200)]


class ParamsOut(Out):
    method: Annotated[str, Field(max_length=4)]
    url: Annotated[str, Field(max_length=2048)]
    fields: dict[str, Annotated[str, Field(max_length=8192)]]
    expires: int


class PartOut(Out):
    PartNumber: int
    Size: int
    ETag: Annotated[str, Field(max_length=128)]


PartsOut = Annotated[list[PartOut], Field(max_length=MAX_PARTS)]


class SignedOut(Out):
    url: Annotated[str, Field(max_length=4096)]
    expires: int


class SignedAllOut(Out):
    presignedUrls: dict[str, Annotated[str, Field(max_length=4096)]]


class SentPart(In):
    """Clients also send what else they know of a part; it is not looked at."""

    model_config = ConfigDict(extra="ignore")

    PartNumber: Number
    ETag: ETag


class CompleteIn(In):
    parts: Annotated[list[SentPart], Field(min_length=1, max_length=MAX_PARTS)]


class CompleteOut(Out):
    location: Annotated[str, Field(max_length=2048)]
    key: Annotated[str, Field(max_length=200)]
    bucket: Annotated[str, Field(max_length=200)]
    file_id: Annotated[str, Field(max_length=26)]


class AbortedOut(Out):
    pass


class Said(In):
    """What of the metadata is read, as text or as what it is."""

    model_config = ConfigDict(extra="ignore")

    size: Annotated[int, Field(ge=0, le=2**53)] | None = None
    folder_id: Annotated[str, StringConstraints(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$")] | None = None

    @field_validator("size", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
