"""Which commands are refused, and which only observe."""

from __future__ import annotations

import pytest

from kubetalk.reading import refuse
from kubetalk.reading.refusals import changes


@pytest.mark.parametrize(
    "command",
    [
        "kubectl exec -it web -- sh",
        "kubectl -n web exec -ti web -c app -- bash",
        "kubectl exec --stdin --tty web -- date",
        "kubectl run -it --rm x --image=busybox",
        "kubectl debug -it web --image=busybox",
        "kubectl attach web",
        "kubectl edit deploy web",
        "kubectl get pods -w",
        "kubectl get pods -Aw",
        "kubectl get pods --watch=true -o wide",
        "kubectl -n x get events --watch-only",
        "kubectl logs -f web",
        "kubectl port-forward svc/web 8080:80",
        "kubectl proxy",
        "X=1 vim x.yaml",
        "kubectl get pods | less",
        "sudo man kubectl",
        "watch -n1 kubectl get pods",
        "top",
        "k9s",
        "bash",
        "python3",
        "bash -i",
        "ssh node-1",
        "tail -f log",
        "istioctl dashboard kiali",
        "istioctl install --set profile=minimal",
        "istioctl uninstall --purge",
        "istioctl -n istio-system upgrade",
        "docker run -it busybox",
        "if true; then\n  kubectl edit ns x\nfi",
        "echo $(kubectl get pods -w)",
    ],
)
def test_refused(command: str) -> None:
    assert refuse(command).endswith(".") or refuse(command).endswith("command.")


@pytest.mark.parametrize(
    "command",
    [
        "kubectl exec web -- date",
        "kubectl exec -i web -- cat",
        "KUBE_EDITOR='sed -i s/a/b/' kubectl edit deploy web",
        "kubectl get pods -o wide",
        "kubectl get pods -owide --watch=false",
        "kubectl get pods -l app=watch",
        "timeout 5 kubectl get pods -w",
        "kubectl get pods -w &",
        "kubectl port-forward svc/web 8080:80 >/dev/null &",
        "(kubectl proxy) &",
        "kubectl top nodes",
        "kubectl describe pod less",
        "echo vim less watch",
        "bash -c 'echo hi'",
        "bash <<EOF\necho hi\nEOF",
        "curl -s x | bash",
        "istioctl install -y --set profile=minimal",
        "istioctl uninstall --purge --skip-confirmation",
        "istioctl install --dry-run",
        "istioctl install --help",
        "yes | istioctl install",
        "istioctl install <<< y",
        "kubectl get pods -n web",
        "tail -n5 log",
        "kubectl logs web --tail=5",
        "kubectl wait --for=condition=Ready pod -l app=web",
    ],
)
def test_not_refused(command: str) -> None:
    assert refuse(command) == ""


def test_tty_and_within_allow() -> None:
    assert refuse("kubectl exec -it web -- date", tty=True) == ""
    assert "waits for somebody" in refuse("kubectl exec -it web -- /bin/sh", tty=True)
    assert refuse("kubectl get pods -w", bounded=True) == ""


@pytest.mark.parametrize(
    "command",
    [
        "kubectl get pods",
        "kubectl -n web get pods -o json | jq -r '.items[].metadata.name' | sort",
        "kubectl rollout status deploy/web",
        "kubectl auth can-i create pods",
        "kubectl create deploy web --image=x --dry-run=client -o yaml",
        "helm list -A && helm status web",
        "helm --kube-context x repo list",
        "istioctl proxy-status",
        "istioctl -n web x describe pod web",
        "istioctl tag list",
        "curl -sS -H 'Host: x' http://127.0.0.1/",
        "curl -X GET http://127.0.0.1/",
        '[ -n "$(kubectl get pods)" ]',
        "for i in 1 2; do curl -s http://x/; done",
    ],
)
def test_observes(command: str) -> None:
    assert changes(command) == ""


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("kubectl apply -f x.yaml", "kubectl apply -f x.yaml"),
        ("kubectl get pods && kubectl delete pod web", "kubectl delete pod web"),
        ("kubectl rollout restart deploy/web", "kubectl rollout restart deploy/web"),
        ("kubectl -n x auth reconcile -f y", "kubectl -n x auth reconcile -f y"),
        ("helm install web ./chart", "helm install web ./chart"),
        ("helm repo add x y", "helm repo add x y"),
        ("istioctl install -y", "istioctl install -y"),
        ("istioctl tag set x", "istioctl tag set x"),
        ("curl -XPOST http://x", "curl -XPOST http://x"),
        ("curl -sd a=b http://x", "curl -sd a=b http://x"),
        ("curl -sX POST http://x", "curl -sX POST http://x"),
        ("curl --data-raw a http://x", "curl --data-raw a http://x"),
        ("sed -i s/a/b/ f", "sed -i s/a/b/ f"),
        ("rm -rf x", "rm -rf x"),
        ("echo $(kubectl scale deploy web --replicas=2)", "kubectl scale deploy web --replicas=2"),
        ("sleep 5 &", "sleep 5 &"),
    ],
)
def test_changes(command: str, part: str) -> None:
    assert changes(command) == part
