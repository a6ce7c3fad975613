"""Where pods go, where they may not stay, and what is said when there is no place for them."""

from __future__ import annotations

from .checks import Bench, check, condition, mine, pod, ready, workload


def unschedulable(t: Bench, name: str) -> str:
    found = t.until(f"pod {name}", lambda o: condition(o, "PodScheduled").get("status") == "False")
    assert condition(found, "PodScheduled")["reason"] == "Unschedulable"
    assert found["status"]["phase"] == "Pending"
    text = t.event(name, "FailedScheduling")["message"]
    assert "0/" in text
    assert "nodes are available: " in text
    return str(text)


@check("concepts/scheduling-eviction/assign-pod-node/#nodeselector")
def a_node_selector_nobody_matches_is_explained(t: Bench) -> None:
    t.apply(pod("p", spec="nodeSelector: {disktype: ssd}"))
    text = unschedulable(t, "p")
    assert "node(s) didn't match Pod's node affinity/selector" in text
    assert "node(s) had untolerated taint" in text
    t.apply(pod("q", spec="nodeSelector: {kubernetes.io/hostname: sandbox-worker2, kubernetes.io/os: linux}"))
    assert t.until("pod q", ready)["spec"]["nodeName"] == "sandbox-worker2"


@check("concepts/scheduling-eviction/assign-pod-node/#node-affinity")
def node_affinity_is_required_or_preferred(t: Bench) -> None:
    term = "{key: kubernetes.io/hostname, operator: %s, values: [sandbox-worker]}"
    required = "requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [%s]}]}"
    preferred = "preferredDuringSchedulingIgnoredDuringExecution: [{weight: 100, preference: {matchExpressions: [%s]}}]"
    t.apply(pod("not-there", spec="affinity: {nodeAffinity: {%s}}" % (required % (term % "NotIn"))))
    t.apply(pod("there", spec="affinity: {nodeAffinity: {%s}}" % (required % (term % "In"))))
    wish = "{key: no-such-label, operator: Exists}"
    t.apply(pod("wished", spec="affinity: {nodeAffinity: {%s}}" % (preferred % wish)))
    assert t.until("pod not-there", ready)["spec"]["nodeName"] == "sandbox-worker2"
    assert t.until("pod there", ready)["spec"]["nodeName"] == "sandbox-worker"
    t.until("pod wished", ready)


@check("concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity")
def anti_affinity_keeps_pods_apart(t: Bench) -> None:
    apart = (
        "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution:"
        " [{labelSelector: {matchLabels: {app: web}}, topologyKey: kubernetes.io/hostname}]}}"
    )
    t.apply(workload("Deployment", "web", spec="replicas: 3", pods=apart))
    t.until("deployment web", lambda o: o["status"].get("readyReplicas") == 2)
    found = t.get("pods")["items"]
    placed = [o["spec"]["nodeName"] for o in found if "nodeName" in o["spec"]]
    assert sorted(placed) == ["sandbox-worker", "sandbox-worker2"]
    (left,) = (o["metadata"]["name"] for o in found if "nodeName" not in o["spec"])
    assert "didn't match pod anti-affinity rules" in unschedulable(t, left)


@check("concepts/scheduling-eviction/topology-spread-constraints/")
def pods_spread_over_zones(t: Bench) -> None:
    t.node("spread-a", labels="zone: a")
    t.node("spread-b", labels="zone: b")
    spread = (
        "topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule,"
        " labelSelector: {matchLabels: {app: web}}}], "
    )
    t.apply(workload("Deployment", "web", spec="replicas: 4", pods=spread + mine(t.namespace)))
    t.out("kubectl rollout status deployment/web --timeout=60s")
    nodes = sorted(o["spec"]["nodeName"] for o in t.get("pods")["items"])
    assert nodes == ["spread-a", "spread-a", "spread-b", "spread-b"]
    t.out("kubectl cordon spread-b && kubectl scale deployment/web --replicas=6")
    pending = t.until("pods", lambda o: len([p for p in o["items"] if condition(p, "PodScheduled").get("reason")]) == 1)
    (left,) = (o["metadata"]["name"] for o in pending["items"] if "nodeName" not in o["spec"])
    assert "didn't match pod topology spread constraints" in unschedulable(t, left)


@check("concepts/configuration/manage-resources-containers/#my-pods-are-pending-with-event-message-failedscheduling")
def a_pod_too_large_for_any_node_is_explained(t: Bench) -> None:
    t.apply(
        "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec:"
        " {containers: [{name: app, image: nginx, resources: {requests: {cpu: 1000, memory: 900Ti}}}]}}"
    )
    text = unschedulable(t, "p")
    assert "Insufficient cpu" in text
    assert "Insufficient memory" in text


@check("concepts/scheduling-eviction/taint-and-toleration/")
def a_taint_keeps_pods_away_unless_tolerated(t: Bench) -> None:
    t.node("tainted-a")
    t.apply(pod("p", spec=f"nodeSelector: {{check: {t.namespace}}}"))
    assert "node(s) had untolerated taint(s)" in unschedulable(t, "p")
    t.apply(pod("q", spec=mine(t.namespace)))
    assert t.until("pod q", ready)["spec"]["nodeName"] == "tainted-a"
    assert t.get("pod p")["status"]["phase"] == "Pending"


@check("concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions")
def no_execute_evicts_what_does_not_tolerate_it(t: Bench) -> None:
    t.node("evicting-a")
    fire = "{key: fire, operator: Exists, effect: NoExecute%s}"
    t.apply(pod("leaves", spec=mine(t.namespace)))
    t.apply(pod("lingers", spec=mine(t.namespace, fire % ", tolerationSeconds: 6")))
    t.apply(pod("stays", spec=mine(t.namespace, fire % "")))
    for name in ("leaves", "lingers", "stays"):
        t.until(f"pod {name}", ready)
    t.out("kubectl taint node evicting-a fire=now:NoExecute")
    t.gone("pod leaves")
    t.event("leaves", "TaintManagerEviction", "Marking for deletion Pod")
    assert "stays" in t.names("pods")
    t.gone("pod lingers")
    assert t.names("pods") == ["stays"]


@check("concepts/architecture/nodes/#manual-node-administration")
def a_cordoned_node_takes_no_more_pods(t: Bench) -> None:
    t.node("cordoned-a")
    t.apply(pod("before", spec=mine(t.namespace)))
    t.until("pod before", ready)
    t.out("kubectl cordon cordoned-a")
    assert "Ready,SchedulingDisabled" in t.out("kubectl get node cordoned-a --no-headers")
    t.until(
        "node cordoned-a",
        lambda o: "node.kubernetes.io/unschedulable" in [taint["key"] for taint in o["spec"]["taints"]],
    )
    t.apply(pod("after", spec=mine(t.namespace)))
    assert "node(s) were unschedulable" in unschedulable(t, "after")
    assert ready(t.get("pod before"))
    t.out("kubectl uncordon cordoned-a")
    t.until("pod after", ready)


@check("tasks/administer-cluster/safely-drain-node/")
def a_drain_moves_pods_and_minds_daemons_and_the_unmanaged(t: Bench) -> None:
    t.node("drained-a")
    t.node("drained-b")
    t.apply(workload("Deployment", "web", spec="replicas: 2", pods=mine(t.namespace)))
    t.apply(workload("DaemonSet", "agent", pods=mine(t.namespace)))
    t.apply(pod("alone", spec=mine(t.namespace) + ", nodeName: drained-a"))
    for what in ("deployment/web", "daemonset/agent"):
        t.out(f"kubectl rollout status {what} --timeout=60s")
    t.refused("kubectl drain drained-a", "cannot delete DaemonSet-managed Pods", "that declare no controller")
    t.out("kubectl drain drained-a --ignore-daemonsets --force --timeout=60s")
    t.out("kubectl rollout status deployment/web --timeout=60s")
    assert {o["spec"]["nodeName"] for o in t.get("pods -l app=web")["items"]} == {"drained-b"}
    assert {o["spec"]["nodeName"] for o in t.get("pods -l app=agent")["items"]} == {"drained-a", "drained-b"}
    t.gone("pod alone")
    assert t.get("node drained-a")["spec"]["unschedulable"] is True


@check("concepts/scheduling-eviction/api-eviction/")
def an_eviction_asks_the_disruption_budget(t: Bench) -> None:
    t.apply(workload("Deployment", "web", spec="replicas: 2"))
    t.out("kubectl rollout status deployment/web --timeout=60s")
    t.out("kubectl create poddisruptionbudget web --selector=app=web --min-available=2")
    t.until("pdb web", lambda o: o["status"].get("currentHealthy") == 2)
    (name, _) = t.names("pods")
    eviction = f'{{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {{"name": "{name}"}}}}'
    send = f"kubectl create --raw /api/v1/namespaces/{t.namespace}/pods/{name}/eviction -f - <<< '{eviction}'"
    t.refused(send, "Cannot evict pod as it would violate the pod's disruption budget")
    assert len(t.names("pods")) == 2
    t.out("""kubectl patch pdb web --type=merge -p '{"spec": {"minAvailable": 1}}'""")
    t.until("pdb web", lambda o: o["status"]["disruptionsAllowed"] == 1)
    t.out(send)
    t.gone(f"pod {name}")


@check("tasks/run-application/configure-pdb/")
def a_drain_waits_for_the_disruption_budget(t: Bench) -> None:
    t.node("budget-a")
    t.apply(workload("Deployment", "web", pods=mine(t.namespace)))
    t.out("kubectl rollout status deployment/web --timeout=60s")
    t.out("kubectl create poddisruptionbudget web --selector=app=web --max-unavailable=0")
    t.until("pdb web", lambda o: o["status"].get("currentHealthy") == 1)
    t.refused("kubectl drain budget-a --timeout=3s", "would violate the pod's disruption budget")
    assert ready(t.get("pods")["items"][0])
    assert t.out("kubectl get pdb web --no-headers").split()[1:4] == ["N/A", "0", "0"]


@check("concepts/scheduling-eviction/pod-priority-preemption/")
def a_pod_of_higher_priority_preempts(t: Bench) -> None:
    t.node("crowded-a", cpu="1")
    for name, value in (("fidelity-low", 10), ("fidelity-high", 1000)):
        t.out(f"kubectl create priorityclass {name} --value={value}")
        t.apply(
            f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{priorityClassName: {name},"
            f" {mine(t.namespace)}, containers:"
            " [{name: app, image: nginx, resources: {requests: {cpu: 800m}}}]}}"
        )
        found = t.until(f"pod {name}", ready)
        assert found["spec"]["priority"] == value
    t.gone("pod fidelity-low")
    t.event("fidelity-low", "Preempted", "Preempted by pod")
    t.refused('kubectl run p --image=nginx --overrides=\'{"spec": {"priorityClassName": "none"}}\'', "no PriorityClass")


@check("concepts/scheduling-eviction/assign-pod-node/#nodename")
def a_pod_with_a_node_name_needs_no_scheduler(t: Bench) -> None:
    t.apply(pod("p", spec="nodeName: sandbox-worker"))
    t.until("pod p", ready)
    reasons = [e["reason"] for e in t.get("events --field-selector involvedObject.name=p")["items"]]
    assert "Scheduled" not in reasons
    t.apply(pod("q", spec="schedulerName: somebody-elses"))
    found = t.get("pod q")
    assert "nodeName" not in found["spec"]
    assert found["status"]["phase"] == "Pending"


@check("reference/node/node-status/")
def nodes_have_conditions_capacity_and_a_heartbeat(t: Bench) -> None:
    found = t.get("node sandbox-worker")
    kinds = {c["type"]: c["status"] for c in found["status"]["conditions"]}
    assert kinds == {"MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False", "Ready": "True"}
    assert found["status"]["capacity"]["pods"] == "110"
    assert {a["type"] for a in found["status"]["addresses"]} >= {"InternalIP", "Hostname"}
    lease = t.get("lease sandbox-worker --namespace=kube-node-lease")["spec"]
    assert lease["holderIdentity"] == "sandbox-worker"
    assert lease["leaseDurationSeconds"] == 40
    t.until(
        "lease sandbox-worker --namespace=kube-node-lease", lambda o: o["spec"]["renewTime"] > lease["renewTime"], 30
    )
