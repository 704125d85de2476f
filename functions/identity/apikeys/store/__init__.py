from .keys import ApikeysSettings as ApikeysSettings
from .keys import KeyStore as KeyStore
