"""Which parts of the index somebody may see. Nothing else of it is ever read for them."""

from collections.abc import Sequence

from tessera.auth.principal import Principal
from tessera.auth.problems import CredentialsMissing, InsufficientScope

from ..ports import Ports
from ..rules.index import Scope
from ..rules.problems import NoSuchPlace

PUBLIC = Scope("public")
MINE, ROOMS, ROOM = "mine", "rooms", "room:"
# A credential that may search but not read these must not find them either.
OF_OWNERS = ("tasks:read", "files:read")
OF_ROOMS = "chat:read"


def scopes(ports: Ports, caller: Principal, places: Sequence[str]) -> list[Scope]:
    """What is public and what is one's own, or the places that are named.

    At most 1 internal call. Raises `NoSuchPlace`, `CredentialsMissing`, `InsufficientScope`, `Unavailable`.
    """
    if not places:
        return [PUBLIC, *([own(caller)] if sees_own(caller) else [])]
    if caller.kind == "anonymous":
        raise CredentialsMissing()
    rooms = [place.removeprefix(ROOM) for place in places if place.startswith(ROOM)]
    found: list[Scope] = []
    if MINE in places:
        found.append(_own(caller))
    if rooms or ROOMS in places:
        caller.require(OF_ROOMS)
        found += _rooms(ports, caller, rooms)
    if len(rooms) + (MINE in places) + (ROOMS in places) < len(places):
        # Places of capabilities that there are not, to nobody's knowledge.
        raise NoSuchPlace()
    return found


def may_see(ports: Ports, caller: Principal, acl: str, n: int) -> bool:
    """Whether somebody may see one document."""
    if acl == PUBLIC.name:
        return True
    if caller.kind == "anonymous":
        return False
    if acl == own(caller).name:
        return sees_own(caller)
    if not acl.startswith(ROOM) or not caller.can(OF_ROOMS):
        return False
    return any(n >= scope.floor for scope in ports.sources.rooms(person(caller), [acl.removeprefix(ROOM)]))


def own(caller: Principal) -> Scope:
    return Scope(f"user:{caller.owner_id}")


def sees_own(caller: Principal) -> bool:
    return caller.kind != "anonymous" and all(caller.can(permission) for permission in OF_OWNERS)


def person(caller: Principal) -> str:
    """The person behind the request, whomever they act for: it is people who are in rooms."""
    return caller.user_id or caller.id


def _own(caller: Principal) -> Scope:
    missing = next((permission for permission in OF_OWNERS if not caller.can(permission)), None)
    if missing is not None:
        raise InsufficientScope(missing)
    return own(caller)


def _rooms(ports: Ports, caller: Principal, rooms: Sequence[str]) -> list[Scope]:
    found = ports.sources.rooms(person(caller), rooms)
    if len({scope.name for scope in found}) < len(set(rooms)):
        raise NoSuchPlace()
    return found
