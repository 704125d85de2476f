"""API keys: verified where they are used, with the item that `apikeys` keeps."""

from tessera.auth.call import Call
from tessera.auth.principal import Principal
from tessera.auth.problems import TokenInvalid

PREFIX = "tsk_"


def principal_of_key(call: Call, text: str) -> Principal:
    """The principal of a valid key. Raises `TokenInvalid` and what `Feed` raises."""
    raise TokenInvalid("API keys are not accepted yet")
