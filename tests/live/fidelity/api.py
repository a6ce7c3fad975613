"""What the API server does with any object: patches, conflicts, dry runs, selectors, owners, finalizers, deletion."""

from __future__ import annotations

import json

from .checks import Bench, check, condition, heredoc, pod, ready, workload

MAP = "{apiVersion: v1, kind: ConfigMap, metadata: {name: %s%s}, data: {%s}}"


def uid(t: Bench, what: str) -> str:
    return str(t.get(what)["metadata"]["uid"])


@check("concepts/overview/working-with-objects/finalizers/")
def a_finalizer_blocks_deletion(t: Bench) -> None:
    t.apply(MAP % ("c", ", finalizers: [example.com/hold]", "a: '1'"))
    t.out("kubectl delete configmap c --wait=false")
    found = t.get("configmap c")
    assert "deletionTimestamp" in found["metadata"]
    patch = """'{"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}'"""
    t.refused(f"kubectl patch configmap c --type=merge -p {patch}", "no new finalizers can be added")
    t.out("""kubectl patch configmap c --type=merge -p '{"metadata": {"finalizers": null}}'""")
    t.gone("configmap c")


@check("concepts/architecture/garbage-collection/#background-deletion")
def dependents_go_after_their_owner(t: Bench) -> None:
    t.apply(workload("Deployment", "web", spec="replicas: 2"))
    t.out("kubectl rollout status deployment/web --timeout=60s")
    t.out("kubectl delete deployment web --cascade=background")
    t.until("replicasets,pods", lambda o: not o["items"])


@check("concepts/architecture/garbage-collection/#foreground-deletion")
def an_owner_waits_for_its_dependents(t: Bench) -> None:
    t.apply(workload("ReplicaSet", "web"))
    t.until("replicaset web", lambda o: o["status"].get("readyReplicas") == 1)
    (name,) = t.names("pods")
    hold = """'{"metadata": {"finalizers": ["example.com/hold"]}}'"""
    t.out(f"kubectl patch pod {name} --type=merge -p {hold}")
    t.out("kubectl delete replicaset web --cascade=foreground --wait=false")
    t.until(f"pod {name}", lambda o: "deletionTimestamp" in o["metadata"])
    found = t.get("replicaset web")["metadata"]
    assert found["finalizers"] == ["foregroundDeletion"]
    assert "deletionTimestamp" in found
    t.out(f"""kubectl patch pod {name} --type=merge -p '{{"metadata": {{"finalizers": null}}}}'""")
    t.gone("replicaset web")


@check("concepts/overview/working-with-objects/owners-dependents/")
def any_object_can_own_another(t: Bench) -> None:
    owners = ", ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: %s, uid: %s}]"
    t.apply(MAP % ("owner", "", "a: '1'"))
    t.apply(MAP % ("owned", owners % ("owner", uid(t, "configmap owner")), "a: '1'"))
    t.apply(MAP % ("lost", owners % ("nobody", "00000000-0000-0000-0000-000000000000"), "a: '1'"))
    t.gone("configmap lost")
    assert "owned" in t.names("configmaps")
    t.out("kubectl delete configmap owner")
    t.gone("configmap owned")


@check("concepts/overview/working-with-objects/namespaces/", first=True)
def a_deleted_namespace_takes_all_with_it(t: Bench) -> None:
    other = f"{t.namespace}-x"
    t.out(f"command kubectl create namespace {other} && command kubectl create configmap c -n {other}")
    t.out(f'command kubectl patch configmap c -n {other} -p \'{{"metadata": {{"finalizers": ["example.com/hold"]}}}}\'')
    t.out(f"kubectl delete namespace {other} --wait=false")
    t.until(f"namespace {other}", lambda o: condition(o, "NamespaceFinalizersRemaining").get("status") == "True")
    assert "Terminating" in t.out(f"kubectl get namespace {other} --no-headers")
    said = t.refused(f"command kubectl create configmap d -n {other}", "because it is being terminated")
    assert "Forbidden" in said or "forbidden" in said
    t.out(f'command kubectl patch configmap c -n {other} --type=merge -p \'{{"metadata": {{"finalizers": null}}}}\'')
    t.gone(f"namespace {other}")
    t.refused("kubectl delete namespace default", "this namespace may not be deleted")


@check("reference/using-api/server-side-apply/#conflicts")
def two_field_managers_conflict(t: Bench) -> None:
    apply = "apply --server-side --field-manager=%s"
    t.apply(MAP % ("c", "", "a: one, b: one"), apply % "one")
    said = t.refused(heredoc(MAP % ("c", "", "a: two"), apply % "two"), 'conflict with "one": .data.a')
    assert "--force-conflicts" in said
    t.apply(MAP % ("c", "", "a: one"), apply % "two")
    t.apply(MAP % ("c", "", "a: two"), apply % "two" + " --force-conflicts")
    assert t.get("configmap c")["data"] == {"a": "two", "b": "one"}
    t.apply(MAP % ("c", "", ""), apply % "one")
    assert t.get("configmap c")["data"] == {"a": "two"}


@check("reference/using-api/server-side-apply/#field-management")
def who_set_a_field_is_written_down(t: Bench) -> None:
    t.out("kubectl create deployment web --image=nginx && kubectl rollout status deployment/web --timeout=60s")
    t.out("kubectl label deployment web tier=front && kubectl scale deployment web --replicas=2")
    found = json.loads(t.out("kubectl get deployment web -o json --show-managed-fields"))["metadata"]["managedFields"]
    managers = {(entry["manager"], entry.get("subresource", "")) for entry in found}
    assert {("kubectl-create", ""), ("kubectl-label", ""), ("kubectl", "scale")} <= managers
    assert ("kube-controller-manager", "status") in managers
    assert "managedFields" not in t.get("deployment web")["metadata"]


@check("tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/")
def patches_merge_by_name_or_replace(t: Bench) -> None:
    t.apply(workload("Deployment", "web"))
    more = '{"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "redis"}]}}}}'
    path = "/spec/template/spec/containers/0/image"

    def images() -> list[str]:
        return [c["image"] for c in t.get("deployment web")["spec"]["template"]["spec"]["containers"]]

    t.out(f"kubectl patch deployment web -p '{more}'")
    assert images() == ["redis", "nginx:1.28"]
    t.out(f"kubectl patch deployment web --type=merge -p '{more}'")
    assert images() == ["redis"]
    good = (
        f'[{{"op": "test", "path": "{path}", "value": "redis"}}, {{"op": "replace", "path": "{path}", "value": "c"}}]'
    )
    t.out(f"kubectl patch deployment web --type=json -p '{good}'")
    assert images() == ["c"]
    t.refused(f"kubectl patch deployment web --type=json -p '{good}'", "The request is invalid")


@check("tasks/manage-kubernetes-objects/declarative-config/")
def apply_removes_what_is_no_longer_written(t: Bench) -> None:
    t.apply(MAP % ("c", "", "a: '1', b: '2'"))
    t.out("""kubectl patch configmap c -p '{"data": {"c": "3"}}'""")
    assert t.apply(MAP % ("c", "", "a: '1'")) == "configmap/c configured\n"
    assert t.get("configmap c")["data"] == {"a": "1", "c": "3"}
    assert t.apply(MAP % ("c", "", "a: '1'")) == "configmap/c unchanged\n"
    t.refused(heredoc(MAP % ("c", "", "a: '1'"), "create"), "AlreadyExists")


@check("reference/using-api/api-concepts/#dry-run")
def a_dry_run_goes_through_everything_but_stays_nowhere(t: Bench) -> None:
    service = "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {%sports: [{port: 80}]}}"
    said = t.apply(service % "", "create --dry-run=server -o yaml")
    assert "clusterIP: 10.96." in said
    t.refused("kubectl get service s", "NotFound")
    t.refused(heredoc(service % "clusterIP: 1.2.3.4, ", "create --dry-run=server"), "not in the valid range")
    assert "(dry run)" in t.apply(service % "", "create --dry-run=client")


@check("reference/using-api/api-concepts/#generated-values")
def a_generated_name_is_filled_in(t: Bench) -> None:
    manifest = "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: made-}}"
    for _ in range(2):
        t.apply(manifest, "create")
    names = [name for name in t.names("configmaps") if name.startswith("made-")]
    assert len(set(names)) == 2
    assert {len(name) for name in names} == {len("made-") + 5}
    t.refused(heredoc(manifest), "cannot use generate name with apply")


@check("concepts/overview/working-with-objects/labels/#label-selectors")
def labels_are_selected_by_sets(t: Bench) -> None:
    for name, labels in (("a", "env=dev"), ("b", "env=prod,tier=db"), ("c", "tier=web")):
        t.out(f"kubectl create configmap {name} && kubectl label configmap {name} {labels.replace(',', ' ')}")
    for selector, wanted in (
        ("env=dev", ["a"]),
        ("env!=dev,tier", ["b", "c"]),
        ("env in (dev, prod)", ["a", "b"]),
        ("env notin (dev),tier", ["b", "c"]),
        ("!env,tier", ["c"]),
        ("env,tier", ["b"]),
    ):
        assert t.names(f"configmaps -l '{selector}'") == wanted, selector
    assert t.out("kubectl get configmap a -L env --no-headers").split()[-1] == "dev"
    t.refused("kubectl label configmap a env=prod", "--overwrite is false")
    t.refused("kubectl label configmap a 'env=not valid'", "a valid label must be")


@check("concepts/overview/working-with-objects/field-selectors/")
def fields_are_selected_where_supported(t: Bench) -> None:
    t.apply(pod("done", simulate="complete", spec="restartPolicy: Never"))
    t.apply(pod("runs"))
    t.until("pod done", lambda o: o["status"]["phase"] == "Succeeded")
    t.until("pod runs", ready)
    assert t.names("pods --field-selector status.phase=Running") == ["runs"]
    assert t.names("pods --field-selector status.phase!=Running,spec.restartPolicy=Never") == ["done"]
    assert t.names("configmaps --field-selector metadata.name=kube-root-ca.crt") == ["kube-root-ca.crt"]
    t.refused("kubectl get pods --field-selector spec.foo=1", "field label not supported: spec.foo")


@check("reference/using-api/api-concepts/#resource-versions")
def an_old_version_cannot_replace_a_newer_one(t: Bench) -> None:
    t.out("kubectl create configmap c --from-literal=a=1 && kubectl get configmap c -o yaml > old.yaml")
    t.out("kubectl label configmap c changed=yes")
    t.refused("kubectl replace -f old.yaml", "the object has been modified; please apply your changes to the latest")
    t.out("kubectl delete configmap c")
    t.refused("kubectl replace -f old.yaml", "NotFound")


@check("reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks")
def long_lists_come_in_chunks(t: Bench) -> None:
    for name in ("a", "b"):
        t.out(f"kubectl create configmap {name}")
    path = f"/api/v1/namespaces/{t.namespace}/configmaps?limit=1"
    first = json.loads(t.out(f"kubectl get --raw '{path}'"))
    assert len(first["items"]) == 1
    assert first["metadata"]["remainingItemCount"] == 2
    second = json.loads(t.out(f"kubectl get --raw '{path}&continue={first['metadata']['continue']}'"))
    assert second["items"][0]["metadata"]["name"] == "b"


@check("reference/using-api/api-concepts/#field-validation")
def unknown_fields_are_refused_when_strict(t: Bench) -> None:
    wrong = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replica: 2}}"
    t.refused(heredoc(wrong, "create"), 'unknown field "spec.replica"')
    typo = pod("p").replace("restartPolicy", "x").replace("image: nginx", "image: nginx, imagee: y")
    said = t.run(heredoc(typo, "create --validate=warn"))
    assert 'Warning: unknown field "spec.containers[0].imagee"' in said.stderr
    assert said.returncode == 0


@check("concepts/overview/working-with-objects/names/")
def names_have_a_form(t: Bench) -> None:
    t.refused("kubectl create configmap Bad_Name", "a lowercase RFC 1123 subdomain must consist of")
    t.refused("kubectl create service clusterip 0_bad --tcp=80", "a lowercase RFC 1123 label must consist of")
    t.out("kubectl create configmap a.b-c.1")


@check("reference/kubectl/generated/kubectl_diff/")
def diff_tells_by_its_exit_status(t: Bench) -> None:
    t.apply(MAP % ("c", "", "a: '1'"))
    assert t.run(heredoc(MAP % ("c", "", "a: '1'"), "diff")).returncode == 0
    changed = t.run(heredoc(MAP % ("c", "", "a: '2'"), "diff"))
    assert changed.returncode == 1
    assert '-  a: "1"\n+  a: "2"' in changed.stdout
    assert t.run("kubectl diff -f missing.yaml").returncode > 1
    assert t.get("configmap c")["data"] == {"a": "1"}


@check("reference/kubectl/generated/kubectl_explain/")
def explain_comes_from_the_api(t: Bench) -> None:
    said = t.out("kubectl explain deployment.spec.strategy")
    assert "FIELD: strategy <DeploymentStrategy>" in said
    assert "rollingUpdate" in said
    said = t.out("kubectl explain deployment.spec.strategy.type")
    assert "ENUM:\n    Recreate\n    RollingUpdate\n" in said
    t.refused("kubectl explain pod.spec.nothing", 'field "nothing" does not exist')


@check("reference/using-api/deprecation-policy/")
def deprecated_apis_warn(t: Bench) -> None:
    assert "Warning: v1 ComponentStatus is deprecated in v1.19+" in t.run("kubectl get componentstatuses").stderr
    said = t.run("kubectl get endpoints").stderr
    assert "Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice" in said
    t.refused("kubectl get endpoints --warnings-as-errors", "1 warning received")
