"""What the routes are given: who asks, the store, and the keys of cursors and retries."""

from typing import Annotated

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import bound
from tessera.entry.signing import Signing

from ..ports import Ports
from ..store import MailStore

Sender = Annotated[Principal, auth.require("outbox:send")]
Manager = Annotated[Principal, auth.require("outbox:manage")]
Accounts = Annotated[Principal, auth.service("accounts")]
Writer = Annotated[Principal, auth.service("notifications", "files")]
Anyone = Annotated[Principal, auth.public()]
Store = Annotated[MailStore, bound(MailStore)]
Bound = Annotated[Ports, bound(Ports)]
Keys = Annotated[Signing, bound(Signing)]


def only_own(caller: Principal) -> str | None:
    """Whose mails the caller sees: their own, or everybody's for those who run the mail."""
    return None if caller.can("outbox:manage") else caller.owner_id
