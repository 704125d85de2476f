"""What was decided about one request, and how it is told: headers, a problem, an event."""

from dataclasses import dataclass
from typing import Any, ClassVar

from tessera import clock
from tessera.auth.problems import AttemptsExhausted, LimitExceeded, QuotaExceeded, RateLimited
from tessera.policies import Policy
from tessera.quotas import Quota
from tessera.tallies import MICROS, Charge, State, Tally

# A read is charged for one request in so many, at so many times its cost.
SAMPLE = 10


@dataclass(frozen=True)
class Decision:
    """`state` is the bucket as it was seen last; `writes` is what the decision cost."""

    policy: Policy
    bucket: str
    charge: Charge
    state: State
    allowed: bool
    # False for a refusal, also for one that a policy in shadow mode lets pass.
    charged: bool = False
    writes: int = 0
    degraded: bool = False
    sampled: bool = False
    leased: bool = False
    # How long the process itself asks to wait, where it leases units.
    held_micros: int = 0

    @property
    def remaining(self) -> int:
        """Whole requests that would be admitted now."""
        return self.charge.left(self.state)

    @property
    def retry_after_micros(self) -> int:
        """0 when it was admitted."""
        return 0 if self.allowed else max(self.held_micros, self.charge.wait(self.state))

    @property
    def retry_after_seconds(self) -> int:
        return max(1, _up(self.retry_after_micros))

    @property
    def reset_after_micros(self) -> int:
        """Until nothing of the limits is used."""
        return max(figures.full_in for figures in self.charge.figures(self.state))

    def headers(self) -> dict[str, str]:
        """As structured fields (draft-ietf-httpapi-ratelimit-headers, RFC 9651)."""
        if self.policy.mode == "off":
            return {}
        quotas, states = [], []
        degraded = ";degraded=1" if self.degraded else ""
        sampled = f";sampled={SAMPLE}" if self.sampled else ""
        for tally, figures in zip(self.charge.tallies, self.charge.figures(self.state), strict=True):
            name = self._name_of(tally)
            again = _up(figures.full_in) if self.allowed else self.retry_after_seconds
            quotas.append(f'"{name}";q={figures.limit};w={figures.period_seconds}{sampled}{degraded}')
            states.append(f'"{name}";r={figures.left};t={again}{sampled}')
        return {"RateLimit-Policy": ", ".join(quotas), "RateLimit": ", ".join(states)}

    def legacy_headers(self) -> dict[str, str]:
        """The headers that older clients read, of the limit that is nearest to its end. Times are seconds from now."""
        if self.policy.mode == "off":
            return {}
        nearest = min(self.charge.figures(self.state), key=lambda figures: figures.left)
        return {
            "X-RateLimit-Limit": str(nearest.limit),
            "X-RateLimit-Remaining": str(nearest.left),
            "X-RateLimit-Reset": str(_up(nearest.full_in) if self.allowed else self.retry_after_seconds),
        }

    def problem(self) -> LimitExceeded:
        refusing = self.charge.refused_by(self.state) or self.charge.tallies
        names = tuple(self._name_of(tally) for tally in refusing)
        return self._kind(refusing)(self.retry_after_seconds, headers=self.headers(), policies=names)

    def _kind(self, refusing: tuple[Tally, ...]) -> type[LimitExceeded]:
        if any(isinstance(tally, Quota) for tally in refusing):
            return QuotaExceeded
        # An attempt that was reserved and refused is a guess too many; anything else is a request too many.
        return AttemptsExhausted if self.policy.refundable and not self.policy.per_address else RateLimited

    def _name_of(self, tally: Tally) -> str:
        return self.policy.name if len(self.charge.tallies) == 1 else f"{self.policy.name}/{tally.label}"


@dataclass(frozen=True)
class SubjectLimited:
    """Somebody was refused, for the first time in this minute. Who it was stands here as in the keys: hashed."""

    type: ClassVar[str] = "ratelimit.subject.limited.v1"

    policy: str
    kind: str
    subject: str
    minute: int
    mode: str

    def model_dump(self, *, mode: str) -> dict[str, Any]:
        at = clock.rfc3339(clock.from_millis(self.minute * 60_000))
        return {"policy": self.policy, "kind": self.kind, "subject": self.subject, "at": at, "mode": self.mode}


def _up(micros: int) -> int:
    return -(-micros // MICROS)
