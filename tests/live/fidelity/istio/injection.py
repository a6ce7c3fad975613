"""Which pods get a proxy, and what it looks like. The decision is istiod's own, asked by the API server."""

from __future__ import annotations

import base64
import json

from tests.live.fidelity.checks import Bench, pod, ready, workload

from .mesh import FROM_INSTALLED, PROXY_IMAGE, SYSTEM, admitted, dry, inject, names, promise, proxy

SIDECARS = "setup/additional-setup/sidecar-injection/"
ANNOTATIONS = "reference/config/annotations/"
PROBLEMS = "ops/common-problems/injection/"
PROBED = "{httpGet: {path: /healthz, port: 8080}}"


@promise(f"{SIDECARS}#deploying-an-app")
def injection_happens_when_a_pod_is_created(t: Bench) -> None:
    t.apply(workload("Deployment", "web"))
    t.out("kubectl rollout status deployment/web --timeout=60s")
    inject(t)
    (old,) = t.get("pods")["items"]
    assert not proxy(old)
    t.out("kubectl delete pod -l app=web && kubectl rollout status deployment/web --timeout=60s")
    (new,) = t.until("pods", lambda o: [ready(p) for p in o["items"]] == [True])["items"]
    assert proxy(new)["image"] == PROXY_IMAGE
    assert t.out("kubectl get pods --no-headers").split()[1:3] == ["2/2", "Running"]
    # It is the pod that is changed, and nothing that made it.
    assert not proxy(t.get("deployment web")["spec"]["template"])


@promise(f"{SIDECARS}#controlling-the-injection-policy")
def the_label_of_a_pod_decides(t: Bench) -> None:
    assert not proxy(admitted(t, pod("p")))
    assert proxy(admitted(t, pod("p", labels="sidecar.istio.io/inject: 'true'")))
    inject(t)
    assert not proxy(admitted(t, pod("p", labels="sidecar.istio.io/inject: 'false'")))


@promise(f"{SIDECARS}#controlling-the-injection-policy")
def a_disabled_namespace_gets_no_proxy(t: Bench) -> None:
    wanted = pod("p", labels="sidecar.istio.io/inject: 'true'")
    assert proxy(admitted(t, wanted))
    t.out(f"kubectl label namespace {t.namespace} istio-injection=disabled")
    t.until_run(dry(wanted), lambda done: done.returncode == 0 and "istio-proxy" not in done.stdout)


@promise("setup/upgrade/canary/#data-plane")
def the_injection_label_comes_before_a_revision_s(t: Bench) -> None:
    wanted = pod("p", labels="istio.io/rev: default")
    assert proxy(admitted(t, wanted))
    t.out(f"kubectl label namespace {t.namespace} istio.io/rev=nobody")
    # Nobody injects for a revision that does not exist.
    t.until_run(dry(wanted), lambda done: done.returncode == 0 and "istio-proxy" not in done.stdout)
    inject(t)
    assert admitted(t, pod("p"))["metadata"]["annotations"]["istio.io/rev"] == "default"


@promise("setup/upgrade/canary/#stable-revision-labels")
def a_revision_label_names_the_control_plane(t: Bench) -> None:
    inject(t, "istio.io/rev=default")
    status = json.loads(admitted(t, pod("p"))["metadata"]["annotations"]["sidecar.istio.io/status"])
    assert status["revision"] == "default"


@promise(PROBLEMS)
def pods_on_the_host_network_are_left_alone(t: Bench) -> None:
    inject(t)
    assert not proxy(admitted(t, pod("p", spec="hostNetwork: true")))


@promise(PROBLEMS)
def pods_of_kube_system_are_left_alone(t: Bench) -> None:
    wanted = pod("p", labels="sidecar.istio.io/inject: 'true'")
    assert proxy(admitted(t, wanted))
    found = json.loads(t.out(dry(wanted).replace("--dry-run", "--namespace=kube-system --dry-run")))
    assert found["metadata"]["namespace"] == "kube-system"
    assert not proxy(found)


@promise(f"{PROBLEMS}#x509-certificate-related-errors")
def the_webhooks_trust_the_authority_of_istiod(t: Bench) -> None:
    root = t.get(f"configmap istio-ca-root-cert {SYSTEM}")["data"]["root-cert.pem"]
    hooks = t.get("mutatingwebhookconfiguration istio-sidecar-injector")["webhooks"]
    assert {base64.b64decode(hook["clientConfig"]["caBundle"]).decode() for hook in hooks} == {root}
    # Every namespace has it, for its proxies.
    found = t.until("configmap istio-ca-root-cert", lambda o: o["data"])
    assert found["data"]["root-cert.pem"] == root


@promise(f"{ANNOTATIONS}#SidecarNativeSidecar")
def the_proxy_is_a_native_sidecar_unless_told_otherwise(t: Bench) -> None:
    inject(t)
    native = admitted(t, pod("p"))["spec"]
    assert names(native["containers"]) == ["app"]
    assert names(native["initContainers"]) == ["istio-init", "istio-proxy"]
    assert native["initContainers"][1]["restartPolicy"] == "Always"
    plain = admitted(t, pod("p", annotations="sidecar.istio.io/nativeSidecar: 'false'"))["spec"]
    assert sorted(names(plain["containers"])) == ["app", "istio-proxy"]
    assert names(plain["initContainers"]) == ["istio-init"]


@promise(f"{PROBLEMS}#pod-or-containers-start-with-network-issues-if-istio-proxy-is-not-ready")
def the_application_can_be_held_until_the_proxy_starts(t: Bench) -> None:
    inject(t)
    hold = "sidecar.istio.io/nativeSidecar: 'false', proxy.istio.io/config: '{holdApplicationUntilProxyStarts: %s}'"
    held = admitted(t, pod("p", annotations=hold % "true"))["spec"]["containers"]
    assert names(held) == ["istio-proxy", "app"]
    assert held[0]["lifecycle"]["postStart"]["exec"]["command"][:2] == ["pilot-agent", "wait"]
    free = proxy(admitted(t, pod("p", annotations=hold % "false")))
    assert "postStart" not in free.get("lifecycle", {})


@promise(f"{SIDECARS}#customizing-injection")
def a_pod_can_customize_its_proxy(t: Bench) -> None:
    inject(t)
    own = "{name: istio-proxy, image: auto, resources: {requests: {cpu: 123m}}, env: [{name: OWN, value: 'yes'}]}"
    found = admitted(t, pod("p").replace("image: nginx}", f"image: nginx}}, {own}"))
    assert names(found["spec"]["containers"]) + names(found["spec"]["initContainers"]) == [
        "app",
        "istio-init",
        "istio-proxy",
    ]
    made = proxy(found)
    assert made["image"] == PROXY_IMAGE
    assert made["resources"]["requests"]["cpu"] == "123m"
    assert {"name": "OWN", "value": "yes"} in made["env"]


@promise(f"{ANNOTATIONS}#SidecarProxyCPU")
def annotations_size_the_proxy(t: Bench) -> None:
    inject(t)
    usual = proxy(admitted(t, pod("p")))["resources"]
    assert usual == {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "128Mi"}}
    notes = "sidecar.istio.io/proxyCPU: 20m, sidecar.istio.io/proxyMemory: 40Mi"
    limits = "sidecar.istio.io/proxyCPULimit: 200m, sidecar.istio.io/proxyMemoryLimit: 400Mi"
    made = proxy(admitted(t, pod("p", annotations=f"{notes}, {limits}")))["resources"]
    assert made == {"limits": {"cpu": "200m", "memory": "400Mi"}, "requests": {"cpu": "20m", "memory": "40Mi"}}


@promise(f"{ANNOTATIONS}#TrafficSidecarExcludeOutboundPorts")
def annotations_keep_ports_out_of_the_proxy(t: Bench) -> None:
    inject(t)
    notes = "traffic.sidecar.istio.io/excludeOutboundPorts: '3306,5432'"
    ranges = "traffic.sidecar.istio.io/includeOutboundIPRanges: 10.96.0.0/16"
    made = admitted(t, pod("p", annotations=f"{notes}, {ranges}"))["spec"]["initContainers"][0]["args"]
    assert made[made.index("-o") + 1] == "3306,5432"
    assert made[made.index("-i") + 1] == "10.96.0.0/16"
    t.refused(
        dry(pod("p", annotations="traffic.sidecar.istio.io/excludeOutboundPorts: http")),
        "invalid value 'http' for annotation",
    )


@promise("ops/configuration/mesh/app-health-check/")
def probes_go_through_the_proxy(t: Bench) -> None:
    inject(t)
    probed = pod("p").replace("image: nginx", f"image: nginx, livenessProbe: {PROBED}")
    found = admitted(t, probed)
    assert found["spec"]["containers"][0]["livenessProbe"]["httpGet"] == {
        "path": "/app-health/app/livez",
        "port": 15020,
        "scheme": "HTTP",
    }
    (kept,) = (e["value"] for e in proxy(found)["env"] if e["name"] == "ISTIO_KUBE_APP_PROBERS")
    assert json.loads(kept)["/app-health/app/livez"]["httpGet"]["path"] == "/healthz"
    same = probed.replace("annotations: {}", "annotations: {sidecar.istio.io/rewriteAppHTTPProbers: 'false'}")
    assert admitted(t, same)["spec"]["containers"][0]["livenessProbe"]["httpGet"]["path"] == "/healthz"


@promise(f"{SIDECARS}#manual-sidecar-injection")
def kube_inject_does_by_hand_what_the_webhook_does(t: Bench) -> None:
    t.out("kubectl create deployment web --image=nginx --dry-run=client -o yaml > web.yaml")
    for key, file in (("config", "inject-config"), ("values", "inject-values")):
        text = t.get(f"configmap istio-sidecar-injector {SYSTEM}")["data"][key]
        t.file(f"{file}.yaml", text)
    t.file("mesh-config.yaml", t.get(f"configmap istio {SYSTEM}")["data"]["mesh"])
    live = t.out("istioctl kube-inject -f web.yaml")
    local = "--injectConfigFile inject-config.yaml --valuesFile inject-values.yaml --meshConfigFile mesh-config.yaml"
    assert "name: istio-proxy" in t.out(f"istioctl kube-inject {local} --filename web.yaml")
    t.file("injected.yaml", live)
    t.out("kubectl apply -f injected.yaml && kubectl rollout status deployment/web --timeout=60s")
    assert t.out("kubectl get pods --no-headers").split()[1:3] == ["2/2", "Running"]
    # The webhook does not do it again.
    inject(t)
    t.out("kubectl rollout restart deployment/web && kubectl rollout status deployment/web --timeout=60s")
    assert t.out("kubectl get pods --field-selector=status.phase=Running --no-headers").split()[1] == "2/2"


@promise(f"{PROBLEMS}#no-such-hosts-or-no-endpoints-available-errors-in-deployment-status", FROM_INSTALLED)
def injection_is_fail_close(t: Bench) -> None:
    inject(t)
    t.out("kubectl scale deployment istiod --replicas=0 --namespace=istio-system")
    t.until(f"pods {SYSTEM}", lambda o: not o["items"])
    t.apply(workload("Deployment", "web"))
    (made,) = t.until("replicasets", lambda o: o["items"])["items"]
    t.event(made["metadata"]["name"], "FailedCreate", 'failed calling webhook "namespace.sidecar-injector.istio.io"')
    # Pods that nobody would inject are made all the same.
    t.out("kubectl run plain --image=nginx --labels=sidecar.istio.io/inject=false")
    t.out("kubectl scale deployment istiod --replicas=1 --namespace=istio-system")
    t.out("kubectl rollout status deployment/istiod --namespace=istio-system --timeout=60s")
    t.until_run(dry(pod("p")), lambda done: "istio-proxy" in done.stdout)
