"""What the auth layer and the limiter are told: the shared tables and the secret behind every MAC."""

from pydantic import Field

from tessera.settings import Settings


class AuthSettings(Settings):
    authfeed: str
    ratelimit: str
    apikeys: str = ""
    # Whether `X-API-Key` is read too, for clients that cannot send an Authorization header.
    x_api_key: bool = False
    mac_keys: str
    stack: str = ""
    access_token_seconds: int = Field(600, ge=300, le=900)
    rate_factor: int = Field(1, ge=1)
    limit_budget_ms: int = Field(80, ge=10)
    # How many times as long as on AWS another capability may take: a laptop under load is slower.
    patience: int = Field(1, ge=1)
    # Whether answers also carry the X-RateLimit-* headers that older clients read.
    x_ratelimit: bool = False
