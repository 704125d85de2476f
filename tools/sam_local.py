"""`make sam-local`: `sam local start-api` in Docker, on the tables of the running stack.

`sam local` shows logical ids where physical names belong, so every function's variables come from the deployed one.
"""

import json
import os
import shutil
import subprocess
import sys

from tools import cloud, deploy, ports, registry, sam, stack
from tools.paths import ROOT, RUN, SAM, STATE
from tools.say import Failure, Steps, explain


def main() -> int:
    steps = Steps()
    try:
        require_docker()
        facts = stack.running(RUN)
        overrides = STATE / "sam-local.json"
        overrides.touch(mode=0o600)
        overrides.write_text(json.dumps(environment_overrides(facts), indent=2))
        port = ports.free_or_any(int(os.environ.get("PORT") or 3000))
        target, runtime = STATE / "sam-local" / "build", os.environ.get("RUNTIME", deploy.RUNTIME)
        # Whole layers here: the local stack's only point into a folder that no container sees.
        variables = {"RUNTIME": runtime, "ARCHITECTURE": stack.ARCHITECTURE, "PYTHON": deploy.python_of(runtime)}
        parameters = {**facts.parameters, "Runtime": runtime}
        with steps.step("build"):
            sam.build(target, variables=variables, parameters=parameters, log=STATE / "sam-local" / "build.log")
        print(f"  `sam local` answers at http://127.0.0.1:{port} (there is no WebSocket API in it)", flush=True)
        command: list[object] = [SAM, "local", "start-api", "--port", port, "--template", target / "template.yaml"]
        # On the host's network a container reaches the emulator on loopback.
        command += ["--env-vars", overrides, "--docker-network", "host"]
        command += ["--parameter-overrides", *sam.pairs(parameters)]
        command += ["--skip-pull-image"] if os.environ.get("SKIP_PULL") == "1" else []
        environment = sam.quiet(cloud.environment())
        return subprocess.call([str(part) for part in command], cwd=ROOT, env=environment)
    except Failure as failure:
        if not failure.log:
            explain("sam-local", failure)
        return 1
    except KeyboardInterrupt:
        return 0


def require_docker() -> None:
    if shutil.which("docker") is None:
        raise Failure("Docker is not installed.", remedy="`sam local` needs it; `make run` does all the same without.")
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        raise Failure("The Docker daemon does not answer.", remedy="Start it, then try again; or use `make run`.")


def environment_overrides(facts: stack.Facts) -> dict[str, dict[str, str]]:
    """Each function's variables as they are deployed, with the emulator as its cloud."""
    functions = cloud.client("lambda", facts.endpoint)
    logical_ids = [name for capability in registry.capabilities() for name in capability.functions]
    found: dict[str, dict[str, str]] = {}
    for logical_id in logical_ids:
        name = registry.function_name(logical_id, facts.stack)
        configuration = functions.get_function_configuration(FunctionName=name)
        found[logical_id] = {
            **configuration["Environment"]["Variables"],
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": cloud.REGION,
        }
    return found


if __name__ == "__main__":
    sys.exit(main())
