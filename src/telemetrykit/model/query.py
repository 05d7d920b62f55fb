"""The text form of a filter's condition: ``type:http.* status>=500 route:/api/* -method:GET or "card declined"``.

Terms side by side must all hold, ``or`` binds less, ``-`` negates, parentheses group. What a term means is in
``query_term``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import FieldError
from .conditions import MAX_DEPTH, MAX_LEAVES, Condition, Not, all_of, any_of, measure
from .problems import invalid
from .query_term import Mistake, Term, Word

#: How many characters a query may have.
MAX_LENGTH = 4096

_SPACE = re.compile(r"\s*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\])')
_OPERATOR = re.compile(r"!=|>=|<=|[:=<>]")
_NAME = re.compile(r"(?:(?!!=)[^\s():=<>])*")
_VALUE = re.compile(r"[^\s()]*")
_END = re.compile(r"\s|\)|\Z")


def parse_query(text: str, *, pointer: str = "#/q") -> Condition | None:
    """The condition of a query, None if it is blank; InvalidRequest says in which column it is wrong and what to do."""
    try:
        if len(text) > MAX_LENGTH:
            raise Mistake(MAX_LENGTH + 1, f"the query is longer than {MAX_LENGTH} characters")
        tokens = _scan(text)
        return _Parser(tokens, len(text) + 1).parse() if tokens else None
    except Mistake as mistake:
        raise invalid([FieldError(str(mistake), pointer)]) from None


class _Token(NamedTuple):
    """``(``, ``)``, ``-``, ``or``, or a term."""

    kind: str
    column: int
    term: Term | None = None


def _scan(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = _after_space(text, 0)
    while at < len(text):
        if text[at] in "()-":
            tokens.append(_Token(text[at], at + 1))
            at += 1
            if text[at - 1] == "-" and _END.match(text, at):
                raise Mistake(at, 'a term is missing after -: write -term, or "-" for the character')
        else:
            token, at = _scan_term(text, at)
            tokens.append(token)
        at = _after_space(text, at)
    return tokens


def _scan_term(text: str, start: int) -> tuple[_Token, int]:
    word, at = _scan_word(text, start, _NAME)
    operator = _OPERATOR.match(text, at)
    if operator is None:
        _check_end(text, at)
        if word.text.lower() == "or" and not word.quoted:
            return _Token("or", word.column), at
        if not word.text:
            raise Mistake(word.column, "there is nothing between the quotes")
        return _Token("term", word.column, Term(word)), at
    if not word.text:
        raise Mistake(word.column, f"a name is missing before {operator[0]}, or it is not directly before it")
    value, at = _scan_word(text, operator.end(), _VALUE)
    if not value.text and not value.quoted:
        raise Mistake(value.column, f'a value is missing directly after {operator[0]} (an empty one is "")')
    _check_end(text, at)
    return _Token("term", word.column, Term(value, word, operator[0])), at


def _scan_word(text: str, start: int, unquoted: re.Pattern[str]) -> tuple[Word, int]:
    if not text.startswith('"', start):
        match = unquoted.match(text, start)
        found = match[0] if match else ""
        return Word(found, start + 1), start + len(found)
    match = _QUOTED.match(text, start)
    if match is None:
        raise Mistake(start + 1, 'a quote is not closed: add "')
    return Word(_ESCAPE.sub(r"\1", match[1]), start + 1, quoted=True), match.end()


def _check_end(text: str, at: int) -> None:
    if not _END.match(text, at):
        raise Mistake(at + 1, f"put a space before {text[at]}, or quotes around all of it")


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


class _Parser:
    """Recursive descent; each level of it is one open parenthesis, of which there may be 20."""

    def __init__(self, tokens: list[_Token], end: int) -> None:
        self._tokens = [*tokens, _Token("end", end)]
        self._at = 0

    def parse(self) -> Condition:
        condition = self._alternatives(0)
        if self._next.kind == ")":
            raise Mistake(self._next.column, "this ) closes nothing: remove it, or add ( before")
        depth, leaves = measure(condition)
        if depth > MAX_DEPTH:
            raise Mistake(1, f"the query is nested more than {MAX_DEPTH} levels deep: use fewer parentheses")
        if leaves > MAX_LEAVES:
            raise Mistake(1, f"the query makes more than {MAX_LEAVES} comparisons: use fewer terms")
        return condition

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _alternatives(self, depth: int) -> Condition:
        parts = [self._terms(depth)]
        while self._next.kind == "or":
            self._take()
            parts.append(self._terms(depth))
        return any_of(parts)

    def _terms(self, depth: int) -> Condition:
        parts = [self._signed(depth)]
        while self._next.kind not in ("or", ")", "end"):
            parts.append(self._signed(depth))
        return all_of(parts)

    def _signed(self, depth: int) -> Condition:
        negative = False
        while self._next.kind == "-":
            self._take()
            negative = not negative
        condition = self._operand(depth)
        return Not(condition) if negative else condition

    def _operand(self, depth: int) -> Condition:
        token = self._take()
        if token.term:
            return token.term.condition()
        if token.kind != "(":
            what = {"or": "before or", ")": "before )", "end": "at the end"}[token.kind]
            raise Mistake(token.column, f"a term is missing {what}")
        if depth == MAX_DEPTH:
            raise Mistake(token.column, f"parentheses are nested more than {MAX_DEPTH} levels deep: use fewer")
        condition = self._alternatives(depth + 1)
        if self._take().kind != ")":
            raise Mistake(token.column, "this ( is not closed: add )")
        return condition
