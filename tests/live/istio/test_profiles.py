"""Every profile of this release: installed, Ready, removed. What `--set` changes is in tests/live/fidelity/istio."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from kubetalk.sandbox.embedded import EmbeddedSandbox
from tests.support.projects import eventually

from .conftest import out

OPENSHIFT = "failed to update resource with server-side apply for obj NetworkAttachmentDefinition/default/istio-cni"
WORKLOADS = "kubectl get deployments,daemonsets --all-namespaces -o json"


@dataclass(frozen=True, slots=True)
class Profile:
    """What a profile brings: workloads as NAMESPACE/NAME. ``lacks``: what istioctl says where that cannot be whole."""

    name: str
    workloads: frozenset[str]
    crds: int = 15
    lacks: str = ""


def _in_system(*names: str) -> frozenset[str]:
    return frozenset(f"istio-system/{name}" for name in names)


INGRESS = _in_system("istiod", "istio-ingressgateway")
DAEMONS = ("istio-cni-node", "ztunnel")
PROFILES = (
    Profile("default", INGRESS),
    Profile("demo", INGRESS | _in_system("istio-egressgateway")),
    Profile("minimal", _in_system("istiod")),
    Profile("ambient", _in_system("istiod", *DAEMONS)),
    # The control plane of a remote cluster is elsewhere.
    Profile("remote", frozenset()),
    Profile("preview", INGRESS),
    Profile("stable", INGRESS),
    Profile("empty", frozenset(), crds=0),
    # OpenShift's own kind is missing, as on every other cluster; the rest is installed.
    Profile("openshift", INGRESS, lacks=OPENSHIFT),
    Profile("openshift-ambient", _in_system("istiod") | {"kube-system/ztunnel"}, lacks=OPENSHIFT),
)


def _name(profile: Profile) -> str:
    return profile.name


def ready_workloads(sandbox: EmbeddedSandbox) -> frozenset[str]:
    """Deployments and DaemonSets of which every pod is Ready, and of which there is one."""
    found = set()
    for item in json.loads(out(sandbox, WORKLOADS))["items"]:
        status = item["status"]
        wanted = status.get("desiredNumberScheduled", item["spec"].get("replicas", 0))
        if wanted == status.get("numberReady", status.get("readyReplicas", 0)) > 0:
            found.add(f"{item['metadata']['namespace']}/{item['metadata']['name']}")
    return frozenset(found)


def crds(sandbox: EmbeddedSandbox) -> list[str]:
    return out(sandbox, "kubectl get crd -o name").split()


@pytest.mark.parametrize("profile", PROFILES, ids=_name)
def test_a_profile_is_installed_and_purged(empty: EmbeddedSandbox, profile: Profile) -> None:
    text = out(empty, f"istioctl install --set profile={profile.name} -y", status=1 if profile.lacks else 0)
    if profile.lacks:
        assert profile.lacks in text
    else:
        assert "✔ Installation complete" in text
    # What istioctl has waited for is Ready already.
    assert ready_workloads(empty) == profile.workloads
    assert len(crds(empty)) == profile.crds
    text = out(empty, "istioctl uninstall --purge -y")
    assert "✔ Uninstall complete" in text
    eventually(lambda: json.loads(out(empty, WORKLOADS))["items"] == [], 30, "workloads stay")
    eventually(lambda: crds(empty) == [], 30, "definitions stay")
