"""Bodies of jobs and presets."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tessera.types import Cursor, In, Instant, Limit, Out, Params, Ulid

from ..rules.jobs import Job as JobFacts
from ..rules.jobs import JobView, Output
from ..rules.outputs import MAX_OUTPUTS, MAX_SIDE, Fit, Format, Gravity, Spec, anchor, normal

PresetName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", min_length=1, max_length=40)]
OutputName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", min_length=1, max_length=20)]
Colour = Annotated[str, StringConstraints(pattern=r"^#?[0-9a-fA-F]{6}$", max_length=7)]
State = Literal["queued", "running", "partial", "done", "failed", "cancelled"]
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
Percent = Annotated[int, Field(ge=0, le=100)]


class FocusIn(In):
    """The point that must stay in view when a picture is cut, in percent of its width and height."""

    x: Percent
    y: Percent


class OutputIn(In):
    name: OutputName | None = None
    w: Side | None = None
    h: Side | None = None
    fit: Fit = Fit.INSIDE
    format: Format = Format.WEBP
    quality: Annotated[int, Field(ge=1, le=100)] | None = None
    background: Colour | None = None
    gravity: Gravity = Gravity.CENTER
    enlarge: bool = False
    animated: bool = False

    @model_validator(mode="after")
    def _sides(self) -> Self:
        if self.w is None and self.h is None:
            raise ValueError("say a width, a height or both")
        if self.fit is not Fit.INSIDE and (self.w is None or self.h is None):
            raise ValueError(f"{self.fit} needs both a width and a height")
        return self

    def spec(self, focus: FocusIn | None = None) -> Spec:
        point = (focus.x, focus.y) if focus is not None and self.gravity is Gravity.CENTER else anchor(self.gravity)
        return normal(
            Spec(
                self.w or 0,
                self.h or 0,
                self.format,
                self.fit,
                self.quality or 0,
                (self.background or "").removeprefix("#"),
                point,
                enlarge=self.enlarge,
                animated=self.animated,
                name=self.name or "",
            )
        )


Outputs = Annotated[list[OutputIn], Field(min_length=1, max_length=MAX_OUTPUTS)]


class JobIn(In):
    """A preset, or outputs of one's own; the default preset when neither is named."""

    file_id: Ulid
    preset: PresetName | None = None
    outputs: Outputs | None = None
    # Metadata never stays: a request to keep it is refused and not ignored.
    strip: Literal[True] = True
    focus: FocusIn | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.preset is not None and self.outputs is not None:
            raise ValueError("name a preset or outputs, not both")
        if self.focus is not None and self.outputs is None:
            raise ValueError("a focus is for outputs of one's own")
        return self


class PresetIn(In):
    outputs: Outputs


class SpecOut(Out):
    name: OutputName | None = None
    w: int | None = None
    h: int | None = None
    fit: Fit
    format: Format
    quality: int | None = None
    background: Annotated[str, Field(max_length=7)] | None = None
    focus: FocusIn
    enlarge: bool
    animated: bool

    @classmethod
    def of(cls, spec: Spec) -> "SpecOut":
        return cls(
            name=spec.name or None,
            w=spec.width or None,
            h=spec.height or None,
            fit=spec.fit,
            format=spec.format,
            quality=spec.quality or None,
            background=f"#{spec.background}" if spec.background else None,
            focus=FocusIn(x=spec.focus[0], y=spec.focus[1]),
            enlarge=spec.enlarge,
            animated=spec.animated,
        )


class OutputOut(Out):
    hash: Annotated[str, Field(max_length=24)]
    spec: SpecOut
    state: Annotated[str, Field(pattern="^(waiting|running|done|failed)$", max_length=10)]
    attempts: int = 0
    url: Annotated[str, Field(max_length=4000, description="Where it is, for five minutes.")] | None = None
    w: int | None = None
    h: int | None = None
    bytes: int | None = None
    error: Annotated[str, Field(max_length=30)] | None = None

    @classmethod
    def of(cls, output: Output, url: str | None) -> "OutputOut":
        return cls(
            hash=output.spec.hash,
            spec=SpecOut.of(output.spec),
            state=output.state,
            attempts=output.attempts,
            url=url,
            w=output.width,
            h=output.height,
            bytes=output.size,
            error=output.error,
        )


class SourceOut(Out):
    """The file as its bytes say; width and height as it is shown."""

    w: int
    h: int
    format: Annotated[str, Field(max_length=20)]
    frames: int
    orientation: int


class JobSummaryOut(Out):
    id: Ulid
    file_id: Ulid
    n: int
    preset: PresetName | None = None
    state: State
    done: int
    failed: int
    total: int
    attempts: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, job: JobFacts) -> "JobSummaryOut":
        return cls(**_summary(job))


class MediaJobOut(JobSummaryOut):
    source: SourceOut | None = None
    blurhash: Annotated[str, Field(max_length=60)] | None = None
    outputs: Annotated[list[OutputOut], Field(max_length=MAX_OUTPUTS)]
    topic: Annotated[str, Field(max_length=60, description="Where its progress is told live.")]

    @classmethod
    def of_view(cls, view: JobView, urls: dict[str, str]) -> "MediaJobOut":
        outputs = [OutputOut.of(output, urls.get(output.spec.hash)) for output in view.outputs]
        source = SourceOut(**view.job.source) if view.job.source else None
        summary, topic = _summary(view.job), f"job:{view.job.id}"
        return cls(**summary, source=source, blurhash=view.job.blurhash, outputs=outputs, topic=topic)


class PresetOut(Out):
    name: PresetName
    outputs: Annotated[list[SpecOut], Field(max_length=MAX_OUTPUTS)]


class JobParams(Params):
    state: State | None = None
    file_id: Ulid | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class PageParams(Params):
    limit: Limit = 50
    cursor: Cursor | None = None


class RedriveIn(In):
    """These jobs; or, without ids, the latest that failed and what the queues gave up on."""

    ids: Annotated[list[Ulid], Field(max_length=100)] = Field(default_factory=list)
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class RedriveOut(Out):
    jobs: int
    messages: int


class EraseIn(In):
    owner_id: Ulid


class ErasedOut(Out):
    """Call again until it is done."""

    done: bool
    erased: Annotated[int, Field(ge=0)]


def _summary(job: JobFacts) -> dict[str, Any]:
    names = ("id", "file_id", "n", "state", "done", "failed", "total", "attempts", "created_at", "updated_at")
    return {**{name: getattr(job, name) for name in names}, "preset": job.preset or None}
