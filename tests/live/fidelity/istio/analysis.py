"""`istioctl analyze` and `istioctl validate`: messages by their codes, each with its page."""

from __future__ import annotations

import json
from typing import Any

import yaml

from tests.live.fidelity.checks import Bench, pod, ready, workload

from .mesh import inject, promise, told

TOOL = "ops/diagnostic-tools/istioctl-analyze/"
MESSAGES = "reference/config/analysis/"

SERVICE = "{apiVersion: v1, kind: Service, metadata: {name: %s}, spec: {selector: {app: %s}, ports: [%s]}}"
ROUTE = (
    "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: %s}, spec: {%s"
    "hosts: [web], http: [{route: [{destination: {host: %s}}]}]}}"
)
GATEWAY = (
    "{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: front}, spec: {selector: {istio: none},"
    " servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [%s]}]}}"
)


def analyzed(t: Bench, options: str = "") -> list[dict[str, Any]]:
    """The messages about the check's namespace."""
    done = t.run(f"istioctl analyze -n {t.namespace} -o json {options}")
    assert done.returncode in {0, 79}, "analyze fails"
    return list(json.loads(done.stdout))


def file(t: Bench, name: str, manifest: str) -> None:
    """A file that istioctl can read: it takes what begins with a brace for JSON."""
    t.file(name, json.dumps(yaml.safe_load(manifest)))


def message(t: Bench, code: str, options: str = "") -> dict[str, Any]:
    """The one message with that code, which has to name its page."""
    found = [m for m in analyzed(t, options) if m["code"] == code]
    assert len(found) == 1, f"{code} is told {len(found)} times"
    assert f"/docs/{MESSAGES}{code.lower()}/" in found[0]["documentationUrl"]
    return found[0]


@promise(f"{MESSAGES}ist0101/")
def ist0101_a_reference_leads_nowhere(t: Bench) -> None:
    t.apply(ROUTE % ("web", "", "nobody"))
    found = message(t, "IST0101")
    assert found["level"] == "Error"
    assert found["origin"] == f"VirtualService {t.namespace}/web"
    assert found["message"] == 'Referenced host not found: "nobody"'
    said = t.refused(f"istioctl analyze -n {t.namespace}", "Error [IST0101]", "Error: Analyzers found issues")
    assert "See https://istio.io/" in said
    t.apply(SERVICE % ("nobody", "x", "{port: 80, name: http}"))
    assert "IST0101" not in [m["code"] for m in analyzed(t)]


@promise(f"{MESSAGES}ist0102/")
def ist0102_a_namespace_is_not_injected(t: Bench) -> None:
    t.apply(pod("p"))
    found = message(t, "IST0102")
    assert [found["level"], found["origin"]] == ["Info", f"Namespace {t.namespace}"]
    assert f"kubectl label namespace {t.namespace} istio-injection=enabled" in found["message"]
    t.out(f"kubectl label namespace {t.namespace} istio-injection=disabled")
    assert "IST0102" not in [m["code"] for m in analyzed(t)]


@promise(f"{MESSAGES}ist0103/")
def ist0103_a_pod_has_no_proxy(t: Bench) -> None:
    t.apply(pod("old"))
    t.until("pod old", ready)
    inject(t)
    t.apply(pod("new"))
    t.until("pod new", ready)
    found = message(t, "IST0103")
    assert [found["level"], found["origin"]] == ["Warning", f"Pod {t.namespace}/old"]


@promise(f"{MESSAGES}ist0106/")
def ist0106_a_file_breaks_the_schema(t: Bench) -> None:
    file(t, "bad.yaml", (ROUTE % ("web", "", "web")).replace("http: [{", "http: [{redirect: {uri: /}, "))
    found = message(t, "IST0106", "bad.yaml")
    assert found["level"] == "Error"
    assert found["message"] == "Schema validation error: HTTP route cannot contain both route and redirect"


@promise(f"{MESSAGES}ist0107/")
def ist0107_an_annotation_is_misplaced(t: Bench) -> None:
    made = SERVICE % ("web", "web", "{port: 80, name: http}")
    t.apply(made.replace("name: web}", "name: web, annotations: {sidecar.istio.io/inject: 'true'}}", 1))
    found = message(t, "IST0107")
    assert found["level"] == "Warning"
    assert "Misplaced annotation: sidecar.istio.io/inject can only be applied to Pod" in found["message"]


@promise(f"{MESSAGES}ist0108/")
def ist0108_an_annotation_is_unknown(t: Bench) -> None:
    made = SERVICE % ("web", "web", "{port: 80, name: http}")
    t.apply(made.replace("name: web}", "name: web, annotations: {networking.istio.io/nonsense: 'true'}}", 1))
    assert message(t, "IST0108")["message"] == "Unknown annotation: networking.istio.io/nonsense"


@promise(f"{MESSAGES}ist0109/")
def ist0109_two_routes_claim_a_host(t: Bench) -> None:
    t.apply(SERVICE % ("web", "web", "{port: 80, name: http}"))
    t.apply(ROUTE % ("one", "", "web"))
    assert "IST0109" not in [m["code"] for m in analyzed(t)]
    t.apply(ROUTE % ("two", "", "web"))
    found = [m for m in analyzed(t) if m["code"] == "IST0109"]
    assert {m["origin"] for m in found} == {f"VirtualService {t.namespace}/{name}" for name in ("one", "two")}
    assert {m["level"] for m in found} == {"Error"}


@promise(f"{MESSAGES}ist0118/")
def ist0118_a_port_name_says_no_protocol(t: Bench) -> None:
    t.apply(SERVICE % ("web", "web", "{port: 80, name: foo-http, targetPort: 8080}"))
    t.apply(SERVICE % ("good", "web", "{port: 80, name: http-foo, targetPort: 8080}"))
    found = message(t, "IST0118")
    assert [found["level"], found["origin"]] == ["Info", f"Service {t.namespace}/web"]
    assert found["message"].startswith("Port name foo-http (port: 80, targetPort: 8080) doesn't follow")


@promise(f"{MESSAGES}ist0132/")
def ist0132_a_gateway_does_not_know_the_host(t: Bench) -> None:
    t.apply(GATEWAY % "other.example.com")
    t.apply(ROUTE % ("web", "gateways: [front], ", "web"))
    found = message(t, "IST0132")
    assert found["level"] == "Warning"
    assert "one or more host [web] defined in VirtualService" in found["message"]


@promise(f"{MESSAGES}ist0137/")
def ist0137_two_services_disagree_about_a_port(t: Bench) -> None:
    t.apply(workload("Deployment", "web"))
    for name, port in (("one", 80), ("two", 81)):
        t.apply(SERVICE % (name, "web", f"{{port: {port}, name: http, targetPort: 8080}}"))
    inject(t)
    t.out("kubectl rollout status deployment/web --timeout=60s")
    assert 'using targetPort "8080" but different ports' in message(t, "IST0137")["message"]


@promise(f"{MESSAGES}ist0144/")
def ist0144_the_application_runs_as_the_proxy_s_user(t: Bench) -> None:
    inject(t)
    t.apply(pod("p", spec="securityContext: {runAsUser: 1337}"))
    found = message(t, "IST0144")
    assert found["message"] == "User ID (UID) 1337 is reserved for the sidecar proxy."


@promise(f"{TOOL}#analyzing-live-clusters-local-files-or-both")
def files_are_analyzed_with_and_without_the_cluster(t: Bench) -> None:
    t.apply(SERVICE % ("web", "web", "{port: 80, name: http}"))
    t.apply(GATEWAY % "'*'")
    file(t, "route.yaml", ROUTE % (f"web, namespace: {t.namespace}", "gateways: [front], ", "web"))
    lost = 'Referenced gateway not found: "front"'
    assert lost not in [m["message"] for m in analyzed(t, "route.yaml")]
    assert lost in [m["message"] for m in analyzed(t, "--use-kube=false route.yaml")]
    assert t.names("virtualservices") == []


@promise(f"{TOOL}#ignoring-specific-analyzer-messages-via-cli")
def messages_are_suppressed_on_request(t: Bench) -> None:
    inject_not = f"istioctl analyze -n {t.namespace}"
    assert "Info [IST0102]" in t.out(inject_not)
    said = told(t, f'{inject_not} --suppress "IST0102=Namespace {t.namespace}"')
    assert "No validation issues found when analyzing namespace" in said
    t.apply(SERVICE % ("web", "web", "{port: 80, name: foo-http}"))
    assert "IST0118" in [m["code"] for m in analyzed(t)]
    t.out("kubectl annotate service web galley.istio.io/analyze-suppress=IST0118")
    assert "IST0118" not in [m["code"] for m in analyzed(t)]


@promise("reference/commands/istioctl/#istioctl-analyze")
def a_threshold_decides_about_the_exit_status(t: Bench) -> None:
    command = f"istioctl analyze -n {t.namespace}"
    assert t.run(command).returncode == 0
    assert t.run(f"{command} --failure-threshold Info").returncode == 79
    assert "IST0102" not in t.out(f"{command} --output-threshold Warning")


@promise("reference/commands/istioctl/#istioctl-validate")
def validate_reads_files_only(t: Bench) -> None:
    file(t, "good.yaml", ROUTE % ("web", "", "web"))
    assert '"good.yaml" is valid' in told(t, "istioctl validate -f good.yaml")
    file(t, "bad.yaml", (ROUTE % ("web", "", "web")).replace("http: [", "htp: ["))
    t.refused("istioctl validate -f bad.yaml", 'unknown field "htp"')
    assert t.names("virtualservices") == []
