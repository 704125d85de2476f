"""How far the export of a room has come, told on the topic `job:{id}` to whoever has asked for it."""

from tessera.job_news import JobNews
from tessera.jobs import Job


class Progress(JobNews):
    def tell(self, job: Job, room_id: str) -> None:
        """1 request."""
        said = {"kind": "chat.export", "job_id": job.id, "room_id": room_id, "state": job.state.value}
        self.publish(job.id, {**said, "done": job.done, "total": job.total})
