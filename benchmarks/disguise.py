"""Answers as another student would write them, and copies as they are handed in: for measuring.

Everything works on the syntax tree of an answer that the course itself knows, and with a generator
that it is given, so that the same class comes out on every machine.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Callable
from random import Random

__all__ = ["DISGUISES", "in_own_words"]

COMMUTATIVE = (ast.Add, ast.Mult)
REMARKS = ("first attempt", "see the lecture", "should be right", "now the step", "check later")
SYLLABLES = ("ka", "lo", "mi", "ru", "te", "so", "va", "ne")


# ---- An independent student ----------------------------------------------------------------------


class _Habits(ast.NodeTransformer):
    """Rewrites an answer by what a person prefers where Python leaves a choice."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.floats = random.random() < 0.3
        self.names_results = random.random() < 0.5
        self.swaps = random.uniform(0.0, 0.5)
        self.augments = random.random() < 0.5
        self.powers = random.random() < 0.4
        self.unpacks = random.random() < 0.4
        self.count = 0

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        is_square = isinstance(node.right, ast.Constant) and node.right.value == 2
        is_named = isinstance(node.left, (ast.Name, ast.Attribute))
        if self.powers and is_named and isinstance(node.op, ast.Pow) and is_square:
            return ast.BinOp(node.left, ast.Mult(), node.left)
        may_swap = not isinstance(node.left, (ast.List, ast.Tuple, ast.Constant))
        if isinstance(node.op, COMMUTATIVE) and self.random.random() < self.swaps and may_swap:
            node.left, node.right = node.right, node.left
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if self.floats and type(node.value) is int and self.random.random() < 0.5:
            return ast.Constant(float(node.value))
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if (
                self.unpacks and len(names) == len(values)
            ):
                return [
                    ast.Assign([name], value) for name, value in zip(names, values, strict=True)
                ]
            case ast.Assign(
                targets=[ast.Attribute() | ast.Name() as target], value=ast.BinOp() as v
            ) if self.augments and ast.unparse(target) == ast.unparse(v.left):
                return ast.AugAssign(target, v.op, v.right)
            case ast.Assign(targets=[target], value=ast.BinOp(op=ast.Add() | ast.Sub()) as v) if (
                self.random.random() < self.swaps / 2
            ):
                part = self._name()
                return [
                    ast.Assign([ast.Name(part)], v.right),
                    ast.Assign([target], ast.BinOp(v.left, v.op, ast.Name(part))),
                ]
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        if self.names_results and isinstance(node.value, (ast.BinOp, ast.Call)):
            result = self._name()
            return [ast.Assign([ast.Name(result)], node.value), ast.Return(ast.Name(result))]
        if self.names_results and isinstance(node.value, ast.Tuple):
            results = [(self._name(), value) for value in node.value.elts]
            names: list[ast.expr] = [ast.Name(name) for name, _ in results]
            return [
                *(ast.Assign([ast.Name(name)], value) for name, value in results),
                ast.Return(ast.Tuple(names)),
            ]
        return node

    def _name(self) -> str:
        self.count += 1
        return f"part{self.count}"


def in_own_words(answer: str, random: Random) -> str:
    """Return an answer with the same idea, as another student would write it down."""
    tree = _Habits(random).visit(ast.parse(answer))
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


# ---- A copy --------------------------------------------------------------------------------------


class _Renaming(ast.NodeTransformer):
    """Gives new names to all that an answer defines inside of its functions and classes."""

    def __init__(self, tree: ast.Module, random: Random) -> None:
        own, attributes = set(), set()
        for outer in tree.body:
            for node in ast.walk(outer):
                match node:
                    case ast.arg(arg=name):
                        own.add(name)
                    case ast.Name(id=name, ctx=ast.Store()) if outer is not node and _holds(outer):
                        own.add(name)
                    case ast.Attribute(value=ast.Name(id="self"), attr=name):
                        attributes.add(name)
        self.names = _new_names(own - {"self"}, random)
        self.attributes = _new_names(attributes, random)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self.names.get(node.arg, node.arg)
        return node

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        node.names = [self.names.get(name, name) for name in node.names]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            node.attr = self.attributes.get(node.attr, node.attr)
        self.generic_visit(node)
        return node


def _holds(node: ast.stmt) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.ClassDef))


def _new_names(names: set[str], random: Random) -> dict[str, str]:
    return {
        name: "".join(random.choices(SYLLABLES, k=2)) + str(number)
        for number, name in enumerate(sorted(names))
    }


def renamed(answer: str, random: Random) -> str:
    """Return a copy with other names for whatever may have another name."""
    tree = ast.parse(answer)
    return ast.unparse(_Renaming(tree, random).visit(tree)) + "\n"


def reordered(answer: str, random: Random) -> str:
    """Return a copy with neighbours swapped that do not depend on each other."""
    tree = ast.parse(answer)
    for node in ast.walk(tree):
        for field in ("body", "orelse"):
            body = getattr(node, field, None)
            if isinstance(body, list):
                _swap(body, random)
    return ast.unparse(tree) + "\n"


def _swap(body: list[ast.stmt], random: Random) -> None:
    for index in range(len(body) - 1):
        one, other = body[index : index + 2]
        if _are_independent(one, other) and random.random() < 0.8:
            body[index : index + 2] = other, one


def _are_independent(one: ast.stmt, other: ast.stmt) -> bool:
    plain = (ast.Assign, ast.AugAssign, ast.FunctionDef)
    if not (isinstance(one, plain) and isinstance(other, plain)):
        return False
    return not (_written(one) & _named(other) or _written(other) & _named(one))


def _named(node: ast.stmt) -> set[str]:
    parts = (part for part in ast.walk(node) if isinstance(part, (ast.Name, ast.Attribute)))
    return {ast.unparse(part) for part in parts}


def _written(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    return {
        ast.unparse(part)
        for part in ast.walk(node)
        if isinstance(part, (ast.Name, ast.Attribute)) and isinstance(part.ctx, ast.Store)
    }


def commented(answer: str, random: Random) -> str:
    """Return a copy with other remarks, and empty lines."""
    lines = []
    for line in ast.unparse(_Undocumented().visit(ast.parse(answer))).splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        if random.random() < 0.4 and not indent.startswith(" " * 12):
            lines.append(f"{indent}# {random.choice(REMARKS)}")
        lines.append(f"{line}  # {random.choice(REMARKS)}" if random.random() < 0.3 else line)
        if random.random() < 0.2:
            lines.append("")
    return "\n".join(lines) + "\n"


class _Undocumented(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node


def reformatted(answer: str, random: Random) -> str:
    """Return a copy that is broken into lines, and spaced, as another editor would."""
    parts, depth, last = [], 0, (1, 0)
    for token in tokenize.generate_tokens(
        io.StringIO(ast.unparse(ast.parse(answer)) + "\n").readline
    ):
        if token.start[0] > last[0]:
            last = (token.start[0], 0)
        parts.append(" " * (token.start[1] - last[1]) if depth == 0 else "")
        depth += token.string in ("(", "[", "{")
        depth -= token.string in (")", "]", "}")
        parts.append(token.string)
        if depth and token.string == ",":
            parts.append("\n" + " " * 12)
        elif depth and token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.OP):
            parts.append(" " * random.randint(1, 2))
        last = token.end
    return "".join(parts)


def disguised(answer: str, random: Random) -> str:
    """Return a copy with all of this at once."""
    for change in (renamed, reordered, reformatted, commented):
        answer = change(answer, random)
    return answer


Disguise = Callable[[str, Random], str]

#: What is done to a copy, by what it is called.
DISGUISES: dict[str, Disguise] = {
    "verbatim": lambda answer, random: answer,
    "comments changed": commented,
    "reformatted": reformatted,
    "names changed": renamed,
    "statements reordered": reordered,
    "all of these": disguised,
}
