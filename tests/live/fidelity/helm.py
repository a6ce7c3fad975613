"""Helm's promises, with small charts."""

from __future__ import annotations

import json

from .checks import Bench, check, pod, workload

CHART = "apiVersion: v2\nname: demo\nversion: 1.0.0\nappVersion: '1.0'\n"
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: {{ .Values.colour | quote }}}\n"


def chart(t: Bench, *, more: str = "", values: str = "colour: red\n", **templates: str) -> None:
    """A chart in ./demo; a template's name ends in .yaml."""
    t.file("demo/Chart.yaml", CHART + more)
    t.file("demo/values.yaml", values)
    for name, text in (templates or {"settings": MAP}).items():
        t.file(f"demo/templates/{name}.yaml", text)


def colour(t: Bench) -> str:
    return str(t.get("configmap settings")["data"]["colour"])


def status(t: Bench, release: str = "r") -> str:
    return str(json.loads(t.out(f"helm status {release} -o json"))["info"]["status"])


def hook(name: str, when: str, *, simulate: str = "complete=1s", policy: str = "") -> str:
    delete = policy and f", helm.sh/hook-delete-policy: {policy}"
    return (
        f"{{apiVersion: batch/v1, kind: Job, metadata: {{name: {name}, annotations: {{helm.sh/hook: {when}{delete}}}}},"
        f" spec: {{backoffLimit: 0, template: {{metadata: {{annotations: {{kubetalk.dev/simulate: {simulate}}}}},"
        " spec: {restartPolicy: Never, containers: [{name: app, image: busybox}]}}}}\n"
    )


@check("helm.sh/docs/helm/helm_install/")
def install_waits_until_all_is_ready(t: Bench) -> None:
    chart(t, web=workload("Deployment", "web", spec="replicas: 2", simulate="slow-start=2s") + "\n")
    t.file("demo/templates/NOTES.txt", "Hello {{ .Release.Name }}, revision {{ .Release.Revision }}\n")
    said = t.out("helm install r demo --wait --timeout 60s")
    assert t.get("deployment web")["status"]["readyReplicas"] == 2
    assert "STATUS: deployed" in said
    assert "Hello r, revision 1" in said
    (secret,) = t.get("secrets")["items"]
    assert [secret["type"], secret["metadata"]["name"]] == ["helm.sh/release.v1", "sh.helm.release.v1.r.v1"]
    labels = t.get("deployment web")["metadata"]
    assert labels["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert labels["annotations"]["meta.helm.sh/release-name"] == "r"
    t.refused("helm install r demo", "cannot reuse a name that is still in use")


@check("helm.sh/docs/helm/helm_rollback/")
def an_upgrade_is_rolled_back(t: Bench) -> None:
    chart(t)
    t.out("helm install r demo --wait && helm upgrade r demo --set colour=green --wait")
    assert colour(t) == "green"
    t.out("helm rollback r 1 --wait")
    assert colour(t) == "red"
    history = json.loads(t.out("helm history r -o json"))
    assert [(h["revision"], h["status"]) for h in history] == [(1, "superseded"), (2, "superseded"), (3, "deployed")]
    assert history[2]["description"] == "Rollback to 1"
    t.refused("helm rollback r 9", "release has no 9 version")


@check("helm.sh/docs/helm/helm_upgrade/")
def a_failed_upgrade_is_undone_when_told_to(t: Bench) -> None:
    web = workload("Deployment", "web", simulate="OR").replace("OR", "{{ .Values.simulate }}")
    chart(t, values="simulate: slow-start=0s\n", web=web + "\n")
    t.out("helm install r demo --wait --timeout 60s")
    t.refused("helm upgrade r demo --set simulate=image-pull-backoff --wait --timeout 3s")
    assert status(t) == "failed"
    t.refused("helm upgrade r demo --set simulate=not-ready --rollback-on-failure --timeout 3s")
    assert status(t) == "deployed"
    notes = t.get("deployment web")["spec"]["template"]["metadata"]["annotations"]
    assert notes["kubetalk.dev/simulate"] == "slow-start=0s"


@check("helm.sh/docs/helm/helm_uninstall/")
def uninstall_removes_all_but_what_is_to_be_kept(t: Bench) -> None:
    kept = "{apiVersion: v1, kind: ConfigMap, metadata: {name: kept, annotations: {helm.sh/resource-policy: keep}}}\n"
    chart(t, web=workload("Deployment", "web") + "\n", kept=kept)
    t.out("helm install r demo --wait --timeout 60s")
    said = t.out("helm uninstall r --wait --timeout 60s --keep-history")
    assert "kept due to the resource policy" in said
    assert "kept" in t.names("configmaps")
    assert t.names("deployments") == []
    assert status(t) == "uninstalled"
    t.out("helm uninstall r")
    t.refused("helm status r", "not found")
    assert t.names("secrets") == []


@check("helm.sh/docs/topics/charts_hooks/")
def hooks_complete_before_the_rest_is_made(t: Bench) -> None:
    chart(
        t,
        settings=MAP,
        hook=hook("prepare", "pre-install"),
        after=hook("tell", "post-install", policy="hook-succeeded"),
    )
    t.out("helm install r demo --timeout 60s")
    job = t.get("job prepare")
    assert job["status"]["succeeded"] == 1
    assert job["status"]["completionTime"] <= t.get("configmap settings")["metadata"]["creationTimestamp"]
    t.gone("job tell")
    assert "kind: Job" in t.out("helm get hooks r")
    t.out("helm uninstall r")
    assert "prepare" in t.names("jobs")


@check("helm.sh/docs/topics/charts_hooks/#hooks-and-the-release-lifecycle")
def a_failing_hook_fails_the_release(t: Bench) -> None:
    chart(t, settings=MAP, hook=hook("prepare", "pre-install", simulate="fail"))
    t.refused("helm install r demo --timeout 60s", "failed pre-install")
    assert status(t) == "failed"
    assert "settings" not in t.names("configmaps")


@check("helm.sh/docs/topics/charts_hooks/#writing-a-hook")
def hooks_run_by_weight(t: Bench) -> None:
    weighted = {
        name: hook(name, "pre-install").replace("helm.sh/hook:", f"helm.sh/hook-weight: '{weight}', helm.sh/hook:")
        for name, weight in (("late", 5), ("early", -5))
    }
    chart(t, settings=MAP, **weighted)
    t.out("helm install r demo --timeout 60s")
    early, late = t.get("job early"), t.get("job late")
    assert early["status"]["completionTime"] <= late["metadata"]["creationTimestamp"]


@check("helm.sh/docs/chart_best_practices/custom_resource_definitions/")
def the_crds_folder_comes_first_and_stays(t: Bench) -> None:
    schema = "schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}"
    crd = (
        "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: boats.example.org},"
        " spec: {group: example.org, scope: Namespaced, names: {plural: boats, kind: Boat},"
        f" versions: [{{name: v1, served: true, storage: true, {schema}}}]}}}}\n"
    )
    chart(t, boat="{apiVersion: example.org/v1, kind: Boat, metadata: {name: b}}\n")
    t.file("demo/crds/boats.yaml", crd)
    t.out("helm install r demo")
    assert t.names("boats") == ["b"]
    t.file("demo/crds/boats.yaml", crd.replace("kind: Boat}", "kind: Boat, shortNames: [bt]}"))
    t.out("helm upgrade r demo")
    assert "shortNames" not in t.get("crd boats.example.org")["spec"]["names"]
    t.out("helm uninstall r")
    assert t.names("boats") == []
    t.out("kubectl get crd boats.example.org && kubectl delete crd boats.example.org")


@check("helm.sh/docs/helm/helm_install/")
def a_namespace_is_made_when_told_to(t: Bench) -> None:
    chart(t)
    other = f"{t.namespace}-x"
    t.refused(f"command helm install r demo -n {other}", f'namespaces "{other}" not found')
    t.out(f"command helm install r demo -n {other} --create-namespace")
    assert other in t.out("helm list -A -q --no-headers && command helm list -A")
    t.out(f"command helm uninstall r -n {other} && kubectl get namespace {other}")
    t.out(f"kubectl delete namespace {other} --wait=false")


@check("helm.sh/docs/chart_template_guide/values_files/")
def values_override_each_other_in_order(t: Bench) -> None:
    chart(t)
    t.file("a.yaml", "colour: from-a\nother: from-a\n")
    t.file("b.yaml", "colour: from-b\n")
    t.out("helm install r demo")
    for options, wanted in (
        ("", "red"),
        ("-f a.yaml", "from-a"),
        ("-f a.yaml -f b.yaml", "from-b"),
        ("--set colour=set -f a.yaml", "set"),
        ("--reuse-values", "set"),
        ("--reset-values", "red"),
    ):
        t.out(f"helm upgrade r demo {options}")
        assert colour(t) == wanted, options
    t.out("helm upgrade r demo -f a.yaml --set-string colour=7 --set colour=null --set-string colour=8")
    assert json.loads(t.out("helm get values r -o json")) == {"colour": "8", "other": "from-a"}


@check("helm.sh/docs/topics/chart_tests/")
def chart_tests_end_as_their_pods_do(t: Bench) -> None:
    def test(name: str, simulate: str) -> str:
        made = pod(name, simulate=simulate, annotations="helm.sh/hook: test", spec="restartPolicy: Never")
        return made + "\n"

    chart(t, settings=MAP, good=test("good", "complete"), bad=test("bad", "fail"), ever=test("ever", ""))
    t.out("helm install r demo")
    assert "Succeeded" in t.out("helm test r --filter name=good --timeout 60s")
    t.refused("helm test r --filter name=bad --timeout 60s", "pod bad failed")
    t.refused("helm test r --filter name=ever --timeout 3s")


@check("helm.sh/docs/topics/charts/#the-kubeversion-field")
def a_chart_for_another_kubernetes_is_refused(t: Bench) -> None:
    chart(t, more="kubeVersion: '>= 99.0.0'\n")
    t.refused("helm install r demo", "chart requires kubeVersion: >= 99.0.0 which is incompatible with Kubernetes v1.")
    chart(t, more="kubeVersion: '>= 1.30.0-0'\n")
    t.out("helm install r demo")


@check("helm.sh/docs/chart_template_guide/builtin_objects/")
def templates_see_the_real_cluster(t: Bench) -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen}\ndata:\n"
        "  version: {{ .Capabilities.KubeVersion.Version | quote }}\n"
        '  apps: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}\n'
        '  none: {{ .Capabilities.APIVersions.Has "none.example.com/v1" | quote }}\n'
        '  found: {{ (lookup "v1" "Namespace" "" "kube-system").metadata.name | quote }}\n'
        "  namespace: {{ .Release.Namespace | quote }}\n"
    )
    chart(t, seen=text)
    t.out("helm install r demo")
    server = json.loads(t.out("kubectl version -o json"))["serverVersion"]["gitVersion"]
    assert t.get("configmap seen")["data"] == {
        "version": server,
        "apps": "true",
        "none": "false",
        "found": "kube-system",
        "namespace": t.namespace,
    }


@check("helm.sh/docs/topics/charts/#schema-files")
def a_schema_refuses_values(t: Bench) -> None:
    chart(t)
    schema = {"type": "object", "properties": {"colour": {"enum": ["red", "green"]}}}
    t.file("demo/values.schema.json", json.dumps(schema))
    t.refused("helm install r demo --set colour=blue", "values don't meet the specifications of the schema")
    t.out("helm install r demo")


@check("helm.sh/docs/topics/charts/#chart-dependencies")
def a_subchart_can_be_switched_off(t: Bench) -> None:
    chart(t, more="dependencies: [{name: sub, version: 1.0.0, condition: sub.enabled}]\n")
    t.file("demo/charts/sub/Chart.yaml", CHART.replace("demo", "sub"))
    t.file("demo/charts/sub/templates/c.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: sub}}\n")
    t.out("helm install r demo")
    assert "sub" in t.names("configmaps")
    t.out("helm upgrade r demo --set sub.enabled=false")
    assert "sub" not in t.names("configmaps")


@check("helm.sh/docs/helm/helm_install/")
def what_is_somebody_else_s_is_not_taken(t: Bench) -> None:
    chart(t)
    t.out("kubectl create configmap settings")
    t.refused("helm install r demo", "invalid ownership metadata")
    t.out("helm install r demo --take-ownership")
    assert colour(t) == "red"
