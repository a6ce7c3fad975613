"""What Istio's documentation promises and a talk shows: installing, injecting, validating, rolling, removing."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path

import pytest

from kubetalk.errors import SandboxError
from kubetalk.model import Layer, SandboxRequest
from kubetalk.sandbox.embedded import EmbeddedProvider, EmbeddedSandbox
from tests.support.projects import eventually, programs_of

from .conftest import out, quiet, run

ROUTE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: web, namespace: demo}}
spec:
  hosts: [web]
  http:
  - route:
    - {{destination: {{host: web, subset: v1}}, weight: {0}}}
    - {{destination: {{host: web, subset: v2}}, weight: {1}}}
"""
DENIED = 'admission webhook "validation.istio.io" denied the request: configuration is invalid: weight -40 < 0'
# The promise is 3 s (plugins/sandbox/PROTOCOL.md). On a machine that other tests keep busy it may take longer.
LONGEST_SECONDS = 20.0
COLUMNS = "R:.status.containerStatuses[*].ready,I:.spec.initContainers[*].name"
READY = "kubectl get pods -n {0} --no-headers -o custom-columns=" + COLUMNS


def apply_route(one: int, other: int) -> str:
    return f"kubectl apply -f - <<'EOF'\n{ROUTE.format(one, other)}\nEOF\n"


def deployed(sandbox: EmbeddedSandbox, name: str, replicas: int = 3) -> float:
    """Seconds until a new Deployment in namespace demo is rolled out."""
    begun = time.monotonic()
    out(sandbox, f"kubectl create deployment {name} -n demo --image=nginx --replicas={replicas}")
    out(sandbox, f"kubectl rollout status deployment/{name} -n demo --timeout=60s")
    return time.monotonic() - begun


def istiods(sandbox: EmbeddedSandbox, binaries: Path) -> dict[int, str]:
    return {pid: line for pid, line in programs_of(binaries, "discovery").items() if str(sandbox.directory) in line}


def test_the_control_plane_is_there_and_answers(istio: EmbeddedSandbox, binaries: Path) -> None:
    assert "deployment.apps/istiod   1/1" in out(istio, "kubectl get deployments -n istio-system -o wide --show-kind")
    services = out(istio, "kubectl get services -n istio-system -o name")
    assert services.split() == ["service/istiod", "service/istiod-revision-tag-default"]
    assert len(istiods(istio, binaries)) == 1
    assert out(istio, "istioctl version").splitlines() == [
        "client version: 1.31.0",
        "control plane version: 1.31.0",
        "data plane version: none",
    ]
    # No proxy runs, so there is a heading and nothing below it.
    (heading,) = out(istio, "istioctl proxy-status").splitlines()
    assert heading.split() == ["NAME", "CLUSTER", "ISTIOD", "VERSION", "SUBSCRIBED", "TYPES"]
    assert len(out(istio, "kubectl get crd -o name").split()) == 15
    assert "✔ No issues found" in out(istio, "istioctl x precheck")
    assert "default" in out(istio, "istioctl tag list")
    memory = sum(part["pss"] for part in istio.status()["parts"]) / (1 << 20)
    names = [part["name"] for part in istio.status()["parts"]]
    assert "attendant" in names
    assert any(name.startswith("istiod-") for name in names)
    print(f"figure memory with istiod: {memory:.0f} MiB PSS")  # noqa: T201


def test_the_logs_are_istiods_own(istio: EmbeddedSandbox) -> None:
    # Its first lines are its flags, among them the pod's own.
    text = out(istio, "kubectl logs -n istio-system deployment/istiod")
    assert 'FLAG: --domain="cluster.local"' in text
    assert "status up" not in text
    # It logs every probe that comes too early; whoever waits for it here must not be seen in what it says.
    assert "discovery is not ready" not in text
    (last,) = out(istio, "kubectl logs -n istio-system deployment/istiod --tail=1").splitlines()
    assert last.split()[0].endswith("Z")
    refused = run(istio, "kubectl exec -n istio-system deployment/istiod -- ls")
    assert refused.returncode != 0
    assert "this pod is simulated" in refused.stdout


def test_pods_are_injected_when_they_are_created(istio: EmbeddedSandbox) -> None:
    out(istio, "kubectl create namespace plain")
    out(istio, "kubectl create deployment old -n plain --image=nginx && kubectl rollout status deployment/old -n plain")
    assert out(istio, READY.format("plain")).split() == ["true", "<none>"]
    out(istio, "kubectl label namespace plain istio-injection=enabled")
    assert out(istio, READY.format("plain")).split() == ["true", "<none>"]
    out(istio, "kubectl rollout restart deployment/old -n plain && kubectl rollout status deployment/old -n plain")
    out(istio, "kubectl wait --for=delete pod -n plain -l '!security.istio.io/tlsMode' --timeout=30s")
    assert out(istio, READY.format("plain")).split() == ["true", "istio-init,istio-proxy"]
    assert " 2/2 " in out(istio, "kubectl get pods -n plain --no-headers")
    image = "-o jsonpath='{.items[0].spec.initContainers[1].image}'"
    assert out(istio, f"kubectl get pods -n plain {image}") == "registry.istio.io/release/proxyv2:1.31.0"
    print(f"figure injected deployment with 3 replicas: {deployed(istio, 'web'):.2f} s")  # noqa: T201


def test_configuration_is_validated(istio: EmbeddedSandbox) -> None:
    assert DENIED in out(istio, apply_route(140, -40), status=1)
    assert "created" in out(istio, apply_route(90, 10))
    # Accepted, and still wrong: the subsets do not exist. 79 is the exit code for findings.
    text = out(istio, "istioctl analyze -n demo", status=79)
    assert (
        'Error [IST0101] (VirtualService demo/web) Referenced host+subset in destinationrule not found: "web+v2"'
        in text
    )
    text = out(istio, f"istioctl validate -f - <<'EOF'\n{ROUTE.format(140, -40)}\nEOF\n", status=1)
    assert "VirtualService/demo/web: weight -40 < 0" in text


def test_kube_inject_shows_what_would_be_injected(istio: EmbeddedSandbox) -> None:
    deployment = "kubectl create deployment web --image=nginx --dry-run=client -o yaml"
    assert "name: istio-proxy" in out(istio, f"{deployment} | istioctl kube-inject -f -")


def test_istiod_is_rolled(istio: EmbeddedSandbox, binaries: Path) -> None:
    (before,) = istiods(istio, binaries)
    out(istio, "kubectl rollout restart deployment/istiod -n istio-system")
    out(istio, "kubectl rollout status deployment/istiod -n istio-system --timeout=60s")
    eventually(lambda: len(istiods(istio, binaries)) == 1, 10, "the old istiod stays")
    assert before not in istiods(istio, binaries)
    deployed(istio, "after")
    assert out(istio, READY.format("demo")).split() == ["true", "istio-init,istio-proxy"] * 3
    assert DENIED in out(istio, apply_route(140, -40), status=1)
    # Another setting reaches the process: it is the container's own arguments.
    out(istio, "istioctl install --set profile=minimal --set values.global.logging.level=default:debug -y")
    text = out(istio, "kubectl logs -n istio-system deployment/istiod")
    assert 'FLAG: --log_output_level="default:debug"' in text


def test_an_istiod_that_dies_is_not_ready_until_it_is_back(istio: EmbeddedSandbox, binaries: Path) -> None:
    (victim,) = istiods(istio, binaries)
    os.kill(victim, signal.SIGKILL)
    pods = "kubectl get pods -n istio-system --no-headers"
    eventually(lambda: " 0/1 " in out(istio, pods), 10, "the pod is still ready")
    eventually(lambda: " 1/1 " in out(istio, pods), 30, "no new istiod")
    deployed(istio, "again", 1)


def test_two_revisions_side_by_side(istio: EmbeddedSandbox, binaries: Path) -> None:
    out(istio, "istioctl install --set profile=minimal --revision=canary -y")
    assert len(istiods(istio, binaries)) == 2
    out(istio, "kubectl create namespace canary && kubectl label namespace canary istio.io/rev=canary")
    out(
        istio,
        "kubectl create deployment web -n canary --image=nginx && kubectl rollout status deployment/web -n canary",
    )
    assert '"revision":"canary"' in out(istio, "kubectl get pods -n canary -o yaml")
    assert "canary" in out(istio, "istioctl tag set prod --revision canary && istioctl tag list")
    out(istio, "istioctl uninstall --revision canary -y")
    eventually(lambda: len(istiods(istio, binaries)) == 1, 10, "the canary stays")
    served = (istio.directory / "box" / "service-map").read_text(encoding="utf-8")
    assert "istiod-canary" not in served
    assert "istio-system/istiod:443=" in served


def test_uninstalling(istio: EmbeddedSandbox, binaries: Path) -> None:
    out(istio, apply_route(90, 10))
    assert "✔ Uninstall complete" in out(istio, "istioctl uninstall --revision default -y")
    eventually(lambda: not istiods(istio, binaries), 10, "istiod stays")
    eventually(
        lambda: (istio.directory / "box" / "service-map").read_text(encoding="utf-8") == "", 5, "a stale Service"
    )
    # The custom resource definitions stay, and what was made of them.
    assert len(out(istio, "kubectl get crd -o name").split()) == 15
    assert "web" in out(istio, "kubectl get virtualservices -n demo")
    assert out(istio, "kubectl get mutatingwebhookconfigurations").startswith("No resources found")
    deployed(istio, "plain", 1)
    assert out(istio, READY.format("demo")).split() == ["true", "<none>"]
    # Only --purge takes them, with every object.
    out(istio, "istioctl uninstall --purge -y")
    out(istio, "kubectl wait --for=delete crd --all --timeout=30s")
    assert out(istio, "kubectl get crd").startswith("No resources found")


def test_a_checkpoint_with_istio_comes_back_whole(istio: EmbeddedSandbox, binaries: Path) -> None:
    deployed(istio, "web")
    names = out(istio, "kubectl get pods -A -o name")
    uid = "kubectl get pods -n istio-system -o jsonpath='{.items[0].metadata.uid}'"
    before = out(istio, uid)
    istio.checkpoint("meshed")
    out(istio, "istioctl uninstall --purge -y && kubectl delete namespace istio-system demo --wait=false")
    begun = time.monotonic()
    istio.restore("meshed")
    print(f"figure restore with istiod: {time.monotonic() - begun:.2f} s")  # noqa: T201
    assert out(istio, "kubectl get pods -A -o name") == names
    assert out(istio, uid) == before
    assert len(istiods(istio, binaries)) == 1
    # At once, without a wait: the answer to `restore` promises it.
    assert DENIED in out(istio, apply_route(140, -40), status=1)
    deployed(istio, "more")
    assert out(istio, READY.format("demo")).split() == ["true", "istio-init,istio-proxy"] * 6
    assert "control plane version: 1.31.0" in out(istio, "istioctl version")


def test_helm_installs_the_charts(empty: EmbeddedSandbox, binaries: Path) -> None:
    assert "hub: registry.istio.io/release" in out(empty, "helm show values $ISTIO_CHARTS/istiod")
    for name, namespace, chart in (
        ("istio-base", "istio-system", "base"),
        ("istiod", "istio-system", "istiod"),
        ("istio-ingress", "istio-ingress", "gateway"),
    ):
        out(empty, f"helm install {name} $ISTIO_CHARTS/{chart} -n {namespace} --create-namespace --wait")
    charts = out(empty, "helm list -A")
    assert all(name in charts for name in ("base-1.31.0", "istiod-1.31.0", "gateway-1.31.0"))
    image = "-o jsonpath='{.items[0].spec.containers[0].image}'"
    assert out(empty, f"kubectl get pods -n istio-ingress {image}") == "registry.istio.io/release/proxyv2:1.31.0"
    assert "203.0.113." in out(empty, "kubectl get services -n istio-ingress")
    out(empty, "helm uninstall istiod -n istio-system && helm uninstall istio-base -n istio-system")
    eventually(lambda: not istiods(empty, binaries), 10, "istiod stays")
    assert len(out(empty, "kubectl get crd -o name").split()) == 15


def test_the_default_profile_has_a_gateway_and_autoscalers(empty: EmbeddedSandbox) -> None:
    out(empty, "istioctl install -y")
    assert out(empty, "kubectl get hpa -n istio-system -o name").split() == [
        "horizontalpodautoscaler.autoscaling/istio-ingressgateway",
        "horizontalpodautoscaler.autoscaling/istiod",
    ]
    assert "203.0.113." in out(empty, "kubectl get service istio-ingressgateway -n istio-system")
    ready = out(empty, "kubectl get pods -n istio-system --no-headers")
    assert [line.split()[1] for line in ready.splitlines()] == ["1/1", "1/1"]


def test_the_gateway_api_on_request(provider: EmbeddedProvider, tmp_path: Path) -> None:
    request = SandboxRequest(istio=True, gateway_api=True)
    with provider.start(request, tmp_path, quiet) as sandbox:
        assert sandbox.facts == provider.facts(request)
        assert "gateways.gateway.networking.k8s.io" in out(sandbox, "kubectl get crd -o name")
        out(sandbox, "istioctl install --set profile=minimal -y")
        out(sandbox, "kubectl wait --for=condition=Accepted gatewayclass/istio --timeout=30s")
        gateway = (
            "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: front},"
            " spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}}"
        )
        out(sandbox, f"kubectl apply -f - <<< '{gateway}'")
        out(sandbox, "kubectl wait --for=condition=Programmed gateway/front --timeout=60s")
        assert "203.0.113." in out(sandbox, "kubectl get gateway front")
        out(sandbox, "kubectl rollout status deployment/front-istio --timeout=60s")


def test_without_istio_a_pod_of_istiod_says_what_is_missing(provider: EmbeddedProvider, tmp_path: Path) -> None:
    with provider.start(SandboxRequest(), tmp_path, quiet) as sandbox:
        out(sandbox, "kubectl run istiod --image=pilot --labels=app=istiod")
        eventually(lambda: "CreateContainerError" in out(sandbox, "kubectl get pods"), 10, "no error")
        text = out(sandbox, "kubectl get events --field-selector involvedObject.name=istiod")
        assert "no istiod process: the document needs `sandbox: {istio: available}`" in text
        assert run(sandbox, "istioctl version").returncode == 127


def test_the_death_of_the_attendant_is_told(provider: EmbeddedProvider, tmp_path: Path) -> None:
    with provider.start(SandboxRequest(istio=True), tmp_path, quiet) as sandbox:
        (attendant,) = (part["pid"] for part in sandbox.status()["parts"] if part["name"] == "attendant")
        os.kill(attendant, signal.SIGKILL)
        with pytest.raises(SandboxError, match="attendant ended with signal: killed"):
            eventually(sandbox.check, 10, "nobody noticed")


@pytest.mark.parametrize("phase", ["installing", "installed"])
def test_a_killed_supervisor_leaves_no_istiod(
    provider: EmbeddedProvider, binaries: Path, tmp_path: Path, phase: str
) -> None:
    sandbox = provider.start(SandboxRequest(istio=True), tmp_path, quiet)
    try:
        if phase == "installed":
            out(sandbox, "istioctl install --set profile=minimal -y")
        else:
            out(sandbox, "istioctl manifest generate --set profile=minimal > m.yaml; kubectl create ns istio-system")
            run(sandbox, "kubectl apply -f m.yaml")
        eventually(lambda: istiods(sandbox, binaries), 30, "no istiod")
        ours = [sandbox.pid, *(part["pid"] for part in sandbox.status()["parts"])]
        assert len(ours) > 7
        os.kill(sandbox.pid, signal.SIGKILL)
        # An istiod that processes.json does not list yet is not among ours, but has to go all the same.
        took = eventually(
            lambda: not set(ours) & set(programs_of(binaries)) and not istiods(sandbox, binaries),
            LONGEST_SECONDS,
            f"left: {ours}",
        )
        print(f"figure kill -9, {phase}: all gone {took:.2f} s later")  # noqa: T201
    finally:
        sandbox.close()


def test_a_layer_with_istio(provider: EmbeddedProvider, binaries: Path) -> None:
    """A session that begins on a layer finds a real istiod that injects and validates."""
    commands = (
        "istioctl install --set profile=minimal -y",
        "kubectl create namespace demo && kubectl label namespace demo istio-injection=enabled",
    )
    request = SandboxRequest(istio=True, layer=Layer("istio-minimal", commands))
    told: list[str] = []
    for _ in range(2):
        with tempfile.TemporaryDirectory(prefix="kt-istio-") as folder:
            begun = time.monotonic()
            with provider.start(request, Path(folder), told.append) as sandbox:
                started = time.monotonic() - begun
                assert len(istiods(sandbox, binaries)) == 1
                seconds = deployed(sandbox, "web")
                assert out(sandbox, READY.format("demo")).split() == ["true", "istio-init,istio-proxy"] * 3
                denied = run(sandbox, apply_route(140, -40))
                assert denied.returncode == 1
                assert DENIED in denied.stdout
                assert "✔ No issues found" in out(sandbox, "istioctl x precheck")
                out(sandbox, apply_route(80, 20))
                sandbox.checkpoint("routed")
                out(sandbox, "kubectl delete virtualservice web -n demo")
                sandbox.restore("routed")
                out(sandbox, "kubectl get virtualservice web -n demo")
            print(f"figure start on the layer: {started:.2f} s, 3 injected replicas: {seconds:.2f} s")  # noqa: T201
    assert sum("making layer" in line for line in told) == 1
