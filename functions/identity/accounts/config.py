"""What `accounts` is told, and the few limits below which nobody may configure it."""

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from tessera.auth.csrf import allowed_origins
from tessera.auth.settings import AuthSettings

PRODUCT = "tessera"


class AccountSettings(AuthSettings):
    """The floors of the hash are those of OWASP's password storage advice: 19 MiB, two passes, one lane."""

    table: str
    pepper: str
    mail_key: str
    factor_key: str
    passkey_domain: str = ""
    queue: str = ""
    bucket: str = ""
    owner_email: str = ""
    sign_up: Literal["open", "closed"] = "open"
    guests: Literal["on", "off"] = "on"
    # Whether the blog's RealWorld API may make accounts, by a sign-up that proves nothing.
    conduit: Literal["on", "off"] = "off"
    breach_list: Literal["off", "hibp"] = "off"
    breach_list_url: str = "https://api.pwnedpasswords.com/range"
    clients: str = "web mobile cli"
    hash_memory_kib: int = Field(65_536, ge=19_456)
    hash_time: int = Field(3, ge=2)
    password_min: int = Field(12, ge=8)
    floor_ms: int = Field(350, ge=0)
    floor_step_ms: int = Field(50, ge=1)
    refresh_grace_seconds: int = Field(10, ge=0, le=60)
    refresh_idle_days: int = Field(14, ge=1)
    refresh_absolute_days: int = Field(90, ge=1)
    deletion_grace_days: int = Field(30, ge=0, le=90)
    guest_idle_days: int = Field(30, ge=1)

    @property
    def client_ids(self) -> frozenset[str]:
        return frozenset(self.clients.split())

    @property
    def base(self) -> str:
        """Where links point: from the configuration, never from a request's Host."""
        return (self.public_base_url or self.issuer).rstrip("/")

    @property
    def rp_id(self) -> str:
        """The domain that passkeys are for. No browser makes one for an address, so that stands for `localhost`."""
        host = self.passkey_domain or urlsplit(self.base).hostname or "localhost"
        return "localhost" if _is_address(host) else host

    @property
    def passkey_origins(self) -> list[str]:
        """The pages that may ask for a passkey: our own, and those that `WEB_ORIGINS` names."""
        parts = urlsplit(self.base)
        port = f":{parts.port}" if parts.port else ""
        by_name = {f"{parts.scheme}://localhost{port}"} if _is_address(parts.hostname or "") else set()
        return sorted({f"{parts.scheme}://{parts.netloc}", *allowed_origins(self)} | by_name)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
