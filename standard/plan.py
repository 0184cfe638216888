"""The plan of a version: what its XSD says about each type, in the few terms that TISS uses.

Every TISS type is a sequence or a choice of elements with different names; only the XML
signature is more. So a message is a nested dict, and a plan holds order, cardinality and type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xmlschema
from xmlschema.validators import XsdComplexType, XsdElement, XsdGroup, XsdSimpleType, XsdType

from .errors import PackageError
from .simple import Base64, Boolean, Date, Domain, Integer, Leaf, Number, Text, Time

# A code of errors.Violation and the names of the elements concerned.
Problem = tuple[str, tuple[str, ...]]
_MAX_SHAPES = 4096


@dataclass(frozen=True)
class Opaque:
    """Content that a dict cannot hold (the XML signature): kept as the text of its subtree."""

    name: str


@dataclass(frozen=True)
class Group:
    """A sequence or choice; its items are fields and inner groups, in the order of the XSD."""

    choice: bool
    optional: bool
    items: tuple[Field | Group, ...]

    def fields(self) -> Iterator[Field]:
        for item in self.items:
            if isinstance(item, Group):
                yield from item.fields()
            else:
                yield item

    def problems(self, present: frozenset[str]) -> Iterator[Problem]:
        """(code, names) of what is missing or excludes each other among the names present."""
        if self.choice:
            yield from self._choice_problems(present)
        elif not (self.optional and not self._touched(present)):
            for item in self.items:
                if isinstance(item, Group):
                    yield from item.problems(present)
                elif item.least and item.name not in present:
                    yield "missing", (item.name,)

    def _choice_problems(self, present: frozenset[str]) -> Iterator[Problem]:
        taken = [item for item in self.items if _touches(item, present)]
        if len(taken) > 1:
            yield "choice", tuple(each.name for each in self.fields() if each.name in present)
        elif taken and isinstance(taken[0], Group):
            yield from taken[0].problems(present)
        elif not taken and not self.optional and not self.emptiable:
            yield "missing", tuple(each.name for each in self.fields())

    def _touched(self, present: frozenset[str]) -> bool:
        return any(each.name in present for each in self.fields())

    @property
    def emptiable(self) -> bool:
        empty = (
            item.emptiable if isinstance(item, Group) else not item.least for item in self.items
        )
        return self.optional or (any(empty) if self.choice else all(empty))


def _touches(item: Field | Group, present: frozenset[str]) -> bool:
    return item._touched(present) if isinstance(item, Group) else item.name in present


@dataclass(frozen=True)
class Complex:
    """A complex type: its model and its fields by name, in the order of the XSD."""

    name: str
    model: Group
    fields: dict[str, Field] = field(repr=False)
    by_tag: dict[str, Field] = field(repr=False)
    bounded: tuple[Field, ...] = field(repr=False)
    _shapes: dict[frozenset[str], tuple[Problem, ...]] = field(repr=False, default_factory=dict)

    def shape(self, present: frozenset[str]) -> tuple[Problem, ...]:
        """What is wrong with these children together; remembered, as messages repeat few shapes."""
        found = self._shapes.get(present)
        if found is None:
            if len(self._shapes) >= _MAX_SHAPES:
                self._shapes.clear()
            found = self._shapes[present] = tuple(self.model.problems(present))
        return found


@dataclass(frozen=True)
class Field:
    """An element where a type uses it.

    ``most`` is None when unbounded; values of a field with ``many`` are lists; ``place`` grows
    with the order in the XSD.
    """

    name: str
    tag: str
    type: Leaf | Complex | Opaque
    least: int
    most: int | None
    many: bool
    place: int


def complex_of(field: Field) -> Complex:
    """The type of a field with children; KeyError for a leaf."""
    if not isinstance(field.type, Complex):
        raise KeyError(f"{field.name} has no children")
    return field.type


def leaf_of(field: Field) -> Leaf:
    """The type of a field without children; KeyError for another."""
    if not isinstance(field.type, Leaf):
        raise KeyError(f"{field.name} is no leaf")
    return field.type


@dataclass(frozen=True)
class Plan:
    """All root elements of a version: ``mensagemTISS`` and the SOAP body elements."""

    version: str
    namespace: str
    elements: dict[str, Field]


def build(version: str, root: Path) -> Plan:
    """The plan of the schema whose root file is ``root``; reads only files beside it."""
    schema = xmlschema.XMLSchema(str(root.resolve()), allow="sandbox", validation="lax")
    if schema.all_errors:
        raise PackageError(
            "unusable", f"the schema of TISS {version} is not valid: {schema.all_errors[0]}"
        )
    builder = _Builder(schema.target_namespace)
    elements = {
        each.local_name: builder.field(each)
        for each in schema.elements.values()
        if each.target_namespace == schema.target_namespace
    }
    return Plan(version, schema.target_namespace, elements)


class _Builder:
    """Walks the XSD; types are shared, so each is built once."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._place = 0
        self._types: dict[int, Leaf | Complex | Opaque | None] = {}

    def field(self, element: XsdElement) -> Field:
        self._place += 1
        return Field(
            name=element.local_name,
            tag=element.name,
            type=self._type(element.type),
            least=element.min_occurs,
            most=element.max_occurs,
            many=element.max_occurs != 1,
            place=self._place,
        )

    def _type(self, xsd_type: XsdSimpleType | XsdComplexType) -> Leaf | Complex | Opaque:
        key = id(xsd_type)
        if key not in self._types:
            self._types[key] = None
            if isinstance(xsd_type, XsdComplexType):
                self._types[key] = self._complex(xsd_type)
            else:
                self._types[key] = self._leaf(xsd_type)
        built = self._types[key]
        if built is None:
            raise PackageError("unusable", f"the type {xsd_type.name} contains itself")
        return built

    def _complex(self, xsd_type: XsdComplexType) -> Complex | Opaque:
        name = xsd_type.local_name or ""
        content = xsd_type.content
        if xsd_type.attributes or xsd_type.mixed or not isinstance(content, XsdGroup):
            return Opaque(name)
        model = self._group(content)
        fields = list(model.fields())
        by_name = {each.name: each for each in fields}
        if len(by_name) != len(fields):
            raise PackageError("unusable", f"the type {name} has two elements of the same name")
        bounded = tuple(each for each in fields if each.most not in (None, 1))
        return Complex(name, model, by_name, {each.tag: each for each in fields}, bounded)

    def _group(self, group: XsdGroup) -> Group:
        if group.max_occurs != 1 or group.model not in ("sequence", "choice"):
            raise PackageError("unusable", f"unexpected content model in {group}")
        items: list[Field | Group] = []
        for item in group:
            if isinstance(item, XsdGroup):
                items.append(self._group(item))
            elif isinstance(item, XsdElement):
                items.append(self.field(item))
            else:
                raise PackageError("unusable", f"unexpected wildcard in {group}")
        return Group(group.model == "choice", group.min_occurs == 0, tuple(items))

    def _leaf(self, xsd_type: XsdSimpleType) -> Leaf:
        name = xsd_type.local_name or ""
        facets = _facets(xsd_type)
        kind = next(each.local_name for each in _ancestry(xsd_type) if each.local_name in _KINDS)
        return _KINDS[kind](name, facets)


def _ancestry(xsd_type: XsdType | None) -> Iterator[XsdType]:
    while xsd_type is not None:
        yield xsd_type
        xsd_type = xsd_type.base_type


def _facets(xsd_type: XsdType) -> dict[str, Any]:
    """Facets by local name; those of a derived type win over those of its base."""
    found: dict[str, Any] = {"patterns": []}
    for each in _ancestry(xsd_type):
        for key, facet in getattr(each, "facets", {}).items():
            name = (key or "").rpartition("}")[2]
            if name == "pattern":
                found["patterns"].extend(facet.patterns)
            elif name == "enumeration":
                found.setdefault(name, tuple(dict.fromkeys(facet.enumeration)))
            elif name == "length":
                found.setdefault("minLength", facet.value)
                found.setdefault("maxLength", facet.value)
            elif hasattr(facet, "value"):
                found.setdefault(name, facet.value)
    return found


def _text(name: str, facets: dict[str, Any]) -> Leaf:
    if "enumeration" in facets:
        return Domain(name, facets["enumeration"])
    return Text(
        name,
        min_length=facets.get("minLength", 0),
        max_length=facets.get("maxLength"),
        patterns=tuple(facets["patterns"]),
    )


# The nearest of these ancestors decides: xs:integer is itself derived from xs:decimal.
_KINDS: dict[str, Callable[[str, dict[str, Any]], Leaf]] = {
    "string": _text,
    "integer": lambda name, facets: Integer(name, total_digits=facets.get("totalDigits")),
    "decimal": lambda name, facets: Number(
        name,
        total_digits=facets.get("totalDigits"),
        fraction_digits=facets.get("fractionDigits"),
    ),
    "date": lambda name, facets: Date(name),
    "time": lambda name, facets: Time(name),
    "boolean": lambda name, facets: Boolean(name),
    "base64Binary": lambda name, facets: Base64(name),
}
