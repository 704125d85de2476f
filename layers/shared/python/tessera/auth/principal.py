"""Who is asking, and what they may do."""

from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any, Literal

from tessera import clock
from tessera.auth.problems import InsufficientScope

Kind = Literal["anonymous", "user", "api_key", "service"]
Credential = Literal["none", "bearer", "cookie", "key", "iam"]


@dataclass(frozen=True)
class Actor:
    """Who is really acting, while impersonating somebody (RFC 8693 4.1)."""

    id: str
    session_id: str | None = None
    may_write: bool = False
    epoch: int = 0


def actor_of(act: dict[str, Any]) -> Actor:
    """Who the claim `act` of a token names."""
    sid, epoch = act.get("sid"), act.get("ep")
    return Actor(
        str(act.get("sub")),
        sid if isinstance(sid, str) else None,
        act.get("write") is True,
        # One that names no epoch is older than any that was ended.
        epoch if isinstance(epoch, int) else 0,
    )


@dataclass(frozen=True)
class Principal:
    """`id` is the user's or the key's ULID, the calling service's name, or `anon`.

    `user_id` is the person behind it, whomever they act for; a key of an organisation has nobody behind it but itself.
    `permissions` are those of the roles, wildcards included; `scope`, when there is one, narrows them.
    """

    kind: Kind
    id: str
    user_id: str | None = None
    roles: frozenset[str] = frozenset()
    aal: int = 0
    amr: tuple[str, ...] = ()
    auth_time: datetime | None = None
    session_id: str | None = None
    client_id: str | None = None
    org: str | None = None
    org_role: str | None = None
    # Of the user and of the membership when the credential was made, and when that was (seconds since 1970).
    epoch: int = 0
    org_epoch: int = 0
    issued_at: int = 0
    credential: Credential = "none"
    actor: Actor | None = None
    permissions: frozenset[str] = frozenset()
    scope: frozenset[str] | None = None
    plan: str = "anon"
    # For an internal call: the principal the calling service acts for, as that service had verified it.
    on_behalf_of: "Principal | None" = None

    @property
    def owner_id(self) -> str:
        """The key of everything that can be shared: the organisation acted for, else the person."""
        return self.org or self.user_id or self.id

    def can(self, permission: str) -> bool:
        return covers(self.permissions, permission) and (self.scope is None or covers(self.scope, permission))

    def require(self, permission: str) -> None:
        """Raises `InsufficientScope` unless the permission is held."""
        if not self.can(permission):
            raise InsufficientScope(permission)

    def owns(self, owner_id: str) -> bool:
        return self.kind != "anonymous" and owner_id == self.owner_id

    def owns_or(self, owner_id: str, permission: str) -> bool:
        return self.owns(owner_id) or self.can(permission)

    def snapshot(self) -> dict[str, Any]:
        """What another function of ours is told when this principal is acted for."""
        return {
            "kind": self.kind,
            "id": self.id,
            "user_id": self.user_id,
            "roles": sorted(self.roles),
            "aal": self.aal,
            "amr": list(self.amr),
            "auth_time": clock.rfc3339(self.auth_time) if self.auth_time else None,
            "session_id": self.session_id,
            "client_id": self.client_id,
            "org": self.org,
            "org_role": self.org_role,
            "epoch": self.epoch,
            "org_epoch": self.org_epoch,
            "issued_at": self.issued_at,
            "credential": self.credential,
            "actor": list(astuple(self.actor)) if self.actor else None,
            "permissions": sorted(self.permissions),
            "scope": None if self.scope is None else sorted(self.scope),
            "plan": self.plan,
        }

    @classmethod
    def of_snapshot(cls, given: dict[str, Any]) -> "Principal":
        """Read what `snapshot` wrote. Raises `KeyError` or `ValueError` for anything else."""
        scope, actor, auth_time = given["scope"], given["actor"], given["auth_time"]
        read = {
            **given,
            "roles": frozenset(given["roles"]),
            "amr": tuple(given["amr"]),
            "auth_time": clock.parse(auth_time) if auth_time else None,
            "actor": Actor(*actor) if actor else None,
            "permissions": frozenset(given["permissions"]),
            "scope": None if scope is None else frozenset(scope),
        }
        return cls(**{name: value for name, value in read.items() if name in cls.__dataclass_fields__})


ANONYMOUS = Principal(kind="anonymous", id="anon")


def covers(held: frozenset[str], permission: str) -> bool:
    """Whether the permission is held, by name or by a wildcard such as `*:read`."""
    return permission in held or f"*:{permission.partition(':')[2]}" in held
