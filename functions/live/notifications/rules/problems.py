"""What can be refused.

Problem
├── UnknownType          422 unknown-notification-type
├── DataInvalid          422 notification-data-invalid
├── TemplateInvalid      422 notification-template-invalid
├── TypeInvalid          422 notification-type-invalid
├── NumberWrong          422 phone-code-wrong
├── DeviceInvalid        422 device-invalid
├── TypeMandatory        409 notification-type-mandatory
├── BatchSent            409 batch-sent
├── NotRedrivable        409 delivery-not-dead
├── NoCodeAsked          409 phone-code-not-asked
└── UnsubscribeGone      410 unsubscribe-gone
"""

from tessera.problems import Problem


class UnknownType(Problem):
    status, slug, title = 422, "unknown-notification-type", "There is no such type of notification"


class DataInvalid(Problem):
    status, slug, title = 422, "notification-data-invalid", "The data does not fit the type"


class TemplateInvalid(Problem):
    status, slug, title = 422, "notification-template-invalid", "The template cannot be published"


class TypeInvalid(Problem):
    status, slug, title = 422, "notification-type-invalid", "The type cannot be kept like this"


class NumberWrong(Problem):
    status, slug, title = 422, "phone-code-wrong", "This is not the code that was sent"


class DeviceInvalid(Problem):
    status, slug, title = 422, "device-invalid", "The device cannot be reached like this"


class TypeMandatory(Problem):
    status, slug, title = 409, "notification-type-mandatory", "This type cannot be switched off"


class BatchSent(Problem):
    status, slug, title = 409, "batch-sent", "All of it has left"


class NotRedrivable(Problem):
    status, slug, title = 409, "delivery-not-dead", "The delivery is not a dead letter"


class NoCodeAsked(Problem):
    status, slug, title = 409, "phone-code-not-asked", "No code is waiting"


class UnsubscribeGone(Problem):
    status, slug, title = 410, "unsubscribe-gone", "This link is no longer good"
