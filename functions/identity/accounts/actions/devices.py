"""Devices that somebody has signed in on: what tells them from a stranger's, and forgetting them."""

from typing import Any

from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal

from .. import secret_values
from ..ports import Client, Ports
from ..store import ClaimRow, DeviceRow, UserRow
from ..store.rows import device_sk, user_pk


def known(ports: Ports, user: UserRow, client: Client) -> str | None:
    """The id of this device, if the user has signed in on it and not removed it since. 1 read for a token of ours."""
    device_id = secret_values.known_device(ports.mac, user.email_norm, client.device_token)
    return device_id if device_id is not None and ports.devices.knows(user.user_id, device_id) else None


def known_at(ports: Ports, email_key: str, client: Client) -> tuple[ClaimRow | None, str | None]:
    """The same for whoever has this address, and the address's claim as far as it was read for that.

    2 reads for a token of ours, else none: what a stranger asks for costs the same whether there is an account or not.
    """
    device_id = secret_values.known_device(ports.mac, email_key, client.device_token)
    claim = ports.users.claim_of(email_key) if device_id is not None else None
    if device_id is None or claim is None or not ports.devices.knows(claim.uid, device_id):
        return claim, None
    return claim, device_id


def page(
    ports: Ports, user_id: str, *, limit: int, state: dict[str, Any] | None
) -> tuple[list[DeviceRow], dict[str, Any] | None]:
    """Some devices, the newest first, and the state of the next page. 1 query."""
    after = {"pk": user_pk(user_id), "sk": device_sk(str(state["id"]))} if state else None
    found = ports.devices.page(user_id, limit=limit, after=after)
    return found.rows, {"id": found.rows[-1].device_id} if found.next else None


def remove(ports: Ports, user_id: str, device_id: str, *, caller: Principal, call: Call) -> None:
    """From now on it is a device like any other; sessions on it go on. 1 transaction. Raises `NotFound`."""
    told = audit("accounts.device-removed", f"device:{device_id}", by=caller, call=call)
    ports.devices.remove(user_id, device_id, told)
