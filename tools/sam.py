"""`sam build` and `sam deploy`: the commands a person runs for AWS, with this machine's particulars."""

import hashlib
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tools import cloud, layers, processes, templates
from tools.paths import BOOT, ROOT, SAM, STATE
from tools.say import Failure


def build(build_dir: Path, *, variables: Mapping[str, str], parameters: Mapping[str, str], log: Path) -> None:
    """Build everything into `build_dir`. Never one resource alone: the others would be shipped uncompiled."""
    command: list[str | Path] = [SAM, "build", "--build-dir", build_dir, "--parameter-overrides", *pairs(parameters)]
    environment = {
        **quiet(cloud.environment()),
        "UV": str(BOOT / "uv"),
        "SERVICES": " ".join(layers.services()),
        **variables,
    }
    processes.run(command, environment=environment, log=log, cwd=ROOT, what="`sam build`")


def build_if_changed(
    build_dir: Path, *, variables: Mapping[str, str], parameters: Mapping[str, str], log: Path
) -> None:
    """Build, unless what stands in `build_dir` was made from the same sources, for the same interpreter."""
    decisive = [layers.source_hash(), *sorted(variables.items()), parameters["Runtime"], parameters["Architecture"]]
    made_from = hashlib.sha256(repr(decisive).encode()).hexdigest()
    # SAM empties the folder before it builds, so what was left half built has no stamp.
    stamp = build_dir / ".made-from"
    if not stamp.exists() or stamp.read_text() != made_from:
        build(build_dir, variables=variables, parameters=parameters, log=log)
        for template in (*build_dir.glob("template.yaml"), *build_dir.glob("*/template.yaml")):
            # SAM reads it four times to deploy it: as JSON if it is that, and otherwise a character at a time.
            template.write_text(json.dumps(templates.parse(template.read_text())))
        stamp.write_text(made_from)


def deploy(
    build_dir: Path, *, config: str, stack: str, parameters: Mapping[str, str], endpoint: str, log: Path
) -> None:
    """Deploy what was built to the cloud at `endpoint`, under samconfig's table `config`."""
    command: list[str | Path] = [SAM, "deploy", "--config-env", config, "--stack-name", stack]
    command += ["--template-file", build_dir / "template.yaml"]
    command += ["--config-file", ROOT / "samconfig.toml", "--parameter-overrides", *pairs(parameters)]
    # It leaves an empty folder behind for everything it packs.
    with tempfile.TemporaryDirectory() as folder:
        environment = {**quiet(cloud.environment(endpoint)), "SAM_CLI_POLL_DELAY": "0.2", "TMPDIR": folder}
        try:
            processes.run(command, environment=environment, log=log, cwd=ROOT, what="`sam deploy`")
        except Failure as failure:
            failure.lines = cloud.why_failed(endpoint, stack)
            raise


def pairs(parameters: Mapping[str, str]) -> list[str]:
    return [
        f"{key}={json.dumps(value)}" if not value or " " in value else f"{key}={value}"
        for key, value in parameters.items()
    ]


def quiet(environment: Mapping[str, str]) -> dict[str, str]:
    """No telemetry, and no question to the package index whether there is a newer version."""
    home = STATE / "sam"
    home.mkdir(parents=True, exist_ok=True)
    (home / "metadata.json").write_text(json.dumps({"telemetryEnabled": False, "lastVersionCheck": time.time()}))
    return {**environment, "SAM_CLI_TELEMETRY": "0", "__SAM_CLI_APP_DIR": str(home)}
