"""Who may do what with a topic."""

from collections.abc import Callable
from dataclasses import dataclass

from tessera.live import GrantRow
from tessera.namespaces import Namespace, UnknownTopic, namespace_of

from ..protocol.replies import Refused

# Subscribe, publish, read the history, see who is there.
SUBSCRIBE, PUBLISH, HISTORY, PRESENCE = "s", "p", "h", "r"
Grants = Callable[[str, str], GrantRow | None]


@dataclass(frozen=True)
class Access:
    """`user` is empty for somebody without an account; `open_demo` is what the template says; `now` is in
    seconds since 1970. `told` is a topic that a token lets them listen to."""

    user: str
    grants: Grants
    open_demo: bool
    now: float
    told: str = ""

    def require(self, topic: str, permission: str) -> Namespace:
        """The topic's namespace. Raises `Refused`: 102 where there is no such, 103 where it is not allowed."""
        try:
            namespace = namespace_of(topic)
        except UnknownTopic:
            raise Refused(102) from None
        if namespace.readers == "users" and not self.open_demo:
            raise Refused(102)
        if not self._may(namespace, topic, permission):
            raise Refused(103)
        return namespace

    def _may(self, namespace: Namespace, topic: str, permission: str) -> bool:
        if permission == PUBLISH and not namespace.client_publish:
            return False
        if namespace.readers == "public":
            return True
        if not self.user:
            return False
        if namespace.readers == "own":
            return topic == f"{namespace.name}:{self.user}"
        return namespace.readers == "users" or self._is_granted(topic, permission)

    def _is_granted(self, topic: str, permission: str) -> bool:
        if permission == SUBSCRIBE and topic == self.told:
            return True
        grant = self.grants(topic, self.user)
        if grant is None or permission not in grant.perms:
            return False
        return grant.expires_at is None or int(grant.expires_at) > self.now
