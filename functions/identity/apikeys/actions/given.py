"""What several actions need: whose a key is, and what is told of it."""

from typing import Any

from tessera.auth.key_item import KeyRow
from tessera.auth.principal import Principal
from tessera.auth.problems import InsufficientScope
from tessera.problems import NotFound

from ..ports import Ports
from ..rules import MANAGERS
from ..store.rows import prefix_of


def check_manager(caller: Principal) -> None:
    """Raises `InsufficientScope` for a member who does not run the organisation they act for."""
    if caller.org is not None and caller.org_role not in MANAGERS:
        raise not_for_members()


def check_manager_now(ports: Ports, caller: Principal) -> None:
    """As `check_manager`, by what they are this moment: a secret in the hands of who was just put out stays good.

    1 internal call for who acts for an organisation, none for oneself. Raises `InsufficientScope`, `Unavailable`.
    """
    check_manager(caller)
    if caller.org is None:
        return
    found = ports.memberships.find(caller.org, caller.user_id or caller.id)
    if found is None or found.role not in MANAGERS:
        raise not_for_members()


def mine(ports: Ports, caller: Principal, key_id: str) -> KeyRow:
    """1 read. Raises `NotFound` also for what is somebody else's, and `InsufficientScope`."""
    check_manager(caller)
    row = ports.keys.get(key_id)
    if not caller.owns(row.owner_id):
        raise NotFound("There is no such key.")
    return row


def of_key(row: KeyRow) -> dict[str, Any]:
    """What every event says of its key."""
    return {
        "key_id": row.key_id,
        "owner_id": row.owner_id,
        "user_id": row.uid,
        "name": row.name,
        "prefix": prefix_of(row),
    }


def not_for_members() -> InsufficientScope:
    return InsufficientScope(detail="Keys of an organisation are for its owners and administrators.")
