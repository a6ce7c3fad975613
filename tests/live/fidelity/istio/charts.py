"""Istio's Helm charts: base, istiod, gateway, and what Helm leaves."""

from __future__ import annotations

import json

from tests.live.fidelity.checks import Bench, pod

from .mesh import FROM_EMPTY, PROXY_IMAGE, SYSTEM, admitted, dry, inject, promise, proxy

HELM = "setup/install/helm/"
IN_SYSTEM = "-n istio-system --wait --timeout 60s"
BASE = (
    f"command helm install istio-base $ISTIO_CHARTS/base {IN_SYSTEM} --create-namespace --set defaultRevision=default"
)
ISTIOD = f"command helm %s istiod $ISTIO_CHARTS/istiod {IN_SYSTEM}"


@promise(f"{HELM}#installation-steps", FROM_EMPTY)
def helm_installs_base_then_istiod_then_a_gateway(t: Bench) -> None:
    assert "Istio base successfully installed!" in t.out(BASE)
    assert '"istiod" successfully installed!' in t.out(ISTIOD % "install")
    t.out("helm install ingress $ISTIO_CHARTS/gateway --wait --timeout 60s --set service.type=ClusterIP")
    releases = json.loads(t.out("command helm list -A -o json"))
    assert {r["name"]: [r["chart"], r["app_version"], r["status"]] for r in releases} == {
        name: [f"{chart}-1.31.0", "1.31.0", "deployed"]
        for name, chart in (("istio-base", "base"), ("istiod", "istiod"), ("ingress", "gateway"))
    }
    (found,) = t.get("pods -l istio=ingress")["items"]
    assert proxy(found)["image"] == PROXY_IMAGE
    assert t.get("service ingress")["spec"]["type"] == "ClusterIP"
    assert t.names("hpa") == ["ingress"]
    t.refused("helm install other $ISTIO_CHARTS/gateway --set nonsense=1", "values don't meet the specifications")


@promise(f"{HELM}#updating-your-istio-configuration", FROM_EMPTY)
def helm_upgrades_with_other_values(t: Bench) -> None:
    t.out(BASE)
    t.out(f"{ISTIOD % 'install'} --set autoscaleEnabled=false")
    assert t.names(f"hpa {SYSTEM}") == []
    values = "--set meshConfig.accessLogFile=/dev/stdout --set global.proxy.resources.requests.cpu=77m"
    t.out(f"{ISTIOD % 'upgrade'} --reuse-values {values}")
    assert t.names(f"hpa {SYSTEM}") == []
    assert "accessLogFile: /dev/stdout" in t.get(f"configmap istio {SYSTEM}")["data"]["mesh"]
    inject(t)
    t.until_run(dry(pod("p")), lambda done: "77m" in done.stdout)


@promise("setup/upgrade/helm/#canary-upgrade-recommended", FROM_EMPTY)
def helm_installs_a_revision_under_a_tag(t: Bench) -> None:
    t.out(BASE)
    canary = (ISTIOD % "install").replace("istiod $", "istiod-canary $")
    t.out(f"{canary} --set revision=canary --set 'revisionTags={{prod}}'")
    assert t.names(f"deployments {SYSTEM}") == ["istiod-canary"]
    inject(t, "istio.io/rev=prod")
    assert admitted(t, pod("p"))["metadata"]["annotations"]["istio.io/rev"] == "canary"
    assert "prod" in t.out("istioctl tag list")


@promise(f"{HELM}#uninstall", FROM_EMPTY)
def helm_leaves_the_definitions(t: Bench) -> None:
    t.out(BASE)
    t.out(ISTIOD % "install")
    for release in ("istiod", "istio-base"):
        t.out(f"command helm uninstall {release} -n istio-system --wait")
    assert len([name for name in t.names("crds") if name.endswith(".istio.io")]) == 15
    assert t.names("mutatingwebhookconfigurations,validatingwebhookconfigurations") == []
    assert t.names(f"deployments {SYSTEM}") == []
