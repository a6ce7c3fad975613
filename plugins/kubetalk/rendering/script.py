"""The commands of a page as one Bash script, for a reader with a cluster of their own.

It does what the session does, as far as that can be written down: it begins in an empty folder with the files that the
commands use, asks again where the session asked again, and goes on where a command is meant to fail.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from kubetalk.model import BlockReference, FileBlock, Kind, LiveBlock
from kubetalk.rendering.regexes import grep_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kubetalk.model import Block, BlockOptions, Rendition, SourceFile, Text
    from kubetalk.rendering.strings import Strings

MOST_BYTES = 64 * 1024
"""A larger file is named and not written out."""
ASKS_AGAIN = """\
until_matches() {
    local option=$1 pattern=$2 end=$((SECONDS + $3)) output
    while output=$(eval "$4" 2>&1); ! grep -q "$option" -e "$pattern" <<<"$output" && [ "$SECONDS" -lt "$end" ]; do
        sleep 1
    done
    printf '%s\\n' "$output"
}"""
STOPS = """\
for_seconds() {
    bash -c "$2" &
    local started=$!
    sleep "$1"
    kill "$started" 2>/dev/null
    wait "$started" 2>/dev/null || true
}"""
"""Not `timeout`, which macOS does not have."""
WORD = re.compile(r"[^\s\"'`=:,;|&<>(){}@]+")
ENDLESS = re.compile(
    r"\bkubectl\b[^|;&\n]*?\s(?:(?:get|events)\b[^|;&\n]*?\s(?:-w|--watch(?:-only)?)|logs\b[^|;&\n]*?\s(?:-f|--follow))"
    r"(?:=true)?(?=\s|$)"
)
"""What a session ends by itself after ``within``."""


def script_of(rendition: Rendition, text: Text, strings: Strings) -> str:
    """Everything the page runs, in its order: hidden commands too, and files as heredocs; empty if it runs nothing.

    What its layer was made with comes first, for whoever runs it begins with an empty cluster. Of the files of the
    document's folder only those are in it that a command names: what nobody uses is not published.
    """
    blocks = _blocks_of(rendition, text)
    live = [block for block in blocks if isinstance(block, LiveBlock)]
    if not live:
        return ""
    sources = [command.source for block in live for command in block.commands]
    files = used_files(rendition.files, sources)
    document = rendition.document
    # The title of an ordinary page is MkDocs' affair, and may be a template of some other plugin.
    named = document.kind is not Kind.HOST_PAGE and document.facts.title.get(text.language)
    title = " ".join((named or document.id).split())
    parts = ["#!/usr/bin/env bash", f"# {strings('provenance.script_intro', title=title)}"]
    written = [command_in_script(c.source, block.fence.options, strings) for block in live for c in block.commands]
    if any(line.startswith("until_matches ") for line in written):
        parts.append(f"\n# {strings('provenance.script_until')}\n{ASKS_AGAIN}\n")
    if any(line.startswith("for_seconds ") for line in written):
        parts.append(f"\n# {strings('provenance.script_for')}\n{STOPS}\n")
    if rendition.recording and rendition.recording.provenance.layer:
        parts += rendition.recording.provenance.layer.commands
    if files or any(isinstance(block, FileBlock) for block in blocks):
        parts.append('cd "$(mktemp -d)" || exit')
    parts += [_source_file(file, strings) for file in files]
    for block in blocks:
        if isinstance(block, FileBlock):
            parts.append(file_as_heredoc(block.path, block.content))
        elif isinstance(block, LiveBlock):
            parts += [command_in_script(command.source, block.fence.options, strings) for command in block.commands]
    return "\n".join(parts) + "\n"


def _blocks_of(rendition: Rendition, text: Text) -> list[Block]:
    """File and live blocks in the order of the text, references followed, each live block once."""
    known = {b.id: b for t in rendition.document.texts.values() for b in t.blocks if isinstance(b, LiveBlock)}
    found: list[Block] = []
    seen: set[str] = set()
    for block in text.blocks:
        target = known.get(block.id) if isinstance(block, BlockReference) else block
        if isinstance(target, FileBlock):
            found.append(target)
        elif isinstance(target, LiveBlock) and target.id not in seen:
            seen.add(target.id)
            found.append(target)
    return found


def command_in_script(source: str, options: BlockOptions, strings: Strings) -> str:
    """One command, with what its block says about waiting and failing."""
    if is_endless(source):
        return f"for_seconds {options.within:g} {shlex.quote(source)}"
    if options.until:
        option, pattern = grep_options(options.until)
        return f"until_matches {option} {shlex.quote(pattern)} {max(round(options.within), 1)} {shlex.quote(source)}"
    if options.exit:
        # Braces, not parentheses: what the command does to the shell stays done. A heredoc ends on its own line.
        return f'{{\n{source}\n}} || echo "{strings("provenance.script_exit", n=options.exit)}"'
    return source


def is_endless(source: str) -> bool:
    """Whether a command follows changes until somebody stops it."""
    return bool(ENDLESS.search(source.replace("\\\n", " ")))


def used_files(files: Sequence[SourceFile], sources: Iterable[str]) -> tuple[SourceFile, ...]:
    """The files that the commands name: by path, by a folder, by a pattern, or by what a kustomization names.

    A path may be relative to a folder that the session has changed to.
    """
    sources = list(sources)
    used = {file.path: file for file in files if any(file.path in source for source in sources)}
    places = [("", word) for source in sources for word in WORD.findall(source)]
    while places:
        folder, word = places.pop()
        for file in files:
            if file.path not in used and _names(posixpath.normpath(posixpath.join(folder, word)), file.path):
                used[file.path] = file
                if posixpath.basename(file.path).startswith("kustomization."):
                    inside = posixpath.dirname(file.path)
                    places += [(inside, name) for name in WORD.findall(_text(file) or "")]
    return tuple(file for file in files if file.path in used)


def _names(word: str, path: str) -> bool:
    if word == ".":
        return True
    is_pattern = bool(re.search(r"[*?\[]", word)) and bool(word.strip("*?/"))
    # At the beginning, or below a folder that the session has gone to.
    return any(
        here == word or here.startswith(word + "/") or (is_pattern and fnmatchcase(here, word))
        for here in (path, *(path[match.end() :] for match in re.finditer("/", path)))
    )


def _text(file: SourceFile) -> str | None:
    """The content; None for one that is gone, large or not text."""
    try:
        data = file.source_path.read_bytes()
        return None if len(data) > MOST_BYTES or b"\0" in data else data.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _source_file(file: SourceFile, strings: Strings) -> str:
    content = _text(file)
    if content is None:
        return f"# {strings('provenance.script_file', path=file.path)}"
    written = file_as_heredoc(file.path, content)
    return f"{written}\nchmod +x {shlex.quote(file.path)}" if file.executable else written


def file_as_heredoc(path: str, content: str) -> str:
    """Commands that write a file, with a delimiter that its content does not hold."""
    delimiter = "EOF"
    while delimiter in content.split("\n"):
        delimiter += "_"
    folder = posixpath.dirname(path)
    make = f"mkdir -p {shlex.quote(folder)}\n" if folder else ""
    content = content if content.endswith("\n") or not content else content + "\n"
    return f"{make}cat > {shlex.quote(path)} <<'{delimiter}'\n{content}{delimiter}"
