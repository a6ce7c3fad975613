"""Views, changes between two states, sidecars, and pictures of very small and very large clusters."""

from __future__ import annotations

import time
from typing import Any

import pytest

from kubetalk.drawing.sizes import CANVAS
from tests.support.drawing import drawn


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def injecting(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"istio-injection": "enabled"}},
    }


def deployment(
    name: str, place: str = "blog", *, image: str = "web:1", desired: int = 1, ready: int | None = None,
    injected: int = 0, labels: dict[str, str] | None = None, **uses: list[str],
) -> dict[str, Any]:  # fmt: skip
    status: dict[str, Any] = {"desired": desired, "ready": desired if ready is None else ready, "pods": desired}
    if injected:
        status["injected"] = {"istio-init": injected, "istio-proxy": injected}
    spec = {"labels": {"app": name, **(labels or {})}, "containers": [{"name": name, "image": image}], "uses": uses}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": place},
        "spec": spec,
        "status": status,
    }


def service(name: str, place: str = "blog") -> dict[str, Any]:
    spec = {"type": "ClusterIP", "selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": place}, "spec": spec}


def settings(name: str, place: str = "blog") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": place},
        "spec": {"keys": ["a"]},
    }


def test_views_show_their_part() -> None:
    objects = [
        namespace("blog"),
        namespace("bare"),
        service("web"),
        deployment("web", ConfigMap=["c"]),
        settings("c"),
        deployment("alone"),
    ]
    titles = {view: drawn(objects, view=view).svg for view in ("all", "traffic", "config")}
    for view, shown in (
        ("all", {"Service blog/web", "Deployment blog/web", "ConfigMap blog/c", "Deployment blog/alone", ">bare<"}),
        ("traffic", {"Service blog/web", "Deployment blog/web"}),
        ("config", {"Deployment blog/web", "ConfigMap blog/c"}),
    ):
        everything = {"Service blog/web", "Deployment blog/web", "ConfigMap blog/c", "Deployment blog/alone", ">bare<"}
        assert {text for text in everything if text in titles[view]} == shown, view


def test_namespaces_narrow_the_picture() -> None:
    svg = drawn(
        [namespace("blog"), namespace("shop"), service("web"), service("web", "shop")], namespaces=("shop",)
    ).svg
    assert "Service shop/web" in svg
    assert "blog" not in svg


def test_the_default_namespace_is_shown_only_if_it_holds_something_or_is_labelled() -> None:
    assert ">default<" not in drawn([namespace("default"), namespace("blog")]).svg
    assert ">default<" in drawn([injecting("default")]).svg
    assert ">default<" in drawn([namespace("default"), service("web", "default")]).svg


def test_injection_is_told_as_it_is() -> None:
    objects = [injecting("blog"), deployment("web", desired=3, injected=1), deployment("api", desired=2, injected=2)]
    diagram = drawn(objects)
    assert "2 of 5 pods without proxy" in diagram.svg
    assert (
        "Namespace blog asks for sidecar injection, but 2 of its 5 pods run without the proxy." in diagram.description
    )
    assert "Injected into 1 of 3 pods of Deployment blog/web: istio-proxy." in diagram.description
    assert diagram.svg.count('class="ci"') == 1
    assert diagram.svg.count('class="cl"') == 1


@pytest.mark.parametrize(
    "objects",
    [
        [namespace("blog"), deployment("web")],
        [injecting("blog"), deployment("web", injected=1)],
        [injecting("blog"), deployment("web", labels={"sidecar.istio.io/inject": "false"})],
        [injecting("blog"), deployment("web", desired=0)],
    ],
    ids=["not asked for", "there", "opted out", "no pods"],
)
def test_no_proxy_is_missed_where_none_is_due(objects: list[dict[str, Any]]) -> None:
    assert "without proxy" not in drawn(objects).svg


def test_a_revision_label_asks_for_injection_and_disabled_wins_over_it() -> None:
    for labels, asks in (
        ({"istio.io/rev": "stable"}, True),
        ({"istio.io/rev": "stable", "istio-injection": "disabled"}, False),
    ):
        place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "blog", "labels": labels}}
        assert ("1 of 1 pods without proxy" in drawn([place, deployment("web")]).svg) is asks


def test_changes_are_marked_by_sign_and_told() -> None:
    before = [namespace("blog"), deployment("web", image="web:1"), settings("old"), deployment("same")]
    after = [
        namespace("blog"),
        deployment("web", image="web:2", desired=3, ready=2, Secret=["k"]),
        settings("new"),
        deployment("same"),
    ]
    diagram = drawn(after, before=before)
    assert diagram.description[:3] == (
        "Changed: Deployment blog/web: ready: 1/1 → 2/3; image: web:1 → web:2.",
        "Added: ConfigMap blog/new.",
        "Removed: ConfigMap blog/old.",
    )
    # One mark in the picture and one in the legend.
    for change in ("added", "removed", "changed"):
        assert diagram.svg.count(f'<circle class="k-{change}"') == 2, change
    assert "Deployment blog/same: 1 of 1 ready." in diagram.description


def test_equal_states_are_said_to_be_equal() -> None:
    objects = [namespace("blog"), deployment("web")]
    diagram = drawn(objects, before=objects)
    assert diagram.description[0] == "Nothing that this diagram shows has changed."
    assert "<circle" not in diagram.svg


def test_before_and_after_stand_on_one_layout() -> None:
    old = [namespace("blog"), service("web"), deployment("web", Secret=["k"])]
    new = [*old, settings("c"), deployment("api", ConfigMap=["c"])]

    def place(svg: str) -> str:
        return svg.partition("<title>Service blog/web")[2].partition("<rect")[2].partition("rx")[0]

    assert place(drawn(old, before=new).svg) == place(drawn(new, before=old).svg)


def test_something_created_for_a_dangling_reference_is_added() -> None:
    web = deployment("web", ConfigMap=["c"])
    assert drawn([web, settings("c")], before=[web]).description[0] == "Added: ConfigMap blog/c."
    assert drawn([web], before=[web, settings("c")]).description[0] == "Removed: ConfigMap blog/c."


def test_an_empty_cluster_says_so() -> None:
    diagram = drawn([])
    assert "The cluster holds nothing of ours yet." in diagram.svg
    assert diagram.description == ("The cluster holds nothing of ours yet.",)


def test_one_object_is_not_blown_up() -> None:
    assert 'viewBox="0 0 560 ' in drawn([namespace("blog"), deployment("web")]).svg


def crowd(places: int, apps: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for index in range(places):
        place = f"team-{index:02d}"
        found.append(namespace(place))
        found += [settings(f"c{n}", place) for n in range(3)] if apps > 1 else []
        for app in range(apps):
            found += [
                service(f"app-{app:02d}", place),
                deployment(f"app-{app:02d}", place, ConfigMap=[f"c{app % 3}"] if apps > 1 else []),
            ]
    return found


@pytest.mark.parametrize(("places", "apps"), [(60, 1), (1, 100), (6, 16), (10, 24), (120, 2)])
def test_large_clusters_are_summarised_so_that_they_can_be_read(places: int, apps: int) -> None:
    objects = crowd(places, apps)
    start = time.process_time()
    diagram = drawn(objects)
    seconds = time.process_time() - start
    width, height = (float(part) for part in diagram.svg.partition('viewBox="0 0 ')[2].partition('"')[0].split())
    assert width <= CANVAS[0] * 1.15
    assert height <= CANVAS[1] * 1.2
    assert "more" in diagram.svg or " × " in diagram.svg
    assert any(sentence.startswith("Not drawn for lack of room") for sentence in diagram.description)
    # The figure to keep is 0.3 s for 500 objects; here only what would show a change of order on a busy machine.
    assert seconds < 3


def test_what_the_author_names_is_never_summarised() -> None:
    svg = drawn(crowd(6, 16), overlay="notes: [{at: team-03/deploy/app-11, text: the one}]").svg
    assert "<title>Deployment team-03/app-11" in svg
    assert "<title>Deployment team-03/app-12" not in svg
