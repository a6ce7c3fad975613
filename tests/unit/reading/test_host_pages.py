"""Ordinary pages of somebody else's site."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubetalk.errors import KubetalkError
from kubetalk.model import Kind, LiveBlock, Location, SandboxRequest
from kubetalk.reading import plan_session, read_host_page
from tests.unit.reading.conftest import MakeSettings, told

PAGE = """\
---
tags: [x]
kubetalk:
  sandbox: {nodes: 1, istio: available}
---
# Set up `web` {#setup}

```console live
$ kubectl get ns
```

```diagram
```
"""


def test_page_with_a_live_block(make_settings: MakeSettings) -> None:
    settings = make_settings({})
    document = read_host_page(Path("guide/setup.md"), PAGE, settings)
    assert document is not None
    assert (document.id, document.kind) == ("guide/setup.md", Kind.HOST_PAGE)
    assert document.recording_path == settings.docs_dir / "guide/setup.recording.yml"
    assert document.facts.sandbox == SandboxRequest(nodes=1, istio=True)
    assert document.facts.title == {"en": "Set up web"}
    block = document.texts["en"].blocks[0]
    assert isinstance(block, LiveBlock)
    assert (block.id, block.fence.location) == ("kubectl-get-ns", Location("docs/guide/setup.md", 8))
    session = plan_session(document)
    assert len(session.steps) == 2
    assert session.files == ()


def test_language_of_a_folder(make_settings: MakeSettings) -> None:
    settings = make_settings({})
    document = read_host_page(settings.docs_dir / "ja/x.md", "```console live\n$ ls\n```\n", settings)
    assert document is not None
    assert list(document.texts) == ["ja"]
    assert document.facts.title == {"ja": "x"}


@pytest.mark.parametrize(
    "source",
    [
        "# Page\n",
        "---\ntitle: x\n---\n```bash exec=1\nls\n```\n",
        "```jsx live\n<Foo/>\n```\n",
        "```python\nunclosed\n",
        "",
        "---\n- x\n---\n",
    ],
)
def test_page_of_others(source: str, make_settings: MakeSettings) -> None:
    assert read_host_page(Path("x.md"), source, make_settings({})) is None


def test_mistakes(make_settings: MakeSettings) -> None:
    source = "---\nkubetalk:\n  sandbox: {node: 1}\n---\n```console live idd=x\n$ ls\n```\n"
    with pytest.raises(KubetalkError) as caught:
        read_host_page(Path("x.md"), source, make_settings({}))
    assert told(caught.value) == [
        "docs/x.md:5: unknown option `idd` of a live block. Did you mean `id`?",
        "docs/x.md:3: unknown key `node` in `kubetalk.sandbox`. Did you mean `nodes`?",
    ]
