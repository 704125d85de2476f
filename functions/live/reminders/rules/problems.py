"""What a reminder refuses.

Problem
├── BadCron            422 bad-cron              a cron schedule that cannot be read
├── BadRRule           422 bad-rrule             a recurrence rule that cannot be read
├── NeverFires         422 never-fires           nothing from now on, or nothing within 50 years
├── AtInPast           422 at-in-past            more than a minute ago
├── NotActive          409 reminder-not-active   paused, or at its end
├── NotPaused          409 reminder-not-paused
├── NothingNext        409 nothing-next          nothing that could be skipped or taken up again
└── TooMany            409 too-many              a bounded collection is full
"""

from tessera.problems import FieldError, InvalidRequest, Problem


class _Pointed(Problem):
    """One field is at fault, and it is named."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail, errors=[FieldError(pointer, detail)])


class BadCron(_Pointed):
    status, slug, title = 422, "bad-cron", "The cron schedule cannot be read"


class BadRRule(_Pointed):
    status, slug, title = 422, "bad-rrule", "The recurrence rule cannot be read"


class NeverFires(_Pointed):
    status, slug, title = 422, "never-fires", "It would never fire"


class AtInPast(_Pointed):
    status, slug, title = 422, "at-in-past", "The time has passed"


class NotActive(Problem):
    status, slug, title = 409, "reminder-not-active", "The reminder is not active"


class NotPaused(Problem):
    status, slug, title = 409, "reminder-not-paused", "The reminder is not paused"


class NothingNext(Problem):
    status, slug, title = 409, "nothing-next", "Nothing is to come"


class TooMany(Problem):
    status, slug, title = 409, "too-many", "There is no room for another one"


def refused(pointer: str, detail: str) -> InvalidRequest:
    """A fault of one field, which no schema can see alone."""
    return InvalidRequest(detail, errors=[FieldError(pointer, detail)])
