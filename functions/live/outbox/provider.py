"""The port to whoever carries the mail, and its adapter to SES.

NotSent          the provider has said that it did not take the mail
├── Throttled    too fast, or the provider is unwell: try again, it does not count
├── Paused       nothing may be sent at all for now
├── Refused      this mail will never be taken
└── Failed       something else: it counts as an attempt
Unsure           no answer came: the mail may or may not have been taken
"""

from typing import Protocol, Self

from tessera import aws, clock
from tessera.settings import Bindings, Settings

from .letters import Letter

_RATE_SECONDS = 300
# Local emulators need no pacing, and an account's own rate is asked for; this one only bridges its absence.
_CAUTIOUS_RATE = 1.0

_THROTTLED = frozenset(["TooManyRequestsException", "LimitExceededException", "Throttling", *aws.THROTTLED])
_PAUSED = frozenset(["SendingPausedException", "AccountSuspendedException"])
_REFUSED = frozenset(
    ["MessageRejected", "MailFromDomainNotVerifiedException", "BadRequestException", "ValidationException"]
)
# SES v2 has no way to tell a repeated call from a new one, so nothing below us may repeat it.
_ONCE = {"mode": "standard", "total_max_attempts": 1}


class NotSent(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Throttled(NotSent):
    pass


class Paused(NotSent):
    pass


class Refused(NotSent):
    pass


class Failed(NotSent):
    pass


class Unsure(Exception):
    pass


class Provider(Protocol):
    def send(self, letter: Letter) -> str:
        """Hand the letter over, once; the provider's id of it comes back. Raises `NotSent` or `Unsure`."""
        ...

    def rate(self) -> float:
        """How many mails a second it takes."""
        ...


class SESSettings(Settings):
    configuration_set: str = ""
    # Above zero it is taken instead of what the account says.
    mail_rate: float = 0


class SESProvider:
    def __init__(self, configuration_set: str, rate: float) -> None:
        self._configuration_set, self._set_rate = configuration_set, rate
        self._known: tuple[float, float] | None = None

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(SESSettings)
        return cls(settings.configuration_set, settings.mail_rate)

    def send(self, letter: Letter) -> str:
        tags = {**letter.tags, "mail_id": letter.mail_id, "attempt": str(letter.attempt), "category": letter.category}
        request = {
            "FromEmailAddress": letter.sender,
            "Destination": {
                "ToAddresses": list(letter.to),
                "CcAddresses": list(letter.cc),
                "BccAddresses": list(letter.bcc),
            },
            "Content": {"Raw": {"Data": letter.mime()}},
            "EmailTags": [{"Name": name, "Value": value} for name, value in tags.items()],
        }
        if self._configuration_set:
            request["ConfigurationSetName"] = self._configuration_set
        try:
            return str(aws.client("sesv2", retries=_ONCE, read_timeout=20).send_email(**request)["MessageId"])
        except aws.ClientError as error:
            raise refusal(error) from error
        except aws.NotReached as error:
            raise Throttled(type(error).__name__) from error
        except aws.BotoCoreError as error:
            raise Unsure(type(error).__name__) from error

    def rate(self) -> float:
        """0 requests, and 1 every five minutes."""
        if self._set_rate:
            return self._set_rate
        now = clock.monotonic()
        if self._known is None or self._known[0] <= now:
            self._known = (now + _RATE_SECONDS, _account_rate())
        return self._known[1]


def _account_rate() -> float:
    try:
        quota = aws.client("sesv2", retries=_ONCE).get_account().get("SendQuota", {})
    except (aws.ClientError, aws.BotoCoreError):
        return _CAUTIOUS_RATE
    return float(quota.get("MaxSendRate") or _CAUTIOUS_RATE)


def refusal(error: aws.ClientError) -> NotSent:
    """What an answer of SES that is an error means for the mail."""
    code, status = aws.code_of(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _PAUSED:
        return Paused(code)
    if code in _THROTTLED or status >= 500:
        return Throttled(code)
    return Refused(code) if code in _REFUSED else Failed(code)
