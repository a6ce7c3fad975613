"""What an author's machine may have lying around changes neither what a session prints nor whom it speaks to."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.projects import Project

COMMANDS = (
    "kubectl get namespaces --output=name",
    "kubectl config current-context",
    "kubectl auth whoami --output=jsonpath='{.status.userInfo.username}'",
    "kubectl plugin list",
    "kubectl hello",
    "kubectl create deployment web --image=nginx --dry-run=client --output=name",
    "helm list --all-namespaces",
    "helm plugin list",
    "helm env HELM_NAMESPACE",
    "helm env HELM_KUBECONTEXT",
    "istioctl version --remote=false --output=json | head -n1",
    "istioctl analyze",
    "type -t kubectl helm istioctl grep ls",
    "alias",
    "ls -d /etc/passwd",
    "echo one | grep one",
    "env | cut -d= -f1 | sort",
    "echo ${POISON:-clean} $- $SHELLOPTS",
)
LIAR = "#!/bin/sh\necho hostile\n"


class Trap:
    """A port to which everything hostile points; whoever speaks to it was led astray."""

    def __init__(self) -> None:
        self.visits = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.visits += 1
            client.close()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)


@pytest.fixture
def trap() -> Iterator[Trap]:
    made = Trap()
    yield made
    made.close()


def hostile(folder: Path, port: int) -> dict[str, str]:
    """The variables of such a machine; the files they name are in the folder."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    # Plugins that would stand in for verbs, and tools that lie.
    for name in ("kubectl", "helm", "istioctl", "grep", "ls", "kubectl-hello", "kubectl-get", "kubectl-auth", "etcd"):
        (programs / name).write_text(LIAR, encoding="utf-8")
        (programs / name).chmod(0o755)
    startup = "export POISON=poisoned\nalias ls='echo hostile'\nkubectl() { echo hostile; }\necho hostile\n"
    home = folder / "home"
    for name in (".bashrc", ".bash_profile", ".profile", ".kube/kuberc", ".config/helm/plugins/x/plugin.yaml"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(startup, encoding="utf-8")
    server = f"https://127.0.0.1:{port}"
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "me", "namespace": "kube-system"}}],
        "clusters": [{"name": "prod", "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "me", "user": {"token": "t"}}],
    }
    (home / ".kube" / "config").write_text(yaml.safe_dump(kubeconfig), encoding="utf-8")
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    functions = ("kubectl", "helm", "istioctl", "grep", "env")
    return {
        "HOME": str(home),
        "KUBECONFIG": str(home / ".kube" / "config"),
        "KUBERC": str(home / ".kube" / "kuberc"),
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(port),
        "KUBERNETES_MASTER": server,
        "KUBECTL_EXTERNAL_DIFF": str(programs / "ls"),
        "KUBE_EDITOR": str(programs / "ls"),
        "HELM_KUBEAPISERVER": server,
        "HELM_KUBECONTEXT": "prod",
        "HELM_KUBETOKEN": "t",
        "HELM_NAMESPACE": "kube-system",
        "HELM_PLUGINS": str(home / ".config/helm/plugins"),
        "HELM_DRIVER": "sql",
        "HELM_DEBUG": "true",
        "ISTIOCONFIG": str(home / ".kube" / "config"),
        "ISTIOCTL_XDS_ADDRESS": f"127.0.0.1:{port}",
        "ISTIO_META_CLUSTER_ID": "prod",
        "ISTIOCTL_PREFER_EXPERIMENTAL": "true",
        "ETCD_LISTEN_CLIENT_URLS": f"http://0.0.0.0:{port}",
        "ETCD_NAME": "prod",
        "AWS_PROFILE": "prod",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "GOOGLE_APPLICATION_CREDENTIALS": str(home / ".profile"),
        "AZURE_CONFIG_DIR": str(home),
        "CDPATH": str(folder),
        "GREP_OPTIONS": "--invert-match",
        "PROMPT_COMMAND": "echo hostile",
        "SHELLOPTS": "errexit:noglob",
        "BASH_ENV": str(home / ".bashrc"),
        "ENV": str(home / ".bashrc"),
        **dict.fromkeys(proxies, f"http://127.0.0.1:{port}"),
        **{f"BASH_FUNC_{name}%%": "() { echo hostile; }" for name in functions},
    }


def in_a_container() -> list[str]:
    """Starts a command with the files of a service account where a container has them; empty if this is forbidden."""
    files = "run/secrets/kubernetes.io/serviceaccount"
    script = f"mount -t tmpfs none /run && mkdir -p /{files} && cd /{files} && echo t > token && echo x > namespace"
    script += f' && : > ca.crt && test -s /var/{files}/token && cd "$OLDPWD" && exec "$@"'
    prefix = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    try:
        done = subprocess.run([*prefix, "true"], capture_output=True, timeout=30, check=False)
    except OSError:
        return []
    return prefix if done.returncode == 0 else []


def record(folder: Path, binaries: Path, environment: Mapping[str, str], prefix: list[str]) -> dict[str, Any]:
    """What `kubetalk record` writes for a page with those commands."""
    project = Project(folder / "project", binaries)
    lines = "".join(f"$ {command} || true\n" for command in COMMANDS)
    project.write(
        {
            "docs/pages/note/page.yml": "title: {en: Note, ja: メモ}\nsandbox: {istio: available, nodes: 1}\n",
            "docs/pages/note/en.md": f'# Note\n\n```console live id="all"\n{lines}```\n',
            "docs/pages/note/ja.md": '# メモ\n\n```console ref="all"\n```\n',
        }
    )
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "kubetalk.cli", "record"],
        cwd=project.folder,
        env={**environment, "XDG_CACHE_HOME": str(folder / "cache"), "TMPDIR": str(project.temporary)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(project.temporary.iterdir()) == []
    project.temporary.rmdir()
    told = yaml.safe_load(project.read("docs/pages/note/recording.yml"))
    assert isinstance(told, dict)
    return told


def test_a_hostile_machine_changes_nothing(binaries: Path, tmp_path: Path, trap: Trap) -> None:
    calm = record(tmp_path / "calm", binaries, {"PATH": os.defpath, "HOME": str(tmp_path)}, [])
    variables = hostile(tmp_path / "hostile", trap.port)
    path = os.pathsep.join([str(tmp_path / "hostile" / "bin"), os.defpath])
    armed = subprocess.run(["/bin/bash", "-c", "helm"], env=variables, capture_output=True, text=True, check=True)
    assert armed.stdout == "hostile\nhostile\n"  # the startup file, the function
    container = in_a_container()
    print(f"figure hostile: {'with' if container else 'without'} the files of a service account")  # noqa: T201
    wild = record(tmp_path / "wild", binaries, {**variables, "PATH": path}, container)
    assert wild["blocks"] == calm["blocks"]
    assert wild["provenance"]["versions"] == calm["provenance"]["versions"]
    assert "hostile" not in str(wild["blocks"])
    assert trap.visits == 0
