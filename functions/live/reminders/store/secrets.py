"""The secrets with which webhooks are signed: shown once, then only sealed, each for its owner."""

import base64
import secrets
from typing import Self

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.operand import Path

from tessera import aws, clock
from tessera.idempotency import Intent, create
from tessera.problems import NotFound, Unavailable
from tessera.sealed import seal, unseal
from tessera.settings import Bindings
from tessera.tables import Key, Page, Row, Table

from .reminders import RemindersSettings
from .rows import owned

SECRET = "SEC#"
_BYTES = 24


class SecretRow(Row):
    """`U#<owner>`/`SEC#<id>`."""

    name = UnicodeAttribute()
    sealed = UnicodeAttribute()
    created_at = UnicodeAttribute()

    @property
    def id(self) -> str:
        return str(self.sk).removeprefix(SECRET)


class SecretStore:
    def __init__(self, table: Table, key_id: str) -> None:
        self.table, self._key_id = table, key_id

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(RemindersSettings)
        return cls(Table(settings.table), settings.webhook_key)

    def create(self, owner_id: str, name: str, intent: Intent) -> tuple[SecretRow, str | None]:
        """The row and the secret itself, None when an earlier request made it. 1 request to KMS and 1 write."""
        # The form that the libraries of receivers read: https://www.standardwebhooks.com
        secret = f"whsec_{base64.b64encode(secrets.token_bytes(_BYTES)).decode()}"
        try:
            sealed = seal(self._key_id, _purpose(owner_id), {"secret": secret})
        except (aws.ClientError, aws.BotoCoreError) as error:
            raise Unavailable("Secrets cannot be made right now. Try again in a moment.") from error
        row = SecretRow(pk=owned(owner_id), sk=SECRET + intent.id, name=name, sealed=sealed, created_at=_now())
        made = create(self.table, row, intent)
        return made.row, None if made.replayed else secret

    def page(self, owner_id: str, limit: int, after: Key | None) -> Page[SecretRow]:
        """1 request."""
        return self.table.query(
            SecretRow, owned(owner_id), sort=Path("sk").startswith(SECRET), limit=limit, after=after
        )

    def exists(self, owner_id: str, secret_id: str) -> bool:
        """1 read."""
        return self.table.get(SecretRow, owned(owner_id), SECRET + secret_id) is not None

    def key_of(self, owner_id: str, secret_id: str) -> bytes | None:
        """The bytes to sign with, None when the secret is gone. 1 read and 1 request to KMS. Raises `SealBroken`."""
        row = self.table.get(SecretRow, owned(owner_id), SECRET + secret_id)
        if row is None:
            return None
        secret = str(unseal(self._key_id, _purpose(owner_id), row.sealed)["secret"])
        return base64.b64decode(secret.removeprefix("whsec_"))

    def delete(self, owner_id: str, secret_id: str) -> None:
        """1 write. Raises `NotFound`."""
        if self.table.delete(SecretRow, owned(owner_id), SECRET + secret_id) is None:
            raise NotFound("There is no such secret.")


def _purpose(owner_id: str) -> str:
    return f"webhook:{owner_id}"


def _now() -> str:
    return clock.rfc3339(clock.now())
