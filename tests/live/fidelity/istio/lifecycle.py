"""Installing, customizing, upgrading and removing with istioctl; every profile is in tests/live/istio."""

from __future__ import annotations

from tests.live.fidelity.checks import Bench, pod

from .mesh import FROM_EMPTY, FROM_INSTALLED, SYSTEM, admitted, dry, inject, promise, proxy, told

INSTALL = "setup/install/istioctl/"
CUSTOMIZE = "setup/additional-setup/customize-installation/"
CANARY = "setup/upgrade/canary/"
ROUTE = (
    "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: web},"
    " spec: {hosts: [web], http: [{route: [{destination: {host: web}}]}]}}"
)
FIRST = "components.ingressGateways[0]"
OVERLAY = """
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
spec:
  profile: minimal
  meshConfig:
    accessLogFile: /dev/stdout
  components:
    pilot:
      k8s:
        replicaCount: 2
        hpaSpec: {minReplicas: 2}
        podAnnotations: {example.com/owner: mesh}
    ingressGateways:
    - {name: istio-ingressgateway, enabled: false}
    - {name: shop, namespace: shop, enabled: true, label: {istio: shop}}
"""


def settled(t: Bench) -> None:
    """Waits until Istio's namespace holds what runs and nothing that ends."""
    t.until(f"pods {SYSTEM}", lambda o: not [p for p in o["items"] if "deletionTimestamp" in p["metadata"]])


def mesh_config(t: Bench) -> str:
    return str(t.get(f"configmap istio {SYSTEM}")["data"]["mesh"])


@promise(f"{INSTALL}#customizing-the-configuration", FROM_INSTALLED)
def set_switches_components_and_values(t: Bench) -> None:
    t.out(
        "istioctl install -y --set profile=minimal --set meshConfig.accessLogFile=/dev/stdout"
        f" --set '{FIRST}.enabled=true' --set '{FIRST}.name=istio-ingressgateway'"
        " --set values.global.proxy.resources.requests.cpu=77m --set values.pilot.autoscaleEnabled=false"
    )
    assert t.names(f"deployments {SYSTEM}") == ["istio-ingressgateway", "istiod"]
    assert t.names(f"hpa {SYSTEM}") == ["istio-ingressgateway"]
    assert "accessLogFile: /dev/stdout" in mesh_config(t)
    inject(t)
    t.until_run(dry(pod("p")), lambda done: "77m" in done.stdout)
    # What is installed is what was asked for the last time: the gateway goes again.
    t.out("istioctl install -y --set profile=minimal")
    t.gone(f"deployment istio-ingressgateway {SYSTEM}")
    assert "accessLogFile" not in mesh_config(t)


@promise(f"{CUSTOMIZE}#customize-istio-settings-with-kubernetes-settings", FROM_EMPTY)
def an_overlay_file_reaches_pods_and_gateways(t: Bench) -> None:
    t.file("mesh.yaml", OVERLAY)
    t.out("command kubectl create namespace shop && istioctl install -y -f mesh.yaml")
    found = t.get(f"deployment istiod {SYSTEM}")
    assert found["status"]["readyReplicas"] == 2
    assert found["spec"]["template"]["metadata"]["annotations"]["example.com/owner"] == "mesh"
    assert t.names("deployments --namespace=shop") == ["shop"]
    assert "accessLogFile: /dev/stdout" in mesh_config(t)
    t.refused(
        "istioctl install -y --set components.nonsense.enabled=true",
        "nonsense",
    )


@promise(f"{INSTALL}#uninstall-istio", FROM_INSTALLED)
def uninstall_leaves_definitions_and_namespace(t: Bench) -> None:
    t.apply(ROUTE)
    crds = [name for name in t.names("crds") if name.endswith(".istio.io")]
    assert len(crds) == 15
    t.out("istioctl uninstall -y --revision default")
    t.until(
        f"deployments,services,configmaps -l install.operator.istio.io/owning-resource {SYSTEM}",
        lambda o: not o["items"],
    )
    assert [name for name in t.names("crds") if name.endswith(".istio.io")] == crds
    assert t.names("virtualservices") == ["web"]
    assert "istio-system" in t.names("namespaces")
    assert t.names("mutatingwebhookconfigurations") == []


@promise(f"{INSTALL}#uninstall-istio", FROM_INSTALLED)
def purge_takes_everything_but_the_namespace(t: Bench) -> None:
    t.apply(ROUTE)
    said = told(t, "istioctl uninstall -y --purge")
    assert "All Istio resources will be pruned from the cluster" in said
    t.until("crds", lambda o: not [c for c in o["items"] if c["metadata"]["name"].endswith(".istio.io")])
    for kind in ("clusterroles", "clusterrolebindings", "validatingwebhookconfigurations"):
        assert [name for name in t.names(kind) if "istio" in name] == []
    assert "istio-system" in t.names("namespaces")
    assert t.names(f"deployments {SYSTEM}") == []


@promise("setup/upgrade/in-place/", FROM_INSTALLED)
def upgrade_keeps_what_is_there(t: Bench) -> None:
    t.apply(ROUTE)
    said = told(t, "istioctl upgrade -y --set profile=minimal")
    assert "Installation complete" in said
    assert t.names("virtualservices") == ["web"]
    inject(t)


@promise(f"{CANARY}#control-plane", FROM_INSTALLED)
def a_canary_runs_beside_the_old_control_plane(t: Bench) -> None:
    t.out("istioctl install -y --set profile=minimal --set revision=canary")
    assert t.names(f"deployments -l app=istiod {SYSTEM}") == ["istiod", "istiod-canary"]
    assert {"istiod", "istiod-canary"} <= set(t.names(f"services {SYSTEM}"))
    assert "istio-sidecar-injector-canary" in t.names("mutatingwebhookconfigurations")
    t.out(f"kubectl label namespace {t.namespace} istio-injection=enabled")
    t.until_run(dry(pod("p")), lambda done: '"istio.io/rev": "default"' in done.stdout)
    t.out(f"kubectl label namespace {t.namespace} istio-injection- istio.io/rev=canary")
    t.until_run(dry(pod("p")), lambda done: '"istio.io/rev": "canary"' in done.stdout)
    (found,) = (e for e in proxy(admitted(t, pod("p")))["env"] if e["name"] == "PROXY_CONFIG")
    assert "istiod-canary.istio-system.svc:15012" in found["value"]
    # The old one goes, and takes nothing from the new one.
    t.out("istioctl uninstall -y --revision default")
    settled(t)
    assert t.names(f"deployments -l app=istiod {SYSTEM}") == ["istiod-canary"]
    assert proxy(admitted(t, pod("p")))


@promise(f"{CANARY}#default-tag", FROM_INSTALLED)
def the_default_tag_moves_injection_and_validation(t: Bench) -> None:
    t.out("istioctl install -y --set profile=minimal --set revision=canary")
    t.out("istioctl tag set default --revision canary --overwrite")
    t.out(f"kubectl label namespace {t.namespace} istio-injection=enabled")
    t.until_run(dry(pod("p")), lambda done: '"istio.io/rev": "canary"' in done.stdout)
    found = t.get("validatingwebhookconfiguration istiod-default-validator")
    assert {hook["clientConfig"]["service"]["name"] for hook in found["webhooks"]} == {"istiod-canary"}
