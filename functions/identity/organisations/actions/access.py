"""Who somebody is in an organisation, before anything else is looked at.

An outsider learns nothing, not even that it exists: every refusal of theirs is `NotFound`. What is decided on a
standing is written only if nobody's role has changed since (`OrganisationStore.changing`), so that nobody who is being
demoted gets one more change in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope
from tessera.problems import Busy, NotFound

from ..ports import Ports
from ..rules.organisation import (
    ANYBODY,
    MEMBER,
    OWNER,
    Member,
    Organisation,
    OrganisationDeleting,
    Status,
    check_role,
)
from ..store.organisations import Moved

TRIES = 12
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True)
class Standing:
    """The organisation as it was read, and who is asking there.

    `member` is None for a key of the organisation's, and for who has just made it.
    """

    organisation: Organisation
    role: str
    member: Member | None


def enter(
    ports: Ports,
    caller: Principal,
    organisation_id: str,
    wanted: frozenset[str] = ANYBODY,
    *,
    also_deleting: bool = False,
) -> Standing:
    """1 request. Raises `NotFound` for an outsider, `RoleTooLow` and `OrganisationDeleting` for a member."""
    if caller.org is not None and caller.org != organisation_id:
        raise _outside()
    found, member = ports.organisations.standing(organisation_id, person(caller))
    # A key of the organisation's own outlives who made it, and reads as any member does.
    keyed = caller.kind == "api_key" and caller.org == organisation_id
    role = MEMBER if keyed else member.role if member else None
    if found is None or role is None or found.status is Status.ERASING:
        raise _outside()
    if found.status is Status.DELETING and role != OWNER:
        raise _outside()
    check_role(role, wanted)
    if found.status is Status.DELETING and not also_deleting:
        raise OrganisationDeleting()
    return Standing(found, role, None if keyed else member)


def person(caller: Principal) -> str:
    """The person behind the request, whomever they act for."""
    return caller.user_id or caller.id


def as_oneself(caller: Principal) -> str:
    """Joining and making are a person's own. Raises `InsufficientScope` while they act for an organisation."""
    if caller.org is not None:
        raise InsufficientScope(detail="This is your own, not your organisation's. Switch to yourself first.")
    return person(caller)


def settled(look: Callable[[], S], decide: Callable[[S], T], *, seen: S | None = None) -> T:
    """What `decide` makes of what `look` finds, anew as often as somebody's change came in between.

    `seen` is what was found a moment ago, for whoever had to look before. Raises `Busy`.
    """
    for _ in range(TRIES):
        try:
            return decide(look() if seen is None else seen)
        except Moved:
            seen = None
    raise Busy()


def _outside() -> NotFound:
    return NotFound("There is no such organisation, or your token acts for another one.")
