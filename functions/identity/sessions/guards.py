"""Who may call a route that no access token opens: a page of ours, with or without its session's cookie."""

from typing import Any, NoReturn

from fastapi import Depends

from tessera.auth import csrf
from tessera.auth.call import Call
from tessera.auth.charging import Rate, charge
from tessera.auth.cookies import DEVICE_COOKIE, OF_SESSION, SESSION_COOKIE, cookie_of, take_back
from tessera.auth.guards import Guard, Public
from tessera.auth.principal import ANONYMOUS, Principal

from . import secret_values
from .rules import SessionOver


class FromOurPage(Public):
    """Anybody, from a page of ours: what signs in must not be done by another site in somebody's browser."""

    def __init__(self) -> None:
        super().__init__(Rate("auth"), limited=True)

    def describe(self) -> str:
        return "public, from a page of ours"

    def admit(self, call: Call) -> Principal:
        call.answer_headers.update(csrf.HEADERS)
        csrf.check_origin(call)
        # A cookie that came twice is refused before anything is tried.
        for name in (SESSION_COOKIE, DEVICE_COOKIE):
            cookie_of(call, name)
        return super().admit(call)


class WithSession(Guard):
    """A browser with the cookie of a session, whose pages are ours. Whether the session lives, the action finds out."""

    scheme = "session"

    def __init__(self, *, forgets: bool = False) -> None:
        super().__init__()
        self._forgets = forgets

    def describe(self) -> str:
        return "session cookie"

    def admit(self, call: Call) -> Principal:
        call.answer_headers.update(csrf.HEADERS)
        if not secret_values.is_one(cookie_of(call, SESSION_COOKIE)):
            refuse(call, forgets=self._forgets)
        csrf.check_csrf(call)
        return BROWSER


BROWSER = Principal(kind="anonymous", id="browser", credential="cookie")


def refuse(call: Call, *, forgets: bool = False) -> NoReturn:
    """Raise `SessionOver`, counted by address like anybody else's request; `forgets` drops the cookies with it."""
    charge(call, ANONYMOUS, None)
    if forgets:
        take_back(call, *OF_SESSION)
    raise SessionOver()


def from_our_page() -> Any:
    return Depends(FromOurPage())


def with_session(*, forgets: bool = False) -> Any:
    """`forgets`: a definitive refusal drops the cookies, which only `renew` does."""
    return Depends(WithSession(forgets=forgets))
