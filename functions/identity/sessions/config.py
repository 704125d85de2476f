"""What `sessions` is told. The defaults are those of NIST SP 800-63B for a second assurance level, or shorter."""

from pydantic import Field

from tessera.auth.settings import AuthSettings

from .rules import Lives

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000


class SessionSettings(AuthSettings):
    table: str
    idle_minutes: int = Field(30, ge=15)
    absolute_hours: int = Field(12, ge=1)
    remember_idle_days: int = Field(14, ge=1)
    remember_absolute_days: int = Field(60, ge=1, le=365)
    max_sessions: int = Field(10, ge=1, le=20)
    clients: str = "web mobile cli"

    def lives(self, *, remember: bool) -> Lives:
        if remember:
            return Lives(idle=self.remember_idle_days * _DAY, absolute=self.remember_absolute_days * _DAY)
        return Lives(idle=self.idle_minutes * _MINUTE, absolute=self.absolute_hours * _HOUR)

    @property
    def client_ids(self) -> frozenset[str]:
        return frozenset(self.clients.split())

    @property
    def longest_ms(self) -> int:
        return max(self.lives(remember=remember).absolute for remember in (True, False))
