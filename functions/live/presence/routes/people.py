"""Who is online, and since when others are not."""

from typing import Annotated

from fastapi import Query

from tessera import clock
from tessera.entry import Router, problems
from tessera.problems import InvalidRequest

from ..actions import people
from ..actions.access import person_of
from ..schemas import PeopleOut, PeopleParams, SeenOut, ShowsIn, ShowsOut
from .given import PREFIX, TAGS, Bound, Reader, Writer

router = Router(prefix=f"{PREFIX}/users", tags=TAGS)


@router.get("", responses=problems(InvalidRequest))
async def get_users(asked: Annotated[PeopleParams, Query()], caller: Reader, ports: Bound) -> PeopleOut:
    """Whether these are online, on how many devices, and when they were last seen, as far as each shows it."""
    found = people.of(ports, asked.ids, by=person_of(caller).user_id)
    return PeopleOut(
        items=[
            SeenOut(
                user_id=one.user_id,
                online=one.online,
                last_seen=clock.from_millis(one.last_seen_ms) if one.last_seen_ms is not None else None,
                devices=one.devices,
            )
            for one in found
        ]
    )


@router.get("/me")
async def get_own_setting(caller: Reader, ports: Bound) -> ShowsOut:
    """What others are told of you."""
    return ShowsOut(shows=people.shows(ports, person_of(caller).user_id))


@router.put("/me", responses=problems(InvalidRequest))
async def put_own_setting(body: ShowsIn, caller: Writer, ports: Bound) -> ShowsOut:
    """Say what others are told of you."""
    ports.people.show(person_of(caller).user_id, body.shows)
    return ShowsOut(shows=body.shows)
