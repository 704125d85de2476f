"""How far an upload has come, told on the topic `job:{file_id}` to whoever began it."""

from tessera.job_news import JobNews


class Progress(JobNews):
    """The news of a version: the job is to look at it."""

    def tell(self, file_id: str, *, n: int, state: str, reason: str | None = None) -> None:
        """Say in which state a version is. 1 request."""
        said = {"kind": "files.upload", "file_id": file_id, "n": n, "state": state, "reason": reason}
        self.publish(file_id, {name: value for name, value in said.items() if value is not None})
