"""Work on documents, in order for each of them: one group of messages per document."""

import hashlib
from typing import Any, Self

from tessera import aws, queues
from tessera.settings import Bindings

from .store.rows import SearchSettings


class Queue:
    def __init__(self, url: str, documents_url: str) -> None:
        self.url, self._documents_url = url, documents_url

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(SearchSettings)
        return cls(settings.queue, settings.documents_queue)

    def work(self, kind: str, doc: str, data: dict[str, Any], *, once: str) -> None:
        """Have something done with a document, after all that is to be done with it already. 1 request."""
        aws.client("sqs").send_message(
            QueueUrl=self._documents_url,
            MessageBody=queues.message(kind, data),
            MessageGroupId=_digest(doc),
            MessageDeduplicationId=_digest(f"{kind}#{doc}#{once}"),
        )

    def job(self, kind: str, data: dict[str, Any]) -> None:
        """Have long work begun or gone on with. 1 request."""
        queues.send(self.url, kind, data)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
