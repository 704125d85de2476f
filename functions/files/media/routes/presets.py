from fastapi import Response

from tessera.entry import Router, problems
from tessera.entry.headers import IfMatch, show_version
from tessera.entry.jobs import JobOut
from tessera.etags import StaleVersion, VersionRequired, expected_version
from tessera.jobs import JobNotCancellable, JobOver
from tessera.problems import InvalidRequest, NotFound

from ..actions import presets
from ..rules.problems import refused
from ..schemas.jobs import PresetIn, PresetName, PresetOut, SpecOut
from .given import PREFIX, TAGS, Bound, Manager, Reader

router = Router(prefix=PREFIX, tags=TAGS)


@router.get("/presets/{name}", responses=problems(NotFound, InvalidRequest))
async def get_preset(name: PresetName, response: Response, caller: Reader, ports: Bound) -> PresetOut:
    """What a preset makes. `default` is made of every picture that comes."""
    specs, version = presets.get(ports, name)
    if version:
        show_version(response, version)
    return PresetOut(name=name, outputs=[SpecOut.of(spec) for spec in specs])


@router.put("/presets/{name}", responses=problems(InvalidRequest, StaleVersion, VersionRequired))
async def put_preset(
    name: PresetName, body: PresetIn, response: Response, caller: Manager, ports: Bound, if_match: IfMatch = None
) -> PresetOut:
    """Write a preset. One that is there is replaced only by who names its version."""
    specs = [output.spec() for output in body.outputs]
    if len({spec.hash for spec in specs}) < len(specs):
        raise refused("/outputs", "Two of these would be the same picture.")
    expect = expected_version(if_match, required=False)
    show_version(response, ports.presets.put(name, specs, expect, any_version=if_match == "*"))
    return PresetOut(name=name, outputs=[SpecOut.of(spec) for spec in specs])


@router.post("/presets/{name}/backfill", status_code=202, responses=problems(NotFound, InvalidRequest))
async def backfill(name: PresetName, response: Response, caller: Manager, ports: Bound) -> JobOut:
    """Make what a preset says of every file that was there before."""
    job = presets.begin(ports, name, by=caller)
    response.headers["Location"] = f"{PREFIX}/backfills/{job.id}"
    return JobOut.of(job)


@router.get("/backfills/{job_id:ulid}", operation_id="media_backfill", responses=problems(NotFound))
async def get_backfill(job_id: str, caller: Manager, ports: Bound) -> JobOut:
    """How far a backfill has come."""
    return JobOut.of(ports.backfills.get(caller.owner_id, job_id))


@router.post(
    "/backfills/{job_id:ulid}/cancel",
    operation_id="media_cancel_backfill",
    responses=problems(NotFound, JobOver, JobNotCancellable),
)
async def cancel_backfill(job_id: str, caller: Manager, ports: Bound) -> JobOut:
    """Stop a backfill after the page it is at."""
    return JobOut.of(ports.backfills.cancel(caller.owner_id, job_id))
