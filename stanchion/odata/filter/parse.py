"""A filter's text to its phrases, by precedence climbing.

- From loosest to tightest: `or`, `and`, `eq ne`, `gt ge lt le`, `add sub`, `mul div divby mod`, `not` and minus,
  `in` (OData 4.01 URL 5.1.1.16); all binary operators group from the left.
- Words of the language are read in any case, names of properties are not.
- At most 4 KiB, and 20 levels of parentheses, `not`, minus, functions, lambdas and chained operators below each
  other: this bounds every later recursion and the size of the SQL.
- A parameter alias (`@name`) stands for one literal or, behind `in`, for a list of them; without a value it is null
  (URL 5.1.1.13).
"""

from collections.abc import Mapping
from typing import Literal

from msgspec.structs import replace

from stanchion.errors import BadRequest
from stanchion.odata.filter.casting import cast_literal
from stanchion.odata.filter.functions import NOT_OFFERED
from stanchion.odata.filter.literals import (
    guid_constant,
    not_offered,
    number_constant,
    prefixed_constant,
    string_constant,
    word_constant,
)
from stanchion.odata.filter.syntax import (
    Binary,
    Call,
    Constant,
    Constants,
    Expression,
    Logic,
    Membership,
    Minus,
    Name,
    Negation,
    Path,
    Quantified,
    Size,
)
from stanchion.odata.filter.tokens import Token, refused, tokens

MAX_BYTES = 4096
MAX_DEPTH = 20

_PRECEDENCE = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(("eq", "ne"), 3),
    **dict.fromkeys(("gt", "ge", "lt", "le"), 4),
    **dict.fromkeys(("add", "sub"), 5),
    **dict.fromkeys(("mul", "div", "divby", "mod"), 6),
    **dict.fromkeys(("in", "has"), 7),
}
_LOOSEST, _TIGHTEST = 1, 7
_CLOSING = {"(": ")", "[": "]"}


def parse(text: str, aliases: Mapping[str, str]) -> Expression:
    """Return the phrases of a filter; raises BadRequest naming the place at fault.

    `aliases` are the values of parameter aliases by name, `@` included.
    """
    if len(text.encode()) > MAX_BYTES:
        raise BadRequest(f"The value of '$filter' is longer than {MAX_BYTES} bytes.", target="$filter")
    return _Parser(text, aliases).filter()


def parse_phrase(text: str) -> Expression:
    """Return the one phrase of a part of a filter between `and` and `or`; raises BadRequest for what is none."""
    return _Parser(text, {}).phrase()


class _Parser:
    def __init__(self, text: str, aliases: Mapping[str, str], *, name: str = "$filter") -> None:
        self._tokens = tokens(text, name=name)
        self._aliases = aliases
        self._name = name
        self._next = self._depth = 0

    def filter(self) -> Expression:
        """Read a whole filter."""
        expression = self._expression(_LOOSEST)
        self._end("An operator")
        return expression

    def phrase(self) -> Expression:
        """Read a part of a filter that stands between `and` and `or`."""
        expression = self._expression(_PRECEDENCE["and"] + 1)
        self._end("An operator")
        return expression

    def alias(self) -> Constant | Constants:
        """Read the whole value of an alias."""
        value = self._list() if self._peek().text in _CLOSING else self._constant(json=True)
        self._end("Nothing more")
        return value

    def _expression(self, loosest: int) -> Expression:
        """Read operands as long as the operators between them are no looser than asked."""
        left = self._operand()
        # Each further link of a chain lies one level deeper in the tree than the last one.
        chained = -1
        while (precedence := self._operator_ahead()) >= loosest:
            token = self._take()
            match token.text.lower():
                case "and" | "or" as word:
                    left = self._logic(word, token, left)
                    continue
                case "in":
                    left = Membership(token.place, left, self._members())
                case "has":
                    raise not_offered("'has'", token.place)
                case operator:
                    left = Binary(token.place, operator, left, self._expression(precedence + 1))
            chained += 1
            self._check_depth(token, self._depth + chained)
        return left

    def _logic(self, operator: Literal["and", "or"], token: Token, first: Expression) -> Logic:
        """Read a chain of one word, which is one phrase, however long it is."""
        tighter = _PRECEDENCE[operator] + 1
        terms = [first, self._expression(tighter)]
        while self._peek().text.lower() == operator:
            self._take()
            terms.append(self._expression(tighter))
        return Logic(token.place, operator, tuple(terms))

    def _operand(self) -> Expression:
        token = self._peek()
        match token.kind, token.text:
            case "word", _:
                return self._word()
            case "mark", "(":
                self._take()
                expression = self._below(token, _LOOSEST)
                self._expect(")")
                return expression
            case "mark", "[":
                raise not_offered("A list anywhere but behind 'in'", token.place)
            case "mark", "-":
                self._take()
                return Minus(token.place, self._below(token, _TIGHTEST))
            case _:
                return self._constant()

    def _constant(self, *, json: bool = False) -> Constant:
        """Read a literal; `json` allows strings in double quotes."""
        token = self._take()
        match token.kind:
            case "string":
                return string_constant(token)
            case "json" if json:
                return string_constant(token)
            case "json":
                raise self._refused("Strings stand in single quotes", token)
            case "number":
                return number_constant(token)
            case "guid":
                return guid_constant(token)
            case "word" if self._is_prefix(token):
                return prefixed_constant(token, self._take())
            case "word" if (constant := word_constant(token)) is not None:
                return constant
            case "word" if self._name != "$filter":
                raise not_offered("An alias of anything but literals", token.place, name=self._name)
            case _:
                wanted = "A property, a literal or a function" if self._name == "$filter" else "A literal"
                raise self._refused(f"{wanted} is expected, not {token.shown}", token)

    def _word(self) -> Expression:
        token = self._take()
        ahead = self._peek()
        if token.text.lower() == "not":
            return Negation(token.place, self._below(token, _TIGHTEST))
        if token.text.startswith("@"):
            match self._aliased(token):
                case Constant() as constant:
                    return constant
                case _:
                    raise not_offered("A list anywhere but behind 'in'", token.place)
        if self._is_prefix(token):
            return prefixed_constant(token, self._take())
        if ahead.text == "(":
            return self._cast(token) if token.text.lower() == "cast" else self._call(token)
        found = None if ahead.text == "/" else word_constant(token)
        return self._path(token) if found is None else found

    def _call(self, token: Token) -> Call:
        name = token.text.lower()
        if name in NOT_OFFERED:
            raise not_offered(f"The function '{name}'", token.place)
        self._take()
        arguments: list[Expression] = []
        if self._peek().text != ")":
            arguments.append(self._below(token, _LOOSEST))
            while self._peek().text == ",":
                self._take()
                arguments.append(self._below(token, _LOOSEST))
        self._expect(")")
        return Call(token.place, name, tuple(arguments))

    def _cast(self, token: Token) -> Constant:
        self._take()
        operand = self._below(token, _LOOSEST)
        if self._peek().text == ")":
            raise not_offered("'cast' of the entity itself", token.place)
        self._expect(",")
        kind = self._take()
        self._expect(")")
        return cast_literal(operand, kind, place=token.place)

    def _path(self, token: Token) -> Path | Quantified | Size:
        names = [Name(token.place, token.text)]
        while self._peek().text == "/":
            self._take()
            segment = self._take()
            word = segment.text.lower()
            if segment.kind != "word":
                raise self._refused(f"A name is expected after '/', not {segment.shown}", segment)
            if word in {"any", "all"} and self._peek().text == "(":
                return self._quantified(segment, Path(tuple(names)))
            if word == "$filter" or (word == "$count" and self._peek().text == "("):
                raise not_offered("A filter within a path", segment.place)
            if word == "$count":
                return Size(segment.place, Path(tuple(names)))
            names.append(Name(segment.place, segment.text))
        return Path(tuple(names))

    def _quantified(self, token: Token, path: Path) -> Quantified:
        self._take()
        quantifier: Literal["any", "all"] = "any" if token.text.lower() == "any" else "all"
        if self._peek().text == ")":
            self._take()
            if quantifier == "all":
                raise self._refused("'all' needs a variable and a condition, as in all(x:x ne 'a')", token)
            return Quantified(token.place, quantifier, path, None, None)
        variable = self._take()
        if not variable.text.isidentifier():
            raise self._refused(f"The name of a variable is expected, not {variable.shown}", variable)
        self._expect(":")
        condition = self._below(token, _LOOSEST)
        self._expect(")")
        return Quantified(token.place, quantifier, path, Name(variable.place, variable.text), condition)

    def _members(self) -> Constants | Path:
        """Read what stands behind `in`: literals in parentheses, an alias for a list, or a collection."""
        token = self._peek()
        if token.text in _CLOSING:
            return self._list()
        if token.kind == "word" and token.text.startswith("@"):
            aliased = self._aliased(self._take())
            return aliased if isinstance(aliased, Constants) else Constants(token.place, (aliased,))
        if token.kind == "word" and isinstance(path := self._path(self._take()), Path):
            return path
        raise self._refused(f"A list of literals in parentheses is expected, not {token.shown}", token)

    def _list(self) -> Constants:
        opening = self._take()
        json = opening.text == "["
        items = [self._item(json=json)]
        while self._peek().text == ",":
            self._take()
            items.append(self._item(json=json))
        self._expect(_CLOSING[opening.text])
        return Constants(opening.place, tuple(items))

    def _item(self, *, json: bool) -> Constant:
        token = self._peek()
        if token.kind == "word" and token.text.startswith("@"):
            aliased = self._aliased(self._take())
            if isinstance(aliased, Constant):
                return aliased
            raise self._refused(f"{token.shown} is a list within a list", token)
        if token.kind == "mark" or (token.kind == "word" and not self._is_literal_ahead()):
            raise self._refused(f"A literal is expected in the list behind 'in', not {token.shown}", token)
        return self._constant(json=json)

    def _aliased(self, token: Token) -> Constant | Constants:
        """Return what an alias stands for, as if it stood where the alias does."""
        text = self._aliases.get(token.text)
        if text is None:
            return Constant(token.place, "null", None, token.text)
        # Without aliases of its own, so that none can lead back to itself.
        match _Parser(text, {}, name=token.text).alias():
            case Constant() as constant:
                return replace(constant, place=token.place)
            case Constants(_, items):
                return Constants(token.place, tuple(replace(item, place=token.place) for item in items))

    def _below(self, token: Token, loosest: int) -> Expression:
        """Read an expression one level deeper."""
        self._depth += 1
        self._check_depth(token, self._depth)
        expression = self._expression(loosest)
        self._depth -= 1
        return expression

    def _check_depth(self, token: Token, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._refused(f"The filter nests deeper than {MAX_DEPTH} levels", token)

    def _is_prefix(self, token: Token) -> bool:
        """Say whether a string follows the word just taken without a blank."""
        ahead = self._peek()
        return ahead.kind == "string" and ahead.place == token.place + len(token.text)

    def _is_literal_ahead(self) -> bool:
        token = self._peek()
        ahead = self._tokens[self._next + 1]
        prefixed = ahead.kind == "string" and ahead.place == token.place + len(token.text)
        return prefixed or word_constant(token) is not None

    def _operator_ahead(self) -> int:
        token = self._peek()
        return _PRECEDENCE.get(token.text.lower(), 0) if token.kind == "word" else 0

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        # The end is never passed.
        self._next += token.kind != "end"
        return token

    def _expect(self, mark: str) -> None:
        token = self._take()
        if token.text != mark:
            raise self._refused(f"'{mark}' is expected, not {token.shown}", token)

    def _end(self, wanted: str) -> None:
        token = self._peek()
        if token.kind != "end":
            raise self._refused(f"{wanted} is expected, not {token.shown}", token)

    def _refused(self, fault: str, token: Token) -> BadRequest:
        return refused(fault, token.place, name=self._name)
