"""Preferences, devices, the number, and topics that anybody may follow."""

from typing import Annotated, cast

from fastapi import Path, Query, Response

from tessera import clock
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IfMatch, required_version, show_version
from tessera.etags import StaleVersion, VersionRequired
from tessera.problems import InvalidRequest, NotFound
from tessera.types import Page

from ..actions import choices
from ..actions.choices import Offered
from ..rules.kinds import Channel, Preferences
from ..rules.problems import DeviceInvalid, NoCodeAsked, NumberWrong, TypeMandatory, UnknownType
from ..schemas import (
    CodeIn,
    DecisionOut,
    DeviceIn,
    DeviceOut,
    DevicesOut,
    NumberIn,
    NumberOut,
    PreferencesIn,
    PreferencesOut,
    PreviewOut,
    PreviewParams,
    PushKeyOut,
    TopicOut,
    TopicParams,
)
from ..staff_schemas import Topic
from ..store.rows import DeviceRow
from .given import PREFIX, TAGS, Bound, Keys, Reader, Writer

router = Router(prefix=PREFIX, tags=TAGS)
PUBLIC = "public."


@router.get("/preferences")
async def get_preferences(response: Response, caller: Reader, ports: Bound) -> PreferencesOut:
    """What the caller has chosen, or what everybody begins with."""
    chosen = ports.store.people.preferences(caller.id)
    show_version(response, chosen.version)
    return _out(ports, caller.id, chosen)


@router.put("/preferences", responses=problems(InvalidRequest, TypeMandatory, StaleVersion, VersionRequired))
async def put_preferences(
    body: PreferencesIn, response: Response, caller: Writer, ports: Bound, if_match: IfMatch = None
) -> PreferencesOut:
    """Choose all of it anew."""
    expect = required_version(if_match)
    chosen = choices.choose(ports, caller.id, body.chosen(), expect=expect)
    show_version(response, chosen.version)
    return _out(ports, caller.id, chosen)


@router.get("/preferences/preview", responses=problems(InvalidRequest, UnknownType))
async def preview_preferences(asked: Annotated[PreviewParams, Query()], caller: Reader, ports: Bound) -> PreviewOut:
    """What would be done with one of a type that came now."""
    found = choices.preview(ports, caller.id, asked.type, clock.now())
    shown = {
        cast(Channel, channel): DecisionOut(state=one.state, reason=one.reason, at=one.at)
        for channel, one in found.items()
    }
    return PreviewOut(channels=shown)


@router.put("/phone", status_code=202, responses=problems(InvalidRequest))
async def ask_for_number(body: NumberIn, caller: Writer, ports: Bound) -> NumberOut:
    """Send a code to a number. It is used once the code has come back."""
    choices.ask_number(ports, caller.id, body.number)
    return NumberOut(number=body.number)


@router.post("/phone/confirm", responses=problems(InvalidRequest, NumberWrong, NoCodeAsked))
async def confirm_number(body: CodeIn, caller: Writer, ports: Bound) -> NumberOut:
    """Show the code that came to the number."""
    return NumberOut(number=choices.confirm_number(ports, caller.id, body.code))


@router.delete("/phone", status_code=204)
async def forget_number(caller: Writer, ports: Bound) -> None:
    """No more SMS. One that is not there is forgotten already."""
    ports.store.people.forget_number(caller.id)


@router.get("/push-key")
async def get_push_key(caller: Reader, ports: Bound) -> PushKeyOut:
    """The key that browsers subscribe with."""
    return PushKeyOut(public_key=ports.webpush.public_key)


@router.get("/devices")
async def list_devices(caller: Reader, ports: Bound) -> DevicesOut:
    """The caller's devices."""
    return DevicesOut(items=[_device(row) for row in ports.store.devices.of(caller.id)])


@router.post("/devices", status_code=201, responses=problems(InvalidRequest, DeviceInvalid))
async def register_device(body: DeviceIn, response: Response, caller: Writer, ports: Bound) -> DeviceOut:
    """Keep a device for push. One that somebody else had is the caller's from now on."""
    if body.subscription is not None:
        keys = body.subscription.keys
        offered = Offered(
            "web", endpoint=body.subscription.endpoint, p256dh=keys.p256dh, auth=keys.auth, name=body.name
        )
    else:
        offered = Offered(body.platform, token=body.token or "", name=body.name)
    row = choices.register(ports, caller.id, offered)
    response.headers["Location"] = f"{PREFIX}/devices/{row.id}"
    return _device(row)


@router.delete("/devices/{device_id}", status_code=204, responses=problems(NotFound))
async def remove_device(
    device_id: Annotated[str, Path(pattern="^[a-z2-7]{32}$", max_length=32)], caller: Writer, ports: Bound
) -> None:
    """Forget a device."""
    if not ports.store.devices.drop(caller.id, device_id):
        raise NotFound("There is no such device.")


@router.get("/topics", responses=problems(InvalidRequest, InvalidCursor))
async def list_topics(
    asked: Annotated[TopicParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[TopicOut]:
    """The topics that the caller is told about."""
    route = "GET /notifications/topics"
    place = keys.state(caller, route, asked, asked.cursor)
    found = ports.store.topics.of(caller.id, asked.limit, place and place["after"])
    following = {"after": found.next} if found.next else None
    items = [TopicOut(topic=str(row.gs1_sk)) for row in found.rows]
    return Page(items=items, next=keys.cursor(caller, route, asked, following))


@router.put("/topics/{topic}/subscription", status_code=204, responses=problems(NotFound))
async def follow_topic(topic: Annotated[Topic, Path()], caller: Writer, ports: Bound) -> None:
    """Be told about a topic. Those that anybody may follow begin with `public.`."""
    if not topic.startswith(PUBLIC):
        raise NotFound("There is no such topic for everybody.")
    ports.store.topics.add(topic, [caller.id])


@router.delete("/topics/{topic}/subscription", status_code=204)
async def leave_topic(topic: Annotated[Topic, Path()], caller: Writer, ports: Bound) -> None:
    """Be told no more about a topic, whoever had it told."""
    ports.store.topics.remove(topic, [caller.id])


def _out(ports: Bound, user_id: str, chosen: Preferences) -> PreferencesOut:
    phone = ports.store.people.phone(user_id)
    number = phone.number if phone is not None else None
    return PreferencesOut.of(chosen, webhook_secret=ports.webhook.secret_of(user_id), number=number)


def _device(row: DeviceRow) -> DeviceOut:
    return DeviceOut.model_validate(
        {"id": row.id, "platform": row.platform, "name": row.name, "created_at": row.created_at}
    )
