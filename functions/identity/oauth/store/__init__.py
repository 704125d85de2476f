from .answers import AnswerStore as AnswerStore
from .identities import IdentityStore as IdentityStore
from .providers import ProviderStore as ProviderStore
from .transactions import TransactionStore as TransactionStore
