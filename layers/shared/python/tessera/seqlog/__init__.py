"""An exactly ordered log per topic: dense offsets from 1, and whoever sees one can read all before it.

    LOG#<topic>  HEAD          where the log stands
    LOG#<topic>  E#<offset>    one entry

An append is one transaction on the head and its entries, with whatever of the caller's own must happen
with it. The head carries `shards`, so that an append and the first listener cannot miss each other.
"""

from tessera.seqlog.log import Also as Also
from tessera.seqlog.log import LogContended as LogContended
from tessera.seqlog.log import SeqLog as SeqLog
from tessera.seqlog.log import no_more as no_more
from tessera.seqlog.rows import HEAD as HEAD
from tessera.seqlog.rows import Appended as Appended
from tessera.seqlog.rows import Entry as Entry
from tessera.seqlog.rows import EntryRow as EntryRow
from tessera.seqlog.rows import Head as Head
from tessera.seqlog.rows import HeadRow as HeadRow
from tessera.seqlog.rows import as_text as as_text
from tessera.seqlog.rows import entry_key as entry_key
from tessera.seqlog.rows import key_of as key_of
