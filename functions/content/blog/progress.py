"""How far an export or an import has come, told on the topic `job:{id}` to whoever asked for it."""

from tessera.job_news import JobNews
from tessera.jobs import Job


class Progress(JobNews):
    """The news of a job: what is left out here, the job itself says."""

    def tell(self, job: Job) -> None:
        """Say how a job stands. 1 request."""
        self.stands(job, f"blog.{job.kind}")
