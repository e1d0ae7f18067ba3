"""Settings defined in one place: the fields of a frozen dataclass, each with its help text.

Code passes the dataclass around. Traits that read `nbgrader_config.py` are generated from its
fields, under the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, field, fields
from typing import Any, TypeVar

from traitlets import Bool, Dict, Float, Integer, List, TraitType, Unicode
from traitlets.config import Configurable

__all__ = ["HELP", "make_setting", "read_settings", "traits_of", "with_tuples"]

S = TypeVar("S")
HELP, SET_ELSEWHERE = "help", "elsewhere"
#: For field types that become a List trait, the trait of its items.
LIST_TRAITS: Mapping[str, type[TraitType[Any, Any]]] = {
    "tuple[str, ...]": Unicode,
    "tuple[Mapping[str, object], ...]": Dict,
}
TRAITS: Mapping[str, type[TraitType[Any, Any]]] = {
    "bool": Bool,
    "int": Integer,
    "float": Float,
    "str": Unicode,
}


def make_setting(default: Any, help: str, *, elsewhere: bool = False) -> Any:
    """Return a dataclass field that can be set in a configuration file.

    Parameters
    ----------
    default : bool, int, float, str, or tuple of str or of mappings
    help : str
        Its documentation.
    elsewhere : bool
        Whether the field is set by other means and gets no trait of its own.
    """
    return field(default=default, metadata={HELP: help, SET_ELSEWHERE: elsewhere})


def _settings(kind: type[Any]) -> list[Field[Any]]:
    return [each for each in fields(kind) if not each.metadata.get(SET_ELSEWHERE, True)]


def traits_of(kind: type[Any]) -> dict[str, TraitType[Any, Any]]:
    """Return a trait for each setting of a dataclass, by name, for the body of a `Configurable`."""
    traits: dict[str, TraitType[Any, Any]] = {}
    for each in _settings(kind):
        told = each.metadata[HELP]
        if item := LIST_TRAITS.get(str(each.type)):
            trait: TraitType[Any, Any] = List(item(), list(each.default), help=told)  # type: ignore[arg-type]
        else:
            trait = TRAITS[str(each.type)](each.default, help=told)
        traits[each.name] = trait.tag(config=True)
    return traits


def read_settings(kind: type[S], configurable: Configurable) -> dict[str, Any]:
    """Return the arguments for a dataclass of settings, read from the traits of a Configurable."""
    return with_tuples({each.name: getattr(configurable, each.name) for each in _settings(kind)})


def with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with lists from traits or JSON turned into the dataclass's tuples."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
