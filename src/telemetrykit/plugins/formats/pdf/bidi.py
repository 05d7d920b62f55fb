"""The order in which the characters of a line are drawn: a part of the Unicode Bidirectional Algorithm (UAX 9).

Lines run from left to right. Runs of right-to-left characters are turned, with what is neutral between them; numbers in
them keep their order (rules N1, L2). Nothing is shaped: Arabic letters stay apart, brackets are not mirrored.
"""

from __future__ import annotations

import re

_LETTER = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
_HAS_LETTER = re.compile(f"[{_LETTER}]")
#: From a right-to-left letter to the last one before a letter of another script.
_RUN = re.compile(rf"[{_LETTER}](?:(?:[\W\d_])*[{_LETTER}])*")
#: What keeps its order in a run that is turned: numbers, and a letter with its combining marks.
_UNIT = re.compile(r"\d+(?:[.,:/-]\d+)*|.", re.DOTALL)


def visual(line: str) -> str:
    """A line as it is drawn from left to right."""
    return _RUN.sub(_turn, line) if _HAS_LETTER.search(line) else line


def _turn(run: re.Match[str]) -> str:
    return "".join(reversed(_UNIT.findall(run[0])))
