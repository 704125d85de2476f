"""What `notifications` is told."""

from tessera.auth.settings import AuthSettings


class NotifySettings(AuthSettings):
    """`providers` is the secret with the credentials of providers; `stand_ins` is where a laptop serves theirs.

    A channel whose credentials are not there is one that nobody can be reached by.
    """

    table: str
    queue: str
    dead_queue: str
    email_queue: str
    sms_queue: str
    push_queue: str
    webhook_queue: str
    providers: str = ""
    stand_ins: str = ""
    sms_provider: str = "twilio"
    sms_daily_segments: int = 1_000
    vapid_contact: str = "mailto:tessera@example.com"

    @property
    def base(self) -> str:
        return (self.public_base_url or self.issuer).rstrip("/")

    def queue_of(self, channel: str) -> str:
        return str(getattr(self, f"{channel}_queue"))
