"""What `admin` is told."""

from typing import Literal

from pydantic import Field

from tessera.auth.settings import AuthSettings


class StaffSettings(AuthSettings):
    """What is asked of those who come."""

    # `on` sends staff without a second factor to set one up.
    staff_factor: Literal["on", "off"] = "off"


class AdminSettings(StaffSettings):
    table: str
    queue: str = ""
    bucket: str = ""
    seal_key: str = ""
    # The user is told by mail that somebody of the staff has acted in their place.
    tell_of_impersonation: bool = True
    # Days for which a seal's file cannot be replaced; only in a bucket that has Object Lock.
    seal_lock_days: int = Field(0, ge=0, le=36_500)
    invitation_days: int = Field(7, ge=1, le=30)

    @property
    def base(self) -> str:
        """Where links point: from the configuration, never from a request's Host."""
        return (self.public_base_url or self.issuer).rstrip("/")
