"""The table of the mail worker, one class per thing that is kept."""

from tessera.settings import Bindings
from tessera.tables import Table

from .bodies import Bodies
from .guard import Guard as Guard
from .listing import Listing as Listing
from .listing import News as News
from .listing import Place as Place
from .mails import Mails as Mails
from .pace import Pace as Pace
from .pace import Slot as Slot
from .rows import OutboxSettings as OutboxSettings
from .rows import ReceiptRow as ReceiptRow
from .rows import RecipientRow as RecipientRow
from .rows import mail_pk as mail_pk
from .rows import recipient_sk as recipient_sk
from .rows import suppression_of as suppression_of
from .suppressions import Contended as Contended
from .suppressions import Suppressions as Suppressions


class MailStore:
    """Everything that is kept, bound to one table."""

    def __init__(self, settings: OutboxSettings) -> None:
        self.table, self.settings = Table(settings.table), settings
        self.bodies = Bodies(self.table, settings.bucket)
        self.mails = Mails(self.table, self.bodies)
        self.listing = Listing(self.table, self.bodies)
        self.suppressions = Suppressions(self.table)
        self.pace = Pace(self.table)
        self.guard = Guard(self.table)

    @classmethod
    def bind(cls, bindings: Bindings) -> "MailStore":
        return cls(bindings.settings(OutboxSettings))
