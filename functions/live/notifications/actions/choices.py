"""What people choose: preferences, their number, their devices."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tessera import clock
from tessera.auth import jws
from tessera.problems import FieldError, InvalidRequest
from tessera.safehttp.problems import FetchFailed

from ..ports import Ports
from ..providers import webhook, webpush
from ..providers.outcomes import Message, NotSent, Target, Unsure
from ..rules import decide, quiet
from ..rules.decide import Asked, Decision
from ..rules.kinds import EVERY_TYPE, OUTSIDE, Preferences, Words
from ..rules.problems import DeviceInvalid, NoCodeAsked, NumberWrong, TypeMandatory, UnknownType
from ..store.devices import TooManyDevices
from ..store.people import TooManyCodes
from ..store.rows import DeviceRow

CODE_DIGITS = 6
_PURPOSE = "phone-code"


def choose(ports: Ports, user_id: str, chosen: Preferences, *, expect: int | None) -> Preferences:
    """Keep what somebody has chosen. 1 write, and 1 request a type that was not seen lately.

    Raises `StaleVersion`, `TypeMandatory`, `InvalidRequest`.
    """
    _check_types(ports, {**chosen.matrix, **{name: {} for name in chosen.digests}})
    if quiet.is_always_quiet(chosen.windows):
        told = "Some minute of the week has to be left. To hear nothing at all, switch the channels off."
        raise InvalidRequest(told, errors=[FieldError("/quiet_hours/windows", told)])
    for position, address in enumerate(chosen.webhooks):
        _check_webhook(ports, address, position)
    return ports.store.people.choose(user_id, chosen, expect=expect)


def preview(ports: Ports, user_id: str, name: str, now: datetime) -> Mapping[str, Decision]:
    """What would be done with one of this type now, channel by channel. Raises `UnknownType`."""
    kind = ports.store.types.get(name)
    if kind is None:
        raise UnknownType(f"Nobody has made a type {name}.")
    chosen, asked = ports.store.people.preferences(user_id), Asked(kind)
    wanted = decide.wanted(asked, chosen)
    found = {"inapp": Decision("pending") if "inapp" in wanted else Decision("skipped", "off")}
    for channel in OUTSIDE:
        found[channel] = decide.decide(asked, chosen, channel, now) if channel in wanted else Decision("skipped", "off")
    return found


def ask_number(ports: Ports, user_id: str, number: str) -> None:
    """Send a code to a number. 1 write and 1 SMS. Raises `InvalidRequest`."""
    now = clock.now()
    if ports.store.people.has_stopped(number):
        raise InvalidRequest("This number has asked for no messages. Send START from it first.")
    code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
    try:
        ports.store.people.ask_code(user_id, number, _hash(ports, user_id, number, code), now)
    except TooManyCodes:
        raise InvalidRequest("So many codes were asked for today that the next one has to wait.") from None
    words = Words(body=f"{code} is your code. It is good for 10 minutes.")
    message = Message(id=f"phone-{user_id}", type="phone", words=words, created_at=now, is_urgent=True)
    try:
        ports.sms.send(message, Target("sms", "sms", number))
    except (NotSent, Unsure):
        told = "No message can be sent to this number right now."
        raise InvalidRequest(told, errors=[FieldError("/number", told)]) from None


def confirm_number(ports: Ports, user_id: str, code: str) -> str:
    """The number is theirs, if this is the code. 1 write and 1 transaction. Raises `NumberWrong`, `NoCodeAsked`."""
    none_waits = NoCodeAsked("Ask for a code first; it is good for 10 minutes and five tries.")
    row = ports.store.people.try_code(user_id, clock.now())
    if row is None:
        raise none_waits
    number = str(row.waiting)
    if not secrets.compare_digest(str(row.code), _hash(ports, user_id, number, code)):
        raise NumberWrong(f"{5 - int(row.tries)} tries are left.")
    if not ports.store.people.confirm_number(user_id, row):
        raise none_waits
    return number


@dataclass(frozen=True)
class Offered:
    """A device as it introduces itself: a token, or a browser's subscription."""

    platform: str
    token: str = ""
    endpoint: str = ""
    p256dh: str = ""
    auth: str = ""
    name: str | None = None


def register(ports: Ports, user_id: str, offered: Offered) -> DeviceRow:
    """Keep a device; it is taken from whoever had it before. 2 requests, 1 transaction. Raises `DeviceInvalid`."""
    if offered.platform == "web":
        _check_subscription(ports, offered)
    elif offered.platform == "apns" and not ports.apns.is_there:
        raise DeviceInvalid("This stack sends nothing to Apple's devices.")
    address = offered.endpoint if offered.platform == "web" else offered.token
    keys = {"p256dh": offered.p256dh, "secret": offered.auth} if offered.platform == "web" else {}
    try:
        return ports.store.devices.register(user_id, offered.platform, address, name=offered.name, **keys)
    except TooManyDevices:
        raise DeviceInvalid("There are 20 devices already. Remove one that is not used any more.") from None


def _check_types(ports: Ports, matrix: Mapping[str, Mapping[str, bool]]) -> None:
    for name, row in matrix.items():
        if name == EVERY_TYPE:
            continue
        kind = ports.store.types.get(name)
        if kind is None:
            told = "There is no such type."
            raise InvalidRequest(told, errors=[FieldError(f"/matrix/{name}", told)])
        refused = sorted(channel for channel, on in row.items() if not on and channel in kind.mandatory)
        if refused:
            raise TypeMandatory(f"{name} always comes by {', '.join(refused)}.")


def _check_webhook(ports: Ports, address: str, position: int) -> None:
    try:
        ports.wire.check(webhook.place_of(address).url)
    except (ValueError, FetchFailed) as error:
        told = error.detail if isinstance(error, FetchFailed) else str(error)
        raise InvalidRequest(told, errors=[FieldError(f"/webhooks/{position}", told)]) from None


def _check_subscription(ports: Ports, offered: Offered) -> None:
    try:
        webpush.check_keys(offered.p256dh, offered.auth)
        ports.wire.check(offered.endpoint)
    except jws.Malformed:
        raise DeviceInvalid("The keys of a subscription are base64url without padding.") from None
    except ValueError as error:
        raise DeviceInvalid(f"The subscription cannot be used: {error}.") from None
    except FetchFailed as error:
        raise DeviceInvalid(error.detail) from None


def _hash(ports: Ports, user_id: str, number: str, code: str) -> str:
    return ports.mac.hash_lookup(_PURPOSE, f"{user_id}#{number}#{code}")
