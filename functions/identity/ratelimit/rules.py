"""Whose bucket is meant, and what may not be asked.

Buckets of those who use the limiter as a service are apart from each other and from the product's own: the name of a
subject begins with its owner, and `tessera.user` and the like, which name the product's own, are for staff.
"""

from dataclasses import dataclass

from tessera.auth.problems import LimitExceeded
from tessera.problems import FieldError, InvalidRequest

# Namespaces of the product's own subjects: `tessera.user` holds users, and so on.
OWN_PREFIX = "tessera."
OWN_KINDS = frozenset(["user", "ip", "key"])

NAMESPACE_PATTERN = r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$"
POLICY_PATTERN = r"^[a-z0-9]+(?:[-.][a-z0-9]+)*(?::[a-z0-9]+(?:[-.][a-z0-9]+)*){0,3}$"
# An event item beside a bucket, which is no bucket itself.
BESIDE = "limited#"
INLINE = "inline/"


class LeasesExhausted(LimitExceeded):
    """As many are at it as may be at once."""

    slug, title = "leases-exhausted", "As many are at it as may be at once"


@dataclass(frozen=True)
class Subject:
    """Somebody's bucket, by whoever keeps it."""

    owner_id: str
    namespace: str
    key: str

    @property
    def is_own(self) -> bool:
        """Whether it is one of the product's own."""
        return self.namespace.startswith(OWN_PREFIX)

    @property
    def name(self) -> str:
        """As the limiter knows it."""
        if self.is_own:
            return f"{self.namespace.removeprefix(OWN_PREFIX)}:{self.key}"
        # The length of the first part keeps two owners apart whatever they write.
        return f"app:{len(self.owner_id)}:{self.owner_id}:{self.namespace}:{self.key}"


def for_use(owner_id: str, namespace: str, key: str) -> Subject:
    """The subject of a check or a lease. Raises `InvalidRequest` for a namespace of the product's own."""
    found = Subject(owner_id, namespace, key)
    if found.is_own:
        told = f"Namespaces that begin with {OWN_PREFIX} are the product's own."
        raise InvalidRequest(told, errors=[FieldError("/namespace", told)])
    return found


def is_known(subject: Subject) -> bool:
    """Whether there can be such a bucket."""
    return not subject.is_own or subject.namespace.removeprefix(OWN_PREFIX) in OWN_KINDS


def inline_name(period_s: int) -> str:
    """Two windows of one length are one limit that has changed; two of different lengths are two limits."""
    return f"{INLINE}{period_s}"
