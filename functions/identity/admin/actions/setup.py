"""The first owner of a fresh deployment."""

import secrets

from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import ANONYMOUS, Principal

from ..accounts import Asker, User
from ..ports import Ports
from ..rules import SetupTokenInvalid

TOKEN_BYTES = 32
PREFIX = "tsu_"


def new_token(ports: Ports, *, caller: Principal, call: Call) -> str:
    """A setup token, which replaces the one before. 1 transaction. It is good for 7 days and one owner.

    Raises `OwnerExists` where one has been used already.
    """
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    ports.setup.keep(token, audit("admin.setup-token-made", "setup:token", by=caller, call=call))
    return token


def bootstrap(ports: Ports, token: str, email: str, *, call: Call) -> User:
    """The account with this address becomes the first owner. 1 read, 1 internal call, 1 transaction.

    Raises `SetupTokenInvalid`, `NotFound` for an address that nobody has confirmed, `OwnerExists`.
    """
    ports.setup.check(token)
    # Only one can be the first: `accounts` decides that in the transaction that makes them owner.
    owner = ports.accounts.make_first_owner(email, Asker(call=call))
    told = audit("admin.bootstrapped", f"user:{owner.id}", by=ANONYMOUS, call=call)
    try:
        ports.setup.consume(token, told)
    except SetupTokenInvalid:
        # A newer token has replaced it meanwhile; there is an owner, so that one opens nothing.
        ports.trail.tell(told)
    return owner
