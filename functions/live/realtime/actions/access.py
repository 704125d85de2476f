"""Who may do what with topics, for requests over HTTP."""

from collections.abc import Sequence

from tessera import clock
from tessera.auth.principal import Principal
from tessera.auth.problems import CredentialsMissing
from tessera.live import GrantRow, grant_key
from tessera.namespaces import Namespace, UnknownTopic, namespace_of
from tessera.problems import FieldError, NotFound

from ..ports import Ports
from ..protocol.replies import Refused
from ..rules.access import Access
from ..rules.problems import TopicForbidden

_UNKNOWN = 102


def require(ports: Ports, caller: Principal, topic: str, permission: str) -> Namespace:
    """The topic's namespace. 1 request where grants decide.

    Raises `NotFound`, `TopicForbidden`, and `CredentialsMissing` where somebody signed in might.
    """
    try:
        return _access(ports, caller, [topic]).require(topic, permission)
    except Refused as refused:
        if refused.code == _UNKNOWN:
            raise NotFound("There is no such topic.") from None
        if caller.kind == "anonymous":
            raise CredentialsMissing() from None
        raise TopicForbidden() from None


def require_all(ports: Ports, caller: Principal, topics: Sequence[str], permission: str) -> None:
    """1 request for all of them. Raises `TopicForbidden`, which names each that is refused."""
    access = _access(ports, caller, topics)
    errors = []
    for topic in topics:
        try:
            access.require(topic, permission)
        except Refused as refused:
            said = "There is no such topic." if refused.code == _UNKNOWN else "You may not listen to it."
            errors.append(FieldError("?topic", f"{topic}: {said}"))
    if errors and caller.kind == "anonymous":
        raise CredentialsMissing()
    if errors:
        raise TopicForbidden("Look at ?topic.", errors=errors)


def _access(ports: Ports, caller: Principal, topics: Sequence[str]) -> Access:
    user = caller.user_id or ""
    wanted = [(grant_key(topic), user) for topic in topics if _is_granted(topic)] if user else []
    now = clock.now().timestamp()
    found = ports.live.log.table.get_many(GrantRow, wanted, consistent=True) if wanted else []
    grants = {row.pk: row for row in found}
    return Access(user, lambda topic, _: grants.get(grant_key(topic)), ports.settings.open_demo, now)


def _is_granted(topic: str) -> bool:
    try:
        return namespace_of(topic).readers == "granted"
    except UnknownTopic:
        return False
