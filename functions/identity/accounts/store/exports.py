"""Exports: the item that names the last one, and its parts and its whole in the bucket."""

import json
from collections.abc import Mapping
from typing import Any, Self

from tessera import aws, clock, uploads
from tessera.expressions import is_free
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, putting

from ..config import AccountSettings
from ..rules import EXPORT_LIFE
from .life_rows import EXPORT, ExportRow
from .rows import expires_in, user_pk

PREFIX = "accounts/exports"
WHOLE = "everything.json"
MEDIA_TYPE = "application/json"


class ExportStore:
    def __init__(self, table: Table, bucket: str) -> None:
        self.table, self.bucket = table, bucket

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(AccountSettings)
        return cls(Table(settings.table), settings.bucket)

    def opening(self, user_id: str, job_id: str, *, taken: Exception) -> Step:
        """The step that lets one export run a day."""
        row = ExportRow(
            pk=user_pk(user_id),
            sk=EXPORT,
            job_id=job_id,
            exp=clock.millis() + int(EXPORT_LIFE.total_seconds() * 1000),
            ttl=expires_in(EXPORT_LIFE),
        )
        return putting(self.table, row, only_if=is_free(), refused=taken)

    def last(self, user_id: str) -> ExportRow | None:
        return self.table.get(ExportRow, user_pk(user_id), EXPORT)

    def done(self, user_id: str, job_id: str, key: str) -> bool:
        """Name the finished object. 1 write; False when the account was erased, or another export begun."""
        try:
            named = ExportRow.object_key.set(key)
            self.table.update(ExportRow, user_pk(user_id), EXPORT, named, only_if=ExportRow.job_id == job_id)
        except ConditionFailed:
            return False
        return True

    def keep_part(self, user_id: str, job_id: str, part: str, content: Any) -> None:
        """1 request to S3. A part that is kept again takes the place of the first."""
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        self._put(_key(user_id, job_id, f"{part}.json"), body)

    def join(self, user_id: str, job_id: str, head: Mapping[str, Any], parts: Mapping[str, int]) -> tuple[str, int]:
        """One object of `head` and every part, by capability: its key and its size. 2 requests to S3 a part."""
        fields = [(name, json.dumps(value, ensure_ascii=False)) for name, value in head.items()]
        used = []
        for name, pages in parts.items():
            texts = []
            for page in range(pages):
                used.append(_key(user_id, job_id, f"{name}-{page}.json"))
                texts.append(self._get(used[-1]))
            fields.append((name, _joined(texts)))
        text = "{" + ",\n".join(f"{json.dumps(name)}:{value}" for name, value in fields) + "}\n"
        key, body = _key(user_id, job_id, WHOLE), text.encode("utf-8", "replace")
        self._put(key, body)
        for part in used:
            self.forget(part)
        return key, len(body)

    def link(self, row: ExportRow, *, seconds: int) -> str:
        day = clock.from_millis(int(row.exp)) - EXPORT_LIFE
        name = f"tessera-{day:%Y-%m-%d}.json"
        return uploads.download_link(
            self.bucket, str(row.object_key), seconds=seconds, filename=name, media_type=MEDIA_TYPE
        )

    def forget(self, key: str) -> None:
        aws.client("s3").delete_object(Bucket=self.bucket, Key=key)

    def _put(self, key: str, body: bytes) -> None:
        aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=MEDIA_TYPE)

    def _get(self, key: str) -> str:
        return str(aws.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read(), "utf-8")


def _key(user_id: str, job_id: str, name: str) -> str:
    return f"{PREFIX}/{user_id}/{job_id}/{name}"


def _joined(pages: list[str]) -> str:
    """A single page as it is; several, which are lists, as one list."""
    if len(pages) == 1:
        return pages[0]
    return "[" + ",".join(inner for inner in (page.strip()[1:-1] for page in pages) if inner) + "]"
