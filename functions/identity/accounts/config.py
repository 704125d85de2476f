"""What `accounts` is told, and the few limits below which nobody may configure it."""

from typing import Literal

from pydantic import Field

from tessera.auth.settings import AuthSettings

PRODUCT = "tessera"


class AccountSettings(AuthSettings):
    """The floors of the hash are those of OWASP's password storage advice: 19 MiB, two passes, one lane."""

    table: str
    pepper: str
    mail_key: str
    owner_email: str = ""
    sign_up: Literal["open", "closed"] = "open"
    clients: str = "web mobile cli"
    hash_memory_kib: int = Field(65_536, ge=19_456)
    hash_time: int = Field(3, ge=2)
    password_min: int = Field(12, ge=8)
    floor_ms: int = Field(350, ge=0)
    floor_step_ms: int = Field(50, ge=1)
    refresh_grace_seconds: int = Field(10, ge=0, le=60)
    refresh_idle_days: int = Field(14, ge=1)
    refresh_absolute_days: int = Field(90, ge=1)

    @property
    def client_ids(self) -> frozenset[str]:
        return frozenset(self.clients.split())

    @property
    def base(self) -> str:
        """Where links point: from the configuration, never from a request's Host."""
        return (self.public_base_url or self.issuer).rstrip("/")
