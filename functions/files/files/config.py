"""What `files` is told by its template."""

from typing import Literal

from tessera.settings import Settings

GIB = 1024**3


class FilesSettings(Settings):
    """`scanner` looks for malware; above `scan_bytes` it does what `large_files` says."""

    table: str
    queue: str = ""
    quarantine: str
    clean: str
    scanner: Literal["local", "clamd", "guardduty"] = "local"
    clamd: str = ""
    scan_bytes: int = 100 * 1024 * 1024
    large_files: Literal["skip", "block", "async"] = "skip"
    quota_bytes: int = 5 * GIB
    max_bytes: int = 5 * 1024 * GIB
    max_pending: int = 1_000
    # Only whoever answers requests mails links.
    mail_key: str = ""
