"""What holds for every output: no crash, the printed form reads as itself, a mask stays in its cell, time is linear."""

from __future__ import annotations

import itertools
import random
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kubetalk.comparing import Canonical, canonical, differences
from kubetalk.comparing.forms import Table
from kubetalk.model import BlockOptions, Match

COMMANDS = [
    "kubectl get pods",
    "kubectl get pods -o wide --sort-by=.metadata.name",
    "kubectl get pods -w",
    "kubectl get all -A --show-labels",
    "kubectl get svc --no-headers",
    "kubectl get pods -o name",
    "kubectl get deploy web -o yaml",
    "kubectl get deploy web -o json",
    'kubectl get pods -o jsonpath=\'{range .items[*]}{.metadata.name}{"\\t"}{.status.podIP}{"\\n"}{end}\'',
    "kubectl get pods -o custom-columns=NAME:.metadata.name,IP:.status.podIP",
    "kubectl get events --sort-by=.lastTimestamp",
    "kubectl describe pod web",
    "kubectl apply -f web.yaml",
    "kubectl rollout status deployment/web",
    "kubectl rollout restart deployment/web",
    "kubectl logs web-0",
    "kubectl diff -f web.yaml",
    "kubectl top pods",
    "kubectl auth can-i --list",
    "helm status shop",
    "helm get all shop",
    "helm list",
    "helm template shop ./chart",
    "istioctl proxy-status",
    "curl -i http://web/",
    "echo hello",
]
commands = st.sampled_from(COMMANDS)

# Pieces that outputs are made of, so that random texts come near to real ones.
PIECES = [
    "NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "NAMESPACE", "LAST SEEN", "PORT(S)", "LABELS", "web-0",
    "web-795767664d-4bm8b", "pod/web-795767664d-ltcck", "agent-9dtjc", "tick-29923229-lzm77", "1/1", "Running", "0",
    "1 (5m ago)", "2y10d", "<none>", "<pending>", "10.244.1.3", "fd00:10:96::a", "80:31380/TCP", "app=web,tier=front",
    "Name:", "Labels:", "Events:", "----", "Conditions:", "Type", "Status", "key: value", "==> v1/Service", "NOTES:",
    "STATUS: deployed", "LAST DEPLOYED: Mon Nov 23 00:30:12 2026", "2026-11-23T00:28:29Z",
    "deployment.apps/web created",
    "Warning: old",
    'Error from server (NotFound): pods "x" not found',
    "E1122 20:40:03.855113   23841 memcache.go:265] x",
    "No resources found in default namespace.",
    'Waiting for deployment "web" rollout to finish: 0 of 3', "{", "}", "[",
    "---",
    "cf0b5f71-d89c-4e77-b3e3-ac9f553b47a2", "containerd://" + "a1" * 32, "‹age›", "‹#1›", "web-‹#2›", "⁅x⁆", "\t",
    "  ", "   ", " ",
    "\n", "\n", "\n\n", "\x1b[31m", "\r\n", "日本語", ":", "-", "…", "...", "[..]", "=", ",", "/", '"',
]  # fmt: skip
outputs = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=40).map("".join))


@given(commands, outputs)
@example("helm status shop", "NAME: x\n==> v1/Service\nNAME   AGE\na      5s\n\nTEST SUITE: None\nNOTES:\n\n==> x")
@example("kubectl get pods -o name", "T  E\n ATTRIBUTE  T")  # a header in a table, indented
@example("kubectl get pods", "STATUS:\n==> 0")  # a heading without anything below it
@example("kubectl get pods", "NAME\ne/\n3")  # the kind of a table was that of its first row
@example("helm status shop", "E  ENDPOINT\n   0,  2  s")
@example("helm status shop", "ME     TYPE   CLUSTER-IP   E\nNAME   TYPE   R  ---  E")
@example("kubectl get pods", "NAME   OINTS   E\n5hn-6d    namespace:   t")
@example("kubectl get pods -o name", "64d-nhdcm\nNAME  CLUSTER-IP  PORT(S)\n%64d-nhdcm")
@example("kubectl get deploy web -o yaml", "client-certificate-data: :")
@example("kubectl describe pod web", ":d\n d")
@example("kubectl describe pod web", "s::D\n c")  # a heading is one that can be a key
@example("kubectl describe pod web", " Name: a\nb: c\n  Name: d")  # an object begins with its name, however indented
@example("kubectl describe pod web", "z: z\nName: a\nb: c")  # what stands before the first name is no object's
@example(
    "kubectl get endpointslices", "NAME   ENDPOINTS   E\n[s           web-7767664d-abcde\nweb-795767664d-lwkml   2s"
)
@example("kubectl get endpointslices", "NAME     AGE\na~-lwkml   2s\nb-xww8c   2s")  # no name has a tilde
@example(
    "kubectl describe pod web", "Name:   a\n  Type  Status\nEvents:\n  Type  Age\n  ----  ---\n  x     5s\n\n\nName: b"
)
def test_the_printed_form_reads_as_itself(command: str, output: str) -> None:
    form = canonical(command, output)
    again = canonical(command, str(form))
    assert again == form
    assert differences(form, again) == ()


@given(commands, outputs, outputs, st.sampled_from(list(Match)))
def test_nothing_crashes_and_differences_exist_only_between_different_forms(
    command: str, old: str, new: str, match: Match
) -> None:
    options = BlockOptions(match=match, ignore=("AGE", "ip"))
    a, b = canonical(command, old, options=options), canonical(command, new, options=options)
    assert differences(a, a) == ()
    found = differences(a, b)
    if "lastTimestamp" not in command:  # then also the order in time counts, where it is clear
        assert (a != b) or not found
    assert bool(differences(b, a)) == bool(found)


cells = st.one_of(
    st.sampled_from(
        [piece for piece in PIECES if piece.strip() and "\n" not in piece and "\t" not in piece and "⁅" not in piece]
    ),
    st.from_regex(r"[a-z0-9:./=-]{1,20}", fullmatch=True),
).filter(lambda cell: "  " not in cell and cell == cell.strip() and "\x1b" not in cell and "-" not in cell)


def table(rows: list[list[str]]) -> str:
    head = ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    lines = [head, *[[f"row{number}", *row] for number, row in enumerate(rows)]]
    return "\n".join("".join(cell.ljust(100) for cell in line).rstrip() for line in lines)


def cells_of(form: Canonical) -> list[tuple[str, ...]]:
    (part,) = [part for part in form.parts if isinstance(part, Table)]
    return sorted(row.cells for row in part.rows)


@settings(max_examples=40)
@given(st.lists(st.lists(cells, min_size=6, max_size=6), min_size=1, max_size=5), st.data())
def test_a_mask_never_crosses_a_cell(rows: list[list[str]], data: st.DataObject) -> None:
    before = cells_of(canonical("kubectl get pods -o wide", table(rows)))
    assert len(before) == len(rows)
    y = data.draw(st.integers(0, len(rows) - 1))
    x = data.draw(st.integers(0, 5))
    rows[y][x] = data.draw(cells)
    after = cells_of(canonical("kubectl get pods -o wide", table(rows)))
    changed = {
        (j, i) for j, (a, b) in enumerate(zip(before, after, strict=True)) for i, _ in enumerate(a) if a[i] != b[i]
    }
    assert changed <= {(y, x + 1)}


@settings(max_examples=40)
@given(st.lists(st.lists(cells, min_size=6, max_size=6), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_rows_counts_only_when_sorted(rows: list[list[str]], chance: random.Random) -> None:
    lines = table(rows).split("\n")
    shuffled = lines[1:]
    chance.shuffle(shuffled)
    other = "\n".join([lines[0], *shuffled])
    assert canonical("kubectl get pods -o wide", other) == canonical("kubectl get pods -o wide", "\n".join(lines))
    by_name = "kubectl get pods -o wide --sort-by=.metadata.name"
    found = differences(canonical(by_name, "\n".join(lines)), canonical(by_name, other))
    assert bool(found) == (shuffled != lines[1:])


ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in itertools.pairwise("abcdefgh")
)
HOSTILE = {
    "one long word": "a" * 60_000,
    "dashes": "a-" * 30_000,
    "dots": "1." * 30_000,
    "colons": "a:" * 30_000,
    "hex": "0123456789abcdef" * 4_000,
    "tokens": "eyJ" * 20_000,
    "blanks": "a" + " " * 60_000 + "b",
    "columns": "A  " * 20_000,
    "marks": "‹#1›" * 12_000,
    "brackets": "[" * 60_000,
    "braces": '{"a":' * 12_000,
    "sequences": "- " * 30_000,
    "indents": "\n".join(" " * (n % 200) + "k:" for n in range(6_000)),
    "equal lines": "same\n" * 10_000,
    "headers": "NAME   AGE\n" * 6_000,
    "aliases": ALIASES,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("command", ["kubectl get pods", "kubectl describe pod web", "kubectl get deploy -o yaml"])
def test_hostile_text_costs_linear_time(command: str, name: str) -> None:
    text = HOSTILE[name]
    started = time.process_time()
    a = canonical(command, text)
    differences(a, canonical(command, text[: len(text) // 2] + "x" + text[len(text) // 2 :]))
    assert time.process_time() - started < 8, "quadratic somewhere: 60 kB take half a second when it is linear"
