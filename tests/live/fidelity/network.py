"""Services, their addresses and EndpointSlices; Ingress and NetworkPolicy as objects. No packet is ever routed."""

from __future__ import annotations

import ipaddress
from typing import Any

from .checks import Bench, check, heredoc, pod, ready, workload

EXPOSE = "kubectl expose deployment web --port=80 --target-port=8080"


def service(name: str, spec: str) -> str:
    return f"{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{{spec}}}}}"


def endpoints(found: dict[str, Any]) -> dict[str, bool]:
    """Pod to readiness, of all slices in a list."""
    every = [e for item in found["items"] for e in item["endpoints"] or []]
    return {e["targetRef"]["name"]: e["conditions"]["ready"] for e in every}


def slices(name: str) -> str:
    return f"endpointslices -l kubernetes.io/service-name={name}"


@check("concepts/services-networking/cluster-ip-allocation/")
def a_service_gets_an_address_of_the_cluster_s_range(t: Bench) -> None:
    t.apply(service("a", "ports: [{port: 80}]"))
    spec = t.get("service a")["spec"]
    assert ipaddress.ip_address(spec["clusterIP"]) in ipaddress.ip_network("10.96.0.0/16")
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert spec["type"] == "ClusterIP"
    taken = f"clusterIP: {spec['clusterIP']}, ports: [{{port: 80}}]"
    t.refused(heredoc(service("b", taken)), "provided IP is already allocated")
    t.refused('kubectl patch service a -p \'{"spec": {"clusterIP": "10.96.77.77"}}\'', "may not change once set")
    t.refused(
        heredoc(service("b", "ipFamilyPolicy: RequireDualStack, ports: [{port: 80}]")),
        "this cluster is not configured for dual-stack services",
    )


@check("concepts/services-networking/service/#headless-services")
def a_headless_service_lists_its_pods(t: Bench) -> None:
    t.apply(workload("Deployment", "web", spec="replicas: 2"))
    t.apply(service("web", "clusterIP: None, selector: {app: web}, ports: [{port: 80}]"))
    t.out("kubectl rollout status deployment/web --timeout=60s")
    found = t.until(slices("web"), lambda o: len(endpoints(o)) == 2)
    listed = {address for e in found["items"][0]["endpoints"] for address in e["addresses"]}
    assert listed == {o["status"]["podIP"] for o in t.get("pods")["items"]}
    assert t.get("service web")["spec"]["clusterIP"] == "None"


@check("concepts/services-networking/service/#type-nodeport")
def a_node_port_is_in_its_range(t: Bench) -> None:
    t.apply(service("a", "type: NodePort, ports: [{port: 80}]"))
    port = t.get("service a")["spec"]["ports"][0]["nodePort"]
    assert 30000 <= port <= 32767
    t.refused(heredoc(service("b", f"type: NodePort, ports: [{{port: 80, nodePort: {port}}}]")), "already allocated")
    t.refused(heredoc(service("b", "type: NodePort, ports: [{port: 80, nodePort: 8080}]")), "30000-32767")


@check("concepts/services-networking/service/#loadbalancer", simulated=True)
def load_balancers_get_addresses_that_stay(t: Bench) -> None:
    balancer = "type: LoadBalancer, ports: [{port: 80}]"

    def address(name: str) -> str:
        found = t.until(f"service {name}", lambda o: o["status"]["loadBalancer"].get("ingress"))
        return str(found["status"]["loadBalancer"]["ingress"][0]["ip"])

    for name in ("a", "b"):
        t.apply(service(name, balancer))
    first, second = address("a"), address("b")
    assert first != second
    assert {first, second} <= {f"203.0.113.{n}" for n in range(256)}
    t.out("kubectl delete service a")
    t.apply(service("a", balancer))
    assert address("a") == first
    assert first in t.out("kubectl get service a --no-headers")
    t.apply(service("c", f"{balancer}, loadBalancerClass: example.com/other"))
    t.out("""kubectl patch service b -p '{"spec": {"type": "ClusterIP"}}'""")
    t.until("service b", lambda o: not o["status"]["loadBalancer"])
    assert "<pending>" in t.out("kubectl get service c --no-headers")


@check("concepts/services-networking/service/#externalname")
def an_external_name_has_no_address(t: Bench) -> None:
    t.apply(service("a", "type: ExternalName, externalName: example.com"))
    assert "clusterIP" not in t.get("service a")["spec"]
    assert t.out("kubectl get service a --no-headers").split()[:4] == ["a", "ExternalName", "<none>", "example.com"]


@check("concepts/services-networking/endpoint-slices/#conditions")
def endpoints_follow_readiness(t: Bench) -> None:
    t.apply(pod("good", labels="app: web"))
    t.apply(pod("gated", labels="app: web", spec="readinessGates: [{conditionType: example.com/gate}]"))
    t.apply(pod("bad", labels="app: web", simulate="not-ready"))
    t.apply(service("web", "selector: {app: web}, ports: [{port: 80}]"))
    t.until(slices("web"), lambda o: endpoints(o) == {"good": True, "gated": False, "bad": False})

    def gate(value: str) -> None:
        patch = f'{{"status": {{"conditions": [{{"type": "example.com/gate", "status": "{value}"}}]}}}}'
        t.out(f"kubectl patch pod gated --subresource=status -p '{patch}'")

    gate("True")
    t.until(slices("web"), lambda o: endpoints(o)["gated"])
    gate("False")
    t.until(slices("web"), lambda o: not endpoints(o)["gated"])
    t.out("kubectl label pod good app=other --overwrite && kubectl delete pod bad")
    t.until(slices("web"), lambda o: endpoints(o) == {"gated": False})


@check("concepts/services-networking/service/#multi-port-services")
def named_ports_are_resolved(t: Bench) -> None:
    t.apply(
        "{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {app: web}}, spec: {containers:"
        " [{name: app, image: nginx, ports: [{name: http, containerPort: 8080}]}]}}"
    )
    t.apply(service("web", "selector: {app: web}, ports: [{name: w, port: 80, targetPort: http}, {name: m, port: 90}]"))
    found = t.until(slices("web"), lambda o: any(item["endpoints"] for item in o["items"]))
    assert sorted((p["name"], p["port"]) for p in found["items"][0]["ports"]) == [("m", 90), ("w", 8080)]
    two = service("bad", "selector: {app: web}, ports: [{port: 80}, {port: 90}]")
    t.refused(heredoc(two), "spec.ports[0].name: Required value")


@check("concepts/services-networking/service/#services-without-selectors")
def a_service_without_selector_takes_endpoints_by_hand(t: Bench) -> None:
    t.apply(service("db", "ports: [{port: 5432}]"))
    t.apply(
        "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: db-1, labels:"
        " {kubernetes.io/service-name: db}}, addressType: IPv4, ports: [{port: 5432}],"
        " endpoints: [{addresses: [192.0.2.7]}]}"
    )
    assert "192.0.2.7:5432" in t.out("kubectl describe service db")
    assert t.names(slices("db")) == ["db-1"]


@check("concepts/services-networking/service/#discovering-services")
def the_api_s_own_service_is_there(t: Bench) -> None:
    found = t.get("service kubernetes --namespace=default")["spec"]
    assert found["clusterIP"] == "10.96.0.1"
    assert found["ports"][0]["port"] == 443
    t.refused("kubectl delete namespace kube-system", "may not be deleted")
    t.apply(pod("p"))
    t.until("pod p", ready)


@check("concepts/services-networking/ingress/")
def ingresses_are_kept_and_nobody_serves_them(t: Bench) -> None:
    t.out("kubectl create ingress web --class=none --rule='example.com/*=web:80'")
    found = t.get("ingress web")
    assert found["spec"]["rules"][0]["http"]["paths"][0]["pathType"] == "Prefix"
    assert found["status"] == {"loadBalancer": {}}
    assert t.out("kubectl get ingress web --no-headers").split()[:4] == ["web", "none", "example.com", "80"]
    wrong = (
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: bad}, spec: {rules: [{http: {paths:"
        " [{path: no-slash, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}}"
    )
    t.refused(heredoc(wrong), "must be an absolute path")


@check("concepts/services-networking/network-policies/")
def network_policies_are_kept(t: Bench) -> None:
    t.apply(
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: db}, spec: {podSelector:"
        " {matchLabels: {app: db}}, ingress:"
        " [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}}"
    )
    assert t.get("networkpolicy db")["spec"]["policyTypes"] == ["Ingress"]
    said = t.out("kubectl describe networkpolicy db")
    assert "To Port: 5432/TCP" in said
    assert "PodSelector: app=web" in said
    bad = (
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: b}, spec: {podSelector: {},"
        " ingress: [{from: [{ipBlock: {cidr: x}}]}]}}"
    )
    t.refused(heredoc(bad), "must be a valid CIDR value")
