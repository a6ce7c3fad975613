from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kubetalk.errors import RecordingError
from kubetalk.model import BlockRecord, CommandRecord, Layer, Provenance, Recording, Snapshot
from kubetalk.recordings import dump_recording, files, load_recording, parse_recording, save_recording
from tests.support.golden import Golden

WHEN = dt.datetime(2026, 11, 22, 10, 30, tzinfo=dt.UTC)
TABLE = "NAME   READY   AGE   \nweb    1/1     5s    \n"


def recording(*outputs: str, **changes: Any) -> Recording:
    fields: dict[str, Any] = {
        "document_id": "talk",
        "provenance": Provenance(
            WHEN, "embedded", simulated=True, versions={"kubernetes": "v1.36.4", "helm": "v4.2.4"}
        ),
        "blocks": (
            BlockRecord("b", tuple(CommandRecord(f"kubectl get {n}", text, 0) for n, text in enumerate(outputs))),
        ),
    }
    return Recording(**{**fields, **changes})


OUTPUTS = {
    "table with blanks at line ends": TABLE,
    "empty": "",
    "no newline": "abc",
    "many newlines": "a\n\n\n",
    "only newlines": "\n\n",
    "only blanks": "   \n  ",
    "blank lines within": "a\n\n \n\nb\n",
    "starts with blanks": "   abc\n d\n",
    "starts with a newline": "\n\n  abc\n",
    "starts with a tab": "\tabc\n",
    "tabs": "NAME\tNAMESPACE\t\nshop\tdefault  \t\n",
    "colours": "\x1b[32mok\x1b[0m\n  indented \x1b[1mbold\n\n",
    "colours without newline": "\x1b[32mok",
    "Japanese": "こんにちは\n",
    "looks like YAML": "a: b\n- c\n# d\n---\n...\n? x\n",
    "looks like a conflict": "<<<<<<< HEAD\n=======\n>>>>>>> other\n",
    "line separators": "a\u2028b\u2029c\u0085d\r\ne\ufeff\n",
    "emoji": "\U0001f680 \U0001f468\u200d\U0001f469\n",
    "quotes": "\"a\" 'b' \\n \\\n",
    "true": "true\n",
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs_come_back_byte_for_byte(name: str, tmp_path: Path) -> None:
    path = tmp_path / "recording.yml"
    kept = recording(OUTPUTS[name], "after\n")
    assert save_recording(path, kept)
    assert load_recording(path) == kept
    rows = path.read_text(encoding="utf-8").splitlines()
    assert max(map(len, rows)) < 120


def test_a_table_is_a_block_literal() -> None:
    assert "        output: |\n          NAME   READY   AGE   \n          web    1/1     5s    \n" in dump_recording(
        recording(TABLE)
    )


_ANY = st.text(max_size=30) | st.text(
    alphabet=st.sampled_from(list(" \t\n\r:#-|>'\"\\&*!%@`{}[],?~=<.a1\x1b\u3042")), max_size=30
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | _ANY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ANY, inner, max_size=3),
    max_leaves=8,
)
_COMMANDS = st.builds(CommandRecord, _ANY, _ANY, st.integers(-1, 300), _ANY)
_RECORDINGS = st.builds(
    Recording,
    document_id=_ANY,
    provenance=st.builds(
        Provenance,
        st.datetimes(timezones=st.just(dt.UTC), min_value=dt.datetime(1000, 1, 1)),  # noqa: DTZ001  hypothesis wants it bare
        _ANY,
        st.booleans(),
        st.dictionaries(_ANY, _ANY, max_size=3),
    ),
    blocks=st.lists(st.builds(BlockRecord, _ANY, st.lists(_COMMANDS, max_size=3).map(tuple)), max_size=3).map(tuple),
    snapshots=st.lists(
        st.builds(Snapshot, _ANY, st.lists(st.dictionaries(_ANY, _JSON, max_size=3), max_size=3).map(tuple), _ANY),
        max_size=2,
    ).map(tuple),
    content=_ANY,
)


@given(_RECORDINGS)
def test_whatever_is_saved_is_loaded(kept: Recording) -> None:
    text = dump_recording(kept)
    assert parse_recording(text, "x") == kept
    assert dump_recording(parse_recording(text, "x")) == text


@settings(max_examples=30)
@given(_RECORDINGS)
def test_the_reader_written_in_python_agrees(kept: Recording) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_Loader", yaml.SafeLoader)
        assert parse_recording(dump_recording(kept), "x") == kept


@pytest.mark.golden("recordings/files")
def test_golden(golden: Golden) -> None:
    """The input is the recording as plain data; the output is the file."""
    data = golden.input
    kept = recording(
        blocks=tuple(
            BlockRecord(name, tuple(CommandRecord(*command) for command in commands))
            for name, commands in data["blocks"].items()
        ),
        snapshots=tuple(Snapshot(name, tuple(objects)) for name, objects in data.get("snapshots", {}).items()),
        content=data.get("content", ""),
    )
    text = dump_recording(kept)
    assert parse_recording(text, "x") == kept
    golden.check(text)


class TestSaving:
    def test_equal_bytes_are_not_written(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "recording.yml"
        assert save_recording(path, recording(TABLE))
        before = path.stat()
        assert not save_recording(path, recording(TABLE))
        assert path.stat().st_mtime_ns == before.st_mtime_ns
        assert save_recording(path, recording("other\n"))
        assert [entry.name for entry in path.parent.iterdir()] == ["recording.yml"]

    def test_the_mode_is_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "recording.yml"
        save_recording(path, recording())
        assert path.stat().st_mode & 0o777 == 0o644
        path.chmod(0o600)
        save_recording(path, recording(TABLE))
        assert path.stat().st_mode & 0o777 == 0o600

    def test_a_failure_leaves_the_old_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "recording.yml"
        save_recording(path, recording(TABLE))

        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            save_recording(path, recording("other\n"))
        assert load_recording(path) == recording(TABLE)
        assert [entry.name for entry in tmp_path.iterdir()] == ["recording.yml"]

    def test_a_killed_process_leaves_the_old_file_or_the_new_one(self, tmp_path: Path) -> None:
        path = tmp_path / "recording.yml"
        save_recording(path, recording(TABLE))
        script = (
            "import os, signal, sys; from pathlib import Path; from kubetalk.recordings.files import replace_file\n"
            "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
            "replace_file(Path(sys.argv[1]), b'half')"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(path)],
            env={"PYTHONPATH": "plugins", "PATH": os.environ["PATH"]},
            check=False,
            timeout=30,
        )
        assert done.returncode == -9
        assert load_recording(path) == recording(TABLE)


class TestDamage:
    def test_no_file_is_no_recording(self, tmp_path: Path) -> None:
        assert load_recording(tmp_path / "recording.yml") is None

    @pytest.mark.parametrize(
        ("change", "line", "what"),
        [
            (("blocks:", "<<<<<<< HEAD\nblocks:"), 11, "a merge conflict was left in the recording (<<<<<<< HEAD)"),
            (("blocks:", "=======\nblocks:"), 11, "a merge conflict was left in the recording (=======)"),
            (("blocks:", "block:"), 11, "unknown key block in the recording; did you mean blocks?"),
            (("exit: 0", "exitt: 0"), 15, "unknown key exitt in the recording; did you mean exit?"),
            (("exit: 0", "exit: zero"), 15, "a whole number was expected here"),
            (("exit: 0", "exit: 0\n        exit: 1"), 16, "the key exit stands twice"),
            (("version: 1", "version: 2"), 2, "format version 2, this kubetalk reads 1"),
            (("version: 1\n", ""), 2, "the key version is missing"),
            (("simulated: true", "simulated: yes please"), 7, "true or false was expected"),
            (("  verified: 2026-11-22T10:30:00Z", "  verified: soon"), 5, "a time such as"),
            (("provider: embedded", "provider: [embedded"), 7, "no valid YAML"),
            (("id: b", "id: 1"), 12, "a text was expected"),
            (("output: |", "output: |x"), 16, "no valid YAML"),
            (("    commands:", "    commands: 3\n    x:"), 14, "unknown key x"),
        ],
    )
    def test_is_reported_with_its_line(self, tmp_path: Path, change: tuple[str, str], line: int, what: str) -> None:
        path = tmp_path / "recording.yml"
        text = dump_recording(recording(TABLE))
        assert change[0] in text
        path.write_text(text.replace(*change, 1), encoding="utf-8")
        with pytest.raises(RecordingError) as caught:
            load_recording(path)
        assert what in caught.value.message
        assert caught.value.where == f"{path}:{line}"
        assert caught.value.remedy

    @pytest.mark.parametrize(
        "content", [b"", b"- a\n", b"\xff\xfe", b"a: !!python/object:os.system {}\n", b"&a [*a]", b"\x00"]
    )
    def test_anything_else_too(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "recording.yml"
        path.write_bytes(content)
        with pytest.raises(RecordingError):
            load_recording(path)

    @given(st.data())
    def test_a_damaged_file_never_ends_in_anything_else(self, data: st.DataObject) -> None:
        text = dump_recording(recording(TABLE, "\x1b[1mx\n", snapshots=(Snapshot("d", ({"kind": "Pod"},)),)))
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 20)))
        damaged = text[:start] + data.draw(_ANY) + text[end:]
        # Some damage is valid again; what is not must be told as such.
        with contextlib.suppress(RecordingError):
            parse_recording(damaged, "x")


def test_the_layer_comes_back(tmp_path: Path) -> None:
    layer = Layer("istio-minimal", ("istioctl install -y", "kubectl apply -f - <<'EOF'\nkind: X\nEOF", "# a: b"))
    on_layer = recording("x\n", provenance=Provenance(WHEN, "embedded", simulated=True, layer=layer))
    path = tmp_path / "recording.yml"
    save_recording(path, on_layer)
    assert load_recording(path) == on_layer
    misspelt = path.read_text(encoding="utf-8").replace("    commands:", "    comands:", 1)
    with pytest.raises(RecordingError, match="unknown key comands in the recording; did you mean commands"):
        parse_recording(misspelt, "r")
