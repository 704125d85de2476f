"""Who may call a route, declared in its signature: `caller: Annotated[Principal, auth.require("tasks:read")]`.

A guard is asked once, ahead of body parsing, by the route class of `entry`, in this order: limit by
address when nobody is authenticated, authenticate, limit by principal, authorise. As a dependency it
only hands over the principal that was found then.
"""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import Depends, Request

from tessera import clock, log
from tessera.auth.authenticate import REFUSALS, authenticate, has_credential
from tessera.auth.call import Call
from tessera.auth.charging import SAFE_METHODS, Rate, charge
from tessera.auth.envelope import adopt, service_of
from tessera.auth.liveness import check_live
from tessera.auth.principal import ANONYMOUS, Kind, Principal
from tessera.auth.problems import (
    CredentialsMissing,
    ImpersonationForbidden,
    InsufficientScope,
    StepUpRequired,
    Unauthenticated,
)
from tessera.auth.recording import note_impersonated, note_refusal
from tessera.auth.roles import known, require_known

PEOPLE: tuple[Kind, ...] = ("user", "api_key")
# What belongs to the person alone: nobody does it for them, neither staff nor while acting for an organisation.
NEVER_LENT = frozenset(["accounts", "admin", "apikeys", "oauth", "organisations", "payments"])
PERSONAL = frozenset(["accounts:self", "habits:read", "habits:write"])


class Guard:
    """One requirement. Subclasses say how a request is admitted."""

    is_public = False
    # The security scheme of the document, where it is not that of the guard's kind.
    scheme = ""

    def __init__(self, rate: Rate | None = None) -> None:
        self.rate = rate

    async def __call__(self, request: Request) -> Principal:
        found: Principal = request.state.principal
        return found

    def describe(self) -> str:
        """The requirement in words, for the list of all routes."""
        raise NotImplementedError

    def admit(self, call: Call) -> Principal:
        """The principal of an admitted request. Raises the problem of one that is not."""
        raise NotImplementedError


class Public(Guard):
    """Anyone. A credential is not looked at."""

    is_public = True

    def __init__(self, rate: Rate | None, *, limited: bool) -> None:
        super().__init__(rate)
        self._limited = limited

    def describe(self) -> str:
        return "public" if self._limited else "public, unlimited"

    def admit(self, call: Call) -> Principal:
        if self._limited:
            charge(call, ANONYMOUS, self.rate)
        return ANONYMOUS


class Authenticated(Guard):
    """Somebody known, unless `optional`; and then, with the permission and the assurance asked for."""

    def __init__(
        self,
        *,
        permission: str = "",
        aal: int = 1,
        fresh: int | None = None,
        kinds: Sequence[Kind] = PEOPLE,
        rate: Rate | None = None,
        optional: bool = False,
        live: bool = False,
        in_organisation: bool = False,
        fenced: bool = False,
    ) -> None:
        super().__init__(rate)
        if permission:
            require_known(permission)
        self.permission, self.aal, self.fresh, self.kinds = permission, aal, fresh, tuple(kinds)
        self.optional, self.live, self.in_organisation, self.fenced = optional, live, in_organisation, fenced

    def describe(self) -> str:
        parts = ["optional user" if self.optional else f"require {self.permission}" if self.permission else "user"]
        if self.aal > 1:
            parts.append(f"aal {self.aal}")
        if self.fresh is not None:
            parts.append(f"fresh {self.fresh} s")
        if self.kinds != PEOPLE:
            parts.append(f"kinds {'|'.join(self.kinds)}")
        if self.live:
            parts.append("live")
        if self.fenced:
            parts.append("fenced too")
        return ", ".join(parts)

    def admit(self, call: Call) -> Principal:
        try:
            principal = authenticate(call) if has_credential(call) else None
        except REFUSALS as refused:
            log.current().cause = refused.cause if isinstance(refused, Unauthenticated) else refused.slug
            # Not to whose cookie came along: what another page makes a browser send must not use up theirs.
            charge(call, ANONYMOUS, self.rate)
            raise
        charge(call, principal or ANONYMOUS, self.rate)
        if principal is None:
            if self.optional:
                return ANONYMOUS
            raise CredentialsMissing()
        try:
            self._authorise(call, principal)
        except (InsufficientScope, ImpersonationForbidden) as refused:
            note_refusal(call, principal, self.permission, refused.slug)
            raise
        if principal.actor is not None:
            note_impersonated(call, principal, self.permission)
        return principal

    def _authorise(self, call: Call, principal: Principal) -> None:
        if principal.kind not in self.kinds:
            raise InsufficientScope(self.permission, detail="This credential is not of a kind that may do this.")
        if _is_fenced(principal) and not self.fenced:
            raise InsufficientScope(self.permission, detail="This token opens only the routes that it was made for.")
        if self.permission:
            principal.require(self.permission)
        self._for_themselves(call, principal)
        weak = self.aal if principal.aal < self.aal else None
        if weak is not None or self._is_old(principal):
            raise StepUpRequired(aal=weak, max_age=self.fresh)
        if self.live:
            check_live(call, principal)

    def _for_themselves(self, call: Call, principal: Principal) -> None:
        """What is done in somebody else's name stops at what is theirs alone."""
        is_change = call.method not in SAFE_METHODS
        if principal.actor is not None:
            call.answer_headers["Tessera-Impersonated-By"] = principal.actor.id
            if is_change and not principal.actor.may_write:
                raise ImpersonationForbidden("You are acting for somebody else and may only read.")
            capability, _, verb = (self.permission or log.current().capability).partition(":")
            if is_change and (capability in NEVER_LENT or verb == "export"):
                raise ImpersonationForbidden("This is for the person alone to do.")
        is_personal = self.permission in PERSONAL and not self.in_organisation
        if principal.org is not None and is_personal and is_change:
            raise InsufficientScope(detail="This is your own, not your organisation's. Switch to yourself first.")

    def _is_old(self, principal: Principal) -> bool:
        if self.fresh is None:
            return False
        return principal.auth_time is None or (clock.now() - principal.auth_time).total_seconds() > self.fresh


class Service(Guard):
    """Only these capabilities, only by an invocation that IAM allows. For anyone else there is nothing here."""

    def __init__(self, callers: Sequence[str]) -> None:
        super().__init__()
        self.callers = tuple(callers)

    def describe(self) -> str:
        return f"service {'|'.join(self.callers)}"

    def admit(self, call: Call) -> Principal:
        principal = service_of(call)
        adopt(call)
        if principal.id not in self.callers:
            raise InsufficientScope(detail="This capability may not call this route.")
        return principal


def require(
    permission: str,
    *,
    aal: int = 1,
    fresh: int | None = None,
    kinds: Sequence[Kind] = PEOPLE,
    rate: Rate | str | None = None,
    live: bool = False,
    in_organisation: bool = False,
) -> Any:
    """This permission; an assurance level; a sign-in not older than `fresh` seconds; one of these kinds.

    `live` also asks `accounts` how the user stands this moment: 1 internal call, for what cannot be undone.
    `in_organisation` lets somebody who acts for an organisation do what is otherwise for themselves alone.
    """
    return Depends(
        Authenticated(
            permission=permission,
            aal=aal,
            fresh=fresh,
            kinds=kinds,
            rate=_rate(rate),
            live=live,
            in_organisation=in_organisation,
        )
    )


def current_user(*, rate: Rate | str | None = None, fenced: bool = False) -> Any:
    """Anybody authenticated, a person or an API key; with `fenced` also who may do nothing elsewhere."""
    return Depends(Authenticated(rate=_rate(rate), fenced=fenced))


def optional_user(*, rate: Rate | str | None = None) -> Any:
    """Somebody or nobody. A credential that is present and wrong is refused, never taken for nobody."""
    return Depends(Authenticated(rate=_rate(rate), optional=True))


def public(*, limited: bool = True, rate: Rate | str | None = None) -> Any:
    """Anyone. `limited=False` is for what is asked all the time, such as health and published keys."""
    return Depends(Public(_rate(rate), limited=limited))


def service(*callers: str) -> Any:
    """Only these capabilities."""
    return Depends(Service(callers))


def limit(name: str, *, cost: int | Callable[[Call], int] = 1, by: str = "") -> Rate:
    """Another rate class, or one named policy: `auth.require("tasks:write", rate=auth.limit("expensive", cost=2))`.

    With `by`, such as `body.email`, the named policy is charged besides the class, to what stands there.
    """
    return Rate(name, cost, by)


def _is_fenced(principal: Principal) -> bool:
    """Whether the scope names no permission there is: it is for routes with guards of their own, that ask for it."""
    scope = principal.scope
    return scope is not None and not scope & known() and not any(name.startswith("*:") for name in scope)


def _rate(rate: Rate | str | None) -> Rate | None:
    return Rate(rate) if isinstance(rate, str) else rate
