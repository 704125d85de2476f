"""What mails say: beside the mail while it is small, in the bucket when it is not."""

import hashlib

from tessera import aws, objects
from tessera.problems import PayloadTooLarge
from tessera.tables import Table
from tessera.transact import Step, putting

from ..drafts import Content
from .rows import BODY, BodyRow, mail_pk

# Well under DynamoDB's 400 KB for an item, and what a read of it costs stays bearable.
INLINE_BYTES = 200_000


class Bodies:
    def __init__(self, table: Table, bucket: str) -> None:
        self.table, self.bucket = table, bucket

    def putting(self, mail_id: str, content: Content, *, ttl: int) -> Step:
        """The step that keeps it. A large one is in the bucket before its mail exists, never after.

        1 request to S3 for a large one, whose object the bucket's own rule deletes.
        """
        text = content.dump()
        row = BodyRow(pk=mail_pk(mail_id), sk=BODY, ttl=ttl)
        if len(text.encode()) <= INLINE_BYTES:
            row.content = text
        elif not self.bucket:
            raise PayloadTooLarge(f"A mail may hold {INLINE_BYTES:,} bytes here.")
        else:
            # A key used again for other words is refused, and must not have replaced these by then.
            row.stored_at = f"outbox/{mail_id}/{hashlib.sha256(text.encode()).hexdigest()[:16]}"
            aws.client("s3").put_object(Bucket=self.bucket, Key=row.stored_at, Body=text.encode())
        return putting(self.table, row)

    def get(self, mail_id: str) -> Content | None:
        """1 request, and 1 to S3 for a large one. None when its time has run out."""
        row = self.table.get(BodyRow, mail_pk(mail_id), BODY)
        if row is None:
            return None
        if row.stored_at is None:
            return Content.load(row.content or "{}")
        # The bucket keeps it from when it was asked for, the row from when it is sent.
        stored = objects.read(self.bucket, row.stored_at)
        return Content.load(stored.decode()) if stored is not None else None

    def forget(self, mail_id: str) -> None:
        """The object of a large body; its row goes with the mail."""
        row = self.table.get(BodyRow, mail_pk(mail_id), BODY)
        if row is not None and row.stored_at:
            aws.client("s3").delete_object(Bucket=self.bucket, Key=row.stored_at)
