"""What can be known of `Api` without a server; tests/live/sandbox asks a real one."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubetalk.errors import SandboxError
from kubetalk.sandbox.api import Api
from kubetalk.sandbox.resources import DRAWN, Resource


def kubeconfig(folder: Path, cluster: dict[str, Any], user: dict[str, Any]) -> Path:
    path = folder / "kubeconfig"
    named = {"clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}]}
    contexts = [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
    path.write_text(yaml.safe_dump({**named, "contexts": contexts, "current-context": "x"}), encoding="utf-8")
    return path


CLUSTER = {"server": "https://127.0.0.1:6443", "certificate-authority-data": "x"}
USER = {"client-certificate-data": "x", "client-key-data": "x"}


@pytest.mark.parametrize(
    ("cluster", "user"),
    [
        ({**CLUSTER, "proxy-url": "http://127.0.0.1:1"}, USER),
        ({**CLUSTER, "tls-server-name": "elsewhere"}, USER),
        ({"server": "https://127.0.0.1:6443", "insecure-skip-tls-verify": True}, USER),
        (CLUSTER, {**USER, "as": "somebody"}),
        (CLUSTER, {"token": "t"}),
        (CLUSTER, {"exec": {"command": "aws"}}),
    ],
)
def test_what_only_kubectl_can(cluster: dict[str, Any], user: dict[str, Any], tmp_path: Path) -> None:
    assert Api.of(kubeconfig(tmp_path, cluster, user)) is None


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "contexts: []\ncurrent-context: x\n"])
def test_no_kubeconfig_at_all(text: str, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(text, encoding="utf-8")
    assert Api.of(tmp_path / "kubeconfig") is None


def test_a_kubeconfig_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="cannot be read"):
        Api.of(tmp_path / "missing")


def test_certificates_that_are_none_leave_no_file(tmp_path: Path) -> None:
    data = base64.b64encode(b"not a certificate").decode()
    path = kubeconfig(tmp_path, {**CLUSTER, "certificate-authority-data": data}, dict.fromkeys(USER, data))
    with pytest.raises(SandboxError, match="certificates of the sandbox's kubeconfig cannot be used"):
        Api.of(path)
    assert list(tmp_path.iterdir()) == [path]


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    api = Api(f"https://127.0.0.1:{port}", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    with pytest.raises(SandboxError, match=r"does not answer GET /version: .*refused"):
        api.get("/version")


def test_somebody_else_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                with connection:
                    connection.recv(1024)
                    connection.sendall(b"SSH-2.0\r\n")

        threading.Thread(target=answer, daemon=True).start()
        api = Api(f"https://127.0.0.1:{server.getsockname()[1]}", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        with pytest.raises(SandboxError, match="does not answer GET /version"):
            api.get("/version")


def test_the_names_of_resources() -> None:
    assert (Resource("pods").name, Resource("pods").path) == ("pods", "/api/v1/pods")
    deployments = next(resource for resource in DRAWN if resource.plural == "deployments")
    assert (deployments.name, deployments.path) == ("deployments.v1.apps", "/apis/apps/v1/deployments")
