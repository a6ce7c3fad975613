"""Sessions: what the goldens of whole projects do not show."""

from __future__ import annotations

import hashlib

import pytest

from kubetalk.errors import ContentError, ManyErrors
from kubetalk.model import BlockOptions, Command, Fence, LiveBlock, Location, RunStep, Text
from kubetalk.reading import plan_session, print_block, read_project
from tests.unit.reading.conftest import MakeSettings, told

LIVE = "```console live\n$ cat data.txt\n```\n"
POST = {"posts/x/post.yml": "title: x\ndate: 2026-01-01\n", "posts/x/en.md": LIVE, "posts/x/ja.md": LIVE}


def test_files_with_digest_and_mode(make_settings: MakeSettings) -> None:
    settings = make_settings({**POST, "posts/x/data.txt": b"\xff\x00", "posts/x/run.sh": "echo\n"})
    (settings.docs_dir / "posts/x/run.sh").chmod(0o755)
    session = plan_session(read_project(settings).documents[0])
    assert [(file.path, file.executable) for file in session.files] == [("data.txt", False), ("run.sh", True)]
    assert session.files[0].digest == hashlib.sha256(b"\xff\x00").hexdigest()


def test_link_out_of_the_folder(make_settings: MakeSettings) -> None:
    settings = make_settings({**POST, "secret.txt": "x", "posts/x/inside.txt": "y"})
    folder = settings.docs_dir / "posts/x"
    (folder / "fine.txt").symlink_to("inside.txt")
    (folder / "data.txt").symlink_to("../../secret.txt")
    with pytest.raises(ContentError) as caught:
        plan_session(read_project(settings).documents[0])
    assert str(caught.value) == (
        "docs/posts/x/data.txt: the link leads out of the document's folder. Copy the file into the folder."
    )


def test_without_live_blocks_nothing_is_read(make_settings: MakeSettings) -> None:
    settings = make_settings({**POST, "posts/x/en.md": "x\n", "posts/x/ja.md": "x\n", "posts/x/big.bin": "x"})
    session = plan_session(read_project(settings).documents[0])
    assert (session.steps, session.files) == ((), ())


def test_plans_texts_that_were_not_paired_yet(make_settings: MakeSettings) -> None:
    document = read_project(make_settings(POST)).documents[0]
    here = Location("docs/posts/x/en.md", 1)
    bare = LiveBlock("", Fence(here, 3, ""), (Command("helm ls", ("$ helm ls",), Location(here.path, 2)),))
    changed = type(document)(
        document.id, document.kind, document.directory, document.facts, {"en": Text("en", here.path, "", (bare,))},
        document.recording_path,
    )  # fmt: skip
    (step,) = plan_session(changed).steps
    assert isinstance(step, RunStep)
    assert (step.block_id, step.translations) == ("helm-ls", ())


def test_not_utf8(make_settings: MakeSettings) -> None:
    settings = make_settings({**POST, "posts/x/en.md": b"ok\n\x93\xfa\n"})
    with pytest.raises(ContentError) as caught:
        read_project(settings)
    assert str(caught.value) == "docs/posts/x/en.md:2: byte 0x93 is not UTF-8. Save the file as UTF-8."


def test_byte_order_mark_and_crlf(make_settings: MakeSettings) -> None:
    settings = make_settings({**POST, "posts/x/en.md": b"\xef\xbb\xbf" + LIVE.replace("\n", "\r\n").encode()})
    text = read_project(settings).documents[0].texts["en"]
    assert text.source == LIVE
    assert text.block_at(1) is text.blocks[0]


def test_no_docs(make_settings: MakeSettings) -> None:
    settings = make_settings({})
    assert read_project(settings).documents == ()
    settings.docs_dir.rmdir()
    with pytest.raises(ContentError, match="docs_dir is not a folder"):
        read_project(settings)


def test_many_errors_name_every_document(make_settings: MakeSettings) -> None:
    broken = {name.replace("/x/", "/y/"): text for name, text in POST.items()} | {"posts/y/ja.md": "```console live\n"}
    with pytest.raises(ManyErrors) as caught:
        read_project(make_settings({**POST, **broken, "posts/x/ja.md": LIVE.replace("cat", "less")}))
    assert [line.partition(" ")[0] for line in told(caught.value)] == ["docs/posts/x/ja.md:2:", "docs/posts/y/ja.md:1:"]


def test_a_hidden_block_is_seen_where_it_is_shown_again(make_settings: MakeSettings) -> None:
    hidden = '```console live id="setup" hide exit="1"\n$ false\n```\n'
    again = '```console ref="setup" head="3"\n```\n'
    files = {**POST, "posts/x/en.md": hidden + again, "posts/x/ja.md": '```console ref="setup"\n```\n'}
    texts = read_project(make_settings(files)).documents[0].texts
    assert [block.fence.options.hide for block in texts["en"].blocks] == [True, False]
    assert [block.fence.options.hide for block in texts["ja"].blocks] == [True]
    assert texts["en"].blocks[1].fence.options == BlockOptions(head=3, exit=1)
    assert print_block(texts["en"].blocks[1]) + "\n" == again
