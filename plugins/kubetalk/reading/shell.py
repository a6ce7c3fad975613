r"""Scans bash line by line: is a command complete, what is still open, which simple commands does it consist of.

``bash -n`` cannot tell: it accepts ``foo \`` and an open heredoc. The scanner follows the Bash manual, 3.1.2
(quoting), 3.2 (pipelines, lists, compound commands), 3.5 (expansions) and 3.6.6 (here documents). It is not a parser:
what bash would refuse is passed on to bash, whose own message is the best one. Linear in time, without recursion.
"""

from __future__ import annotations

import re

from kubetalk.reading.shell_frames import (
    CLOSERS,
    COMMAND_FRAMES,
    LEADERS,
    NAMES,
    OPENERS,
    OWNERS,
    Frame,
    Heredoc,
    SimpleCommand,
)

_HEREDOC = re.compile(r"""<<(?P<dash>-?)[ \t]*(?P<tag>(?:\\.|'[^']*'|"[^"]*"|[^\s;&|<>()'"\\])+)""")
_PLAIN = re.compile(r"[^\s\\'\"`$()<>|&;#]+")
_DOUBLE = re.compile(r"[^\"\\$`]+")
_BRACED = re.compile(r"[^}'\"\\$`]+")
_NUMBERS = re.compile(r"[^()'\"\\$`]+")
_WORDS = re.compile(r"[^\s()'\"\\$`#;&|]+")
_EMPTY_PARENTHESES = re.compile(r"\([ \t]*\)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(\[[^\]]*\])?\+?=")


class Shell:
    """Feed it the lines of a command; it knows after each line whether the command is complete."""

    def __init__(self) -> None:
        self._stack = [Frame("top", 0)]
        self._pending: list[Heredoc] = []
        self._active: list[Heredoc] = []
        self._joined = False
        self._backquotes = 0
        self._line = -1
        self._continued = False
        self.commands: list[SimpleCommand] = []
        """All simple commands seen so far, in the order they end."""

    @property
    def complete(self) -> bool:
        """Whether bash would run what it has, instead of asking for another line."""
        return self.missing is None

    @property
    def in_heredoc(self) -> bool:
        """Whether the next line belongs to a heredoc."""
        return bool(self._active)

    @property
    def heredoc_tag(self) -> str:
        """The line that the open heredoc waits for; empty if none is open."""
        heredocs = self._active or self._pending
        return heredocs[0].tag if heredocs else ""

    @property
    def in_quotes(self) -> bool:
        """Whether the next line starts inside quotes or an expansion."""
        return self._stack[-1].kind not in COMMAND_FRAMES

    @property
    def missing(self) -> tuple[str, int] | None:
        """What is still open and the line (from 0) it was opened in; None if nothing is."""
        if self._active or self._pending:
            heredoc = (self._active or self._pending)[0]
            return f"the heredoc `<<{heredoc.tag}`", heredoc.line
        frame = self._stack[-1]
        if frame.kind != "top":
            return NAMES[frame.kind], frame.line
        if self._continued:
            return "the backslash at the end of the line", self._line
        if frame.dangling:
            return "the pipe or list operator at the end of the line", self._line
        if frame.definition:
            return "the function", self._line
        return None

    def feed(self, text: str) -> None:
        """One more line, without its newline."""
        self._line += 1
        if self._active:
            self._feed_heredoc(text)
            return
        self._continued = False
        position = 0
        while position < len(text):
            position = self._step(self._stack[-1], text, position)
        if not self._continued:
            self._newline()

    def finish(self) -> tuple[SimpleCommand, ...]:
        """Ends the last command and gives all of them."""
        while self._stack:
            self._abandon()
        self._stack = [Frame("top", 0)]
        return tuple(self.commands)

    def _abandon(self) -> str:
        """Ends the command of the innermost frame and, unless that opened or closed one, the frame; gives its kind."""
        frame = self._stack[-1]
        self._end_command(frame)
        if self._stack[-1] is not frame:
            return ""
        self._stack.pop()
        return frame.kind

    def _feed_heredoc(self, text: str) -> None:
        heredoc = self._active[0]
        line = text.lstrip("\t") if heredoc.strips_tabs else text
        if line == heredoc.tag and not self._joined:
            self._active.pop(0)
            return
        trailing = len(text) - len(text.rstrip("\\"))
        self._joined = not heredoc.quoted and trailing % 2 == 1

    def _newline(self) -> None:
        frame = self._stack[-1]
        if frame.kind in COMMAND_FRAMES:
            self._end_word(frame)
            frame = self._stack[-1]
            if frame.case not in {"word", "pattern"} and not frame.dangling and not frame.definition:
                self._end_command(frame)
            if self._pending:
                self._active, self._pending = self._pending, []
                self._joined = False
        elif frame.kind in {"words", "[["}:
            self._end_word(frame)
        else:
            self._add("\n")

    def _step(self, frame: Frame, text: str, position: int) -> int:
        """Handles what stands at ``position`` and gives the position behind it."""
        char = text[position]
        if frame.kind == "'":
            end = text.find("'", position)
            return self._literal(text, position, len(text) if end < 0 else end, closed=end >= 0)
        if char == "\\":
            return self._backslash(frame, text, position)
        if frame.kind == "$'":
            end = position
            while end < len(text) and text[end] not in "'\\":
                end += 1
            return self._literal(text, position, end, closed=end < len(text) and text[end] == "'")
        if char == "`":
            return self._backquote(position)
        if char == "$":
            return self._dollar(frame, text, position)
        if frame.kind in COMMAND_FRAMES:
            return self._command(frame, text, position)
        if char == '"':
            if frame.kind == '"':
                self._stack.pop()
            else:
                self._push('"')
            return position + 1
        if frame.kind == '"':
            return self._plain(_DOUBLE, text, position)
        if char == "'" and not frame.in_quotes:
            self._push("'")
            return position + 1
        if frame.kind == "${":
            if char == "}":
                self._stack.pop()
                return position + 1
            return self._plain(_BRACED, text, position)
        if frame.kind == "((":
            return self._arithmetic(frame, text, position)
        return self._list(frame, text, position)

    def _literal(self, text: str, start: int, end: int, *, closed: bool) -> int:
        self._add(text[start:end])
        if closed:
            self._stack.pop()
            return end + 1
        return end

    def _plain(self, pattern: re.Pattern[str], text: str, position: int) -> int:
        match = pattern.match(text, position)
        end = match.end() if match else position + 1
        self._add(text[position:end])
        return end

    def _backslash(self, frame: Frame, text: str, position: int) -> int:
        if position + 1 == len(text):
            if frame.kind == "$'":
                self._add("\\")
                return position + 1
            self._continued = True
            return position + 1
        kept = text[position : position + 2] if frame.kind in {'"', "$'"} else text[position + 1]
        self._add(kept, quoted=True)
        return position + 2

    def _backquote(self, position: int) -> int:
        if self._backquotes:
            # Bash cuts at the first unescaped backquote, whatever was open inside.
            while self._abandon() != "`":
                pass
            self._backquotes -= 1
        else:
            self._add("$()")
            self._push("`")
            self._backquotes += 1
        return position + 1

    def _dollar(self, frame: Frame, text: str, position: int) -> int:
        following = text[position + 1 : position + 3]
        quoting = frame.kind == '"' or frame.in_quotes
        if following == "((":
            self._add("$()")
            self._push("((")
            return position + 3
        if following[:1] == "(":
            self._add("$()")
            self._push("(")
            return position + 2
        if following[:1] == "{":
            self._add("${")
            self._push("${", in_quotes=quoting)
            return position + 2
        if following[:1] == "'" and not quoting:
            self._add("")
            self._push("$'")
            return position + 2
        self._add("$")
        return position + 1

    def _arithmetic(self, frame: Frame, text: str, position: int) -> int:
        char = text[position]
        if char == "(":
            frame.depth += 1
        elif char == ")" and frame.depth:
            frame.depth -= 1
        elif char == ")":
            if text[position + 1 : position + 2] == ")":
                self._stack.pop()
                if self._stack[-1].word is None:
                    self._stack[-1].position = False
                return position + 2
            # It was `$( (…) …)` after all: the inner parenthesis is closed, the outer one still open.
            frame.kind, frame.position, frame.owner = "(", False, None
        else:
            return self._plain(_NUMBERS, text, position)
        return position + 1

    def _list(self, frame: Frame, text: str, position: int) -> int:
        """Inside ``a=(…)``, an extended glob, or ``[[ … ]]``: words only."""
        char = text[position]
        if char in " \t":
            self._end_word(frame)
        elif char == "#" and frame.kind == "words" and frame.word is None:
            return len(text)
        elif char == "(" and frame.kind == "words":
            self._push("words")
        elif char == ")" and frame.kind == "words":
            self._stack.pop()
        elif frame.kind == "[[" and char in ");&|" and frame.word == ["]]"]:
            self._end_word(frame)
            return position
        else:
            match = _WORDS.match(text, position)
            end = match.end() if match else position + 1
            self._add(text[position:end])
            if end == len(text):
                self._end_word(frame)
            return end
        return position + 1

    def _command(self, frame: Frame, text: str, position: int) -> int:
        char = text[position]
        if char.isspace():
            self._end_word(frame)
        elif char in "'\"":
            self._add("", quoted=True)
            self._push(char)
        elif char == "#" and frame.word is None:
            return len(text)
        elif char in "()":
            return self._parenthesis(frame, text, position)
        elif char in "<>":
            return self._redirection(frame, text, position)
        elif char in "&|;":
            return self._operator(frame, text, position)
        else:
            return self._plain(_PLAIN, text, position)
        return position + 1

    def _parenthesis(self, frame: Frame, text: str, position: int) -> int:
        if text[position] == ")":
            self._end_word(frame)
            frame = self._stack[-1]
            if frame.case == "pattern":
                frame.case, frame.position, frame.reserved = "body", True, True
            elif frame.kind == "(":
                self._close(frame)
            else:
                self._end_command(frame)  # bash will complain
            return position + 1
        if frame.case == "pattern":
            return position + 1
        word = frame.word
        if word and word[-1] and (word[-1][-1] in "?*+@!" or (word[-1][-1] == "=" and len(word) == 1)):
            self._push("words")  # an extended glob or an array
            return position + 1
        empty = _EMPTY_PARENTHESES.match(text, position)
        if empty and (word or frame.words):
            frame.word, frame.words = None, []
            frame.position, frame.reserved, frame.definition, frame.named_function = True, True, True, False
            return empty.end()
        self._end_word(frame)
        double = text[position + 1 : position + 2] == "("
        self._push("((" if double else "(")
        return position + (2 if double else 1)

    def _redirection(self, frame: Frame, text: str, position: int) -> int:
        if frame.word is not None and not frame.quoted and "".join(frame.word).isdigit():
            frame.word = None
        self._end_word(frame)
        frame = self._stack[-1]
        if text.startswith("<<<", position):
            frame.redirect, frame.piped = True, True
            return position + 3
        if heredoc := _HEREDOC.match(text, position):
            tag = heredoc["tag"]
            plain = re.sub(r"\\(.)|['\"]", r"\1", tag)
            self._pending.append(Heredoc(plain, bool(heredoc["dash"]), plain != tag, self._line))
            frame.piped, frame.dangling = True, False
            return heredoc.end()
        following = text[position + 1 : position + 2]
        if following == "(":
            self._add("$()")
            self._push("(")
            return position + 2
        frame.redirect = True
        if text[position] == "<":
            frame.piped = True
        return position + (2 if following and following in "<>&|" else 1)

    def _operator(self, frame: Frame, text: str, position: int) -> int:
        char, pair = text[position], text[position : position + 2]
        if pair == "&>":
            self._end_word(frame)
            self._stack[-1].redirect = True
            return position + (3 if text.startswith("&>>", position) else 2)
        self._end_word(frame)
        frame = self._stack[-1]
        if frame.case == "pattern":
            return position + 1
        if frame.case == "body" and pair in {";;", ";&"}:
            self._end_command(frame)
            frame.case = "pattern"
            return position + (3 if text.startswith(";;&", position) else 2)
        self._end_command(frame, background=char == "&" and pair != "&&")
        if pair in {"&&", "||", "|&"} or char == "|":
            frame.dangling = True
            frame.piped = pair not in {"&&", "||"}
            return position + (2 if pair in {"&&", "||", "|&"} else 1)
        return position + 1

    def _add(self, text: str, *, quoted: bool = False) -> None:
        """Adds to the word of the innermost command."""
        frame = self._stack[-1].owner or self._stack[-1]
        if frame.word is None:
            frame.word, frame.quoted = [], False
        frame.word.append(text)
        frame.quoted = frame.quoted or quoted

    def _push(self, kind: str, *, in_quotes: bool = False) -> None:
        outer = self._stack[-1]
        if outer.kind in COMMAND_FRAMES and kind in {"(", "((", "{", "if", "loop", "case", "[["} and outer.word is None:
            outer.dangling = outer.definition = False
        owner = None if kind in OWNERS else outer.owner or outer
        started = len(self.commands)
        self._stack.append(Frame(kind, self._line, in_quotes=in_quotes, owner=owner, started=started))

    def _close(self, frame: Frame) -> None:
        """Ends a compound command or a substitution."""
        self._end_command(frame)
        self._stack.pop()
        outer = self._stack[-1]
        if outer.kind in COMMAND_FRAMES and outer.word is None:
            outer.position, outer.dangling, outer.definition = False, False, False
            outer.compound = frame.started

    def _end_word(self, frame: Frame) -> None:
        if frame.word is None:
            return
        word, quoted = "".join(frame.word), frame.quoted
        frame.word, frame.quoted = None, False
        if frame.kind == "[[":
            if word == "]]":
                self._stack.pop()
                self._stack[-1].position = False
            return
        if frame.kind == "words":
            return
        if frame.redirect:
            frame.redirect = frame.dangling = frame.reserved = False
        elif frame.case == "word":
            if word == "in" and not quoted:
                frame.case = "pattern"
        elif frame.case == "pattern":
            if word == "esac" and not quoted:
                self._close(frame)
        elif frame.position and frame.reserved and not quoted and self._reserved(frame, word):
            pass
        elif frame.named_function:
            frame.named_function, frame.position, frame.definition = False, True, True
        else:
            frame.dangling = frame.definition = False
            if frame.position and _ASSIGNMENT.match(word):
                frame.reserved = False
                frame.assignments.append(word)
            else:
                frame.position = False
                frame.words.append(word)

    def _reserved(self, frame: Frame, word: str) -> bool:
        """Handles a reserved word in command position; False if it is an ordinary word there."""
        if word in OPENERS:
            self._push(OPENERS[word])
            inner = self._stack[-1]
            inner.position = word in {"if", "while", "until", "{"}
            inner.header = word in {"for", "select"}
            if word == "case":
                inner.case = "word"
        elif word in CLOSERS and frame.kind == CLOSERS[word]:
            self._close(frame)
        elif word in LEADERS:
            frame.dangling = False
        elif word == "[[":
            self._push("[[")
        elif word == "function":
            frame.named_function, frame.position, frame.dangling = True, False, False
        else:
            return False
        return True

    def _end_command(self, frame: Frame, *, background: bool = False) -> None:
        if frame.kind not in COMMAND_FRAMES:
            return
        self._end_word(frame)
        if (frame.words or frame.assignments) and not frame.header:
            command = SimpleCommand(tuple(frame.words), tuple(frame.assignments), frame.piped, background)
            self.commands.append(command)
        if background and frame.compound is not None:
            for command in self.commands[frame.compound :]:
                command.background = True
        frame.words, frame.assignments = [], []
        frame.position = frame.reserved = True
        frame.piped = frame.header = frame.named_function = False
        frame.compound = None


def simple_commands(source: str) -> tuple[SimpleCommand, ...]:
    """The simple commands of a shell text, those inside substitutions and compound commands included."""
    shell = Shell()
    for line in source.split("\n"):
        shell.feed(line)
    return shell.finish()
