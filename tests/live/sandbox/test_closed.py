"""Nobody else on the machine gets in: files, sockets, ports, and what another run gave out.

What only a running container could answer is refused too: tests/live/fidelity/simulated.py.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider, EmbeddedSandbox
from tests.support.projects import programs_of

from .conftest import out, quiet

NOBODY = 65534
# What each part would tell if it told anybody: content, metrics, and a way to run something.
PATHS = ("/", "/api/v1/secrets", "/metrics", "/version", "/pods", "/containerLogs/default/web/nginx", "/debug/pprof/")
# The scheduler says 404 where the others would say which version they are.
REFUSED = {401, 403, 404}


@pytest.fixture(scope="module")
def sandbox(settings: ProviderSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedSandbox]:
    """With everything that can listen: the control plane, an attendant, istiod."""
    runs = tmp_path_factory.mktemp("r")
    with EmbeddedProvider(settings).start(SandboxRequest(istio=True), runs, quiet) as sandbox:
        out(sandbox, "kubectl create deployment web --image=nginx && kubectl rollout status deployment web")
        out(sandbox, "istioctl install --set profile=minimal -y")
        yield sandbox


@pytest.fixture(scope="module")
def another(settings: ProviderSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedSandbox]:
    """Another run, from the same seed."""
    with EmbeddedProvider(settings).start(SandboxRequest(nodes=1), tmp_path_factory.mktemp("r"), quiet) as sandbox:
        yield sandbox


def test_no_file_can_be_read_by_others(sandbox: EmbeddedSandbox) -> None:
    assert stat.S_IMODE(sandbox.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((sandbox.directory / "box").stat().st_mode) == 0o700
    keys = [path for path in (sandbox.directory / "box" / "pki").rglob("*") if path.is_file()]
    keys += [Path(sandbox.environment["KUBECONFIG"]), sandbox.directory / "own" / "kubeconfig"]
    assert len(keys) > 8
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in keys} == {path.name: 0o600 for path in keys}
    # What a seed keeps for the next run holds no key, and is nobody else's business either.
    seeds = Path(os.environ["XDG_CACHE_HOME"]) / "kubetalk" / "seeds"
    assert stat.S_IMODE(seeds.stat().st_mode) == 0o700
    kept = [path for path in seeds.rglob("*") if path.is_file()]
    assert kept
    assert [path for path in kept if b"PRIVATE KEY" in path.read_bytes()] == []


def sockets(pid: int) -> set[str]:
    """The kernel's numbers of all sockets that a process holds."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


def listening(pid: int) -> set[tuple[str, int]]:
    """Address (hexadecimal, as the kernel writes it) and port of every TCP listener and every UDP socket of a process.

    A UDP socket that is connected is a question to somebody, not a listener.
    """
    own, found = sockets(pid), set()
    for table, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == state and fields[9] in own:
                address, port = fields[1].split(":")
                found.add((address, int(port, 16)))
    return found


def all_listening(sandbox: EmbeddedSandbox, binaries: Path) -> dict[str, set[tuple[str, int]]]:
    """By part; a process that is no part of any running sandbox of this run would be there under its command line."""
    names = {part["pid"]: part["name"] for part in sandbox.status()["parts"]}
    return {names.get(pid, line): listening(pid) for pid, line in programs_of(binaries).items()}


def test_every_listener_is_on_loopback(sandbox: EmbeddedSandbox, binaries: Path) -> None:
    found = all_listening(sandbox, binaries)
    (istiod,) = (name for name in found if name.startswith("istiod-"))
    assert {"supervisor", "etcd", "kube-apiserver", "kwok", "attendant"} <= set(found)
    assert len(found[istiod]) >= 5
    assert found["kube-apiserver"]
    # No port at all: Unix sockets in a private directory.
    assert found["etcd"] == set()
    assert {address for ports in found.values() for address, _ in ports} == {"0100007F"}


def addresses_of_this_machine() -> list[str]:
    """All but loopback."""
    found, previous = set(), ""
    for line in Path("/proc/net/fib_trie").read_text(encoding="ascii").splitlines():
        if "host LOCAL" in line and not previous.startswith("127."):
            found.add(previous)
        previous = line.rpartition("|-- ")[2]
    return sorted(found)


def test_a_scan_from_outside_finds_nothing(sandbox: EmbeddedSandbox, binaries: Path) -> None:
    ports = {port for listeners in all_listening(sandbox, binaries).values() for _, port in listeners}
    assert len(ports) >= 8
    reached = []
    for address in addresses_of_this_machine():
        for port in ports:
            with socket.socket() as client:
                client.settimeout(5)
                if client.connect_ex((address, port)) == 0:
                    reached.append((address, port))
    print(f"figure scan: {len(ports)} ports on {addresses_of_this_machine()}, reached {reached}")  # noqa: T201
    assert reached == []


def answers(port: int, context: ssl.SSLContext, headers: dict[str, str] | None = None) -> dict[str, int]:
    """The status of every path that is answered at all; a part that wants a certificate breaks the connection off."""
    found = {}
    for path in PATHS:
        connection = HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
        try:
            connection.request("GET", path, headers=headers or {})
            found[path] = connection.getresponse().status
        except (OSError, HTTPException):
            continue
        finally:
            connection.close()
    return found


def without_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def ports_of_kubernetes(sandbox: EmbeddedSandbox, binaries: Path) -> dict[str, int]:
    """All but istiod's, which answers to who asks on loopback as it does to every pod of a mesh."""
    found = all_listening(sandbox, binaries)
    return {
        name: port
        for name, listeners in found.items()
        for _, port in listeners
        if name in {part["name"] for part in sandbox.status()["parts"]} and not name.startswith("istiod-")
    }


def test_who_has_no_certificate_learns_nothing(sandbox: EmbeddedSandbox, binaries: Path) -> None:
    ports = ports_of_kubernetes(sandbox, binaries)
    assert {"kube-apiserver", "kube-scheduler", "kwok"} <= set(ports)
    for name, port in ports.items():
        told = answers(port, without_certificate())
        print(f"figure {name} to a stranger: {told or 'no connection'}")  # noqa: T201
        assert set(told.values()) <= REFUSED, name
        # Nor in plain text.
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(b"GET /api/v1/secrets HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"client sent an http request to an https server" in client.recv(4096).lower()
    assert answers(ports["kube-apiserver"], without_certificate()) == dict.fromkeys(PATHS, 401)


def test_anonymous_is_nobody(sandbox: EmbeddedSandbox) -> None:
    server = out(sandbox, "kubectl config view --minify -o jsonpath={..server}")
    for path in (
        "/healthz",
        "/livez",
        "/readyz",
        "/version",
        "/api",
        "/openapi/v3",
        "/.well-known/openid-configuration",
    ):
        assert out(sandbox, f"curl -sk -o /dev/null -w '%{{http_code}}' {server}{path}") == "401", path


def user_of(sandbox: EmbeddedSandbox) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cluster and user of the administrator's kubeconfig."""
    told = json.loads(out(sandbox, "kubectl config view --raw --minify -o json"))
    return told["clusters"][0]["cluster"], told["users"][0]["user"]


def test_what_one_run_gave_out_is_worth_nothing_in_the_next(
    sandbox: EmbeddedSandbox, another: EmbeddedSandbox, binaries: Path, tmp_path: Path
) -> None:
    (mine, _), (other, user) = user_of(sandbox), user_of(another)
    assert mine["certificate-authority-data"] != other["certificate-authority-data"]
    context = without_certificate()
    for name, key in (("client.crt", "client-certificate-data"), ("client.key", "client-key-data")):
        (tmp_path / name).write_bytes(base64.b64decode(user[key]))
    context.load_cert_chain(tmp_path / "client.crt", tmp_path / "client.key")
    port = int(mine["server"].rpartition(":")[2])
    assert set(answers(int(other["server"].rpartition(":")[2]), context).values()) & {200}
    for name, own in ports_of_kubernetes(sandbox, binaries).items():
        assert set(answers(own, context).values()) <= REFUSED, name
    token = {"Authorization": f"Bearer {out(another, 'kubectl create token default').strip()}"}
    assert set(answers(port, without_certificate(), token).values()) == {401}
    # The other way round it is one of its own, and gets as far as RBAC.
    assert 403 in answers(int(other["server"].rpartition(":")[2]), without_certificate(), token).values()


ATTEMPTS = """
import json, os, socket, sys
told = json.load(sys.stdin)
reached = []
for path in told["files"]:
    try:
        open(path, "rb").close()
        reached.append(path)
    except PermissionError:
        pass
for path in told["folders"]:
    try:
        reached += os.listdir(path)
    except PermissionError:
        pass
for path in told["sockets"]:
    try:
        socket.socket(socket.AF_UNIX).connect(path)
        reached.append(path)
    except PermissionError:
        pass
for pid in told["pids"]:
    for name in ("environ", "mem", "fd", "root", "cwd"):
        try:
            os.listdir(f"/proc/{pid}/{name}") if name in ("fd", "root", "cwd") else open(f"/proc/{pid}/{name}", "rb")
            reached.append(f"{pid}/{name}")
        except OSError:
            pass
print(json.dumps({"uid": os.getuid(), "reached": reached}))
"""


def python_for_nobody() -> str:
    """The one of this environment may lie in somebody's home."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run(
                [candidate, "-I", "-c", ""], user=NOBODY, group=NOBODY, extra_groups=[], timeout=60, check=False
            )
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    pytest.skip("no Python here that another user may run")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act for another user; what they may do: the modes, above")
def test_another_user_of_the_machine_gets_nowhere(sandbox: EmbeddedSandbox, binaries: Path) -> None:
    everything = [sandbox.directory, *sandbox.directory.rglob("*")]
    files = [str(path) for path in everything if path.is_file()]
    unix = [str(path) for path in everything if path.is_socket()]
    assert len(files) > 30
    assert any(name.endswith("etcd.sock") for name in unix)
    folders = [str(path) for path in everything if path.is_dir()]
    told = {"files": files, "folders": folders, "sockets": unix, "pids": list(programs_of(binaries))}
    done = subprocess.run(
        [python_for_nobody(), "-I", "-c", ATTEMPTS],
        cwd="/",
        env={},
        input=json.dumps(told),
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"uid": NOBODY, "reached": []}
