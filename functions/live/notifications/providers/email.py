"""E-mail: handed to `outbox` under the notification's own id, so that handing it over twice makes one mail."""

from dataclasses import dataclass
from typing import Self

from tessera.auth.internal import Internal
from tessera.problems import Unavailable
from tessera.settings import Bindings

from .outcomes import Failed, Refused


@dataclass(frozen=True)
class Letter:
    id: str
    to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    is_bulk: bool


@dataclass(frozen=True)
class Known:
    """Somebody as `accounts` knows them. Without an address nothing can be mailed."""

    email: str
    locale: str
    is_active: bool


class Mail:
    def __init__(self, internal: Internal) -> None:
        self._internal = internal

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Internal))

    def find(self, user_id: str) -> Known | None:
        """None for who is not there. 1 internal call. Raises `Failed`."""
        try:
            answer = self._internal.call("accounts", "GET", f"/accounts/internal/users/{user_id}")
        except Unavailable as error:
            raise Failed("accounts-unavailable") from error
        if answer.status == 404:
            return None
        if not answer.ok:
            raise Failed(f"accounts-{answer.status}")
        said = answer.json()
        return Known(said.get("email") or "", said.get("locale") or "", said.get("status") == "active")

    def send(self, letter: Letter) -> str:
        """Hand a mail over. 1 internal call. Raises `Failed`, `Refused`."""
        body = {
            "id": letter.id,
            "to": letter.to,
            "subject": letter.subject,
            "text": letter.text,
            "html": letter.html,
            "headers": letter.headers,
            "category": "bulk" if letter.is_bulk else "transactional",
        }
        try:
            answer = self._internal.call(
                "outbox", "POST", "/outbox/internal/emails", json=body, idempotency_key=letter.id, timeout=5.0
            )
        except Unavailable as error:
            raise Failed("outbox-unavailable") from error
        if answer.status in (429, 503) or answer.status >= 500:
            raise Failed(f"outbox-{answer.status}")
        if answer.status == 409:
            raise Refused("suppressed")
        if not answer.ok:
            raise Refused(f"outbox-{answer.status}")
        return letter.id
