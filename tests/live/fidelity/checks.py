"""What a check is: a function with the page of documentation it holds the sandbox to, and a namespace to do it in."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubetalk.model import Sandbox

Condition = Callable[[Any], object]

DOCS = "kubernetes.io/docs/"
"""Pages that do not name a site are below this one."""

ISTIO = "istio.io/latest/docs/"
"""Pages of Istio's documentation."""

OWN = "docs/pages/sandbox/en.md"
"""Our own page, which says where the sandbox differs from the others; in this repository."""

SIMULATIONS = ("kubetalk.dev/", "sandbox-worker", "sandbox-control-plane")
"""What a command names when it needs simulated pods, or the embedded sandbox's own nodes."""

SIMULATED_GROUPS = ("simulated", "differs")
"""Modules that are about nothing else."""

SHOWN = 6000
"""Characters of a command and its output that a failure shows."""


class CheckFailedError(AssertionError):
    """What was expected, with the page, the command and what it printed."""


class OnlySimulatedError(Exception):
    """A check asks for something that only the embedded sandbox has."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of one page."""

    name: str
    page: str
    function: Callable[[Bench], None]
    first: bool
    alone: bool
    simulated: bool

    @property
    def namespace(self) -> str:
        """Where it happens; nobody else is there."""
        return self.name.replace("_", "-")[:60].rstrip("-")

    def run(self, sandbox: Sandbox) -> None:
        """Raises CheckFailedError; OnlySimulatedError where the sandbox does not simulate what the check needs."""
        bench = Bench(sandbox, self.namespace)
        try:
            self.function(bench)
        except AssertionError as error:
            told = bench.last if len(bench.last) < SHOWN else bench.last[:SHOWN] + "…"
            raise CheckFailedError(f"{str(error) or 'does not hold'}\n\npage: {self.page}\n{told}") from error
        finally:
            bench.run(f"command kubectl delete namespace {self.namespace} --wait=false --ignore-not-found")


CHECKS: list[Check] = []


def check(
    page: str, *, first: bool = False, alone: bool = False, simulated: bool = False, into: list[Check] = CHECKS
) -> Callable[[Callable[[Bench], None]], Check]:
    """Registers a function as a check, ``into`` a list.

    ``first``: it mostly waits, so it begins before the others. ``alone``: it measures time, or changes what others
    use, so nothing else may run. ``simulated``: it is about what the embedded sandbox simulates, and holds nowhere
    else; where its commands show that (`SIMULATIONS`) nothing needs to be said.
    """

    def register(function: Callable[[Bench], None]) -> Check:
        where = page if page.startswith(("helm.sh/", ISTIO, OWN)) else DOCS + page
        group = function.__module__.rpartition(".")[2]
        made = Check(function.__name__, where, function, first, alone, simulated or group in SIMULATED_GROUPS)
        assert made.namespace not in [other.namespace for other in into], made.name
        into.append(made)
        return made

    return register


class Bench:
    """A sandbox as one check sees it: commands happen in its namespace and in a folder of its own."""

    def __init__(self, sandbox: Sandbox, namespace: str) -> None:
        self.environment: Mapping[str, str] = sandbox.environment
        self.simulates = sandbox.facts.simulated
        self.namespace = namespace
        self.folder = Path(sandbox.environment["HOME"]) / "checks" / namespace
        self.folder.mkdir(parents=True, exist_ok=True)
        self.last = ""

    def run(self, command: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """A command line as a session runs it; kubectl and helm mean the check's namespace."""
        self._needs_no_simulation(command)
        tools = "".join(f'{tool}() {{ command {tool} -n {self.namespace} "$@"; }}\n' for tool in ("kubectl", "helm"))
        try:
            done = subprocess.run(
                ["/bin/bash", "--noprofile", "--norc", "-c", tools + command],
                env=dict(self.environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            self.last = f"command: {command}"
            raise CheckFailedError(f"no answer in {timeout:.0f} s: {error.stdout!r} {error.stderr!r}") from error
        self.last = f"command: {command}\nexit status: {done.returncode}\noutput:\n{done.stdout}{done.stderr}"
        return done

    def _needs_no_simulation(self, text: str) -> None:
        if not self.simulates and any(word in text for word in SIMULATIONS):
            raise OnlySimulatedError("needs simulated pods, or the nodes of the embedded sandbox")

    def out(self, command: str) -> str:
        """What a command prints that has to succeed."""
        done = self.run(command)
        assert done.returncode == 0, "the command fails"
        return done.stdout

    def refused(self, command: str, *texts: str) -> str:
        """What a command says that has to fail, with these texts in it."""
        done = self.run(command)
        assert done.returncode != 0, "the command should be refused"
        said = done.stdout + done.stderr
        for text in texts:
            assert text in said, f"{text!r} is not said"
        return said

    def get(self, what: str) -> Any:
        """`kubectl get WHAT -o json`."""
        return json.loads(self.out(f"kubectl get {what} -o json"))

    def names(self, what: str) -> list[str]:
        """The names of objects, in the API's order."""
        return [item["metadata"]["name"] for item in self.get(what)["items"]]

    def apply(self, manifest: str, verb: str = "apply") -> str:
        """Applies a manifest and returns what kubectl printed."""
        return self.out(heredoc(manifest, verb))

    def file(self, name: str, text: str) -> None:
        """A file in the check's folder, which commands run in."""
        self._needs_no_simulation(text)
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def until(self, what: str, condition: Condition, seconds: float = 60) -> Any:
        """Waits until `kubectl get WHAT -o json` is as it has to be, and returns it."""
        begun, pause = time.monotonic(), 0.1
        while True:
            done = self.run(f"kubectl get {what} -o json")
            found = json.loads(done.stdout) if done.returncode == 0 else None
            if found is not None and condition(found):
                return found
            assert time.monotonic() - begun < seconds, f"not so within {seconds:.0f} s"
            time.sleep(pause := min(pause * 1.5, 1.0))

    def watched(self, what: str, path: str, command: str) -> list[str]:
        """What a watch sees of an object's field while a command runs, one line per change."""
        watch = f"timeout 120 kubectl -n {self.namespace} get {what} --watch -o jsonpath='{path}{{\"\\n\"}}'"
        return self.out(
            f"{watch} > seen & watch=$!\nuntil [ -s seen ]; do sleep 0.1; done\n"
            f"{command} > said || {{ status=$?; cat said; }}\nsleep 0.5; kill $watch; cat seen; exit ${{status:-0}}"
        ).splitlines()

    def until_run(self, command: str, condition: Callable[[subprocess.CompletedProcess[str]], object]) -> str:
        """Repeats a command until it prints, or ends, as it has to; returns all it printed."""
        begun, pause = time.monotonic(), 0.1
        while True:
            done = self.run(command)
            if condition(done):
                return done.stdout + done.stderr
            assert time.monotonic() - begun < 60, "not so within 60 s"
            time.sleep(pause := min(pause * 1.5, 1.0))

    def gone(self, what: str) -> None:
        """Waits until an object is no more."""
        self.until_run(f"kubectl get {what}", lambda done: "NotFound" in done.stderr)

    def event(self, name: str, reason: str, text: str = "") -> dict[str, Any]:
        """Waits for an event about an object and returns it."""

        def wanted(found: dict[str, Any]) -> list[dict[str, Any]]:
            return [e for e in found["items"] if e["reason"] == reason and text in (e.get("message") or "")]

        found = self.until(f"events --field-selector involvedObject.name={name}", wanted)
        return wanted(found)[0]

    def node(self, name: str, *, labels: str = "", cpu: str = "4") -> None:
        """Adds a node of the check's own: tainted, so that no other check's pods go there, and labelled."""
        if not self.simulates:
            raise OnlySimulatedError("needs a simulated node")
        self.apply(
            f"{{apiVersion: v1, kind: Node, metadata: {{name: {name}, labels: {{check: {self.namespace},"
            f" kubernetes.io/hostname: {name}{labels and ', ' + labels}}}}},"
            f" spec: {{taints: [{{key: check, value: {self.namespace}, effect: NoSchedule}}]}},"
            f" status: {{capacity: {{cpu: '{cpu}', memory: 4Gi, pods: '20'}}}}}}"
        )
        self.out(f"kubectl wait --for=condition=Ready node/{name} --timeout=60s")
        # The controllers take their not-ready taint away a moment later.
        self.until(f"node {name}", lambda o: [t["key"] for t in o["spec"].get("taints", [])] == ["check"])


def heredoc(manifest: str, verb: str = "apply") -> str:
    """The command that hands a manifest to kubectl."""
    return f"kubectl {verb} -f - <<'EOF'\n{manifest.strip()}\nEOF"


def pod(name: str, *, simulate: str = "", labels: str = "", spec: str = "", annotations: str = "") -> str:
    """A pod with one container in flow style; ``spec``, ``labels`` and ``annotations`` are put in."""
    notes = ", ".join(filter(None, [simulate and f"kubetalk.dev/simulate: {simulate}", annotations]))
    return (
        f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, labels: {{{labels}}}, annotations: {{{notes}}}}},"
        f" spec: {{containers: [{{name: app, image: nginx}}]{spec and ', ' + spec}}}}}"
    )


def workload(
    kind: str, name: str, *, spec: str = "", pods: str = "", simulate: str = "", image: str = "nginx:1.28"
) -> str:
    """A Deployment, ReplicaSet, StatefulSet or DaemonSet; ``spec`` goes into its spec, ``pods`` into its pods'."""
    notes = simulate and f", annotations: {{kubetalk.dev/simulate: {simulate}}}"
    return (
        f"{{apiVersion: apps/v1, kind: {kind}, metadata: {{name: {name}}}, spec: {{{spec and spec + ', '}"
        f"selector: {{matchLabels: {{app: {name}}}}}, template: {{metadata: {{labels: {{app: {name}}}{notes}}},"
        f" spec: {{{pods and pods + ', '}containers: [{{name: app, image: '{image}'}}]}}}}}}}}"
    )


def mine(namespace: str, more: str = "") -> str:
    """The part of a pod's spec that sends it to the nodes of its check."""
    return (
        f"nodeSelector: {{check: {namespace}}},"
        f" tolerations: [{{key: check, operator: Equal, value: {namespace}, effect: NoSchedule}}{more and ', ' + more}]"
    )


def condition(found: dict[str, Any], kind: str) -> dict[str, Any]:
    """One condition of an object's status, empty when it has none such."""
    for entry in found["status"].get("conditions", []):
        if entry["type"] == kind:
            return entry
    return {}


def ready(found: dict[str, Any]) -> bool:
    """Whether a pod is Ready."""
    return bool(condition(found, "Ready").get("status") == "True")


def state(found: dict[str, Any], container: int = 0) -> dict[str, Any]:
    """The state of a pod's container, empty when the pod has none yet."""
    statuses = found["status"].get("containerStatuses") or []
    return statuses[container]["state"] if statuses else {}


def waiting(found: dict[str, Any], reason: str) -> bool:
    """Whether a pod's first container waits for that reason."""
    return bool(state(found).get("waiting", {}).get("reason") == reason)
