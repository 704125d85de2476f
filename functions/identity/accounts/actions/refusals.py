"""Sign-ins that were refused, as the audit log has them: what was shown for whom, from where, and by nobody known.

They lie beside the account and not among what its owner sees of it, so that a stranger who guesses does not fill that.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tessera import aws, log
from tessera.auth.audit import audit
from tessera.auth.call import Call
from tessera.auth.principal import ANONYMOUS, Principal
from tessera.problems import Busy
from tessera.transact import telling, transact

from ..ports import Ports
from ..rules import LoginFailed, MfaFailed, PasskeyUnknown

LOGIN, REAUTHENTICATION = "accounts.login-refused", "accounts.reauthentication-refused"


def note(ports: Ports, action: str, target: str, *, method: str, call: Call, by: Principal = ANONYMOUS) -> None:
    """1 write, whoever it was about. There are only as many as attempts are allowed.

    That it cannot be written lets nobody in, and tells nobody more than that they are refused.
    """
    entry = audit(action, target, by=by, call=call, outcome="denied", method=method)
    try:
        transact(telling(ports.users.table, entry))
    except (aws.ClientError, aws.BotoCoreError, Busy) as error:
        log.unexpected("audit of a refused sign-in", error)


@contextmanager
def noted(ports: Ports, user_id: str, *, method: str, call: Call) -> Iterator[None]:
    """Note what the block refuses to somebody who is signing in as this user."""
    try:
        yield
    except (LoginFailed, MfaFailed, PasskeyUnknown):
        note(ports, LOGIN, f"user:{user_id}", method=method, call=call)
        raise


@contextmanager
def noted_again(ports: Ports, user_id: str, *, method: str, call: Call) -> Iterator[None]:
    """Note what the block refuses to this user, who is signed in and shows it anew."""
    try:
        yield
    except (LoginFailed, MfaFailed):
        myself = Principal(kind="user", id=user_id, user_id=user_id)
        note(ports, REAUTHENTICATION, f"user:{user_id}", method=method, call=call, by=myself)
        raise
