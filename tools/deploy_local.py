"""`make deploy-local`: bring the running stack up to date. `C=tasks` replaces one capability's code alone."""

import os
import shutil
import sys

from tools import cloud, layers, processes, registry, sam, stack
from tools.paths import RUN
from tools.say import Failure, Steps, explain


def main() -> int:
    cloud.leave_accounts()
    wanted, steps = os.environ.get("C", ""), Steps()
    try:
        facts = stack.running(RUN)
        if wanted:
            replace_code(facts, registry.named(wanted), steps)
        else:
            deploy_everything(facts, steps)
    except LookupError as unknown:
        explain("deploy-local", Failure(str(unknown.args[0])))
        return 1
    except Failure as failure:
        if failure.remedy.startswith("Start one"):
            explain("deploy-local", failure)
        return 1
    return 0


def replace_code(facts: stack.Facts, capability: registry.Capability, steps: Steps) -> None:
    """Build the capability's functions and hand their code to the emulator, which starts fresh workers for them."""
    if not capability.functions:
        raise LookupError(f"No function of template.yaml has its code in {capability.folder.name}.")
    for logical_id in capability.functions:
        with steps.step(logical_id):
            artifact = RUN / stack.REPLACED / logical_id
            shutil.rmtree(artifact, ignore_errors=True)
            variables = {**cloud.environment(), **stack.build_variables(), "ARTIFACTS_DIR": str(artifact)}
            log = RUN / "logs" / "hot.log"
            command = ["make", f"build-{logical_id}"]
            processes.run(command, environment=variables, log=log, cwd=capability.folder.parent, what="The build")
            stack.replace_code(facts, logical_id, artifact)


def deploy_everything(facts: stack.Facts, steps: Steps) -> None:
    """`sam build` and `sam deploy` onto the running stack: for changed templates and layers."""
    with steps.step("layers"):
        pointers = layers.pointers()
    variables = {**stack.build_variables(), **pointers}
    with steps.step("build"):
        log = RUN / "logs" / "build.log"
        sam.build_if_changed(RUN / "build", variables=variables, parameters=facts.parameters, log=log)
    with steps.step("deploy"):
        stack.deploy(facts, RUN / "build", RUN / "logs" / "deploy.log")


if __name__ == "__main__":
    sys.exit(main())
