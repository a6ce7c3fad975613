"""What is refused or changed on its way in: quotas, limits, Pod Security, admission policies, webhooks."""

from __future__ import annotations

from .checks import Bench, check, condition, heredoc, pod, ready, workload

SELECTOR = "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %s}}"
SCOPE = f"matchResources: {{{SELECTOR}}}"
MAPS = (
    "matchConstraints: {resourceRules:"
    " [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]}"
)


@check("concepts/policy/resource-quotas/")
def a_quota_counts_and_refuses(t: Bench) -> None:
    t.out("kubectl create quota q --hard=pods=1,count/configmaps=2,requests.cpu=1")
    t.until("quota q", lambda o: o.get("status", {}).get("used", {}).get("count/configmaps") == "1")
    t.out("kubectl create configmap a")
    t.refused(
        "kubectl create configmap b", "exceeded quota: q", "used: count/configmaps=2, limited: count/configmaps=2"
    )
    t.refused(heredoc(pod("p")), "failed quota: q: must specify requests.cpu for: app")
    small = (
        "{apiVersion: v1, kind: Pod, metadata: {name: %s},"
        " spec: {containers: [{name: app, image: nginx, resources: {requests: {cpu: %s}}}]}}"
    )
    t.refused(
        heredoc(small % ("large", "2")), "requested: requests.cpu=2, used: requests.cpu=0, limited: requests.cpu=1"
    )
    t.apply(small % ("one", "600m"))
    t.refused(heredoc(small % ("two", "100m")), "requested: pods=1, used: pods=1, limited: pods=1")
    found = t.until("quota q", lambda o: o["status"]["used"]["pods"] == "1")
    assert found["status"]["used"]["requests.cpu"] == "600m"
    t.out("kubectl delete pod one")
    t.until("quota q", lambda o: o["status"]["used"]["pods"] == "0")


@check("concepts/policy/resource-quotas/#quota-and-cluster-capacity")
def a_deployment_over_its_quota_says_so(t: Bench) -> None:
    t.out("kubectl create quota q --hard=pods=1")
    t.until("quota q", lambda o: "used" in o.get("status", {}))
    t.apply(workload("Deployment", "web", spec="replicas: 3"))
    found = t.until("deployment web", lambda o: condition(o, "ReplicaFailure").get("status") == "True")
    assert "exceeded quota: q" in condition(found, "ReplicaFailure")["message"]
    (name,) = t.names("replicasets")
    t.event(name, "FailedCreate", "exceeded quota: q")
    t.until("deployment web", lambda o: o["status"].get("readyReplicas") == 1)


@check("concepts/policy/limit-range/")
def a_limit_range_fills_in_and_refuses(t: Bench) -> None:
    t.apply(
        "{apiVersion: v1, kind: LimitRange, metadata: {name: l}, spec: {limits: [{type: Container,"
        " default: {cpu: 200m}, defaultRequest: {cpu: 100m}, max: {cpu: 500m}, min: {cpu: 50m}}]}}"
    )
    t.apply(pod("p"))
    found = t.get("pod p")
    assert found["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "200m"}, "requests": {"cpu": "100m"}}
    assert "kubernetes.io/limit-ranger" in found["metadata"]["annotations"]
    big = pod("big").replace("image: nginx", "image: nginx, resources: {requests: {cpu: 10m}, limits: {cpu: 1}}")
    t.refused(
        heredoc(big),
        "maximum cpu usage per Container is 500m, but limit is 1",
        "minimum cpu usage per Container is 50m",
    )


@check("concepts/security/pod-security-admission/")
def a_restricted_namespace_refuses_privileged_pods(t: Bench) -> None:
    label = "pod-security.kubernetes.io"
    t.out(f"kubectl label namespace {t.namespace} {label}/enforce=restricted {label}/warn=restricted")
    wrong = pod("p").replace("image: nginx", "image: nginx, securityContext: {privileged: true}")
    t.refused(heredoc(wrong), 'violates PodSecurity "restricted:latest": privileged', "runAsNonRoot != true")
    said = t.run(heredoc(workload("Deployment", "web")))
    assert said.returncode == 0
    assert 'Warning: would violate PodSecurity "restricted:latest"' in said.stderr
    (name,) = [o["metadata"]["name"] for o in t.until("replicasets", lambda o: o["items"])["items"]]
    t.event(name, "FailedCreate", "violates PodSecurity")
    right = pod("good", spec="securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}").replace(
        "image: nginx",
        "image: nginx, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}",
    )
    t.apply(right)
    t.until("pod good", ready)
    said = t.run(f"kubectl label namespace {t.namespace} --overwrite --dry-run=server {label}/enforce=baseline")
    assert said.returncode == 0


@check("reference/access-authn-authz/validating-admission-policy/")
def a_validating_policy_denies_or_warns(t: Bench) -> None:
    for name, action in (("deny", "Deny"), ("warn", "Warn")):
        rule = f"{{expression: \"!has(object.data) || !('{name}' in object.data)\", message: no {name} here}}"
        t.apply(
            "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata:"
            f" {{name: fidelity-{name}}}, spec: {{{MAPS}, validations: [{rule}]}}}}"
        )
        t.apply(
            "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata:"
            f" {{name: fidelity-{name}}}, spec: {{policyName: fidelity-{name}, validationActions: [{action}],"
            f" {SCOPE % t.namespace}}}}}"
        )
    create = "kubectl create configmap c --from-literal=%s=1 --dry-run=server"
    said = t.until_run(create % "deny", lambda done: done.returncode != 0)
    assert "ValidatingAdmissionPolicy 'fidelity-deny' with binding 'fidelity-deny' denied request: no deny here" in said
    said = t.until_run(create % "warn", lambda done: "Warning" in done.stderr)
    assert "Validation failed for ValidatingAdmissionPolicy 'fidelity-warn'" in said
    t.out(create % "fine")
    t.out((create % "deny").replace("kubectl", "command kubectl -n default"))


@check("reference/access-authn-authz/mutating-admission-policy/")
def a_mutating_policy_changes_what_comes_in(t: Bench) -> None:
    expression = 'Object{metadata: Object.metadata{labels: {"stamped": "yes"}}}'
    t.apply(
        "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicy, metadata: {name: fidelity-stamp},"
        f" spec: {{{MAPS}, failurePolicy: Fail, reinvocationPolicy: Never, mutations:"
        f" [{{patchType: ApplyConfiguration, applyConfiguration: {{expression: '{expression}'}}}}]}}}}"
    )
    t.apply(
        "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicyBinding, metadata:"
        f" {{name: fidelity-stamp}}, spec: {{policyName: fidelity-stamp, {SCOPE % t.namespace}}}}}"
    )
    said = t.until_run("kubectl create configmap c --dry-run=server -o yaml", lambda done: "stamped" in done.stdout)
    assert 'stamped: "yes"' in said


@check("reference/access-authn-authz/extensible-admission-controllers/#failure-policy", simulated=True)
def a_webhook_nobody_answers_fails_or_is_ignored(t: Bench) -> None:
    rule = "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [%s], scope: Namespaced}"
    hook = (
        "{name: %s.example.com, sideEffects: None, admissionReviewVersions: [v1], failurePolicy: %s, rules: [%s],"
        f" clientConfig: {{service: {{namespace: {t.namespace}, name: nobody}}}}, {SELECTOR % t.namespace}}}"
    )
    hooks = hook % ("fails", "Fail", rule % "configmaps") + ", " + hook % ("ignored", "Ignore", rule % "secrets")
    t.apply(
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration,"
        f" metadata: {{name: fidelity-nobody}}, webhooks: [{hooks}]}}"
    )
    said = t.until_run("kubectl create configmap c --dry-run=server", lambda done: done.returncode != 0)
    assert 'failed calling webhook "fails.example.com"' in said
    assert 'service "nobody" not found' in said
    t.out("kubectl create service clusterip nobody --tcp=443")
    t.refused("kubectl create configmap c --dry-run=server", f"service {t.namespace}/nobody is simulated")
    t.out("kubectl create secret generic s")
    t.out("kubectl delete validatingwebhookconfiguration fidelity-nobody")
    t.until_run("kubectl create configmap c", lambda done: done.returncode == 0)
