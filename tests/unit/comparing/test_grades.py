"""How grave a change is, that its order is told beside it, and that a mask stays in the place it is for."""

from __future__ import annotations

import pytest

from kubetalk.comparing import Names, canonical, differences
from kubetalk.model import Verdict

FRESH, MINOR, MAJOR = Verdict.FRESH, Verdict.DRIFT_MINOR, Verdict.DRIFT_MAJOR


def grade(command: str, old: str, new: str) -> Verdict:
    found = differences(canonical(command, old), canonical(command, new))
    return MAJOR if any(d.verdict is MAJOR for d in found) else MINOR if found else FRESH


def told(command: str, old: str, new: str) -> list[str]:
    return [difference.message for difference in differences(canonical(command, old), canonical(command, new))]


# Trouble

EVENTS = """\
LAST SEEN   TYPE      REASON      OBJECT      MESSAGE
1s          Normal    Scheduled   pod/web-0   Successfully assigned default/web-0 to worker
"""


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("1s          Warning   FailedScheduling   pod/web-0   0/3 nodes are available.", MAJOR),
        ("1s          Warning   Rebooted    node/worker   Node worker has been rebooted", MAJOR),
        ('1s          Normal    BackOff     pod/web-0   Back-off pulling image "nginx:none"', MAJOR),
        ("1s          Normal    Killing     pod/web-0   Stopping container nginx", MINOR),
    ],
)
def test_a_new_event_is_as_grave_as_it_says(row: str, expected: Verdict) -> None:
    assert grade("kubectl get events", EVENTS, f"{EVENTS}{row}\n") is expected


DESCRIBED = """\
Name:         web-0
Status:       Running
Events:
  Type     Reason     Age   From               Message
  ----     ------     ----  ----               -------
  Normal   Scheduled  1s    default-scheduler  Successfully assigned default/web-0 to worker
"""


def test_what_is_new_in_a_description_is_as_grave_as_it_says() -> None:
    look = "kubectl describe pod web-0"
    warning = "  Warning  BackOff    1s    kubelet            Back-off restarting failed container\n"
    assert grade(look, DESCRIBED, DESCRIBED + warning) is MAJOR
    killing = "  Normal   Killing    1s    kubelet            Stopping container nginx\n"
    assert grade(look, DESCRIBED, DESCRIBED + killing) is MINOR
    killed = DESCRIBED.replace("Events:", "Last State:   Terminated\n  Reason:     OOMKilled\nEvents:")
    assert grade(look, DESCRIBED, killed) is MAJOR


@pytest.mark.parametrize("word", ["CrashLoopBackOff", "ErrImagePull", "NotReady", "Pending", "OOMKilled", "Failed"])
def test_a_new_line_of_trouble_is_grave(word: str) -> None:
    assert grade("./status.sh", "web: fine\n", f"web: fine\napi: {word}\n") is MAJOR
    assert grade("./status.sh", "web: fine\n", "web: fine\napi: fine\n") is MINOR


# Order

POD = """\
kind: Pod
metadata: {{name: web}}
spec:
  initContainers:
  - {{name: {0}}}
  - {{name: {1}}}
  containers:
  - name: app
    image: nginx:{4}
    env:
    - {{name: {2}, value: x}}
    - {{name: {3}, value: x}}
status:
  conditions: [{{type: {5}}}, {{type: {6}}}]
"""
AS_IT_WAS = ("a", "b", "X", "Y", "1.29", "Ready", "Initialized")
INIT = "order of spec.initContainers of pod web: a -> b"
ENV = "order of spec.containers[app].env of pod web: X -> Y"
GONE = 'gone: spec.initContainers[b] of pod web: {"name": "b"}'


@pytest.mark.parametrize(
    ("changed", "messages"),
    [
        (("b", "a", "X", "Y", "1.30", "Ready", "Initialized"), [INIT]),
        (("a", "b", "Y", "X", "1.30", "Ready", "Initialized"), [ENV]),
        (("a", "b", "X", "Y", "1.30", "Initialized", "Ready"), []),
        (("a", "c", "X", "Y", "1.30", "Ready", "Initialized"), [GONE]),
    ],
)
def test_an_order_is_told_beside_a_minor_change(changed: tuple[str, ...], messages: list[str]) -> None:
    found = told("kubectl get pod web -o yaml", POD.format(*AS_IT_WAS), POD.format(*changed))
    version = "spec.containers[app].image of pod web: nginx:1.29 -> nginx:1.30 (version)"
    assert [message for message in found if not message.startswith("new: ")] == [*messages, version]


def test_a_list_of_objects_has_an_order_only_if_it_is_sorted() -> None:
    spec = '{{"containers": [{{"name": "a", "image": "nginx:{}"}}]}}'
    item = '{{"kind": "Pod", "metadata": {{"name": "{}"}}, "spec": ' + spec + "}}"
    one, other = item.format("a", "1.29"), item.format("b", "1.29")
    text = '{{"kind": "List", "items": [{}, {}]}}'
    moved = text.format(other, item.format("a", "1.30"))
    assert grade("kubectl get pods -o json", text.format(one, other), text.format(other, one)) is FRESH
    assert grade("kubectl get pods -o json", text.format(one, other), moved) is MINOR
    assert grade("kubectl get pods -o json --sort-by=.metadata.name", text.format(one, other), moved) is MAJOR


CONFIG_MAP = """\
Name:         settings
Namespace:    default
Labels:       <none>
Annotations:  <none>

Data
====
color:
----
green

size:
----
small


BinaryData
====

Events:  <none>
"""


def test_a_new_key_moves_nothing_though_its_lines_repeat_others() -> None:
    look = "kubectl describe configmap settings"
    added = CONFIG_MAP.replace("size:\n", "shape:\n----\nround\n\nsize:\n")
    assert grade(look, CONFIG_MAP, added) is MINOR
    assert grade(look, added, CONFIG_MAP) is MAJOR
    assert not [message for message in told(look, added, CONFIG_MAP) if "order" in message]


def test_the_order_of_a_description_is_told_beside_a_minor_change() -> None:
    init = "Name:  web\nInit Containers:\n  {0}:\n    Image:  busybox:1\n  {1}:\n    Image:  busybox:1\n"
    text = init + "Containers:\n  app:\n    Image:  nginx:{2}\n    Args:\n      {3}\n      {4}\n"
    look = "kubectl describe pod web"
    old = text.format("a", "b", "1.29", "one", "two")
    assert grade(look, old, text.format("a", "b", "1.30", "one", "two")) is MINOR
    swapped = told(look, old, text.format("b", "a", "1.30", "one", "two"))
    assert swapped[0] == "order of web: Init Containers / a -> Init Containers / b"
    swapped = told(look, old, text.format("a", "b", "1.30", "two", "one"))
    assert swapped[0] == "order of web: Containers / app / Args: one -> Containers / app / Args: two"


# Masks in their places


@pytest.mark.parametrize(
    ("command", "output", "values", "expected"),
    [
        ("kubectl get backup daily -o yaml", "kind: Backup\nspec: {generation: %s}\n", ("3", "4"), MAJOR),
        ("kubectl get pod web -o yaml", "kind: Pod\nmetadata: {generation: %s}\n", ("3", "4"), FRESH),
        ("kubectl get events -o yaml", "involvedObject: {name: a, resourceVersion: '%s'}\n", ("3", "4"), FRESH),
        ("kubectl get gateway web -o yaml", "spec: {certificate: %s}\n", ("web", "shop"), MAJOR),
        ("kubectl get csr me -o yaml", "status: {certificate: %s}\n", ("a" * 80, "b" * 80), FRESH),
        ("kubectl describe backup daily", "Name:  daily\nSpec:\n  Age:       %s\n", ("30d", "60d"), MAJOR),
        ("kubectl describe backup daily", "Name:  daily\nSpec:\n  Duration:  %s\n", ("30s", "60s"), MAJOR),
        ("kubectl describe job once", "Name:      once\nDuration:  %s\n", ("3s", "4s"), FRESH),
        ("cat values.yaml", "cache:\nage: %s\nexpires: never\n", ("30", "60"), MAJOR),
        ("curl -sI web", "HTTP/1.1 200 OK\nage: %s\nexpires: never\n", ("30", "60"), FRESH),
        ("curl -v web", "* Failed to connect to web port 80 after %s ms: no\n", ("0", "4"), FRESH),
        ("curl -s web", "curl: (28) Operation timed out after %s milliseconds\n", ("300", "301"), FRESH),
        ("helm status web", "NOTES:\n* It tries again after %s ms\n", ("100", "200"), MAJOR),
        ("kubectl get scaledobjects", "NAME   TARGETS\nweb    %s/5\n", ("3", "4"), MAJOR),
        ("kubectl get hpa", "NAME   TARGETS\nweb    cpu: %s/80%%\n", ("3%", "7%"), FRESH),
    ],
)
def test_a_mask_is_for_one_kind(command: str, output: str, values: tuple[str, str], expected: Verdict) -> None:
    assert grade(command, output % values[0], output % values[1]) is expected


# A cluster with kubelets


def test_the_order_of_measured_values_is_chance() -> None:
    table = "NAME   CPU(cores)   MEMORY(bytes)\n{}     9m           5Mi\n{}     4m           5Mi\n"
    for look in ("kubectl top pods --sort-by=cpu", "kubectl top nodes --sort-by memory"):
        assert grade(look, table.format("a-0", "b-0"), table.format("b-0", "a-0")) is FRESH
        assert grade(look, table.format("a-0", "b-0"), table.format("a-0", "c-0")) is MAJOR
    names = "kubectl top pods --no-headers --sort-by=cpu | awk '{print $1}'"
    assert grade(names, "a-0\nb-0\n", "b-0\na-0\n") is FRESH


def test_how_long_an_image_was_pulled_is_chance() -> None:
    message = 'Successfully pulled image "nginx:1.29" in {} ({} including waiting). Image size: 59796593 bytes.'
    row = f"1s          Normal    Pulled      pod/web-0   {message}\n"
    old = EVENTS + row.format("2.345s", "2.345s")
    assert grade("kubectl get events", old, EVENTS + row.format("1m0.5s", "1m3.1s")) is FRESH
    assert grade("kubectl get events", old, old.replace("nginx:1.29", "httpd:2.4")) is MAJOR


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ip-10-0-1-23.eu-west-1.compute.internal", "ip-10-0-2-7.eu-west-1.compute.internal", True),
        ("gke-shop-pool-1a2b3c4d-x7k2", "gke-shop-pool-1a2b3c4d-b9q4", True),
        ("node-1.example.com", "node-2.example.com", True),
        ("worker.example.com", "worker2.example.com", True),
        ("k3d-docs-agent-0", "k3d-docs-server-0", False),
        ("kind-worker", "kind-control-plane", False),
        ("minikube-m02", "minikube-m03", True),
    ],
)
def test_equal_nodes_of_any_cluster_are_one_class(one: str, other: str, same: bool) -> None:
    names = Names()
    assert (names.node(one) == names.node(other)) is same
    assert names.node(names.node(one)) == names.node(one)
