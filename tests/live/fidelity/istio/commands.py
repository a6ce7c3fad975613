"""istioctl's questions to a running control plane, and its revision tags."""

from __future__ import annotations

import json

import yaml

from tests.live.fidelity.checks import Bench, pod

from .mesh import FROM_INSTALLED, SYSTEM, admitted, dry, inject, promise, proxy, told

ISTIOCTL = "reference/commands/istioctl/"
TAGS = "setup/upgrade/canary/#stable-revision-labels"


@promise(f"{ISTIOCTL}#istioctl-version")
def version_asks_the_control_plane(t: Bench) -> None:
    found = json.loads(t.out("istioctl version -o json"))
    assert found["clientVersion"]["version"] == "1.31.0"
    (plane,) = found["meshVersion"]
    assert [plane["Component"], plane["Info"]["version"]] == ["pilot", "1.31.0"]
    assert t.out("istioctl version --short --remote=false").split()[-1] == "1.31.0"


@promise(f"{ISTIOCTL}#istioctl-proxy-status")
def proxy_status_lists_no_proxy_where_none_runs(t: Bench) -> None:
    inject(t)
    t.apply(pod("p"))
    t.out("kubectl wait --for=condition=Ready pod/p --timeout=60s")
    (heading,) = t.out("istioctl proxy-status").splitlines()
    assert heading.split()[:4] == ["NAME", "CLUSTER", "ISTIOD", "VERSION"]


@promise(f"{ISTIOCTL}#istioctl-experimental-precheck")
def precheck_finds_nothing_in_the_way(t: Bench) -> None:
    assert "No issues found when checking the cluster" in told(t, "istioctl x precheck")


@promise("ops/diagnostic-tools/check-inject/")
def check_inject_explains_the_decision(t: Bench) -> None:
    t.apply(pod("p", labels="sidecar.istio.io/inject: 'false'"))
    said = t.out(f"istioctl x check-inject -n {t.namespace} p")
    assert "istio-sidecar-injector" in said
    assert "✘" in said
    assert "✔" not in said
    inject(t)
    said = t.out(f"istioctl x check-inject -n {t.namespace} -l app=any")
    assert "✔" in said


@promise("ops/diagnostic-tools/component-logging/")
def the_log_levels_of_istiod_are_set_while_it_runs(t: Bench) -> None:
    (name,) = t.names(f"pods -l app=istiod {SYSTEM}")

    def level() -> str:
        lines = [line.split() for line in t.out(f"istioctl admin log {name}").splitlines()]
        (found,) = (line[-2] for line in lines if line[0] == "validationServer")
        return found

    assert level() == "info"
    t.out(f"istioctl admin log {name} --level validationServer:debug")
    assert level() == "debug"
    t.out(f"istioctl admin log {name} --reset")
    assert level() == "info"


@promise("setup/install/istioctl/#generate-a-manifest-before-installation")
def a_manifest_is_what_would_be_installed(t: Bench) -> None:
    found = list(yaml.safe_load_all(t.out("istioctl manifest generate --set profile=minimal")))
    kinds = [o["kind"] for o in found if o]
    assert kinds.count("Deployment") == 1
    (made,) = (o for o in found if o and o["kind"] == "Deployment")
    installed = t.get(f"deployment istiod {SYSTEM}")["spec"]["template"]["spec"]["containers"][0]
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert [container["image"], container["args"]] == [installed["image"], installed["args"]]


@promise(f"{ISTIOCTL}#istioctl-tag-generate")
def a_tag_is_generated_without_being_set(t: Bench) -> None:
    found = {
        o["kind"]: o["metadata"] for o in yaml.safe_load_all(t.out("istioctl tag generate later --revision default"))
    }
    made = found["MutatingWebhookConfiguration"]
    assert [made["name"], made["labels"]["istio.io/tag"]] == ["istio-revision-tag-later", "later"]
    assert "later" not in t.out("istioctl tag list")


@promise(TAGS, FROM_INSTALLED)
def a_tag_stands_for_a_revision_until_it_is_removed(t: Bench) -> None:
    t.refused("istioctl tag set prod --revision nobody", 'revision "nobody"')
    said = told(t, "istioctl tag set prod --revision default")
    assert 'Revision tag "prod" created, referencing control plane revision "default"' in said
    t.refused("istioctl tag set prod --revision default", "--overwrite")
    t.out("istioctl tag set prod --revision default --overwrite")
    inject(t, "istio.io/rev=prod")
    assert proxy(admitted(t, pod("p")))
    listed = {entry["tag"]: entry for entry in json.loads(t.out("istioctl tag list -o json"))}
    assert listed["prod"] == {"tag": "prod", "revision": "default", "namespaces": [t.namespace]}
    # Namespaces use it, so it is not taken from them without a word.
    t.out("istioctl tag remove prod </dev/null")
    assert "prod" in t.out("istioctl tag list")
    t.out("istioctl tag remove prod -y")
    assert "prod" not in t.out("istioctl tag list")
    t.until_run(dry(pod("p")), lambda done: done.returncode == 0 and "istio-proxy" not in done.stdout)
