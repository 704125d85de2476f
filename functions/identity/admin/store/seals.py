"""A day's entries under one signature, each day chained to the one before."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Self

from tessera import aws, clock
from tessera.auth.audit import EntryRecorded
from tessera.expressions import is_new
from tessera.settings import Bindings
from tessera.tables import ConditionFailed, Table
from tessera.transact import putting, telling, transact

from .. import merkle
from ..config import AdminSettings
from .objects import Objects
from .rows import MAIN, SealedRow, SealRow, seal_pk

SEALS = "SYS#seals"
ALGORITHM = "ECDSA_SHA_256"
# What stands in the place of the day before, for the first day of all.
BEGINNING = "0" * 64


@dataclass(frozen=True)
class Seal:
    day: str
    count: int
    root: str
    previous: str
    signature: str
    key_id: str
    sealed_at: str

    @property
    def statement(self) -> dict[str, Any]:
        """What is signed."""
        return {"day": self.day, "count": self.count, "root": self.root, "previous": self.previous}

    @property
    def digest(self) -> str:
        """What the next day's seal names as the one before."""
        return merkle.leaf(self.statement).hex()


class SealStore:
    def __init__(self, table: Table, objects: Objects, *, key_id: str, lock_days: int) -> None:
        self.table, self.objects, self._key_id, self._lock_days = table, objects, key_id, lock_days

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        settings = bindings.settings(AdminSettings)
        return cls(
            Table(settings.table), bindings.get(Objects), key_id=settings.seal_key, lock_days=settings.seal_lock_days
        )

    def get(self, day: str) -> Seal | None:
        """1 read."""
        row = self.table.get(SealRow, seal_pk(day), MAIN)
        return _seal(row) if row else None

    def last_day(self) -> date | None:
        row = self.table.get(SealedRow, SEALS, MAIN)
        return date.fromisoformat(row.day) if row else None

    def keep(self, day: str, leaves: Sequence[tuple[str, str]], previous: str, told: EntryRecorded) -> Seal:
        """Sign and keep the seal of a day; a second seal of the same day gives back the first.

        1 request to KMS, 1 to S3, 1 transaction. The file lists every entry's hash, so that one can be named later.
        """
        unsigned = Seal(
            day=day,
            count=len(leaves),
            root=merkle.root(bytes.fromhex(digest) for _, digest in leaves).hex(),
            previous=previous,
            signature="",
            key_id=self._key_id,
            sealed_at=clock.rfc3339(clock.now()),
        )
        made = Seal(**{**vars(unsigned), "signature": self._sign(unsigned)})
        body = json.dumps({**vars(made), "entries": leaves}, separators=(",", ":"))
        self.objects.put(object_key(day), body.encode(), lock_days=self._lock_days)
        aws.fault_point("seal.file written")
        row = SealRow(pk=seal_pk(day), sk=MAIN, object_key=object_key(day), **vars(made))
        try:
            transact(
                putting(self.table, row, only_if=is_new()),
                putting(self.table, SealedRow(pk=SEALS, sk=MAIN, day=day)),
                telling(self.table, told),
            )
        except ConditionFailed as failed:
            return _seal(failed.old)
        return made

    def listed(self, day: str) -> tuple[Seal, list[tuple[str, str]]] | None:
        """The seal's file: the seal itself again, and the id and hash of every entry. None when it is gone."""
        body = self.objects.get(object_key(day))
        if body is None:
            return None
        try:
            found = json.loads(body)
            entries = [(str(key), str(digest)) for key, digest in found.pop("entries")]
            return Seal(**found), entries
        except (ValueError, TypeError, KeyError):
            return None

    def is_signed(self, seal: Seal) -> bool:
        """Whether our key has signed this. 1 request to KMS, for the public half."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        public = load_der_public_key(aws.client("kms").get_public_key(KeyId=self._key_id)["PublicKey"])
        assert isinstance(public, EllipticCurvePublicKey)
        try:
            public.verify(base64.b64decode(seal.signature), merkle.canonical(seal.statement), ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True

    def _sign(self, seal: Seal) -> str:
        answer = aws.client("kms").sign(
            KeyId=self._key_id,
            Message=merkle.canonical(seal.statement),
            MessageType="RAW",
            SigningAlgorithm=ALGORITHM,
        )
        return base64.b64encode(answer["Signature"]).decode()


def object_key(day: str) -> str:
    return f"admin/seals/{day}.json"


def day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def _seal(row: SealRow) -> Seal:
    return Seal(
        day=row.day,
        count=int(row.count),
        root=row.root,
        previous=row.previous,
        signature=row.signature,
        key_id=row.key_id,
        sealed_at=row.sealed_at,
    )
