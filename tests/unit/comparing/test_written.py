"""What the author wrote is no chance: files beside the text, nodes that pods were put on, options that do something."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest

from kubetalk.comparing import compare, is_unchanged, without_noise
from kubetalk.model import (
    BlockOptions,
    BlockRecord,
    Command,
    CommandRecord,
    Comparison,
    FileStep,
    Layer,
    Location,
    Match,
    Provenance,
    Recording,
    RunStep,
    SandboxRequest,
    Session,
    SourceFile,
    Verdict,
)

WHERE = Location("docs/talks/x/en.md", 7)
FRESH, MINOR, MAJOR = Verdict.FRESH, Verdict.DRIFT_MINOR, Verdict.DRIFT_MAJOR


def session(
    commands: tuple[str, ...],
    files: tuple[Path, ...] = (),
    *,
    options: BlockOptions | None = None,
    expectation: str | None = None,
    layer: Layer | None = None,
    file: str = "",
) -> Session:
    steps: list[RunStep | FileStep] = [
        RunStep("block", i, Command(c, (f"$ {c}",), WHERE, expectation=expectation), options or BlockOptions())
        for i, c in enumerate(commands)
    ]
    if file:
        steps.insert(0, FileStep("web.yaml", file, WHERE))
    sources = tuple(SourceFile(p.name, p, hashlib.sha256(p.read_bytes()).hexdigest()) for p in files)
    return Session("x", SandboxRequest(layer=layer), tuple(steps), sources)


def recording(*records: tuple[str, str]) -> Recording:
    made = tuple(CommandRecord(command, output, 0) for command, output in records)
    return Recording(
        "x", Provenance(dt.datetime.now(dt.UTC), "embedded", simulated=True), (BlockRecord("block", made),)
    )


def compared(run: Session, command: str, old: str, new: str) -> Comparison:
    (comparison,) = compare(run, recording((command, old)), recording((command, new)))
    return comparison


def told(comparison: Comparison) -> list[str]:
    return [difference.message for difference in comparison.differences]


# Files beside the text

SERVICES = """\
NAME   TYPE           CLUSTER-IP   EXTERNAL-IP    PORT(S)        AGE
web    LoadBalancer   {}   {}   80:{}/TCP   {}
"""
SERVICE = (
    "kind: Service\nmetadata: {{name: web}}\nspec: {{clusterIP: {}, loadBalancerIP: {}, ports: [{{nodePort: {}}}]}}\n"
)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_address_or_port_changed_in_a_manifest_is_told(tmp_path: Path, place: int) -> None:
    before, after = ["10.96.0.50", "203.0.113.5", "30080"], ["10.96.0.51", "203.0.113.6", "30090"]
    changed = [*before]
    changed[place] = after[place]
    path = tmp_path / "web.yaml"
    path.write_text(SERVICE.format(*changed))
    look = "kubectl get svc"
    run = session((look,), (path,))
    found = compared(run, look, SERVICES.format(*before, "1s"), SERVICES.format(*changed, "9s"))
    assert found.verdict is MAJOR
    assert not is_unchanged(found)
    assert len(found.differences) == 1
    assert before[place] in told(found)[0]
    assert after[place] in told(found)[0]
    again = compared(run, look, SERVICES.format(*changed, "1s"), SERVICES.format(*changed, "9s"))
    assert again.verdict is FRESH


def test_a_manifest_does_not_make_other_ports_content(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(SERVICE.format("10.96.0.50", "203.0.113.5", "30080"))
    look = "kubectl get svc"
    sides = [SERVICES.format("10.96.0.50", "203.0.113.5", port, "1s") for port in (31111, 32222)]
    assert compared(session((look,), (path,)), look, *sides).verdict is FRESH


def test_a_diff_shows_what_the_author_changed(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(SERVICE.format("10.96.0.50", "203.0.113.5", "30090"))
    look = "kubectl get svc"
    old, new = (SERVICES.format("10.96.0.50", "203.0.113.5", port, "1s") for port in (30080, 30090))
    assert without_noise(look, old, new, session((look,), (path,))) == new
    assert without_noise(look, old, new) == old


def test_a_file_that_is_no_manifest_says_nothing(tmp_path: Path) -> None:
    look = "kubectl get pods"
    pods = (
        "NAME                   READY   STATUS    RESTARTS   AGE\nweb-795767664d-{}   1/1     Running   0          1s\n"
    )
    notes, picture, gone = tmp_path / "notes.md", tmp_path / "logo.png", tmp_path / "gone.yaml"
    notes.write_text(pods.format("4bm8b"))
    picture.write_bytes(b"\x89PNG\0web-795767664d-4bm8b")
    gone.write_text("name: web-795767664d-4bm8b")
    run = session((look,), (notes, picture, gone))
    gone.unlink()
    assert compared(run, look, pods.format("4bm8b"), pods.format("x7k2p")).verdict is FRESH


def test_the_commands_of_a_layer_are_the_authors(tmp_path: Path) -> None:
    del tmp_path
    look = "kubectl get svc"
    layer = Layer("shop", ("kubectl create service nodeport web --tcp=80 --node-port=30090",))
    sides = [SERVICES.format("10.96.0.50", "203.0.113.5", port, "1s") for port in (30080, 30090)]
    assert compared(session((look,), layer=layer), look, *sides).verdict is MAJOR
    assert compared(session((look,)), look, *sides).verdict is FRESH


# Where pods have to run

PODS = """\
NAME                   READY   STATUS    IP           NODE
web-795767664d-4bm8b   1/1     Running   10.244.0.3   {}
"""
WIDE = "kubectl get pods -o wide"
DEPLOYMENT = "kind: Deployment\nmetadata: {{name: {}}}\nspec: {{template: {{spec: {{{}}}}}}}\n"
LABEL = ("kubectl label node worker2 disk=ssd", "node/worker2 labeled\n")


def moved(*before: tuple[str, str], file: str = "", look: str = WIDE, output: str = PODS) -> Verdict:
    run = session((*(command for command, _ in before), look), file=file)
    old, new = (recording(*before, (look, output.format(node))) for node in ("worker2", "worker3"))
    for side in (old, new):
        assert {comparison.verdict for comparison in compare(run, side, side)} == {FRESH}
    return compare(run, old, new)[-1].verdict


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
HOST = f"affinity: {{nodeAffinity: {{{REQUIRED}: {{nodeSelectorTerms: [{{matchExpressions: [%s]}}]}}}}}}"


@pytest.mark.parametrize(
    ("spec", "label", "expected"),
    [
        ("nodeName: worker2", "", MAJOR),
        ("nodeSelector: {kubernetes.io/hostname: worker2}", "", MAJOR),
        ("nodeSelector: {disk: ssd}", "kubectl label node worker2 disk=ssd", MAJOR),
        (HOST % "{key: kubernetes.io/hostname, operator: In, values: [worker2]}", "", MAJOR),
        (HOST % "{key: disk, operator: Exists}", "kubectl label nodes worker2 disk=ssd", MAJOR),
        ("nodeSelector: {disk: ssd}", "kubectl label node worker2 worker3 disk=ssd", FRESH),
        ("nodeSelector: {disk: ssd}", "kubectl label node worker1 worker2 disk=ssd", MAJOR),
        ("nodeSelector: {disk: ssd}", "kubectl label node --all disk=ssd", FRESH),
        ("nodeSelector: {kubernetes.io/os: linux}", "kubectl label node worker2 disk=ssd", FRESH),
        ("containers: []", "kubectl label node worker2 disk=ssd", FRESH),
        (HOST % "{key: disk, operator: NotIn, values: [hdd]}", "kubectl label node worker2 disk=ssd", FRESH),
    ],
)
def test_a_pod_that_was_put_on_a_node_has_to_stay_there(spec: str, label: str, expected: Verdict) -> None:
    before = ((label, "node labeled\n"),) if label else ()
    manifest = DEPLOYMENT.format("web", spec)
    assert moved(*before, file=manifest) is expected
    assert moved(*before, (f"kubectl apply -f - <<EOF\n{manifest}EOF", "deployment.apps/web created\n")) is expected
    # Of other workloads it says nothing.
    assert moved(*before, file=manifest.replace("name: web", "name: api")) is FRESH


def test_a_patch_and_an_override_put_pods_on_a_node_too() -> None:
    patch = 'kubectl patch deployment web -p \'{"spec":{"template":{"spec":{"nodeSelector":{"disk":"ssd"}}}}}\''
    assert moved(LABEL, (patch, "deployment.apps/web patched\n")) is MAJOR
    run = 'kubectl run web-795767664d-4bm8b --image=nginx --overrides=\'{"spec":{"nodeName":"worker2"}}\''
    assert moved((run, "pod/web created\n")) is MAJOR


def test_of_two_manifests_of_one_name_neither_is_sure() -> None:
    pinned, free = DEPLOYMENT.format("web", "nodeName: worker2"), DEPLOYMENT.format("web", "containers: []")
    assert moved(file=f"{pinned}---\n{free}") is FRESH


POD = "web-795767664d-4bm8b"
COLUMNS = "NAME:.metadata.name,ON:.spec.nodeName"
EACH = '{range .items[*]}{.metadata.name} {.spec.nodeName}{"\\n"}{end}'
EVENTS = f"""\
LAST SEEN   TYPE     REASON      OBJECT                     MESSAGE
1s          Normal   Scheduled   pod/{POD}   """


@pytest.mark.parametrize(
    ("look", "output"),
    [
        (f"kubectl describe pod {POD}", f"Name:       {POD}\nNode:       {{}}/10.0.0.2\n"),
        ("kubectl get events", f"{EVENTS}Successfully assigned default/{POD} to {{}}\n"),
        ("kubectl get pods -o yaml", f"kind: Pod\nmetadata:\n  name: {POD}\nspec:\n  nodeName: {{}}\n"),
        (f"kubectl get pod {POD} -o jsonpath={{.spec.nodeName}}", "{}"),
        (f"kubectl get pods -o jsonpath='{EACH}'", f"{POD} {{}}\n"),
        (f"kubectl get pods -o custom-columns={COLUMNS}", f"NAME                   ON\n{POD}   {{}}\n"),
    ],
)
def test_wherever_the_node_is_shown(look: str, output: str) -> None:
    assert moved(file=DEPLOYMENT.format("web", "nodeName: worker2"), look=look, output=output) is MAJOR
    assert moved(file=DEPLOYMENT.format("web", "containers: []"), look=look, output=output) is FRESH


def test_the_node_in_a_pod_template_is_content() -> None:
    spec = '{{"template": {{"spec": {{"nodeName": "{}"}}}}}}'
    text = '{{"kind": "Deployment", "metadata": {{"name": "web"}}, "spec": ' + spec + "}}"
    assert moved(look="kubectl get deployment web -o json", output=text) is MAJOR


# Columns of custom resources

CRD = """\
kind: CustomResourceDefinition
spec:
  names: {plural: backups, singular: backup, kind: Backup}
  versions:
  - name: v1
    additionalPrinterColumns:
    - {name: Duration, type: string, jsonPath: .spec.duration}
    - name: Finished
      type: date
      jsonPath: .status.finished
    schema: {}
"""


@pytest.mark.parametrize("crd", ["", CRD])
def test_a_custom_resources_duration_is_content(crd: str) -> None:
    table = "NAME    DURATION   SINCE   AGE\ndaily   {}        {}      {}\n"
    look = "kubectl get backups"
    run = session((look,), file=crd)
    old = table.format("30s", "2d", "1s")
    assert compared(run, look, old, table.format("30s", "2d", "7s")).verdict is FRESH
    assert told(compared(run, look, old, table.format("45s", "2d", "1s"))) == ["DURATION of daily: 30s -> 45s"]
    assert told(compared(run, look, old, table.format("30s", "9d", "1s"))) == ["SINCE of daily: 2d -> 9d"]


def test_a_date_column_of_the_authors_own_definition_is_an_age() -> None:
    table = "NAME    DURATION   FINISHED   AGE\ndaily   30s        {}         5s\n"
    look = "kubectl get backup"
    assert compared(session((look,), file=CRD), look, table.format("4s"), table.format("9s")).verdict is FRESH
    assert compared(session((look,)), look, table.format("4s"), table.format("9s")).verdict is MAJOR


# ignore=


def test_a_word_of_ignore_that_does_nothing_is_told() -> None:
    look = "kubectl get pods"
    pods = "NAME    READY   STATUS    RESTARTS   AGE\nweb-0   1/1     Running   0          1s\n"

    def with_word(*words: str, output: str = pods) -> Comparison:
        return compared(session((look,), options=BlockOptions(ignore=words)), look, output, output)

    found = with_word("AEG", "restarts")
    (message,) = told(found)
    assert message.startswith("not as written: `AEG` of ignore= is no column, key or kind of value")
    assert message.endswith("Did you mean `AGE`?")
    assert found.verdict is MAJOR
    assert is_unchanged(found)
    assert with_word("AGE", "IP", "hash").verdict is FRESH
    assert with_word("NODE", output="No resources found in default namespace.\n").verdict is FRESH


def test_a_column_that_is_ignored_is_no_kind_of_value() -> None:
    look = "kubectl get nodes -o wide"
    head = "NAME     STATUS   ROLES    AGE   VERSION   INTERNAL-IP   OS-IMAGE\n"
    table = head + "node-a   Ready    <none>   1s    {}   10.0.0.1      Debian {}\n"
    run = session((look,), options=BlockOptions(ignore=("VERSION",)))
    assert compared(run, look, table.format("v1.36.4", "12.1"), table.format("v1.37.0", "12.1")).verdict is FRESH
    assert compared(run, look, table.format("v1.36.4", "12.1"), table.format("v1.36.4", "13.0")).verdict is MINOR
    text = session(("./tool version",), options=BlockOptions(ignore=("VERSION",)))
    assert compared(text, "./tool version", "tool 1.2.3\n", "tool 1.4.0\n").verdict is FRESH


# The author's text alone


@pytest.mark.parametrize(("match", "text"), [(Match.REGEX, "^v[12] [0-9]+$"), (Match.LINES, "v1 [..]")])
def test_an_expression_that_fits_is_all_that_counts(match: Match, text: str) -> None:
    command = "for i in 1 2 3; do curl -s web; done"
    run = session((command,), options=BlockOptions(match=match), expectation=text)
    one, other = "v1 17\nv2 4\nv1 3\n", "v2 9\nv2 8\nv1 1\n"
    fresh = compared(run, command, one, other)
    assert fresh.verdict is FRESH
    assert is_unchanged(fresh)
    wrong = compared(run, command, one, "refused\n")
    assert wrong.verdict is MAJOR
    assert not is_unchanged(wrong)
    # The text is new, and the record on the page does not fit it.
    mended = compared(run, command, "refused\n", one)
    assert mended.verdict is MAJOR
    assert not is_unchanged(mended)
    assert compared(session((command,), options=BlockOptions(match=match)), command, one, other).verdict is MAJOR
