"""What a command line says of its output."""

from __future__ import annotations

import pytest

from kubetalk.comparing.commands import read, without_heredocs


@pytest.mark.parametrize(
    ("command", "kinds", "form"),
    [
        ("kubectl get pods", ("pod",), ""),
        ("kubectl -n shop get po,svc -owide", ("pod", "service"), "wide"),
        ("kubectl get deployments.apps web --output=yaml", ("deployment",), "yaml"),
        ("kubectl get pod/web-0 -o jsonpath='{.status.podIP}'", ("pod",), "jsonpath"),
        ("sudo kubectl get nodes | grep Ready", ("node",), ""),
        ("export A=1; kubectl get ns --show-labels && echo done", ("namespace",), ""),
        ("kubectl get \\\n  pods", ("pod",), ""),
        ("helm list -o json", (), "json"),
        ("echo 'kubectl get pods'", (), ""),
        ("kubectl get pods 'unbalanced", ("pod",), ""),
        ("", (), ""),
    ],
)
def test_kinds_and_format(command: str, kinds: tuple[str, ...], form: str) -> None:
    hints = read(command)
    assert (hints.kinds, hints.format) == (kinds, form)


def test_what_is_inside_a_substitution_does_not_print() -> None:
    hints = read("POD=$(kubectl get pods -o name | head -1); kubectl logs $POD")
    assert hints.runs("kubectl", "logs")
    assert not hints.runs("kubectl", "get")
    assert hints.has_variable
    assert hints.format == ""


def test_sorting_and_switches() -> None:
    hints = read("kubectl get pods -A --sort-by='{.metadata.name}' --no-headers -w -L app,tier")
    assert (hints.sort_by, hints.no_headers, hints.watch, hints.all_namespaces) == (".metadata.name", True, True, True)
    assert hints.invocations[0].flags["label-columns"] == "app,tier"


def test_the_body_of_a_heredoc_is_no_command() -> None:
    command = "kubectl apply -f - <<'EOF'\nkind: Pod\nkubectl get pods; exit\nEOF\nkubectl get svc"
    assert without_heredocs(command) == "kubectl apply -f - <<'EOF'\nkubectl get svc"
    assert read(command).kinds == ("service",)


def test_owners_are_objects_with_a_name() -> None:
    assert read("kubectl create job once --image=busybox -- true").owners == (("job", "once"),)
    assert read("kubectl rollout restart ds/agent deploy/web").owners == (("daemonset", "agent"), ("deployment", "web"))
    assert read("kubectl label pods web-0 tier=front").owners == (("pod", "web-0"),)
