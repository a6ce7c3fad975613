"""Deployments, ReplicaSets, StatefulSets and DaemonSets: who makes which pods, in which order, and who keeps them."""

from __future__ import annotations

import itertools

from .checks import Bench, check, condition, heredoc, mine, pod, workload

ROLL = "kubectl set image deployment/web app=nginx:1.29 && kubectl rollout status deployment/web --timeout=60s"


@check("concepts/workloads/controllers/deployment/#rolling-update-deployment")
def a_rolling_update_keeps_its_bounds(t: Bench) -> None:
    rolling = "replicas: 4, strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}"
    t.apply(workload("Deployment", "web", spec=rolling, simulate="slow-start=500ms"))
    t.out("kubectl rollout status deployment/web --timeout=60s")
    # Of the ReplicaSets, one change after another; the Deployment's own status sums up what it saw at different times.
    wanted, available = dict[str, int](), dict[str, int]()
    totals, lowest = set[int](), 4
    seen = t.watched("replicasets", "{.metadata.name} {.spec.replicas} {.status.availableReplicas}", ROLL)
    for line in (line for line in seen if line.startswith("web-")):
        name, replicas, *ready_ones = line.split()
        wanted[name], available[name] = int(replicas), int(*ready_ones)
        totals.add(sum(wanted.values()))
        lowest = min(lowest, sum(available.values()))
    assert max(totals) == 5
    assert lowest >= 3
    new, old = sorted((o["spec"]["replicas"] for o in t.get("replicasets")["items"]), reverse=True)
    assert (new, old) == (4, 0)


@check("concepts/workloads/controllers/deployment/#recreate-deployment")
def recreate_ends_the_old_pods_first(t: Bench) -> None:
    t.apply(workload("Deployment", "web", spec="replicas: 2, strategy: {type: Recreate}"))
    t.out("kubectl rollout status deployment/web --timeout=60s")
    seen = t.watched("deployment web", "{.status.replicas}", ROLL)
    assert max(int(line) for line in seen if line.isdigit()) == 2
    t.event("web", "ScalingReplicaSet", "from 2 to 0")


@check("concepts/workloads/controllers/deployment/#failed-deployment")
def a_rollout_that_cannot_progress_says_so(t: Bench) -> None:
    t.apply(workload("Deployment", "web", spec="replicas: 2, progressDeadlineSeconds: 3"))
    t.out("kubectl rollout status deployment/web --timeout=60s")
    spec = "replicas: 2, progressDeadlineSeconds: 3"
    t.apply(workload("Deployment", "web", spec=spec, simulate="image-pull-backoff", image="nginx:oops"))
    t.refused("kubectl rollout status deployment/web --timeout=60s", "exceeded its progress deadline")
    found = t.get("deployment web")
    assert condition(found, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    assert condition(found, "Available")["status"] == "True"
    assert found["status"]["availableReplicas"] == 2


@check("concepts/workloads/controllers/deployment/#rolling-back-a-deployment")
def a_rollout_has_a_history_and_can_be_undone(t: Bench) -> None:
    t.apply(workload("Deployment", "web", image="nginx:1.27"))
    for version in ("1.28", "1.29"):
        t.out("kubectl rollout status deployment/web --timeout=60s")
        t.out(f"kubectl set image deployment/web app=nginx:{version}")
    lines = t.out("kubectl rollout history deployment/web").splitlines()
    assert [line.split()[0] for line in lines[2:] if line] == ["1", "2", "3"]
    assert "nginx:1.28" in t.out("kubectl rollout history deployment/web --revision=2")
    t.out("kubectl rollout undo deployment/web --to-revision=1 && kubectl rollout status deployment/web --timeout=60s")
    found = t.get("deployment web")
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.27"
    assert found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "4"
    lines = t.out("kubectl rollout history deployment/web").splitlines()
    assert [line.split()[0] for line in lines[2:] if line] == ["2", "3", "4"]


@check("concepts/workloads/controllers/deployment/#clean-up-policy", simulated=True)
def old_revisions_are_removed(t: Bench) -> None:
    t.apply(workload("Deployment", "web", spec="revisionHistoryLimit: 1"))
    for version in ("2", "3", "4"):
        t.out("kubectl rollout status deployment/web --timeout=60s")
        t.out(f"kubectl set image deployment/web app=nginx:{version}")
    t.until("replicasets", lambda o: len(o["items"]) == 2)


@check("concepts/workloads/controllers/deployment/#pausing-and-resuming-a-deployment")
def a_paused_rollout_waits(t: Bench) -> None:
    t.apply(workload("Deployment", "web"))
    t.out("kubectl rollout status deployment/web --timeout=60s")
    t.out("kubectl rollout pause deployment/web && kubectl set image deployment/web app=nginx:1.29")
    t.until("deployment web", lambda o: o["status"]["observedGeneration"] == o["metadata"]["generation"])
    assert len(t.names("replicasets")) == 1
    assert condition(t.get("deployment web"), "Progressing")["reason"] == "DeploymentPaused"
    t.out("kubectl rollout resume deployment/web && kubectl rollout status deployment/web --timeout=60s")
    assert len(t.names("replicasets")) == 2


@check("concepts/workloads/controllers/deployment/#scaling-a-deployment")
def a_deployment_scales_and_restarts(t: Bench) -> None:
    t.apply(workload("Deployment", "web"))
    t.out("kubectl scale deployment/web --replicas=3 && kubectl rollout status deployment/web --timeout=60s")
    assert t.get("deployment web")["status"]["readyReplicas"] == 3
    t.refused("kubectl scale deployment/web --replicas=5 --current-replicas=2", "Expected replicas to be 2, was 3")
    before = set(t.names("pods"))
    t.out("kubectl rollout restart deployment/web && kubectl rollout status deployment/web --timeout=60s")
    t.until("pods", lambda o: len(o["items"]) == 3)
    assert not before & set(t.names("pods"))


@check("concepts/workloads/controllers/deployment/#label-selector-updates")
def the_selector_of_a_deployment_cannot_be_changed(t: Bench) -> None:
    t.apply(workload("Deployment", "web"))
    patch = '{"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}}}}'
    t.refused(f"kubectl patch deployment web -p '{patch}'", "field is immutable")
    wrong = workload("Deployment", "odd").replace("labels: {app: odd}", "labels: {app: even}")
    t.refused(heredoc(wrong), "`selector` does not match template `labels`")


@check("concepts/workloads/controllers/replicaset/")
def a_replicaset_replaces_what_is_lost(t: Bench) -> None:
    t.apply(workload("ReplicaSet", "web", spec="replicas: 2"))
    before = t.until("pods", lambda o: len(o["items"]) == 2)["items"]
    t.out(f"kubectl delete pod {before[0]['metadata']['name']}")
    after = t.until("replicaset web", lambda o: o["status"].get("readyReplicas") == 2)
    assert after["status"]["replicas"] == 2
    assert before[1]["metadata"]["name"] in t.names("pods")


@check("concepts/workloads/controllers/replicaset/#non-template-pod-acquisitions")
def a_replicaset_adopts_what_matches(t: Bench) -> None:
    t.apply(pod("alone", labels="app: web"))
    t.apply(workload("ReplicaSet", "web", spec="replicas: 2"))
    t.until("replicaset web", lambda o: o["status"].get("readyReplicas") == 2)
    owner = t.get("pod alone")["metadata"]["ownerReferences"][0]
    assert [owner["kind"], owner["name"], owner["controller"]] == ["ReplicaSet", "web", True]
    assert len(t.names("pods")) == 2


@check("concepts/workloads/controllers/replicaset/#isolating-pods-from-a-replicaset")
def a_relabelled_pod_is_let_go(t: Bench) -> None:
    t.apply(workload("ReplicaSet", "web"))
    (name,) = [o["metadata"]["name"] for o in t.until("pods", lambda o: o["items"])["items"]]
    t.out(f"kubectl label pod {name} app=debug --overwrite")
    t.until("pods -l app=web", lambda o: len(o["items"]) == 1)
    t.until(f"pod {name}", lambda o: not o["metadata"].get("ownerReferences"))


@check("tasks/administer-cluster/use-cascading-deletion/#set-orphan-deletion-policy")
def orphaned_pods_stay(t: Bench) -> None:
    t.apply(workload("ReplicaSet", "web", spec="replicas: 2"))
    t.until("replicaset web", lambda o: o["status"].get("readyReplicas") == 2)
    names = t.names("pods")
    t.out("kubectl delete replicaset web --cascade=orphan")
    t.until("pods", lambda o: all(not p["metadata"].get("ownerReferences") for p in o["items"]))
    assert t.names("pods") == names


SET = "serviceName: web, replicas: 3"
CLAIMS = (
    "volumeClaimTemplates: [{metadata: {name: data},"
    " spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]"
)


@check("concepts/workloads/controllers/statefulset/#deployment-and-scaling-guarantees")
def a_statefulset_makes_and_ends_its_pods_in_order(t: Bench) -> None:
    t.apply(workload("StatefulSet", "web", spec=SET, simulate="slow-start=1s"))
    t.out("kubectl rollout status statefulset/web --timeout=90s")
    pods = t.get("pods")["items"]
    assert [o["metadata"]["name"] for o in pods] == ["web-0", "web-1", "web-2"]
    assert [o["metadata"]["labels"]["apps.kubernetes.io/pod-index"] for o in pods] == ["0", "1", "2"]
    for earlier, later in itertools.pairwise(pods):
        assert condition(earlier, "Ready")["lastTransitionTime"] <= later["metadata"]["creationTimestamp"]
    t.out("kubectl scale statefulset/web --replicas=0 && kubectl wait --for=delete pod/web-0 --timeout=60s")
    ended = [e["message"].split()[2] for e in t.get("events")["items"] if e["reason"] == "SuccessfulDelete"]
    assert ended == ["web-2", "web-1", "web-0"]


@check("concepts/workloads/controllers/statefulset/#parallel-pod-management")
def a_parallel_statefulset_does_not_wait(t: Bench) -> None:
    t.apply(workload("StatefulSet", "web", spec=f"{SET}, podManagementPolicy: Parallel", simulate="not-ready"))
    t.until("pods", lambda o: len(o["items"]) == 3)


@check("concepts/workloads/controllers/statefulset/#stable-storage")
def the_claims_of_a_statefulset_outlive_it(t: Bench) -> None:
    t.apply(workload("StatefulSet", "web", spec=f"serviceName: web, replicas: 2, {CLAIMS}"))
    t.out("kubectl rollout status statefulset/web --timeout=60s")
    claims = {o["metadata"]["name"]: o["spec"]["volumeName"] for o in t.get("pvc")["items"]}
    assert sorted(claims) == ["data-web-0", "data-web-1"]
    t.out("kubectl delete pod web-1 && kubectl rollout status statefulset/web --timeout=60s")
    t.out("kubectl scale statefulset/web --replicas=1 && kubectl wait --for=delete pod/web-1 --timeout=60s")
    t.out("kubectl delete statefulset web")
    assert {o["metadata"]["name"]: o["spec"]["volumeName"] for o in t.get("pvc")["items"]} == claims


@check("concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention")
def the_claims_of_a_statefulset_go_with_it_when_told_to(t: Bench) -> None:
    policy = "persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Delete}"
    t.apply(workload("StatefulSet", "web", spec=f"serviceName: web, replicas: 2, {policy}, {CLAIMS}"))
    t.out("kubectl rollout status statefulset/web --timeout=60s && kubectl scale statefulset/web --replicas=1")
    t.gone("pvc data-web-1")
    t.out("kubectl delete statefulset web")
    t.gone("pvc data-web-0")


@check("concepts/workloads/controllers/statefulset/#partitions")
def a_partition_holds_an_update_back(t: Bench) -> None:
    rolling = "updateStrategy: {rollingUpdate: {partition: 2}}"
    t.apply(workload("StatefulSet", "web", spec=f"{SET}, {rolling}, podManagementPolicy: Parallel"))
    t.out("kubectl rollout status statefulset/web --timeout=60s")
    t.out("kubectl set image statefulset/web app=nginx:1.29 && kubectl rollout status statefulset/web --timeout=60s")
    images = [o["spec"]["containers"][0]["image"] for o in t.get("pods")["items"]]
    assert images == ["nginx:1.28", "nginx:1.28", "nginx:1.29"]


@check("concepts/workloads/controllers/daemonset/")
def a_daemonset_runs_once_on_each_node_it_tolerates(t: Bench) -> None:
    tolerate = "tolerations: [{key: node-role.kubernetes.io/control-plane, effect: NoSchedule}]"
    t.apply(workload("DaemonSet", "some"))
    t.apply(workload("DaemonSet", "all", pods=tolerate))
    for name in ("some", "all"):
        t.out(f"kubectl rollout status daemonset/{name} --timeout=60s")
    nodes = [o["spec"]["nodeName"] for o in t.get("pods -l app=some")["items"]]
    assert sorted(nodes) == ["sandbox-worker", "sandbox-worker2"]
    nodes = [o["spec"]["nodeName"] for o in t.get("pods -l app=all")["items"]]
    assert sorted(nodes) == ["sandbox-control-plane", "sandbox-worker", "sandbox-worker2"]
    t.out("kubectl set image daemonset/some app=nginx:1.29 && kubectl rollout status daemonset/some --timeout=60s")
    t.until(
        "pods -l app=some", lambda o: [p["spec"]["containers"][0]["image"] for p in o["items"]] == ["nginx:1.29"] * 2
    )


@check("concepts/workloads/controllers/daemonset/#how-daemon-pods-are-scheduled")
def a_daemonset_follows_the_nodes(t: Bench) -> None:
    t.apply(workload("DaemonSet", "agent", pods=mine(t.namespace)))
    t.until("daemonset agent", lambda o: o["status"].get("observedGeneration") == 1)
    assert t.get("daemonset agent")["status"]["desiredNumberScheduled"] == 0
    t.node("daemon-a")
    t.until("daemonset agent", lambda o: o["status"]["numberReady"] == 1)
    (found,) = t.get("pods")["items"]
    assert found["spec"]["nodeName"] == "daemon-a"
    keys = {toleration["key"] for toleration in found["spec"]["tolerations"]}
    assert {"node.kubernetes.io/not-ready", "node.kubernetes.io/unschedulable"} <= keys
    t.out("kubectl label node daemon-a check-")
    t.until("daemonset agent", lambda o: o["status"]["currentNumberScheduled"] == 0)
    t.out("kubectl delete node daemon-a")


@check("tasks/run-application/horizontal-pod-autoscale/", first=True)
def an_autoscaler_without_metrics_says_unknown(t: Bench) -> None:
    t.apply(workload("Deployment", "web"))
    t.out("kubectl set resources deployment web --requests=cpu=10m")
    t.out("kubectl autoscale deployment web --cpu=50% --min=1 --max=3")
    assert "cpu: <unknown>/50%" in t.out("kubectl get hpa web")
    found = t.until("hpa web", lambda o: condition(o, "ScalingActive").get("status") == "False")
    assert condition(found, "ScalingActive")["reason"] == "FailedGetResourceMetric"
    assert condition(found, "AbleToScale")["status"] == "True"
    assert t.get("deployment web")["spec"]["replicas"] == 1
