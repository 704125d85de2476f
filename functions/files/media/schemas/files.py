"""What readers of a file are told."""

from typing import Annotated, Any, Literal

from pydantic import Field

from tessera.types import In, Out, Params, Ulid

Short = Annotated[str, Field(max_length=300)]


class ThumbParams(Params):
    size: Literal["sm", "md", "lg"] = "md"


class ThumbIn(In):
    file_id: Ulid
    size: Literal["sm", "md", "lg"] = "sm"
    accept: Annotated[str, Field(max_length=1_000)] | None = None


class ServedThumbOut(Out):
    url: Annotated[str, Field(max_length=8_192)] | None
    blurhash: Annotated[str, Field(max_length=60)]
    w: int | None
    h: int | None


class PlaceholderOut(Out):
    """What to draw until the thumbnail is there."""

    state: Literal["pending"] = "pending"
    blurhash: Annotated[str, Field(max_length=60)]
    job_id: Ulid | None = None


class PlaceOut(Out):
    latitude: float
    longitude: float


class MetaOut(Out):
    """What is known of a file: the fields that its kind has. `gps` is shown to its owner alone."""

    file_id: Ulid
    n: int
    media_type: Annotated[str, Field(max_length=255)]
    size: int
    state: Literal["queued", "done", "failed"]
    error: Annotated[str, Field(max_length=30)] | None = None
    w: int | None = None
    h: int | None = None
    format: Annotated[str, Field(max_length=20)] | None = None
    frames: int | None = None
    blurhash: Annotated[str, Field(max_length=60)] | None = None
    colours: Annotated[list[Annotated[str, Field(max_length=7)]], Field(max_length=5)] | None = None
    camera: Short | None = None
    lens: Short | None = None
    taken_at: Annotated[str, Field(max_length=40)] | None = None
    gps: PlaceOut | None = None
    pages: int | None = None
    page_w: int | None = None
    page_h: int | None = None
    encrypted: bool | None = None
    title: Short | None = None
    author: Short | None = None
    created: Short | None = None
    text: Annotated[str, Field(max_length=20_000)] | None = None
    words: int | None = None
    sheets: int | None = None
    slides: int | None = None
    encoding: Annotated[str, Field(max_length=20)] | None = None
    lines: int | None = None
    characters: int | None = None
    container: Annotated[str, Field(max_length=20)] | None = None
    duration_seconds: float | None = None
    codecs: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=10)] | None = None
    bitrate_kbps: int | None = None
    sample_rate: int | None = None
    channels: int | None = None
    artist: Short | None = None
    album: Short | None = None

    @classmethod
    def told(cls, about: dict[str, Any], facts: dict[str, Any]) -> "MetaOut":
        known = cls.model_fields.keys() - about.keys()
        return cls(**about, **{name: value for name, value in facts.items() if name in known})
