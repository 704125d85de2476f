"""What `organisations` is told."""

from pydantic import Field

from tessera.auth.settings import AuthSettings


class OrganisationSettings(AuthSettings):
    """`seats` is what an organisation has until `subscriptions` says otherwise."""

    table: str
    seats: int = Field(100, ge=1)

    @property
    def base(self) -> str:
        """Where links point: from the configuration, never from a request's Host."""
        return (self.public_base_url or self.issuer).rstrip("/")
