"""The port to `accounts`, which keeps the users, and to those that keep something else of theirs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlencode

from tessera import clock, log
from tessera.auth.call import Call
from tessera.auth.internal import Answer, Internal
from tessera.auth.principal import Principal
from tessera.etags import StaleVersion
from tessera.problems import Busy, FieldError, InvalidRequest, NotFound, Problem, Unavailable
from tessera.settings import Bindings

from .rules import OwnerExists

USERS = "/accounts/internal/users"
# Where the rest of a user is asked for, and how much of it is shown.
ELSEWHERE_SECONDS = 1.0
MAX_SHOWN = 100


class LastOwner(Problem):
    status, slug, title = 409, "last-owner", "The last owner stays"

    def __init__(self, detail: str = "Make somebody else an owner first.") -> None:
        super().__init__(detail)


class EmailTaken(Problem):
    status, slug, title = 409, "email-taken", "Somebody has this address"

    def __init__(self, detail: str = "Look for it by its address.") -> None:
        super().__init__(detail)


class NotActive(Problem):
    status, slug, title = 409, "not-active", "This account is not active"


class WeakPassword(Problem):
    status, slug, title = 422, "weak-password", "This password is too easy to guess"


# The refusals of `accounts` that are ours to pass on.
PASSED_ON: Mapping[str, type[Problem]] = {
    kind.slug: kind
    for kind in (NotFound, LastOwner, EmailTaken, NotActive, OwnerExists, WeakPassword, InvalidRequest, StaleVersion)
}


@dataclass(frozen=True)
class User:
    """A user as staff see them. `version` is that of the account."""

    id: str
    email: str
    status: str
    roles: frozenset[str]
    version: int
    name: str | None = None
    handle: str | None = None
    locale: str | None = None
    plan: str = "user"
    factors: tuple[str, ...] = ()
    has_password: bool = True
    created_at: datetime = clock.EPOCH
    updated_at: datetime = clock.EPOCH
    locked_until: datetime | None = None
    last_seen_at: datetime | None = None
    deleted_at: datetime | None = None


@dataclass(frozen=True)
class State:
    """How somebody stands this moment. `added` are the permissions of roles that are defined here."""

    status: str
    roles: frozenset[str]
    added: frozenset[str]
    has_factor: bool


@dataclass(frozen=True)
class Asker:
    """On whose behalf, and in which request."""

    principal: Principal | None = None
    call: Call | None = None


@dataclass(frozen=True)
class Elsewhere:
    """What others keep of a user; `unavailable` names those who did not answer."""

    sessions: list[dict[str, Any]] = field(default_factory=list)
    identities: list[dict[str, Any]] = field(default_factory=list)
    keys: list[dict[str, Any]] = field(default_factory=list)
    unavailable: list[str] = field(default_factory=list)


class Accounts:
    """Every method is 1 internal call. All raise `Unavailable` when there is no answer in time."""

    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def get(self, user_id: str) -> User:
        """Raises `NotFound`."""
        return _user(self._asked("GET", f"{USERS}/{user_id}", Asker()))

    def state(self, user_id: str) -> State:
        """Raises `NotFound`."""
        found = self._asked("GET", f"{USERS}/{user_id}/state", Asker())
        return State(
            status=found["status"],
            roles=frozenset(found["roles"]),
            added=frozenset(found["permissions"]),
            has_factor=bool(found["mfa"]),
        )

    def search(self, filters: Mapping[str, str], *, limit: int, after: str | None = None) -> tuple[list[User], Any]:
        """Some users, the newest first, and where the next page starts. Raises `InvalidRequest`."""
        asked = {**filters, "limit": str(limit), **({"after": after} if after else {})}
        found = self._asked("GET", f"{USERS}/search?{urlencode(asked)}", Asker())
        return [_user(one) for one in found["items"]], found["after"]

    def create(self, asker: Asker, *, key: str = "", **fields: Any) -> User:
        """Who was made under this `key`, now or when it was last asked. Raises `EmailTaken`, `WeakPassword`,
        `InvalidRequest`."""
        given = {name: value for name, value in fields.items() if value not in (None, [])}
        return _user(self._asked("POST", USERS, asker, given, key=key, timeout=6.0))

    def change(self, user_id: str, verb: str, asker: Asker, body: dict[str, Any] | None = None) -> User:
        """One of `roles`, `lock`, `unlock`, `force-reset`, `revoke-sessions`, `reset-mfa`, `email`, `delete`.

        Raises `NotFound`, and what the verb is refused with.
        """
        return _user(self._asked("POST", f"{USERS}/{user_id}/{verb}", asker, body))

    def change_seen(self, user: User, verb: str, asker: Asker, **body: Any) -> User:
        """`change`, unless the user has other roles by then than they were seen with. Raises `StaleVersion`."""
        return self.change(user.id, verb, asker, {**body, "roles_seen": sorted(user.roles)})

    def impersonate(self, asker: Asker, body: dict[str, Any]) -> tuple[str, int]:
        """The token, and its seconds. Raises `NotFound`, `NotActive`."""
        found = self._asked("POST", "/accounts/internal/impersonate", asker, body)
        return found["access_token"], int(found["expires_in"])

    def make_first_owner(self, email: str, asker: Asker) -> User:
        """Raises `NotFound`, `OwnerExists`."""
        return _user(self._asked("POST", "/accounts/internal/bootstrap", asker, {"email": email}))

    def mail(self, to: str, template: str, *, locale: str | None = None, **values: Any) -> None:
        """`data` may be seen by anybody on the way, `secret` only by who sends the mail."""
        body = {"to": to, "template": template, **({"locale": locale} if locale else {}), **values}
        self._asked("POST", "/accounts/internal/mail", Asker(), body)

    def elsewhere(self, user_id: str, asker: Asker) -> Elsewhere:
        """What sessions, oauth and apikeys keep of a user. One that does not answer is named and left out."""
        missing: list[str] = []

        def listed(callee: str, method: str, path: str, body: dict[str, Any] | None = None) -> list[dict[str, Any]]:
            try:
                answer = self._internal.call(
                    callee, method, path, json=body, on_behalf_of=asker.principal, timeout=ELSEWHERE_SECONDS
                )
            except Unavailable:
                answer = Answer(503)
            if not answer.ok:
                missing.append(callee)
                return []
            items: list[dict[str, Any]] = (answer.json() or {}).get("items", [])
            return items[:MAX_SHOWN]

        query = urlencode({"user_id": user_id})
        return Elsewhere(
            sessions=listed("sessions", "POST", "/sessions/internal/of", {"user_id": user_id}),
            identities=listed("oauth", "GET", f"/oauth/internal/identities?{query}"),
            keys=listed("apikeys", "GET", f"/apikeys/internal/keys?{query}"),
            unavailable=missing,
        )

    def _asked(
        self, method: str, path: str, asker: Asker, body: Any = None, *, key: str = "", timeout: float = 3.0
    ) -> Any:
        answer = self._internal.call(
            "accounts",
            method,
            path,
            json=({} if body is None else body) if method != "GET" else None,
            on_behalf_of=asker.principal,
            for_call=asker.call,
            idempotency_key=key,
            timeout=timeout,
        )
        if answer.ok:
            return answer.json()
        raise _refusal(answer)


def _refusal(answer: Answer) -> Problem:
    """The problem that `accounts` answered, as one of ours."""
    try:
        found = answer.json()
        slug = str(found["type"]).rpartition("/")[2]
    except (ValueError, KeyError, TypeError):
        found, slug = {}, ""
    kind = PASSED_ON.get(slug)
    if kind is None:
        log.current().cause = f"accounts: {answer.status} {slug}"
        return Busy() if slug == "busy" else Unavailable("Accounts cannot do this right now.")
    detail = str(found.get("detail") or "")
    errors = [FieldError(str(one["pointer"]), str(one["detail"])) for one in found.get("errors", ())]
    made = kind(detail) if detail else kind()
    made.errors = tuple(errors)
    return made


def _user(found: dict[str, Any]) -> User:
    return User(
        id=found["id"],
        email=found["email"],
        status=found["status"],
        roles=frozenset(found["roles"]),
        version=int(found["version"]),
        name=found.get("name"),
        handle=found.get("handle"),
        locale=found.get("locale"),
        plan=found.get("plan") or "user",
        factors=tuple(found.get("factors") or ()),
        has_password=bool(found.get("has_password", True)),
        created_at=clock.parse(found["created_at"]),
        updated_at=clock.parse(found["updated_at"]),
        locked_until=_instant(found, "locked_until"),
        last_seen_at=_instant(found, "last_seen_at"),
        deleted_at=_instant(found, "deleted_at"),
    )


def _instant(found: dict[str, Any], name: str) -> datetime | None:
    return clock.parse(found[name]) if found.get(name) else None
