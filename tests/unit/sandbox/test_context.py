from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubetalk.errors import SandboxError
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.context import ContextProvider
from kubetalk.sandbox.pool import SandboxPool

from .conftest import FakeBinary

MINIFIED: dict[str, Any] = {
    "contexts": [{"name": "dev", "context": {"cluster": "dev", "user": "me"}}],
    "clusters": [{"name": "dev", "cluster": {"server": "https://127.0.0.1:6443"}}],
    "users": [{"name": "me", "user": {"token": "t"}}],
}


def listing(*items: dict[str, Any]) -> str:
    return json.dumps({"items": items})


def namespace(name: str, uid: str) -> dict[str, Any]:
    return {"kind": "Namespace", "metadata": {"name": name, "uid": uid}}


@pytest.fixture
def cluster(make_binary: Callable[..., FakeBinary]) -> FakeBinary:
    """A marked development cluster, as its kubectl tells it."""
    binary = make_binary()
    binary.answer(["config", "view"], json.dumps(MINIFIED))
    binary.answer(["get", "configmap"], "configmap/kubetalk-sandbox\n")
    server = {"serverVersion": {"gitVersion": "v1.36.2"}, "clientVersion": {"gitVersion": "v1.36.4"}}
    binary.answer(["version", "--output=json"], json.dumps(server))
    binary.answer(["version", "--template"], "v4.2.4\n")
    runtime = {"nodeInfo": {"containerRuntimeVersion": "containerd://2.1"}}
    binary.answer(["get", "nodes"], listing({"kind": "Node", "status": runtime}))
    binary.answer(["get", "namespaces"], listing(namespace("default", "1"), namespace("kube-system", "2")))
    return binary


@pytest.fixture
def provider(cluster: FakeBinary, tmp_path: Path) -> ContextProvider:
    source = tmp_path / "kubeconfig"
    source.write_text("{}", encoding="utf-8")
    settings = ProviderSettings("context", context="dev", kubeconfig=str(source), binaries=str(cluster.folder))
    return ContextProvider(settings)


def change(cluster: FakeBinary, words: list[str], text: str, code: int = 0) -> None:
    """Another answer than before to calls with those words."""
    cluster.answers.insert(0, (words, code, text))
    (cluster.folder / "answers").write_text(json.dumps(cluster.answers), encoding="utf-8")


def test_a_marked_cluster(provider: ContextProvider, runs: Path) -> None:
    request = SandboxRequest()
    assert provider.unavailable(request) == ""
    facts = provider.facts(request)
    assert facts.versions == {"kubernetes": "v1.36.2", "kubectl": "v1.36.4", "helm": "v4.2.4"}
    assert not facts.simulated
    with provider.start(request, runs, lambda _: None) as sandbox:
        assert sandbox.facts == facts
        kubeconfig = Path(sandbox.environment["KUBECONFIG"])
        assert json.loads(kubeconfig.read_text(encoding="utf-8")) == MINIFIED
        assert kubeconfig.stat().st_mode & 0o777 == 0o600
        assert (Path(sandbox.environment["PATH"].split(":")[0]) / "helm").exists()
        with pytest.raises(SandboxError, match="provider context has no checkpoints"):
            sandbox.checkpoint("a")
        with pytest.raises(SandboxError, match="no checkpoints"):
            sandbox.restore("a")
        with pytest.raises(SandboxError, match="no checkpoints"):
            sandbox.forget("a")


def test_kwok_nodes_are_simulated_whoever_runs_them(provider: ContextProvider, cluster: FakeBinary) -> None:
    runtime = {"nodeInfo": {"containerRuntimeVersion": "kwok://0.8.0"}}
    change(cluster, ["get", "nodes"], listing({"kind": "Node", "status": runtime}))
    assert provider.facts(SandboxRequest()).simulated


def test_without_the_marker_nothing_is_done(provider: ContextProvider, cluster: FakeBinary, runs: Path) -> None:
    change(cluster, ["get", "configmap"], "")
    reason = provider.unavailable(SandboxRequest())
    assert "is not marked as a sandbox, so nothing is run on it" in reason
    assert "kubectl -n kube-public create configmap kubetalk-sandbox --context dev" in reason
    with pytest.raises(SandboxError, match="is not marked"):
        provider.start(SandboxRequest(), runs, lambda _: None)
    with pytest.raises(SandboxError, match="is not marked"):
        provider.facts(SandboxRequest())


def test_a_production_like_name_is_refused_before_the_cluster_is_asked(
    provider: ContextProvider, cluster: FakeBinary
) -> None:
    told = json.loads(json.dumps(MINIFIED))
    told["clusters"][0]["name"] = "shop-prod"
    change(cluster, ["config", "view"], json.dumps(told))
    assert "'shop-prod' in context 'dev' looks like production" in provider.unavailable(SandboxRequest())
    assert [call["kubectl"][0] for call in cluster.seen()] == ["config"]


def test_credentials_from_a_program_are_refused(provider: ContextProvider, cluster: FakeBinary) -> None:
    told = MINIFIED | {"users": [{"name": "me", "user": {"exec": {"command": "gcloud"}}}]}
    change(cluster, ["config", "view"], json.dumps(told))
    assert "gets its credentials from a program" in provider.unavailable(SandboxRequest())


def test_nothing_is_implicit(cluster: FakeBinary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").write_text("{}", encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "real"))
    for settings in (
        ProviderSettings("context", binaries=str(cluster.folder)),
        ProviderSettings("context", context="dev", binaries=str(cluster.folder)),
    ):
        assert "uses nothing that is not named" in ContextProvider(settings).unavailable(SandboxRequest())
    settings = ProviderSettings("context", context="dev", kubeconfig=str(tmp_path / "none"))
    assert "does not exist" in ContextProvider(settings).unavailable(SandboxRequest())


def test_our_questions_see_nothing_of_the_host(
    provider: ContextProvider, cluster: FakeBinary, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "AWS_PROFILE", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "hostile")
    provider.facts(SandboxRequest())
    assert {name for call in cluster.seen() for name in call["environment"]} <= {
        "PATH",
        "HOME",
        "LANG",
        "TZ",
        "LC_CTYPE",
    }


def test_an_unknown_context(provider: ContextProvider, cluster: FakeBinary) -> None:
    change(cluster, ["config", "view"], 'error: cannot locate context "dev"\n', code=1)
    reason = provider.unavailable(SandboxRequest())
    assert "cannot be read from" in reason
    assert 'cannot locate context "dev". Correct' in reason


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (SandboxRequest(kubernetes="1.35"), "asks for Kubernetes 1.35, the cluster runs v1.36.2"),
        (SandboxRequest(istio=True), "there is no istioctl on PATH"),
        (SandboxRequest(gateway_api=True), "does not have its CRDs"),
    ],
)
def test_what_the_cluster_does_not_have(
    provider: ContextProvider, cluster: FakeBinary, runs: Path, request_: SandboxRequest, reason: str
) -> None:
    cluster.answer(["get", "customresourcedefinitions/"], "")
    assert reason in provider.unavailable(request_)
    with pytest.raises(SandboxError):
        provider.start(request_, runs, lambda _: None)


# What a session leaves behind


THERE = {"default": "1", "kube-system": "2"}


def now_there(cluster: FakeBinary, **more: str) -> None:
    """These namespaces (name to UID) are on the cluster beside those that were there before."""
    change(cluster, ["get", "namespaces"], listing(*(namespace(*one) for one in (THERE | more).items())))


def deleted(cluster: FakeBinary) -> list[list[str]]:
    """The namespaces of each deletion."""
    calls = [call["kubectl"] for call in cluster.seen() if "delete" in call.get("kubectl", ())]
    return [call[call.index("namespaces") + 1 : call.index("--wait=true")] for call in calls]


def test_only_namespaces_that_the_session_was_heard_to_create_are_deleted(
    provider: ContextProvider, cluster: FakeBinary, runs: Path
) -> None:
    cluster.answer(["delete", "namespaces"], "")
    told: list[str] = []
    with provider.start(SandboxRequest(), runs, told.append) as sandbox:
        now_there(cluster, shop="3", web="4", theirs="5", tried="6")
        sandbox.hear("namespace/shop created\nlimitrange/small created\n")
        sandbox.hear("namespace/default configured\nnamespace/tried created (server dry run)\n")
        sandbox.hear("deployment.apps/web created\nnamespace/web created\n")
    assert deleted(cluster) == [["shop", "web"]]
    (stay,) = (line for line in told if "appeared" in line)
    assert stay.startswith("sandbox: theirs tried appeared on the cluster meanwhile and no output shows")
    assert stay.endswith("`kubectl --context dev delete namespace theirs tried`")


def test_two_sessions_at_once_leave_each_other_alone(
    provider: ContextProvider, cluster: FakeBinary, runs: Path
) -> None:
    cluster.answer(["delete", "namespaces"], "")
    with provider.start(SandboxRequest(), runs, lambda _: None) as one:
        now_there(cluster, a="3")
        one.hear("namespace/a created\n")
        two = provider.start(SandboxRequest(), runs, lambda _: None)
        now_there(cluster, a="3", b="4", foreign="5")
        two.hear("namespace/b created\n")
    assert deleted(cluster) == [["a"]]
    now_there(cluster, b="4", foreign="5")
    two.close()
    assert deleted(cluster) == [["a"], ["b"]]


def test_a_namespace_that_somebody_made_anew_stays(provider: ContextProvider, cluster: FakeBinary, runs: Path) -> None:
    with provider.start(SandboxRequest(), runs, lambda _: None) as sandbox:
        now_there(cluster, shop="3")
        sandbox.hear("namespace/shop created\n")
        now_there(cluster, shop="4")
    assert deleted(cluster) == []


def test_nothing_appeared_nothing_is_deleted(
    provider: ContextProvider, cluster: FakeBinary, runs: Path, cache: Path
) -> None:
    told: list[str] = []
    provider.start(SandboxRequest(), runs, told.append).close()
    assert deleted(cluster) == []
    assert told == ["sandbox: using context dev"]
    assert list((cache / "claims" / "namespaces").iterdir()) == []


def test_what_cannot_be_deleted_is_told_and_tried_again(
    provider: ContextProvider, cluster: FakeBinary, runs: Path
) -> None:
    cluster.answer(["delete", "namespaces"], "error: timed out waiting for the condition\n", code=1)
    sandbox = provider.start(SandboxRequest(), runs, lambda _: None)
    now_there(cluster, shop="3")
    sandbox.hear("namespace/shop created\n")
    with pytest.raises(SandboxError, match="timed out waiting"):
        sandbox.close()
    change(cluster, ["delete", "namespaces"], "")
    assert provider.prune() == ("shop",)
    assert provider.prune() == ()
    assert deleted(cluster) == [["shop"], ["shop"]]


SESSION = """
import os, sys, time
from pathlib import Path
from kubetalk.model import ProviderSettings, SandboxRequest
from kubetalk.sandbox.context import ContextProvider
provider = ContextProvider(ProviderSettings("context", "dev", sys.argv[1], sys.argv[2]))
with provider.start(SandboxRequest(), Path(sys.argv[3]), lambda _: None) as sandbox:
    print("begun", flush=True)
    sandbox.hear(sys.stdin.readline())
    print("heard", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def session(provider: ContextProvider, cluster: FakeBinary, runs: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, in a session that has created the namespace `shop`."""
    cluster.answer(["delete", "namespaces"], "")
    arguments = [provider._settings.kubeconfig, str(cluster.folder), str(runs)]
    process = subprocess.Popen(
        [sys.executable, "-c", SESSION, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    now_there(cluster, shop="3", foreign="4")
    process.stdin.write("namespace/shop created\n")
    process.stdin.flush()
    assert process.stdout.readline() == "heard\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_session_that_is_terminated_cleans_up(
    session: subprocess.Popen[str], cluster: FakeBinary, number: signal.Signals
) -> None:
    session.send_signal(number)
    assert session.wait(30) == 128 + number
    assert deleted(cluster) == [["shop"]]


def test_what_a_killed_session_created_is_deleted_by_the_next(
    session: subprocess.Popen[str], provider: ContextProvider, cluster: FakeBinary, runs: Path
) -> None:
    assert provider.prune() == ()
    session.kill()
    session.wait()
    other = replace(provider._settings, context="other")
    assert ContextProvider(other).prune() == ()
    told: list[str] = []
    provider.start(SandboxRequest(), runs, told.append).close()
    assert deleted(cluster) == [["shop"]]
    assert "sandbox: deleted shop, which a killed build had left" in told


def test_its_sessions_have_no_spare(provider: ContextProvider, runs: Path) -> None:
    with SandboxPool(provider, runs, memory=lambda: 1 << 50) as pool:
        assert not pool.prepare(SandboxRequest())
