"""What providers outside know us by: one secret holds all of it, written by a person.

It is an object of JSON with a member for each provider, `{"twilio": {…}, "akismet": {…}}`. A provider that is left
out is one that was not set up.
"""

import json
import threading
from collections.abc import Mapping
from typing import Any

from tessera import aws, clock

HOLD_MS = 300_000


class SecretUnread(Exception):
    """The secret cannot be read now, or is not what it should be."""


class Providers:
    """The secret of this name or ARN. Without a name nothing was set up."""

    def __init__(self, secret_id: str) -> None:
        self._secret_id = secret_id
        self._lock = threading.Lock()
        self._held: tuple[int, Mapping[str, Any]] | None = None

    def of(self, provider: str) -> Mapping[str, Any]:
        """What is written of one provider; empty for nothing. 1 request in five minutes. Raises `SecretUnread`."""
        if not self._secret_id:
            return {}
        with self._lock:
            now = clock.millis()
            if self._held is None or not 0 <= now - self._held[0] < HOLD_MS:
                self._held = now, _read(self._secret_id)
            found = self._held[1].get(provider) or {}
        if not isinstance(found, Mapping):
            raise SecretUnread("TypeError")
        return found


def _read(secret_id: str) -> Mapping[str, Any]:
    try:
        answer = aws.client("secretsmanager").get_secret_value(SecretId=secret_id)
        found = json.loads(answer["SecretString"])
    except (aws.ClientError, aws.BotoCoreError, ValueError, KeyError) as error:
        raise SecretUnread(type(error).__name__) from error
    if not isinstance(found, Mapping):
        raise SecretUnread("TypeError")
    return found
