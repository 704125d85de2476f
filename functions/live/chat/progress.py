"""How far the export of a room has come, told on the topic `job:{id}` to whoever has asked for it."""

from tessera.job_news import JobNews
from tessera.jobs import Job


class Progress(JobNews):
    def tell(self, job: Job, room_id: str) -> None:
        """1 request."""
        self.stands(job, "chat.export", room_id=room_id)
