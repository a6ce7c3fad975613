from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubetalk.running.commands import is_installing, is_observing, is_watching, refusal


@pytest.mark.parametrize(
    "source",
    [
        "kubectl get pods",
        "kubectl -n shop get pods -o wide | grep web | wc -l",
        "kubectl --namespace shop describe pod web",
        "kubectl get pods \\\n  --show-labels",
        "kubectl logs $(kubectl get pods -o name | head -1)",
        "kubectl rollout status deployment/web",
        "kubectl auth can-i list pods --as system:serviceaccount:a:b",
        "kubectl get x -o jsonpath='{.items[*].metadata.name}' 2>/dev/null",
        "for i in 1 2; do kubectl get pods; done",
        "helm list -A && helm status shop",
        "istioctl -n istio-system proxy-status",
        "curl -s http://x/y",
        "curl -sX GET -o /dev/null -w '%{http_code}' http://x/y",
        "X=1 kubectl get pods # kubectl delete pods",
        "kubectl get pods 2>&1 | sort",
        'kubectl get pods -l "app in (a, b)"',
    ],
)
def test_only_looks(source: str) -> None:
    assert is_observing(source)


@pytest.mark.parametrize(
    "source",
    [
        "kubectl apply -f x.yaml",
        "kubectl get pods; kubectl delete pod web",
        "kubectl get pods\nkubectl delete pod web",
        'echo "# x"; kubectl delete pod web',
        "echo $(kubectl delete pod web)",
        "echo `kubectl delete pod web`",
        'echo "it\'s $(kubectl delete pod web)"',
        "kubectl get pods | xargs kubectl delete",
        "kubectl get pods >f",
        "kubectl get pods &",
        "kubectl rollout restart deployment/web",
        "kubectl auth reconcile -f x",
        "kubectl config use-context x",
        "helm upgrade shop .",
        "curl -X POST http://x",
        "curl -sX DELETE http://x",
        "curl -d a=b http://x",
        "sed -i s/a/b/ f",
        "find . -delete",
        "unknown-tool",
        "echo 'unclosed",
        "",
    ],
)
def test_may_change_something(source: str) -> None:
    assert not is_observing(source)


@pytest.mark.parametrize("verb", ["install", "uninstall", "upgrade"])
def test_istioctl_is_not_asked_for_an_answer(verb: str) -> None:
    assert refusal(f"istioctl {verb} --set profile=minimal") == (
        f"`istioctl {verb}` asks before it goes on",
        "Add `-y`",
    )
    for flags in ("-y", "--skip-confirmation", "--dry-run", "--help", "--purge -y"):
        assert refusal(f"istioctl {verb} {flags}") is None
    for fed in (f"yes | istioctl {verb}", f"istioctl {verb} <answer", f"istioctl {verb} <<EOF\ny\nEOF"):
        assert refusal(fed) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("helm install web ./chart", True),
        ("X=$(helm upgrade --install web ./chart)", True),
        ("istioctl install -y", True),
        ("helm list -A", False),
        ("istioctl analyze", False),
        ("echo helm install", False),
        ("helm install 'unclosed", True),
    ],
)
def test_installing(source: str, expected: bool) -> None:
    assert is_installing(source) is expected


def test_watching() -> None:
    assert is_watching("kubectl get pods -w")
    assert is_watching("kubectl -n x get pods --watch | cat")
    assert is_watching("kubectl logs -f web")
    assert not is_watching("kubectl get pods")
    assert not is_watching("kubectl get pods --watch=false")
    assert not is_watching("kubectl apply -f web.yaml")
    assert not is_watching("kubectl get -f web.yaml")


@given(st.text(alphabet=st.sampled_from(list("ab $()`'\"\\;&|<>#\n-{}=kubectl")), max_size=60))
def test_any_text_is_judged(source: str) -> None:
    is_observing(source)
    refusal(source)
    assert not is_observing(source + "\nkubectl delete pod web") or "#" in source or "<<" in source
