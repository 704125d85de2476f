"""`make sam-local`: `sam local start-api` in Docker, on the tables of the running stack.

`sam local` shows logical ids where physical names belong, so every function's variables come from the deployed one.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tools import cloud, deploy, docker_bridge, ports, registry, sam, stack
from tools.paths import ROOT, RUN, SAM, STATE
from tools.say import Failure, Steps, explain


def main() -> int:
    cloud.leave_accounts()
    steps = Steps()
    try:
        require_docker()
        facts = stack.running(RUN)
        port = ports.free_or_any(ports.wanted(3000))
        target, runtime = STATE / "sam-local" / "build", os.environ.get("RUNTIME", deploy.RUNTIME)
        # Whole layers here: the local stack's only point into a folder that no container sees.
        variables = {"RUNTIME": runtime, "ARCHITECTURE": stack.ARCHITECTURE, "PYTHON": deploy.python_of(runtime)}
        parameters = {**facts.parameters, "Runtime": runtime}
        with steps.step("build"):
            sam.build(target, variables=variables, parameters=parameters, log=STATE / "sam-local" / "build.log")
            name_functions(target / "template.yaml", facts.stack)
        with docker_bridge.to_loopback(facts.emulator_port) as host:
            cloud_for_containers = f"http://{host}:{facts.emulator_port}"
            overrides = STATE / "sam-local.json"
            overrides.touch(mode=0o600)
            overrides.write_text(json.dumps(environment_overrides(facts, cloud_for_containers), indent=2))
            command: list[object] = [SAM, "local", "start-api", "--port", port, "--template", target / "template.yaml"]
            command += ["--env-vars", overrides, "--add-host", f"{docker_bridge.DESKTOP}:host-gateway"]
            command += ["--warm-containers", "LAZY", "--parameter-overrides", *sam.pairs(parameters)]
            command += ["--skip-pull-image"] if os.environ.get("SKIP_PULL") == "1" else []
            print(
                f"  `sam local` answers at http://127.0.0.1:{port} (there is no WebSocket API in it);"
                f" containers find the local cloud at {cloud_for_containers}",
                flush=True,
            )
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
        raise Failure("Docker is not installed.", remedy="This needs it; `make run` does all the same without.")
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        raise Failure("The Docker daemon does not answer.", remedy="Start it, then try again; or use `make run`.")


def name_functions(template: Path, stack_name: str) -> None:
    """Write the functions' names out: `sam local` finds none behind a route whose function's name is computed."""
    built = yaml.safe_load(template.read_text())
    for logical_id, resource in built["Resources"].items():
        if resource["Type"] == registry.FUNCTION:
            resource["Properties"]["FunctionName"] = registry.function_name(logical_id, stack_name)
    template.write_text(yaml.safe_dump(built, sort_keys=False))


def environment_overrides(facts: stack.Facts, cloud_for_containers: str) -> dict[str, dict[str, str]]:
    """Each function's variables as they are deployed, with the cloud where a container finds it."""
    functions = cloud.client("lambda", facts.endpoint)
    logical_ids = [name for capability in registry.capabilities() for name in capability.functions]
    found: dict[str, dict[str, str]] = {}
    for logical_id in logical_ids:
        name = registry.function_name(logical_id, facts.stack)
        configuration = functions.get_function_configuration(FunctionName=name)
        found[logical_id] = {
            **{
                name: value.replace(facts.endpoint, cloud_for_containers)
                for name, value in configuration["Environment"]["Variables"].items()
            },
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": cloud.REGION,
        }
    return found


if __name__ == "__main__":
    sys.exit(main())
