"""Which part of a name is chance."""

from __future__ import annotations

import random

import pytest

from kubetalk.comparing.names import MARKED, Names

RANDOM = "bcdfghjklmnpqrstvwxz2456789"


def base(masked: str) -> str:
    return MARKED.sub("*", masked)


@pytest.mark.parametrize(
    ("name", "kind", "masked"),
    [
        ("web-795767664d-4bm8b", "pod", "web-795767664d-*"),
        ("web-795767664d-4bm8b", "", "web-795767664d-*"),
        ("web-6f5-4bm8b", "pod", "web-6f5-*"),
        ("agent-9dtjc", "pod", "agent-*"),
        ("agent-9dtjc", "", "agent-9dtjc"),
        ("web-c59d2", "endpointslice", "web-*"),
        ("tick-29923229", "job", "tick-*"),
        ("tick-29923229-lzm77", "pod", "tick-*"),
        ("csr-x7k2p", "certificatesigningrequest", "csr-*"),
        ("db-0", "pod", "db-0"),
        ("istio-galley", "pod", "istio-galley"),
        ("my-app-config", "configmap", "my-app-config"),
        ("x-httpd", "configmap", "x-httpd"),
        ("release-20260823", "configmap", "release-20260823"),
        ("web-795767664d", "replicaset", "web-795767664d"),
    ],
)
def test_by_kind(name: str, kind: str, masked: str) -> None:
    assert base(Names().know(name, kind)) == masked


def test_every_generated_deployment_pod_and_no_other() -> None:
    chance = random.Random(7)  # noqa: S311 - names, no secrets
    for _ in range(2000):
        suffix = "".join(chance.choices(RANDOM, k=5))
        digits = str(chance.getrandbits(32))
        encoded = "".join(RANDOM[ord(digit) % len(RANDOM)] for digit in digits)  # SafeEncodeString
        assert base(Names().know(f"my-app-{encoded}-{suffix}", "pod")) == f"my-app-{encoded}-*"


def test_what_a_listing_told_is_known_in_any_text() -> None:
    names = Names()
    names.learn([("pod", "agent-9dtjc")])
    assert base(names.mask('error: pod "default/agent-9dtjc" (agent-9dtjc.shop) is gone')) == (
        'error: pod "default/agent-*" (agent-*.shop) is gone'
    )


def test_a_known_owner_explains_a_lone_suffix() -> None:
    names = Names()
    names.own("daemonset", "agent")
    assert base(names.mask("Created pod: agent-pgwk8, other-pgwk8")) == "Created pod: agent-*, other-pgwk8"


def test_the_authors_own_names_stay() -> None:
    names = Names()
    names.read_command("kubectl run web-httpd --image=nginx")
    assert names.know("web-httpd", "pod") == "web-httpd"
    assert base(names.know("web-https", "pod")) == "web-*"


def test_generate_name_makes_any_kind_generated() -> None:
    names = Names()
    names.read_text('{"metadata": {"generateName": "gen-"}}')
    assert base(names.know("gen-h86fp", "configmap")) == "gen-*"


def test_a_restarted_deployments_new_hash_is_chance_the_old_one_is_not() -> None:
    names = Names()
    names.learn([("replicaset", "web-795767664d")])
    names.read_command("kubectl rollout restart deployment/web")
    assert base(names.know("web-795767664d-4bm8b", "pod")) == "web-795767664d-*"
    assert base(names.know("web-684c579d95-4bm8b", "pod")) == "web-‹hash›-*"
    assert base(names.know("api-684c579d95-4bm8b", "pod")) == "api-684c579d95-*"
    assert base(names.mask("pod-template-hash=684c579d95")) == "pod-template-hash=‹hash›"


def test_symbols_of_the_session() -> None:
    names = Names({"/tmp/run-1": "‹dir›", "/tmp/run-1/home": "‹home›"})  # noqa: S108 - a text
    assert names.symbolise("cd /tmp/run-1/home; ls /tmp/run-1") == "cd ‹home›; ls ‹dir›"


@pytest.mark.parametrize(
    ("node", "same"),
    [("sandbox-worker2", True), ("sandbox-worker13", True), ("sandbox-control-plane", False), ("<none>", False)],
)
def test_workers_are_one_class(node: str, same: bool) -> None:
    names = Names()
    assert (names.node(node) == names.node("sandbox-worker")) is same
