from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kubetalk.errors import ContentError
from kubetalk.model import Comparison, Difference, Layer, LiveBlock, Origin, Verdict
from kubetalk.rendering.blocks import label_of, plain_session
from kubetalk.rendering.provenance import provenance_of
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
    html = renderer.block_html(drifted, "en", 0)
    assert "kt-verified kt-drifted" in html
    assert html.count("Differs from the last check") == 1  # one command: the line below it is enough
    assert "Differs" not in renderer.block_html(rendition, "en", 0)
    assert "kt-drifted" not in renderer.block_html(rendition, "en", 0)


def test_of_several_commands_the_one_that_drifted_is_marked(read_post: ReadPost) -> None:
    renderer, rendition = read_post({"true": "", "false": ""}, en='```console live id="x"\n$ true\n$ false\n```\n')
    drifted = replace(rendition, comparisons=(Comparison("x", 1, "false", Verdict.DRIFT_MINOR),))
    html = renderer.block_html(drifted, "en", 0)
    mark = '<p class="kt-drift">Differs from the last check</p>'
    assert html.index('data-kt-source="false"') < html.index(mark) < html.index("kt-note")
    assert html.count(mark) == 1


def test_hidden_files_and_diagrams_are_hidden(read_post: ReadPost) -> None:
    source = '```yaml file="a.yaml" hide\nx: 1\n```\n\n```diagram id="all" hide\n```\n'
    renderer, rendition = read_post({}, en=source)
    assert [renderer.block_html(rendition, "en", number) for number in (0, 1)] == ["<!-- hidden -->"] * 2


def test_a_hidden_block_can_be_shown_later(read_post: ReadPost) -> None:
    source = '```console live id="x" hide\n$ true\n```\n\n```console ref="x"\n```\n'
    renderer, rendition = read_post({"true": ""}, en=source)
    assert renderer.block_html(rendition, "en", 0) == "<!-- hidden -->"
    assert 'data-kt-source="true"' in renderer.block_html(rendition, "en", 1)


BLOCK_AND_PICTURE = '```console live id="x"\n$ helm list\n```\n\n```diagram id="all"\n```\n'


@pytest.mark.parametrize(
    ("language", "provider", "versions", "note"),
    [
        ("en", "embedded", {}, ["Kubernetes v1.36.4", "Helm v4.2.4", "simulated pods", "on the layer “mesh”"]),
        (
            "en",
            "embedded",
            {"emulated": "1.34"},
            ["Kubernetes 1.34 (emulated by v1.36.4)", "Helm v4.2.4", "simulated pods", "on the layer “mesh”"],
        ),
        (
            "ja",
            "kind",
            {"emulated": "1.34"},
            [
                "Kubernetes 1.34（v1.36.4 によるエミュレーション）",
                "Helm v4.2.4",
                "kind クラスター",
                "レイヤー「mesh」から開始",
            ],
        ),
        ("en", "context", {}, ["Kubernetes v1.36.4", "Helm v4.2.4", "dedicated test cluster", "on the layer “mesh”"]),
    ],
)
def test_the_line_below_names_the_cluster(
    read_post: ReadPost, language: str, provider: str, versions: dict[str, str], note: list[str]
) -> None:
    renderer, rendition = read_post({"helm list": "NAME\n"}, **{language: BLOCK_AND_PICTURE})
    assert rendition.recording
    provenance = replace(
        rendition.recording.provenance,
        provider=provider,
        simulated=provider == "embedded",
        versions={**versions, "helm": "v4.2.4", "kubernetes": "v1.36.4"}
        if language == "ja"
        else {"kubernetes": "v1.36.4", **versions, "helm": "v4.2.4"},
        layer=Layer("mesh", ("istioctl install -y",)),
    )
    known = replace(rendition, recording=replace(rendition.recording, provenance=provenance))

    def said(number: int) -> list[str]:
        html = renderer.block_html(known, language, number)
        return re.findall(r"<span>(.*?)</span>", html[html.index('"kt-note"') :])[1:]

    assert sorted(said(0)) == sorted(note)
    assert sorted(said(1)) == sorted(part for part in note if "Helm" not in part)  # the picture used none
    panel = provenance_of(known, known.document.texts[language], load_strings(language))
    assert panel
    assert [f"{tool} {version}" for tool, version in panel.versions if tool == "Kubernetes"] == note[:1]
    assert not [tool for tool, _ in panel.versions if tool == "emulated"]
    assert sorted(panel.summary[1:]) == sorted(note)


@pytest.mark.parametrize(("origin", "said"), [("verified", "Last verified on November"), ("recorded", "did not read")])
def test_a_page_with_nothing_but_a_diagram_says_where_it_is_from(read_post: ReadPost, origin: str, said: str) -> None:
    renderer, rendition = read_post({"true": ""}, en='```console live id="x"\n$ true\n```\n\n```diagram id="a"\n```\n')
    text = rendition.document.texts["en"]
    picture = replace(text, blocks=text.blocks[1:])
    only = replace(rendition, document=replace(rendition.document, texts={"en": picture}), origin=Origin(origin))
    panel = provenance_of(only, picture, load_strings("en"))
    assert panel
    assert panel.statement.startswith("The diagrams on this page are drawn from what a cluster really held")
    assert said in panel.statement
    assert panel.script == ""
    assert f'class="kt-block kt-diagram kt-{origin}"' in renderer.block_html(only, "en", 0)
    both = provenance_of(rendition, text, load_strings("en"))
    assert both
    assert both.statement.endswith(
        "Last verified on November 22, 2026. The diagrams are drawn from what it held at that point."
    )


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
    assert panel.versions == (("Kubernetes", "v1.36.2"), ("Helm", "v4.0.1"), (shown, "0.3.1, 0.4.0"))


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
    assert panel.script.endswith("\nistioctl install -y\ntrue\n")
    pages = [str(output.content) for output in renderer.pages(rendition, {}) if output.uri.endswith("index.html")]
    assert any("the layer “istio-minimal”, in which these commands had run" in page for page in pages)


def test_a_page_where_nothing_ran_has_no_panel(read_post: ReadPost) -> None:
    _, rendition = read_post({}, en="Prose.\n")
    assert provenance_of(rendition, rendition.document.texts["en"], load_strings("en")) is None


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
