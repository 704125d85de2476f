"""`make localstack`: the same templates on LocalStack, for those who have a token and Docker."""

import os
import subprocess
import sys

from tools import cloud, deploy, sam
from tools.paths import ROOT, STATE
from tools.sam_local import require_docker
from tools.say import Failure, Steps, explain
from tools.stack import ARCHITECTURE, MAIL_FROM

ENDPOINT = "http://127.0.0.1:4566"
# How a container of LocalStack reaches LocalStack.
INSIDE = "http://localhost.localstack.cloud:4566"
COMPOSE = ["docker", "compose", "-f", str(ROOT / "localstack" / "compose.yaml")]


def main() -> int:
    cloud.leave_accounts()
    steps = Steps()
    try:
        if not os.environ.get("LOCALSTACK_AUTH_TOKEN"):
            raise Failure(
                "LOCALSTACK_AUTH_TOKEN is not set, and HTTP APIs are not in the free LocalStack.",
                remedy="Set it to your token and try again; or use `make run`, which needs neither.",
            )
        require_docker()
        with steps.step("containers"):
            if subprocess.call([*COMPOSE, "up", "--detach", "--wait"]) != 0:
                raise Failure("The containers did not start. What Docker printed says why.")
            cloud.make_artifact_bucket(ENDPOINT)
        parameters = {
            "Runtime": deploy.RUNTIME,
            "Architecture": ARCHITECTURE,
            "Stage": "localstack",
            "Endpoint": INSIDE,
            "MailFrom": MAIL_FROM,
        }
        variables = {
            "RUNTIME": deploy.RUNTIME,
            "ARCHITECTURE": ARCHITECTURE,
            "PYTHON": deploy.python_of(deploy.RUNTIME),
        }
        target, logs = STATE / "localstack" / "build", STATE / "localstack" / "logs"
        with steps.step("build"):
            sam.build(target, variables=variables, parameters=parameters, log=logs / "build.log")
        with steps.step("deploy"):
            sam.deploy(
                target,
                config="localstack",
                stack="tessera",
                parameters=parameters,
                endpoint=ENDPOINT,
                log=logs / "deploy.log",
            )
        print(
            f"\n  {cloud.outputs(ENDPOINT, 'tessera')['ApiUrl']}"
            "\n  Stop it: docker compose -f localstack/compose.yaml down"
        )
    except Failure as failure:
        if not failure.log:
            explain("localstack", failure)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
