"""What a person may do with their identities elsewhere."""

from dataclasses import dataclass
from datetime import datetime

from tessera import clock
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.auth.problems import StepUpRequired
from tessera.transact import telling

from ..accounts import JUST_NOW
from ..ports import Ports
from ..rules.problems import OtherAccount
from ..store.rows import IDENTITY
from .email import somebody_in

PASSKEY = "passkey"


@dataclass(frozen=True)
class Identity:
    id: str
    provider: str
    label: str
    linked_at: datetime


def confirm_link(ports: Ports, ticket: str, *, caller: Principal, call: Call) -> Identity:
    """Make an identity the caller's, who has shown that the account with its address is theirs.

    1 read, 1 transaction. Raises `TicketInvalid`, `OtherAccount`, `IdentityTaken`, `TooManyIdentities`.
    """
    mac = ports.digest("ticket", ticket)
    found = ports.answers.ticket(mac, "link")
    if found.uid != caller.user_id:
        raise OtherAccount()
    row, steps = ports.identities.linking(somebody_in(found), str(found.uid), sealed=None)
    told = audit("oauth.linked", f"user:{caller.user_id}", by=caller, call=call, provider=found.provider)
    # The identity first: who comes second for it is told so, whichever ticket they hold.
    ports.answers.put(*steps, ports.answers.consuming(mac, "link"), telling(ports.answers.table, told))
    return Identity(row.identity_id, row.provider, row.label, clock.from_millis(int(row.linked)))


def list_identities(ports: Ports, user_id: str) -> list[Identity]:
    """1 query."""
    return [
        Identity(row.sk.removeprefix(IDENTITY), row.provider, row.label, clock.from_millis(int(row.linked)))
        for row in ports.identities.of_user(user_id)
    ]


def unlink(ports: Ports, identity_id: str, *, caller: Principal, call: Call) -> None:
    """Take an identity away; what its provider gave is given back. 1 internal call, 2 reads, 1 transaction.

    Raises `StepUpRequired` for who has a second factor and has not shown it, `NotFound`, `LastSignInMethod`.
    """
    user_id = str(caller.user_id)
    standing = ports.accounts.standing(user_id, call=call)
    if standing.factors and caller.aal < 2:
        raise StepUpRequired(aal=2, max_age=JUST_NOW)
    alone = not standing.has_password and PASSKEY not in standing.factors
    told = audit("oauth.unlinked", f"user:{user_id}", by=caller, call=call, identity=identity_id)
    ports.identities.unlink(user_id, identity_id, alone=alone, audited=told)
