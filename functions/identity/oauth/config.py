"""What `oauth` is told."""

from typing import Literal

from tessera.auth.settings import AuthSettings


class OauthSettings(AuthSettings):
    """`return_to` are origins a sign-in may end at, besides those of our own pages.

    `demo_providers` is where the stand-ins of a laptop are; it counts nowhere else.
    """

    table: str
    provider_key: str
    return_to: str = ""
    demo_providers: str = ""
    # `on` keeps staff without a second factor from setting providers up.
    staff_factor: Literal["on", "off"] = "off"

    @property
    def base(self) -> str:
        """Where providers send people back to: from the configuration, never from a request's Host."""
        return (self.public_base_url or self.issuer).rstrip("/")

    def redirect_uri(self, provider_id: str) -> str:
        """One fixed text for each provider, whose id in it tells providers apart (RFC 9700 4.4)."""
        return f"{self.base}/oauth/{provider_id}/callback"
