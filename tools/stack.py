"""A whole local stack: emulator, deployment, front door. `make run` starts one, and so does `make test`."""

import contextlib
import fcntl
import io
import json
import os
import platform
import secrets
import shutil
import signal
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from tools import cloud, generated, layers, ports, processes, registry, sam
from tools.emulator import Emulator, is_idle
from tools.paths import DEMO, DEV, ROOT, RUN, RUNTIME, shown
from tools.ports import LOOPBACK
from tools.processes import Child
from tools.say import Failure, Steps
from tools.snapshot import Snapshot

ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
MAIL_FROM, REPLY_DOMAIN = "tessera@example.com", "reply.example.com"


# Beside its state: code that `make deploy-local C=` has put in place of what was deployed, by function.
REPLACED = "hot"
# What its state folder holds of the data that it began with: nothing, nothing yet, or all of it.
NONE, UNSAVED, SAVED = "none", "unsaved", "saved"


class AlreadyRunning(Exception):
    """Another stack holds this state folder. The argument is what is known of it."""


@dataclass(frozen=True)
class Facts:
    """What others need to know about a stack that runs; kept as `stack.json` in its folder."""

    stack: str
    door_port: int
    emulator_port: int
    pid: int
    edge_secret: str
    persist: bool
    children: tuple[tuple[int, float], ...] = ()
    deployed: str = ""
    data: str = SAVED

    @property
    def is_kept(self) -> bool:
        """Is there something in its state folder for the next start to go on with?"""
        return self.persist and self.data == SAVED

    def after_saving(self) -> Self:
        return replace(self, data=SAVED) if self.data == UNSAVED else self

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self.door_port}"

    @property
    def socket_url(self) -> str:
        return f"ws://{LOOPBACK}:{self.door_port}/live"

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.emulator_port}"

    def for_tests(self) -> dict[str, str]:
        """The variables by which the black-box suites find the stack."""
        return {
            "BASE_URL": self.base_url,
            "SOCKET_URL": self.socket_url,
            "AWS_ENDPOINT_URL": self.endpoint,
            "STACK": self.stack,
            "AWS_DEFAULT_REGION": cloud.REGION,
        }

    @property
    def parameters(self) -> dict[str, str]:
        return {
            "Runtime": RUNTIME,
            "Architecture": ARCHITECTURE,
            "Stage": "local",
            "Endpoint": self.endpoint,
            "PublicBaseUrl": self.base_url,
            "TrustedEdge": "door",
            "EdgeSecret": self.edge_secret,
            "MailFrom": MAIL_FROM,
            "ReplyDomain": REPLY_DOMAIN,
        }


class LocalStack:
    """A context manager: inside the block the stack answers, after it nothing of it is left."""

    def __init__(
        self,
        folder: Path,
        *,
        door_port: int,
        emulator_port: int = 0,
        stack: str = "tessera",
        persist: bool = False,
        forgets: bool = True,
        remembers: bool = False,
        quiet: bool = False,
    ) -> None:
        """One that `remembers` begins with what was deployed the last time, if that would be the same again.

        One that does not persist and `forgets` begins anew, also where an earlier one has kept its data.
        """
        self.folder, self.stack, self.persist, self.remembers = folder, stack, persist, remembers
        self.forgets = forgets
        self.steps = Steps(quiet=quiet)
        self._wanted_door, self._wanted_emulator = door_port, emulator_port
        self._lock: TextIO | None = None
        self._door: Child | None = None
        self._emulator: Emulator | None = None
        self._facts: Facts | None = None
        self._is_saved = False
        # Is there nothing in it yet but what the templates make?
        self.is_new = True

    @property
    def facts(self) -> Facts:
        assert self._facts is not None, "the stack was not started"
        return self._facts

    @property
    def emulator_pid(self) -> int:
        assert self._emulator is not None, "the stack was not started"
        return self._emulator.child.pid

    def __enter__(self) -> Self:
        self._hold()
        with contextlib.ExitStack() as undo:
            undo.callback(self._stop)
            self._start()
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def settle(self) -> None:
        """It has the data that it is to begin with: from now on there is something to keep."""
        if self.facts.data == NONE:
            self._note(replace(self.facts, data=UNSAVED))

    def watch(self) -> None:
        """Stay until a child ends, which is a failure, or until we are interrupted."""
        assert self._door is not None and self._emulator is not None
        children = [self._door, self._emulator.child]
        while True:
            for child in children:
                if not child.is_alive:
                    with self.steps.step("keep running"):
                        raise Failure(f"The {child.name} has ended by itself.", log=child.log)
            # There is nothing else to do: whoever started the stack wants it to stay.
            time.sleep(0.5)

    def _start(self) -> None:
        before = self._clear_away()
        with self.steps.check("the port"):
            self._require_port()
        with self.steps.check("the data"):
            self._require_leave(before)
        kept = before if self.persist and before and before.is_kept else None
        self.is_new = not (kept and kept.deployed)
        # What is deployed knows its port and its secret, so whoever goes on with it keeps to them.
        earlier = kept or (before if self.remembers else None)
        preferred = self._wanted_emulator or (earlier.emulator_port if earlier else 0) or ports.any_free()
        facts = Facts(
            stack=self.stack,
            door_port=self._wanted_door,
            emulator_port=ports.free_or_any(preferred),
            pid=os.getpid(),
            edge_secret=earlier.edge_secret if earlier else secrets.token_urlsafe(24),
            persist=self.persist,
            data=SAVED if kept else NONE,
        )
        with self.steps.step("documents, layers"), ThreadPoolExecutor(1) as beside:
            # On a new machine each takes some seconds, and neither needs the other.
            places = beside.submit(layers.pointers)
            generated.make()
            pointers = places.result()
        wanted = f"{layers.source_hash()} {facts.parameters}"
        self._emulator = Emulator(self.folder, facts.emulator_port, saves=self.persist or self.remembers)
        snapshot = Snapshot(self.folder / "deployed")
        is_restored = self.remembers and self.is_new and snapshot.made_from == wanted
        if is_restored:
            snapshot.restore(self._emulator.state)
        elif kept is None:
            self._emulator.forget()
        if kept is None:
            shutil.rmtree(self.folder / REPLACED, ignore_errors=True)
        self._emulator.start()
        self._note(replace(facts, children=self._children()))
        if is_restored or (kept and kept.deployed == wanted and not replaced_in(self.folder)):
            with self.steps.step(f"local cloud, {'with what it kept' if kept else 'as it was deployed before'}"):
                # It loads its modules while the emulator reads its state.
                self._start_door()
                self._emulator.wait()
        else:
            self._build_and_deploy(pointers)
            if self.remembers and self.is_new:
                with self.steps.step("to be remembered"):
                    self._remember(snapshot, wanted)
        self._note(replace(self.facts, deployed=wanted))
        with self.steps.step("front door"):
            assert self._door is not None
            self._door.wait_until(lambda: answers(f"{self.facts.base_url}/health"), seconds=30)

    def _require_leave(self, before: Facts | None) -> None:
        if before and before.is_kept and not self.persist and not self.forgets:
            remedy = "PERSIST=1 make run goes on with it, PERSIST=0 make run forgets it."
            raise Failure("An earlier run has kept its data here.", remedy=remedy)

    def _require_port(self) -> None:
        if reason := ports.refusal(self._wanted_door):
            remedy = f"Choose another: make run PORT={ports.any_free()}"
            raise Failure(f"Port {self._wanted_door} {reason}.", remedy=remedy)

    def _build_and_deploy(self, pointers: Mapping[str, str]) -> None:
        assert self._emulator is not None
        build_dir = self.folder / "build"
        logs = self.folder / "logs"
        with self.steps.step("build"):
            sam.build_if_changed(
                build_dir,
                variables={**build_variables(), **pointers},
                parameters=self.facts.parameters,
                log=logs / "build.log",
            )
        with self.steps.step("local cloud"):
            self._emulator.wait()
            cloud.make_artifact_bucket(self.facts.endpoint)
        with self.steps.step("deploy"):
            # It loads its modules meanwhile.
            self._start_door()
            deploy(self.facts, build_dir, logs / "deploy.log")

    def _remember(self, snapshot: Snapshot, made_from: str) -> None:
        """The emulator saves when it stops, so it is started once more."""
        assert self._emulator is not None
        self._emulator.stop()
        snapshot.keep(self._emulator.state, made_from)
        self._emulator.start()
        self._note(replace(self.facts, children=self._children()))
        self._emulator.wait()

    def _start_door(self) -> None:
        config = self.folder / "door.json"
        config.touch(mode=0o600)
        config.write_text(json.dumps(door_settings(self.facts, self.folder)))
        command: list[str | Path] = [DEV / "python", "-m", "localstack.door", config]
        environment = {**cloud.environment(), "PYTHONPATH": str(ROOT)}
        self._door = Child("front door", command, environment=environment, log=self.folder / "logs" / "door.log")
        self._note(replace(self.facts, children=self._children()))

    def _stop(self) -> None:
        # Whatever goes wrong in one of these, the others are done: last in, first out.
        with _uninterrupted(), contextlib.ExitStack() as ending:
            ending.callback(self._let_go)
            if self._emulator is not None:
                ending.callback(self._stop_emulator, self._emulator)
                ending.callback(self._wait_until_idle)
            if self._door is not None:
                ending.callback(self._door.stop, seconds=5)

    def _stop_emulator(self, emulator: Emulator) -> None:
        self._is_saved = emulator.stop(seconds=20 if self.persist else 1)

    def _let_go(self) -> None:
        if self._facts is not None:
            facts = self._facts.after_saving() if self._is_saved else self._facts
            self._note(replace(facts, pid=0, children=()))
        if not self.persist and self._emulator is not None:
            self._emulator.forget()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _wait_until_idle(self) -> None:
        """What is in flight would be lost: state is saved between messages, not within one."""
        if not self.persist or self._emulator is None or not self._emulator.answers():
            return
        idle, deadline = is_idle(self.facts.endpoint), time.monotonic() + 10
        while not idle() and time.monotonic() < deadline:
            # The emulator does not call when it has come to rest.
            time.sleep(0.2)

    def _hold(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            self._lock = None
            facts = read_facts(self.folder)
            raise AlreadyRunning(facts.base_url if facts else shown(self.folder)) from None

    def _clear_away(self) -> Facts | None:
        """End what a launcher that was killed has left behind; an emulator that is still there saves."""
        before = read_facts(self.folder)
        if before is None:
            return None
        ended = [processes.end(pid, started) for pid, started in before.children]
        if any(ended[:1]):
            return before.after_saving()
        if before.pid and before.persist and self.persist and not self.steps.quiet:
            print("  The last run was killed before it could save: what was changed in it is lost.", flush=True)
        return before

    def _children(self) -> tuple[tuple[int, float], ...]:
        found = [self._emulator.child] if self._emulator else []
        found += [self._door] if self._door else []
        return tuple((child.pid, child.started) for child in found)

    def _note(self, facts: Facts) -> None:
        self._facts = facts
        path = self.folder / "stack.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(facts)))


def running(folder: Path) -> Facts:
    """The facts of the stack that runs in this folder; a failure if none does."""
    facts = read_facts(folder)
    if facts is None or not facts.pid or not answers(f"{facts.base_url}/health"):
        raise Failure("No local stack is running.", remedy="Start one in another terminal: make run")
    return facts


def read_facts(folder: Path) -> Facts | None:
    try:
        found = json.loads((folder / "stack.json").read_text())
    except (OSError, ValueError):
        return None
    children = tuple((int(pid), float(started)) for pid, started in found.pop("children", ()))
    return Facts(**found, children=children)


def replaced_in(folder: Path) -> list[str]:
    """The functions whose code was replaced beside a deployment, which knows nothing of it."""
    return sorted(place.name for place in (folder / REPLACED).glob("*"))


def deploy(facts: Facts, build_dir: Path, log: Path) -> None:
    """`sam deploy` to the emulator, then what the emulator ignores of it."""
    sam.deploy(
        build_dir, config="local", stack=facts.stack, parameters=facts.parameters, endpoint=facts.endpoint, log=log
    )
    cloud.apply_cors(facts.endpoint, facts.stack, ["*"])
    folder = build_dir.parent
    for logical_id in replaced_in(folder):
        # It would stay as it was replaced, also where what is deployed is what was deployed before that.
        replace_code(facts, logical_id, build_dir / logical_id)
    shutil.rmtree(folder / REPLACED, ignore_errors=True)


def replace_code(facts: Facts, logical_id: str, artifact: Path) -> None:
    """Hand this code to the emulator, which starts fresh workers for it."""
    functions = cloud.client("lambda", facts.endpoint)
    name = registry.function_name(logical_id, facts.stack)
    functions.update_function_code(FunctionName=name, ZipFile=zipped(artifact))


def zipped(folder: Path) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return sink.getvalue()


def build_variables() -> dict[str, str]:
    """What the makefiles of functions and layers read."""
    return {"RUNTIME": RUNTIME, "ARCHITECTURE": ARCHITECTURE, "PYTHON": str(DEV / "python")}


def door_settings(facts: Facts, folder: Path) -> Mapping[str, object]:
    """What the front door is told; see `localstack/door/settings.py`."""
    return {
        "port": facts.door_port,
        "endpoint": facts.endpoint,
        "api_id": facts.stack,
        "socket_id": f"{facts.stack}-live",
        "stack": facts.stack,
        "edge_secret": facts.edge_secret,
        "capabilities": sorted(set().union(*(c.top_level for c in registry.capabilities()))),
        "folder": str(folder),
        "reply_domain": REPLY_DOMAIN,
        # A stack of the tests has users of its own.
        "demo": str(DEMO if folder == RUN else folder / "demo.json"),
    }


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=15) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """A second Ctrl-C while stopping must not leave processes behind."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
