"""A small bilingual site read from files, rendered with recordings that are made of given outputs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kubetalk import indexing, reading, rendering
from kubetalk.model import (
    BlockRecord,
    CommandRecord,
    Comparison,
    Diagram,
    DiagramBlock,
    Document,
    Entry,
    LiveBlock,
    Origin,
    Output,
    Project,
    Provenance,
    Recording,
    Rendition,
    Settings,
)

VERIFIED = dt.datetime(2026, 11, 22, 21, 14, tzinfo=dt.UTC)

TALK = {
    "talk.yml": """
title: {en: Labels at work, ja: ラベルの仕事}
description: {en: What a label does., ja: ラベルの働きを見ます。}
date: 2026-11-20
tags: [labels]
events:
  - {id: meetup-17, date: 2026-12-05, name: {en: A meetup, ja: ある勉強会}, url: https://example.org/17, language: ja}
redirect_from: [/posts/2018/11/17/labels/]
""",
    "en.md": """# Labels at work

A short talk

Note:
Welcome, **everybody**.

---

## Namespaces {#namespaces}

```console live id="get-ns"
$ kubectl get ns --show-labels
```

See [the end](#end).

---

## The picture {#picture}

```diagram id="all"
```

---

## The end {#end}

- first <!-- .element: class="fragment" -->
- ![a box](images/box.svg)
""",
    "ja.md": """# ラベルの仕事

短い
お話

Note:
**ようこそ。**みなさん。

---

## 名前空間 {#namespaces}

```console ref="get-ns"
```

[最後](#end)も見る。

---

## 図 {#picture}

```diagram id="all"
```

---

## おわり {#end}

- 一つ <!-- .element: class="fragment" -->
- ![箱](images/box.svg)
""",
    "images/box.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>',
}
POST = {
    "post.yml": "title: {en: Quotas, ja: クォータ}\ndate: 2026-11-12\ntags: [labels]\n",
    "en.md": """A quota says no. The talk is [here](../../talks/labels/en.md#end).

## Ask for more {#more}

```console live id="scale"
$ kubectl scale deployment/web --replicas=5
$ kubectl get pods
```

## Other languages

Nothing new.
""",
    "ja.md": """クォータは断ります。

## 増やす {#more}

```console ref="scale"
```
""",
}
ENGLISH_ONLY = {
    "post.yml": "title: {en: Only in English}\ndate: 2026-10-01\nlanguages: [en]\n",
    "en.md": "Not translated.\n",
}
HOME = {
    "page.yml": "title: {en: Talks that ran, ja: 動いた発表}\n",
    "en.md": "Welcome.\n",
    "ja.md": "ようこそ。\n",
}
ABOUT = {
    "page.yml": "title: {en: About, ja: このサイトについて}\n",
    "en.md": "Me.\n",
    "ja.md": "私。\n",
}

OUTPUTS = {
    "kubectl get ns --show-labels": "NAME      STATUS   AGE   LABELS\ndefault   Active   60s   team=a\n",
    "kubectl scale deployment/web --replicas=5": "deployment.apps/web scaled\n",
    "kubectl get pods": "NAME    READY   STATUS\nweb-1   1/1     Running\n",
}
SVG = '<svg class="kt-diagram" viewBox="0 0 10 10"><rect width="10" height="10"/></svg>'


@dataclass(frozen=True)
class Sample:
    """Everything that was rendered."""

    settings: Settings
    project: Project
    renderer: rendering.Renderer
    renditions: Mapping[str, Rendition]
    entries: Mapping[str, Sequence[Entry]]
    outputs: Mapping[str, str | bytes]

    def page(self, uri: str) -> str:
        content = self.outputs[uri]
        assert isinstance(content, str)
        return content


def write(project_dir: Path, files: Mapping[str, Mapping[str, str]]) -> None:
    for folder, contents in files.items():
        for name, content in contents.items():
            path = project_dir / "docs" / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content.lstrip("\n"), encoding="utf-8")


def rendition_of(document: Document, outputs: Mapping[str, str], origin: Origin = Origin.VERIFIED) -> Rendition:
    """A rendition in which every command that has an output was recorded."""
    blocks = [block for text in document.texts.values() for block in text.blocks]
    live = {block.id: block for block in blocks if isinstance(block, LiveBlock)}
    records = tuple(
        BlockRecord(
            block.id,
            tuple(
                CommandRecord(command.source, outputs[command.source], block.fence.options.exit)
                for command in block.commands
                if command.source in outputs
            ),
        )
        for block in live.values()
    )
    recording = Recording(
        document.id,
        Provenance(VERIFIED, "embedded", simulated=True, versions={"kubernetes": "v1.36.2", "helm": "v4.0.1"}),
        records,
    )
    diagrams = {
        (block.id, language): Diagram(block.id, SVG, ("Service web selects pods.",))
        for language, text in document.texts.items()
        for block in text.blocks
        if isinstance(block, DiagramBlock)
    }
    return Rendition(document, recording if live else None, origin, diagrams)


def settings_for(project_dir: Path, site_url: str = "https://example.org/talks/") -> Settings:
    return Settings(
        project_dir=project_dir,
        docs_dir=project_dir / "docs",
        site_dir=project_dir / "site",
        site_name={"en": "A site", "ja": "あるサイト"},
        site_url=site_url,
        copyright="CC BY 4.0",
    )


def render(
    settings: Settings,
    outputs_of: Mapping[str, str] | None = None,
    comparisons_of: Mapping[str, tuple[Comparison, ...]] | None = None,
) -> Sample:
    """The same calls as the pipeline's, without a session.

    ``outputs_of`` replaces outputs of single commands, ``comparisons_of`` holds verdicts by document id.
    """
    project = reading.read_project(settings)
    renditions = {
        document.id: replace(
            rendition_of(document, {**OUTPUTS, **(outputs_of or {})}),
            comparisons=(comparisons_of or {}).get(document.id, ()),
        )
        for document in project.documents
    }
    renderer = rendering.Renderer(settings, tags=project.tags, documents=project.documents)
    entries = indexing.list_entries(
        project.documents, settings, document_path=rendering.document_path, deck_path=rendering.deck_path
    )
    outputs: list[Output] = [*renderer.assets(), renderer.chooser(), renderer.not_found("")]
    for rendition in renditions.values():
        outputs += renderer.pages(rendition, entries)
    for language in settings.languages:
        outputs += renderer.lists(language, entries[language], indexing.tag_entries(entries[language]))
        outputs.append(renderer.not_found(language))
    outputs.append(renderer.redirect("posts/2018/11/17/labels/index.html", "en/talks/labels/"))
    uris = [output.uri for output in outputs]
    assert len(uris) == len(set(uris))
    contents = {output.uri: output.content for output in outputs}
    return Sample(settings, project, renderer, renditions, entries, contents)


def sample_files() -> Mapping[str, Mapping[str, str]]:
    """Folder below docs/ to its files: a talk, two posts (one not translated), the start page and another page."""
    return {
        "talks/labels": TALK,
        "posts/quotas": POST,
        "posts/english": ENGLISH_ONLY,
        "pages/home": HOME,
        "pages/about": ABOUT,
        ".": {"tags.yml": "labels: {en: Labels, ja: ラベル}\n"},
    }
