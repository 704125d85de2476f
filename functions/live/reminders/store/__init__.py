from .calendar import CalendarStore as CalendarStore
from .marks import Marks as Marks
from .reminders import AlreadyRan as AlreadyRan
from .reminders import Overtaken as Overtaken
from .reminders import RemindersSettings as RemindersSettings
from .reminders import ReminderStore as ReminderStore
from .secrets import SecretStore as SecretStore
