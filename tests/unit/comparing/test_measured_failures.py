"""What other comparators were measured to get wrong (istio's `_verify_like`, similarity, line diffs) is right here."""

from __future__ import annotations

import pytest

from kubetalk.comparing import canonical, differences
from kubetalk.model import Difference, Verdict

MAJOR, MINOR = Verdict.DRIFT_MAJOR, Verdict.DRIFT_MINOR


def told(command: str, old: str, new: str) -> list[str]:
    return [difference.message for difference in compared(command, old, new)]


def compared(command: str, old: str, new: str) -> tuple[Difference, ...]:
    return differences(canonical(command, old), canonical(command, new))


PODS = """\
NAME                          READY   STATUS    RESTARTS   AGE
ratings-v1-b6994bb9-kp8rg     1/1     Running   0          10m
reviews-v1-545db77b95-2kf9x   1/1     Running   0          10m
reviews-v3-84779c7bbc-hs6f7   1/1     Running   0          2y10d
web-0                         1/1     Running   0          <invalid>
"""
FRESH_PODS = """\
NAME                          READY   STATUS    RESTARTS   AGE
web-0                         1/1     Running   0          1s
reviews-v3-84779c7bbc-w5tzd   1/1     Running   0          27h
reviews-v1-545db77b95-bbcdf   1/1     Running   0          3m12s
ratings-v1-b6994bb9-55wzt     1/1     Running   0          99s
"""


def test_new_names_ages_and_order_are_no_drift() -> None:
    assert told("kubectl get pods", PODS, FRESH_PODS) == []


def test_one_cell_is_one_difference_in_words() -> None:
    broken = FRESH_PODS.replace(
        "ratings-v1-b6994bb9-55wzt     1/1     Running   0          99s",
        "ratings-v1-b6994bb9-55wzt     0/1     CrashLoopBackOff   4 (12s ago)   99s",
    )
    assert set(compared("kubectl get pods", PODS, broken)) == {
        Difference(MAJOR, "READY of ratings-v1: 1/1 -> 0/1"),
        Difference(MAJOR, "STATUS of ratings-v1: Running -> CrashLoopBackOff"),
        Difference(MAJOR, "RESTARTS of ratings-v1: 0 -> 4 (12s ago)"),
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("galley", "citadel", "row gone: istio-galley"), ("reviews-v3", "reviews-v1", "row gone: reviews-v3")],
)
def test_names_that_begin_alike_are_different_names(old: str, new: str, message: str) -> None:
    table = "NAME   READY   STATUS   RESTARTS   AGE\n{}   1/1   Running   0   3d\n"
    names = (
        (f"istio-{old}", f"istio-{new}") if old == "galley" else (f"{old}-84779c7bbc-hs6f7", f"{new}-545db77b95-2kf9x")
    )
    found = compared("kubectl get pods", *(table.format(name) for name in names))
    assert found[0] == Difference(MAJOR, message)
    assert [difference.verdict for difference in found] == [MAJOR, MINOR]


def test_a_label_value_is_content() -> None:
    labels = "NAME      STATUS   AGE   LABELS\nstaging   Active   5s    istio-injection={},app=staging\n"
    assert compared("kubectl get ns --show-labels", labels.format("enabled"), labels.format("disabled")) == (
        Difference(MAJOR, "label istio-injection of staging: enabled -> disabled"),
    )


def test_restarts_count_by_class() -> None:
    table = "NAME    READY   STATUS    RESTARTS       AGE\nweb-0   1/1     Running   {}   3d\n"
    command = "kubectl get pods"
    assert told(command, table.format("1 (5m ago)"), table.format("3 (2y10d ago)")) == []
    assert told(command, table.format("0         "), table.format("1 (5m ago)")) == [
        "RESTARTS of web-0: 0 -> 1 (5m ago)"
    ]


@pytest.mark.parametrize(
    "age",
    [
        "0s",
        "119s",
        "2m",
        "9m59s",
        "179m",
        "3h",
        "7h59m",
        "47h",
        "2d",
        "7d23h",
        "729d",
        "2y",
        "2y10d",
        "9y",
        "<invalid>",
    ],
)
def test_every_age_the_printer_can_give(age: str) -> None:
    table = "NAME      STATUS   AGE\ndefault   Active   {}\n"
    assert told("kubectl get ns", table.format("5m"), table.format(age)) == []


def test_an_age_that_is_none_is_told() -> None:
    table = "NAME      STATUS   AGE\ndefault   Active   {}\n"
    assert told("kubectl get ns", table.format("5m"), table.format("<unknown>")) == ["AGE of default: 5m -> <unknown>"]


SERVICES = """\
NAME         TYPE           CLUSTER-IP      EXTERNAL-IP    PORT(S)                      AGE
kubernetes   ClusterIP      10.96.0.1       <none>         443/TCP                      12s
six          ClusterIP      fd00:10:96::a   <none>         80/TCP                       4s
web          LoadBalancer   10.96.177.223   203.0.113.87   80:31380/TCP,443:31390/TCP   4s
"""


def test_node_ports_and_addresses_of_both_families_are_masked() -> None:
    other = (
        SERVICES.replace("31380", "32001")
        .replace("31390", "30001")
        .replace("fd00:10:96::a", "fd00:10:96::4b1d")
        .replace("10.96.177.223", "10.96.4.9")
    )
    assert told("kubectl get svc", SERVICES, other) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "80:31380/TCP",
            "8080:31380/TCP",
            "PORT(S) of web: 80:31380/TCP,443:31390/TCP -> 8080:31380/TCP,443:31390/TCP",
        ),
        ("443/TCP  ", "443/UDP  ", "PORT(S) of kubernetes: 443/TCP -> 443/UDP"),
        ("203.0.113.87", "<pending>   ", "EXTERNAL-IP of web: 203.0.113.87 -> <pending>"),
        ("10.96.0.1 ", "None      ", "CLUSTER-IP of kubernetes: 10.96.0.1 -> None"),
        ("fd00:10:96::a", "10.96.0.10   ", "CLUSTER-IP of six: fd00:10:96::a -> 10.96.0.10"),
        ("31390/TCP", "8443/TCP ", "PORT(S) of web: 80:31380/TCP,443:31390/TCP -> 80:31380/TCP,443:8443/TCP"),
    ],
)
def test_the_class_of_a_cell_is_content(old: str, new: str, message: str) -> None:
    assert old in SERVICES
    assert compared("kubectl get svc", SERVICES, SERVICES.replace(old, new)) == (Difference(MAJOR, message),)


def test_one_wider_cell_is_not_eighteen_lines() -> None:
    rows = "".join(f"db-{n}   1/1   Running   0   3d\n" for n in range(8))
    old = "NAME   READY   STATUS   RESTARTS   AGE\n" + rows
    new = "NAME   READY   STATUS             RESTARTS      AGE\n" + rows.replace(
        "db-5   1/1   Running", "db-5   1/1   ImagePullBackOff"
    )
    assert told("kubectl get pods", old, new) == ["STATUS of db-5: Running -> ImagePullBackOff"]
