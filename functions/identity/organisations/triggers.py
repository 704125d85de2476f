"""What reaches `organisations` other than HTTP: nothing yet. Its erasure is an internal route."""

from tessera.triggers import Entries

ENTRIES = Entries()
