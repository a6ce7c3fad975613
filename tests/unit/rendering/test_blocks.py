from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kubetalk.errors import ContentError
from kubetalk.model import Comparison, Difference, Layer, LiveBlock, Origin, Verdict
from kubetalk.rendering.blocks import label_of, plain_session
from kubetalk.rendering.provenance import provenance_of, script_of
from kubetalk.rendering.shell import highlighted_lines
from kubetalk.rendering.strings import load_strings

if TYPE_CHECKING:
    from tests.support.golden import Golden
    from tests.unit.rendering.conftest import ReadPost


@pytest.mark.golden("rendering/blocks")
def test_blocks(golden: Golden, read_post: ReadPost) -> None:
    options = golden.options
    renderer, rendition = read_post(
        options.get("outputs", {}),
        Origin(options.get("origin", "verified")),
        **{options.get("language", "en"): golden.input},
    )
    language = next(iter(rendition.document.texts))
    text = rendition.document.texts[language]
    golden.check(
        "\n".join(renderer.block_html(rendition, language, number) for number in range(len(text.blocks))) + "\n"
    )


def test_a_record_of_another_command_is_not_shown(read_post: ReadPost) -> None:
    renderer, rendition = read_post({"kubectl get ns": "NAME\n"}, en='```console live id="x"\n$ kubectl get ns\n```\n')
    assert rendition.recording
    (block,) = rendition.recording.blocks
    stale = replace(block, commands=(replace(block.commands[0], command="kubectl get nodes"),))
    other = replace(rendition, recording=replace(rendition.recording, blocks=(stale,)))
    html = renderer.block_html(other, "en", 0)
    assert "NAME" not in html
    assert "Not run yet" in html
    assert "Verified" not in html


def test_drift_is_said_on_the_block(read_post: ReadPost) -> None:
    renderer, rendition = read_post({"true": ""}, en='```console live id="x"\n$ true\n```\n')
    difference = Difference(Verdict.DRIFT_MAJOR, "exit 0 -> 1")
    drifted = replace(rendition, comparisons=(Comparison("x", 0, "true", Verdict.DRIFT_MAJOR, (difference,)),))
    assert "Differs from the last check" in renderer.block_html(drifted, "en", 0)
    assert "Differs" not in renderer.block_html(rendition, "en", 0)


def test_a_reference_to_nothing_is_an_error(read_post: ReadPost) -> None:
    renderer, rendition = read_post({"true": ""}, en='```console live id="x"\n$ true\n```\n\n```console ref="x"\n```\n')
    text = rendition.document.texts["en"]
    lost = replace(text, blocks=tuple(block for block in text.blocks if not isinstance(block, LiveBlock)))
    document = replace(rendition.document, texts={"en": lost})
    with pytest.raises(ContentError, match='ref="x"'):
        renderer.block_html(replace(rendition, document=document), "en", 0)


def test_the_panel_says_what_is_known(read_post: ReadPost) -> None:
    _, rendition = read_post({"true": ""}, en='```console live id="x"\n$ true\n$ false\n```\n')
    panel = provenance_of(rendition, rendition.document.texts["en"], load_strings("en"))
    assert panel
    assert panel.is_verified
    assert panel.has_pending  # `false` has no record
    assert panel.provider == "embedded sandbox"
    assert panel.versions == (("Kubernetes", "v1.36.2"), ("Helm", "v4.0.1"))
    assert dt.datetime.fromisoformat(panel.machine_moment).tzinfo is not None
    replayed = provenance_of(
        replace(rendition, origin=Origin.RECORDED), rendition.document.texts["en"], load_strings("en")
    )
    assert replayed
    assert "did not run it again" in replayed.statement


@pytest.mark.parametrize(("language", "shown"), [("en", "chart shop"), ("ja", "チャート shop")])
def test_the_panel_tells_of_charts_behind_the_tools(read_post: ReadPost, language: str, shown: str) -> None:
    _, rendition = read_post({"true": ""}, en='```console live id="x"\n$ true\n```\n')
    assert rendition.recording
    versions = {"chart shop": "0.3.1, 0.4.0", "helm": "v4.0.1", "kubernetes": "v1.36.2"}
    provenance = replace(rendition.recording.provenance, versions=versions)
    told = replace(rendition, recording=replace(rendition.recording, provenance=provenance))
    panel = provenance_of(told, rendition.document.texts["en"], load_strings(language))
    assert panel
    assert panel.versions == (("Helm", "v4.0.1"), ("Kubernetes", "v1.36.2"), (shown, "0.3.1, 0.4.0"))


def test_the_panel_and_the_script_tell_of_the_layer(read_post: ReadPost) -> None:
    renderer, rendition = read_post({"true": ""}, en='```console live id="x"\n$ true\n```\n')
    text = rendition.document.texts["en"]
    assert rendition.recording
    layer = Layer("istio-minimal", ("istioctl install -y",))
    provenance = replace(rendition.recording.provenance, layer=layer)
    rendition = replace(rendition, recording=replace(rendition.recording, provenance=provenance))
    panel = provenance_of(rendition, text, load_strings("en"))
    assert panel
    assert "not begin on an empty cluster but on the layer “istio-minimal”" in panel.layer
    assert panel.layer_script == "istioctl install -y"
    assert script_of(rendition, text) == "#!/usr/bin/env bash\nistioctl install -y\ntrue\n"
    pages = [str(output.content) for output in renderer.pages(rendition, {}) if output.uri.endswith("index.html")]
    assert any("the layer “istio-minimal”, in which these commands had run" in page for page in pages)


def test_a_page_where_nothing_ran_has_no_panel(read_post: ReadPost) -> None:
    _, rendition = read_post({}, en="Prose.\n")
    assert provenance_of(rendition, rendition.document.texts["en"], load_strings("en")) is None


def test_the_script_holds_hidden_commands_and_files(read_post: ReadPost) -> None:
    source = (
        '```console live id="setup" hide\n$ cd /tmp\n```\n\n'
        '```yaml file="a b/web.yaml"\nEOF\nkind: X\n```\n\n'
        '```console live id="x"\n$ kubectl apply \\\n>   -f "a b/web.yaml"\noutput\n```\n'
    )
    _, rendition = read_post({}, en=source)
    assert script_of(rendition, rendition.document.texts["en"]) == (
        "#!/usr/bin/env bash\ncd /tmp\nmkdir -p 'a b'\ncat > 'a b/web.yaml' <<'EOF_'\nEOF\nkind: X\nEOF_\n"
        'kubectl apply \\\n  -f "a b/web.yaml"\n'
    )


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("kubectl get ns", '<span class="nf">kubectl</span> get ns'),
        (
            "A=1 helm ls",
            '<span class="nv">A</span><span class="o">=</span><span class="m">1</span> <span class="nf">helm</span> ls',
        ),
        (
            "a | b -x",
            '<span class="nf">a</span> <span class="p">|</span> <span class="nf">b</span> <span class="na">-x</span>',
        ),
        ("x istio-system", '<span class="nf">x</span> <span class="kt-word">istio-system</span>'),
        ("x <y", '<span class="nf">x</span> &lt;y'),
    ],
)
def test_commands_are_tokenised(source: str, html: str) -> None:
    assert highlighted_lines(source) == (html,)


def test_an_ordinary_session_knows_prompts_only_at_the_line_start() -> None:
    source = "$ a \\\n> b\nit costs $5.00\n# a comment\n$ c\n"
    found = [(command.source, output) for command, output in plain_session(source, "x.md")]
    assert found == [("a \\\nb", "it costs $5.00\n# a comment"), ("c", "")]


def test_labels_are_short_enough_to_be_read_aloud() -> None:
    assert label_of("kubectl apply \\\n -f x") == "kubectl apply"
    assert len(label_of("x" * 200)) == 60
