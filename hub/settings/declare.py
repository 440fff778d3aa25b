"""A table as written → a frozen model of core, with every mistake told in plain words."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hub.settings.mistakes import KeyPath, Mistakes, Where, nearest

M = TypeVar("M", bound=BaseModel)
Converters = Mapping[str, Callable[[Any], Any]]

_PLAIN = {
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list in [ ]",
    "list_type": "must be a list in [ ]",
    "dict_type": "must be a table",
    "mapping_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
}

_HIDDEN = object()


def names_of(model: type[BaseModel]) -> frozenset[str]:
    """The keys that may be written for this model."""
    return frozenset(field.alias or name for name, field in model.model_fields.items())


def convert(raw: Mapping[str, Any], converters: Converters, where: Where, mistakes: Mistakes) -> dict[str, Any]:
    """`raw` with its values in core's types; one that can't be converted is told and left out."""
    converted = dict(raw)
    for key, converter in converters.items():
        if key not in raw:
            continue
        try:
            converted[key] = converter(raw[key])
        except ValueError as error:
            mistakes.add(where((key,)), f"{key}: {error}")
            del converted[key]
    return converted


def declare(
    model: type[M],
    values: Mapping[str, Any],
    where: Where,
    mistakes: Mistakes,
    *,
    names: Iterable[str] | None = None,
    told: Iterable[str] = (),
    secret: bool = False,
) -> M | None:
    """The model, without the keys that are wrong; None where it can't be without them.

    `names` are the keys that may be written, where that differs from the model's; `told` are keys whose absence is
    no news, since they were written and refused before; of a `secret` table no value is shown.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=not secret)
    told = {*told, *misspelt((str(d["loc"][0]) for d in details if d["type"] == "extra_forbidden"), names_of(model))}
    for detail in details:
        if not (detail["type"] == "missing" and detail["loc"][0] in told):
            tell(detail, where, mistakes, _names_inside(model, detail["loc"]) or names or names_of(model))
    wrong = {detail["loc"][0] for detail in details if detail["loc"]}
    try:
        return model.model_validate({key: value for key, value in values.items() if key not in wrong})
    except ValidationError:
        return None


def _names_inside(model: type[BaseModel], path: KeyPath) -> frozenset[str]:
    """The keys of the table within the table that `path` leads into; none where it stays in this one."""
    if len(path) < 2 or path[0] not in model.model_fields:
        return frozenset()
    inner, found = [model.model_fields[str(path[0])].annotation], None
    while inner and found is None:
        kind = inner.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found = kind
        inner.extend(get_args(kind))
    return names_of(found) if found else frozenset()


def misspelt(unknown: Iterable[str], names: Iterable[str]) -> set[str]:
    """The names that these unknown keys probably mean: they aren't missing too."""
    names = tuple(names)
    return {nearest(key, names) for key in unknown}


def tell(detail: ErrorDetails, where: Where, mistakes: Mistakes, names: Iterable[str]) -> None:
    path: KeyPath = detail["loc"]
    key = ".".join(str(part) for part in path)
    spot = where(path)
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            mistakes.add(spot, f'unknown key "{path[-1]}"', str(path[-1]), names)
        case "missing":
            mistakes.add(spot, f'"{key}" is missing')
        case "literal_error":
            choices = [choice.strip("'") for choice in str(context["expected"]).replace(" or ", ", ").split(", ")]
            said = f"{key}: {_written(detail)} is none of {', '.join(choices)}"
            mistakes.add(spot, said, str(detail.get("input", "")), choices)
        case "string_pattern_mismatch":
            mistakes.add(spot, f"{key}: {_written(detail)} may only have ASCII letters, digits and . _ : @ -")
        case "value_error":
            mistakes.add(spot, f"{key}: {context['error']}" if key else str(context["error"]))
        case kind:
            mistakes.add(spot, f"{key}: {_written(detail)} {_PLAIN.get(kind) or _lower(detail['msg'])}")


def _written(detail: ErrorDetails) -> str:
    value = dict(detail).get("input", _HIDDEN)
    if value is _HIDDEN:
        return "what stands there"
    said = f'"{value}"' if isinstance(value, str) else repr(value)
    return said if len(said) <= 60 else f"{said[:57]}…"


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
