from .endings import Endings as Endings
from .exchanges import ExchangeStore as ExchangeStore
from .openings import Openings as Openings
from .sessions import SessionStore as SessionStore
from .standing import Place as Place
