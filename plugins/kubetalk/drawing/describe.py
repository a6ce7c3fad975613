"""A graph -> sentences with the same facts, for screen readers and for the search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from kubetalk.drawing.graph import Change, EdgeKind, Graph, Group, Node
from kubetalk.drawing.kinds import Role
from kubetalk.drawing.words import Words


def described(graph: Graph, words: Words, *, compares: bool) -> tuple[str, ...]:
    """One sentence per fact: changes first, then namespaces, objects and relations in the order of the picture."""
    sentences = [*_changes(graph, words)] if compares else []
    if compares and not sentences:
        sentences.append(words("say.unchanged"))
    for group in graph.groups:
        sentences += _namespace(
            group, [node for node in graph.nodes if node.namespace == group.name and not node.hand], words
        )
    if not graph.groups and not graph.nodes:
        sentences.append(words("say.empty"))
    for node in graph.nodes:
        sentences += _object(node, words)
    names = {node.id: node.title for node in graph.nodes}
    for edge in graph.edges:
        if edge.change is Change.REMOVED:
            continue
        key = "say.hand_edge" if edge.kind is EdgeKind.HAND else f"say.{edge.kind}"
        label = words("say.label", label=_listed(edge.labels, words)) if edge.labels else ""
        sentences.append(words(key, source=names[edge.source], target=names[edge.target], label=label))
    sentences += [words("say.hand_free_note", text=note) for note in graph.notes]
    if graph.hidden_groups:
        sentences.append(words("say.more", objects=_listed(graph.hidden_groups, words)))
    return tuple(sentences)


def _listed(texts: Iterable[str], words: Words) -> str:
    return words("say.list").join(texts)


def _changes(graph: Graph, words: Words) -> Iterator[str]:
    names = {node.id: node.title for node in graph.nodes}
    things: list[tuple[Change, str, str]] = [
        (group.change, words("namespace", name=group.name), group.change_detail) for group in graph.groups
    ]
    things += [(node.change, node.title, node.change_detail) for node in graph.nodes]
    for change, name, detail in things:
        if change:
            yield words(f"say.{change}", object=name, detail=detail)
    changed = {node.id for node in graph.nodes if node.change in {Change.ADDED, Change.REMOVED}}
    for edge in graph.edges:
        # The edges of an added object are added with it; saying so once is enough.
        if edge.change in {Change.ADDED, Change.REMOVED} and not {edge.source, edge.target} & changed:
            yield words(f"say.edge_{edge.change}", source=names[edge.source], target=names[edge.target])


def _namespace(group: Group, nodes: Sequence[Node], words: Words) -> Iterator[str]:
    counts = Counter(n.kind for n in nodes if not n.ghost and not n.stands_for and n.change is not Change.REMOVED)
    objects = _listed((words("say.count", count=count, kind=kind) for kind, count in sorted(counts.items())), words)
    if not group.name:
        if objects:
            yield words("say.cluster_scope", objects=objects)
        return
    if objects:
        yield words("say.namespace", name=group.name, objects=objects)
    elif not nodes:
        yield words("say.namespace_empty", name=group.name)
    if group.badges:
        yield words("say.labels", name=group.name, labels=_listed(group.badges, words))
    if group.missing_proxies:
        yield words("say.injection", name=group.name, missing=group.missing_proxies, total=group.proxied_pods)


def _object(node: Node, words: Words) -> Iterator[str]:
    if node.change is Change.REMOVED:
        return  # said already, and no longer true
    if node.stands_for:
        yield words("say.more", objects=_listed(node.stands_for, words))
    elif node.hand:
        yield words("say.hand_node", object=node.title)
    elif node.ghost:
        yield words("say.missing", object=node.title)
    elif node.kind == "Service":
        ports = node.facts.get("ports", "")
        text = words.counted("say.port", ports.count(",") + 1, ports=ports) if ports else ""
        kind = node.facts.get("type", "ClusterIP")
        yield (
            words("say.service", object=node.title, type=kind, ports=text)
            if ports
            else words("say.object", object=node.title)
        )
    elif node.ready:
        ready, desired = node.ready.split("/")
        yield words("say.ready", object=node.title, ready=ready, desired=desired)
    elif node.role is not Role.CONFIG or node.detail:
        text = f"{node.title}: {node.detail}" if node.detail else node.title
        yield words("say.object", object=text)
    if node.problem and not node.ghost:
        yield words("say.selects_nothing", object=node.title)
    own = [chip.text for chip in node.chips if chip.state == "own"]
    if len(own) > 1:
        yield words("say.containers", object=node.title, containers=_listed(own, words))
    for name, count in node.sidecars.items():
        yield words("say.injected", object=node.title, count=count, total=node.pods, containers=name)
    for note in node.notes:
        yield words("say.hand_note", object=node.title, text=note)
