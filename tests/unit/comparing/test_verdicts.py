"""Two recordings of a session: one verdict per command, with its reason."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from kubetalk.comparing import compare, compare_snapshots, is_stable, is_unchanged
from kubetalk.model import (
    BlockOptions,
    BlockRecord,
    Command,
    CommandRecord,
    Comparison,
    FileStep,
    Location,
    Match,
    Provenance,
    Recording,
    RunStep,
    SandboxRequest,
    Session,
    Snapshot,
    Verdict,
)

WHERE = Location("docs/talks/x/en.md", 7)
PODS = "NAME                   READY   STATUS    RESTARTS   AGE\nweb-795767664d-{}   1/1     {}   0          {}\n"


def session(
    *commands: str, options: BlockOptions | None = None, expectation: str | None = None, file: str = ""
) -> Session:
    steps: list[RunStep | FileStep] = [
        RunStep("block", i, Command(c, (f"$ {c}",), WHERE, expectation=expectation), options or BlockOptions())
        for i, c in enumerate(commands)
    ]
    if file:
        steps.insert(0, FileStep("web.yaml", file, WHERE))
    return Session("x", SandboxRequest(), tuple(steps))


def recording(*records: tuple[str, str] | tuple[str, str, int]) -> Recording:
    made = tuple(CommandRecord(record[0], record[1], record[2] if len(record) > 2 else 0) for record in records)
    return Recording(
        "x", Provenance(dt.datetime.now(dt.UTC), "embedded", simulated=True), (BlockRecord("block", made),)
    )


def verdicts(comparisons: tuple[Comparison, ...]) -> list[Verdict]:
    return [comparison.verdict for comparison in comparisons]


def test_a_verdict_per_command_with_place_and_words() -> None:
    commands = ("kubectl get pods", "kubectl version")
    old = recording((commands[0], PODS.format("4bm8b", "Running", "1s")), (commands[1], "Server Version: v1.36.4\n"))
    new = recording((commands[0], PODS.format("x7k2p", "Pending", "9s")), (commands[1], "Server Version: v1.37.0\n", 1))
    first, second = compare(session(*commands), old, new)
    assert first.location == WHERE
    assert first.verdict is Verdict.DRIFT_MAJOR
    assert [difference.message for difference in first.differences] == ["STATUS of web: Running -> Pending"]
    assert [difference.message for difference in second.differences] == [
        "exit 0 -> 1",
        "Server Version: v1.36.4 -> v1.37.0 (version)",
    ]
    assert verdicts(compare(session(*commands), old, old)) == [Verdict.FRESH, Verdict.FRESH]


def test_a_minor_difference_alone_is_minor() -> None:
    old, new = (recording(("kubectl version", f"Server Version: {v}\n")) for v in ("v1.36.4", "v1.36.5"))
    assert verdicts(compare(session("kubectl version"), old, new)) == [Verdict.DRIFT_MINOR]


def test_what_cannot_be_compared_says_why() -> None:
    run = session("one", "two", "three", "four")
    old = recording(("one", "1\n"), ("other", "2\n"), ("three", "3\n"))
    new = recording(("one", "1\n"), ("two", "2\n"))
    assert [(c.verdict, c.reason) for c in compare(run, old, new)] == [
        (Verdict.FRESH, ""),
        (Verdict.UNVERIFIED, "the command was changed since it was recorded"),
        (Verdict.UNVERIFIED, "was not run"),
        (Verdict.UNVERIFIED, "was not run"),
    ]
    assert [c.reason for c in compare(run, recording(("one", "1\n")), new)][1] == "not recorded yet"


def test_what_is_no_longer_in_the_document_is_told() -> None:
    old = recording(("one", "1\n"), ("two", "2\n"))
    last = compare(session("one"), old, recording(("one", "1\n")))[-1]
    assert (last.command, last.verdict, last.reason) == (
        "two",
        Verdict.UNVERIFIED,
        "recorded, but no longer in the document",
    )


def test_match_none_compares_the_exit_code_only() -> None:
    run = session("date", options=BlockOptions(match=Match.NONE))
    assert verdicts(compare(run, recording(("date", "a\n")), recording(("date", "b\n")))) == [Verdict.FRESH]
    assert verdicts(compare(run, recording(("date", "a\n")), recording(("date", "b\n", 1)))) == [Verdict.DRIFT_MAJOR]


def test_the_authors_text_is_checked_too() -> None:
    record = recording(("echo a", "a\n"))
    (wrong,) = compare(session("echo a", expectation="b\n"), record, record)
    assert wrong.verdict is Verdict.DRIFT_MAJOR
    assert [difference.message for difference in wrong.differences] == ["not as written: line: b -> a"]
    (right,) = compare(session("echo a", expectation="[..]\n"), record, record)
    assert right.verdict is Verdict.FRESH
    assert is_unchanged(wrong)
    assert is_unchanged(right)
    (other,) = compare(session("echo a", expectation="b\n"), recording(("echo a", "c\n")), record)
    assert not is_unchanged(other)
    (new,) = compare(session("echo a"), recording(), record)
    assert not is_unchanged(new)


NAMED = ("POD=$(kubectl get pods -o name | head -1); echo $POD", "kubectl describe $POD")


def test_one_name_is_followed_through_a_recording() -> None:
    listing = ("kubectl get pods -o name", "pod/web-795767664d-4bm8b\npod/web-795767664d-ltcck\n")

    def run(first: str, second: str) -> Recording:
        described = f"Name:       web-795767664d-{second}\nNamespace:  default\n"
        return recording(listing, (NAMED[0], f"pod/web-795767664d-{first}\n"), (NAMED[1], described))

    steps = session(listing[0], *NAMED)
    same = run("4bm8b", "4bm8b")
    assert verdicts(compare(steps, same, run("ltcck", "ltcck"))) == [Verdict.FRESH] * 3
    other = compare(steps, same, run("4bm8b", "ltcck"))
    assert verdicts(other) == [Verdict.FRESH, Verdict.FRESH, Verdict.DRIFT_MAJOR]
    assert "another object" in other[2].differences[0].message


def test_names_are_known_before_the_listing_that_explains_them() -> None:
    commands = ("kubectl apply -f agent.yaml", "echo $AGENT")
    runs = [
        recording((commands[0], "daemonset.apps/agent created\n"), (commands[1], f"agent-{s}\n"))
        for s in ("9dtjc", "x7k2p")
    ]
    assert verdicts(compare(session(*commands), *runs)) == [Verdict.FRESH, Verdict.FRESH]


def test_what_the_author_wrote_is_never_chance() -> None:
    manifest = "kind: Pod\nmetadata: {name: web-httpd}\n---\nkind: Service\nspec: {clusterIP: 10.96.0.50}\n"
    command = "kubectl get pods,svc"
    pods = "NAME            READY   STATUS\npod/web-{}   1/1     Running\n"
    services = "NAME          TYPE        CLUSTER-IP   PORT(S)\nservice/web   ClusterIP   {}   80/TCP\n"
    output = f"{pods}\n{services}"
    old = recording((command, output.format("httpd", "10.96.0.50")))
    names = compare(session(command, file=manifest), old, recording((command, output.format("https", "10.96.0.50"))))
    assert [d.message for d in names[0].differences] == ["row gone: pod/web-httpd", "row added: pod/web"]
    address = compare(session(command, file=manifest), old, recording((command, output.format("httpd", "10.96.0.51"))))
    assert [d.message for d in address[0].differences] == ["CLUSTER-IP of service/web: 10.96.0.50 -> 10.96.0.51"]


def test_an_address_seen_elsewhere_has_to_be_the_same_services() -> None:
    listing = "NAME   TYPE        CLUSTER-IP\nweb    ClusterIP   {}\napi    ClusterIP   {}\n"
    commands = ("kubectl get svc", "cat hosts")
    old = recording((commands[0], listing.format("10.96.0.7", "10.96.0.8")), (commands[1], "10.96.0.7 web\n"))
    moved = recording((commands[0], listing.format("10.96.9.1", "10.96.9.2")), (commands[1], "10.96.9.1 web\n"))
    mixed = recording((commands[0], listing.format("10.96.9.1", "10.96.9.2")), (commands[1], "10.96.9.2 web\n"))
    assert verdicts(compare(session(*commands), old, moved)) == [Verdict.FRESH, Verdict.FRESH]
    assert verdicts(compare(session(*commands), old, mixed)) == [Verdict.FRESH, Verdict.DRIFT_MAJOR]


def test_a_drained_node_is_told_apart() -> None:
    table = "NAME    READY   STATUS    IP           NODE\nweb-0   1/1     Running   10.244.0.3   {}\n"
    look = "kubectl get pods -o wide"
    before = [recording((look, table.format(node))) for node in ("worker2", "worker3")]
    assert verdicts(compare(session(look), *before)) == [Verdict.FRESH]
    drain = ("kubectl drain worker2", "node/worker2 drained\n")
    after = [recording(drain, (look, table.format(node))) for node in ("worker3", "worker2")]
    assert verdicts(compare(session(drain[0], look), *after)) == [Verdict.FRESH, Verdict.DRIFT_MAJOR]


def test_polling_ends_on_equal_canonical_forms() -> None:
    one, two = PODS.format("4bm8b", "Running", "1s"), PODS.format("4bm8b", "Running", "2s")
    assert is_stable(one, two, "kubectl get pods")
    assert not is_stable(one, PODS.format("4bm8b", "Pending", "2s"), "kubectl get pods")
    assert is_stable(one, PODS.format("4bm8b", "Pending", "2s"), "kubectl get pods", BlockOptions(ignore=("STATUS",)))


def test_snapshots_compare_objects() -> None:
    def pod(name: str, ip: str, label: str = "web") -> dict[str, object]:
        metadata = {"name": name, "generateName": "web-795767664d-", "namespace": "default", "labels": {"app": label}}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"podIP": ip}}

    def web(replicas: int) -> dict[str, object]:
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "default", "uid": str(replicas)},
            "spec": {"replicas": replicas},
        }

    old = Snapshot(
        "map", (web(2), pod("web-795767664d-4bm8b", "10.244.0.3"), pod("web-795767664d-ltcck", "10.244.0.4"))
    )
    same = replace(
        old, objects=(pod("web-795767664d-x7k2p", "10.244.0.9"), pod("web-795767664d-z9z9z", "10.244.0.3"), web(2))
    )
    assert compare_snapshots(old, same) == ()
    scaled = replace(old, objects=(web(1), pod("web-795767664d-4bm8b", "10.244.0.3", "shop")))
    assert [d.message for d in compare_snapshots(old, scaled)] == [
        "spec.replicas of deployment web: 2 -> 1",
        "metadata.labels.app of pod web: web -> shop",
        "gone: pod web",
    ]


def test_special_addresses_are_content() -> None:
    table = "ADDRESS    PORT    MATCH   DESTINATION\n{}    15021   ALL     Inline Route\n"
    command = "istioctl proxy-config listeners web"
    old, same, other = (recording((command, table.format(a))) for a in ("10.96.0.1", "10.96.4.4", "0.0.0.0  "))
    assert verdicts(compare(session(command), old, same)) == [Verdict.FRESH]
    assert verdicts(compare(session(command), old, other)) == [Verdict.DRIFT_MAJOR]


def test_comments_of_a_chart_are_content() -> None:
    values = "# how many\nreplicas: 2\n"
    command = "helm show values ./shop"
    old, other = (recording((command, text)) for text in (values, values.replace("how many", "number of pods")))
    assert verdicts(compare(session(command), old, old)) == [Verdict.FRESH]
    assert verdicts(compare(session(command), old, other)) == [Verdict.DRIFT_MAJOR]


def test_the_lines_of_one_objects_value_have_an_order() -> None:
    one = "kubectl get configmap settings -o jsonpath='{.data.steps}'"
    every = "kubectl get pods -o jsonpath='{range .items[*]}{.metadata.name}{\"\\n\"}{end}'"
    for command, verdict in ((one, Verdict.DRIFT_MAJOR), (every, Verdict.FRESH)):
        runs = [recording((command, text)) for text in ("first\nsecond\n", "second\nfirst\n")]
        assert verdicts(compare(session(command), *runs)) == [verdict]


def test_where_a_manifest_comes_from_is_content() -> None:
    text = "---\n# Source: shop/templates/{}.yaml\nkind: Service\nmetadata: {{name: web}}\n"
    runs = [recording(("helm get manifest shop", text.format(name))) for name in ("all", "web")]
    (comparison,) = compare(session("helm get manifest shop"), *runs)
    assert [difference.message for difference in comparison.differences] == [
        "line: # Source: shop/templates/all.yaml -> # Source: shop/templates/web.yaml"
    ]
