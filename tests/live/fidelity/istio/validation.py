"""What the validation webhook of istiod, or the schema of a kind, refuses; each kind with its page."""

from __future__ import annotations

from tests.live.fidelity.checks import Bench, heredoc

from .mesh import promise

NETWORKING = "reference/config/networking/"
SECURITY = "reference/config/security/"
WEBHOOK = 'admission webhook "validation.istio.io" denied the request: configuration is invalid: '


def thing(kind: str, spec: str, name: str = "x", group: str = "networking.istio.io/v1") -> str:
    return f"{{apiVersion: {group}, kind: {kind}, metadata: {{name: {name}}}, spec: {{{spec}}}}}"


def policy(kind: str, spec: str) -> str:
    return thing(kind, spec, group="security.istio.io/v1")


def webhook_refuses(t: Bench, manifest: str, text: str) -> None:
    t.refused(heredoc(manifest), WEBHOOK, text)


@promise(f"{NETWORKING}virtual-service/")
def a_virtual_service_needs_hosts_and_sound_routes(t: Bench) -> None:
    route = "hosts: [web], http: [{%sroute: [{destination: {host: web}%s}]}]"
    webhook_refuses(t, thing("VirtualService", route % ("", ", weight: -1")), "weight -1 < 0")
    webhook_refuses(t, thing("VirtualService", "hosts: [web]"), "http, tcp or tls must be provided")
    webhook_refuses(
        t,
        thing("VirtualService", route % ("redirect: {uri: /}, ", "")),
        "HTTP route cannot contain both route and redirect",
    )
    webhook_refuses(
        t, thing("VirtualService", route % ("retries: {attempts: -1}, ", "")), "attempts cannot be negative"
    )
    t.apply(thing("VirtualService", route % ("timeout: 1s, retries: {attempts: 2}, ", ", weight: 100")))
    assert t.names("virtualservices") == ["x"]


@promise(f"{NETWORKING}destination-rule/")
def a_destination_rule_needs_a_host_and_sound_subsets(t: Bench) -> None:
    webhook_refuses(t, thing("DestinationRule", "host: web, subsets: [{name: Not_Valid, labels: {v: a}}]"), "Not_Valid")
    webhook_refuses(
        t,
        thing("DestinationRule", "host: web, trafficPolicy: {connectionPool: {tcp: {maxConnections: -1}}}"),
        "max connections must be non-negative",
    )
    t.refused(heredoc(thing("DestinationRule", "subsets: [{name: v1}]")), "spec.host: Required value")
    t.refused(
        heredoc(thing("DestinationRule", "host: web, trafficPolicy: {loadBalancer: {simple: FASTEST}}")),
        'Unsupported value: "FASTEST"',
    )
    t.apply(thing("DestinationRule", "host: web, subsets: [{name: v1, labels: {version: v1}}]"))


@promise(f"{NETWORKING}gateway/")
def a_gateway_needs_servers_with_hosts_and_certificates(t: Bench) -> None:
    server = "selector: {istio: x}, servers: [{port: {number: %s, name: %s, protocol: %s}, hosts: [%s]%s}]"
    webhook_refuses(t, thing("Gateway", "selector: {istio: x}"), "gateway must have at least one server")
    webhook_refuses(t, thing("Gateway", server % (70000, "http", "HTTP", "'*'", "")), "port number 70000")
    webhook_refuses(t, thing("Gateway", server % (80, "http", "HTTP", "", "")), "server config must contain")
    webhook_refuses(t, thing("Gateway", server % (443, "s", "HTTPS", "'*'", "")), "server must have TLS settings")
    secured = ", tls: {mode: SIMPLE%s}"
    webhook_refuses(t, thing("Gateway", server % (443, "s", "HTTPS", "'*'", secured % "")), "certificate")
    t.apply(thing("Gateway", server % (443, "s", "HTTPS", "'*'", secured % ", credentialName: cert")))


@promise(f"{NETWORKING}sidecar/")
def a_sidecar_needs_listeners_with_hosts(t: Bench) -> None:
    webhook_refuses(t, thing("Sidecar", "egress: [{hosts: []}]"), "egress listener must contain at least one host")
    webhook_refuses(t, thing("Sidecar", "egress: [{hosts: [web]}]"), "host must be of form namespace/dnsName")
    port = "ingress: [{port: {number: 80, protocol: HTTP, name: h}, defaultEndpoint: '192.0.2.1:80'}]"
    webhook_refuses(t, thing("Sidecar", port), "defaultEndpoint must be of form")
    t.apply(thing("Sidecar", "egress: [{hosts: ['./*', 'istio-system/*']}]"))


@promise(f"{NETWORKING}service-entry/")
def a_service_entry_needs_hosts_ports_and_a_fitting_resolution(t: Bench) -> None:
    port = "ports: [{number: 443, name: tls, protocol: TLS}]"
    t.refused(heredoc(thing("ServiceEntry", port)), "spec.hosts: Required value")
    t.refused(heredoc(thing("ServiceEntry", f"hosts: ['*'], {port}")), "hostname cannot be wildcard")
    t.refused(
        heredoc(thing("ServiceEntry", f"hosts: [db.example.com], {port}, addresses: [10.0.0.0/8], resolution: DNS")),
        "CIDR addresses are allowed only for NONE/STATIC resolution types",
    )
    inner = f"hosts: [a.example.com], {port}, resolution: NONE, endpoints: [{{address: 192.0.2.1}}]"
    t.refused(heredoc(thing("ServiceEntry", inner)), "NONE mode cannot set endpoints")
    t.apply(thing("ServiceEntry", f"hosts: [db.example.com], {port}, resolution: DNS, location: MESH_EXTERNAL"))


@promise(f"{SECURITY}peer_authentication/")
def ports_of_a_peer_authentication_need_a_selector(t: Bench) -> None:
    ports = "mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: DISABLE}}"
    t.refused(heredoc(policy("PeerAuthentication", ports)), "portLevelMtls requires selector")
    t.refused(heredoc(policy("PeerAuthentication", "mtls: {mode: SOMETIMES}")), 'Unsupported value: "SOMETIMES"')
    t.apply(policy("PeerAuthentication", f"selector: {{matchLabels: {{app: web}}}}, {ports}"))
    assert t.out("kubectl get peerauthentication x --no-headers").split()[:2] == ["x", "STRICT"]


@promise(f"{SECURITY}authorization-policy/")
def an_authorization_policy_needs_rules_that_say_something(t: Bench) -> None:
    webhook_refuses(t, policy("AuthorizationPolicy", "action: DENY"), "DENY action without `rules` is meaningless")
    webhook_refuses(
        t, policy("AuthorizationPolicy", "rules: [{from: [{source: {}}]}]"), "`from.source` must not be empty"
    )
    webhook_refuses(
        t, policy("AuthorizationPolicy", "rules: [{when: [{key: foo.bar, values: [a]}]}]"), "unknown attribute: foo.bar"
    )
    webhook_refuses(t, policy("AuthorizationPolicy", "action: CUSTOM, rules: [{}]"), "provider.name")
    t.refused(heredoc(policy("AuthorizationPolicy", "action: MAYBE")), 'Unsupported value: "MAYBE"')
    t.apply(policy("AuthorizationPolicy", ""))
    t.apply(policy("AuthorizationPolicy", "rules: [{from: [{source: {principals: [cluster.local/ns/a/sa/b]}}]}]"))


@promise(f"{SECURITY}request_authentication/")
def a_request_authentication_needs_an_issuer_and_one_key_set(t: Bench) -> None:
    rule = "jwtRules: [{%s}]"
    keys = "jwksUri: 'https://a.example.com/k'"
    t.refused(heredoc(policy("RequestAuthentication", rule % "issuer: ''")), "should be at least 1 chars long")
    t.refused(
        heredoc(policy("RequestAuthentication", rule % "issuer: a, jwksUri: nonsense")), "must have scheme http:// or"
    )
    t.refused(
        heredoc(policy("RequestAuthentication", rule % f"issuer: a, {keys}, jwks: x")), "only one of jwks or jwksUri"
    )
    webhook_refuses(t, policy("RequestAuthentication", rule % "issuer: a, jwks: nonsense"), "jwks parse error")
    t.apply(policy("RequestAuthentication", rule % f"issuer: a, {keys}"))


@promise("reference/config/telemetry/")
def a_telemetry_s_sampling_is_a_percentage(t: Bench) -> None:
    group = "telemetry.istio.io/v1"
    t.refused(
        heredoc(thing("Telemetry", "tracing: [{randomSamplingPercentage: 101}]", group=group)),
        "should be less than or equal to 100",
    )
    t.apply(thing("Telemetry", "tracing: [{randomSamplingPercentage: 10.5}]", group=group))


@promise("ops/common-problems/validation/")
def what_is_valid_is_kept_in_every_version(t: Bench) -> None:
    hooks = t.get("validatingwebhookconfigurations")["items"]
    assert {o["metadata"]["name"] for o in hooks} >= {"istio-validator-istio-system"}
    assert {h["failurePolicy"] for o in hooks if "istio" in o["metadata"]["name"] for h in o["webhooks"]} == {"Fail"}
    t.apply(thing("VirtualService", "hosts: [web], http: [{route: [{destination: {host: web}}]}]"))
    for version in ("v1", "v1beta1", "v1alpha3"):
        found = t.get(f"virtualservices.{version}.networking.istio.io x")
        assert found["apiVersion"] == f"networking.istio.io/{version}"
    t.refused(
        heredoc(thing("VirtualService", "hosts: [web], htp: []")), 'unknown field "spec.htp"', "strict decoding error"
    )
