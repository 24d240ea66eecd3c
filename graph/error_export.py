"""The error catalogue as source code for apps: JSON, TypeScript, Kotlin and Swift."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import msgspec

from graph.graphql.error_catalog import catalog_of
from graph.konaplate.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from graph.graphql.error_catalog import CatalogEntry

_MADE_BY: Final = "// Made by `konagraph export-errors`; do not edit."
_TYPESCRIPT: Final = """\
export interface ErrorCatalogEntry {
  /** Whether the same request may succeed later; null: only the error's `extensions.retryable` says it. */
  readonly retryable: boolean | null;
  /** The HTTP status if the whole request is refused; null for errors of single fields. */
  readonly httpStatus: number | null;
  readonly meaning: string;
  readonly meaningKo: string;
  /** What to tell the person who uses the app. */
  readonly advice: string;
  readonly adviceKo: string;
  /** Konaplate's codes that lead to it. */
  readonly upstreamCodes: readonly string[];
}

export const ERROR_CATALOG = {
%s
} as const satisfies Record<string, ErrorCatalogEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOG;
"""
_KOTLIN: Final = """\
/**
 * @property retryable whether the same request may succeed later; null: only `extensions.retryable` says it
 * @property httpStatus the HTTP status if the whole request is refused; null for errors of single fields
 * @property advice what to tell the person who uses the app
 * @property upstreamCodes Konaplate's codes that lead to it
 */
enum class ErrorCode(
    val retryable: Boolean?,
    val httpStatus: Int?,
    val meaning: String,
    val meaningKo: String,
    val advice: String,
    val adviceKo: String,
    val upstreamCodes: List<String>,
) {
%s

    companion object {
        /** The entry of `extensions.code`; null for a code that this file does not know. */
        fun of(code: String?): ErrorCode? = entries.find { it.name == code }
    }
}
"""
_SWIFT: Final = """\
public struct ErrorCatalogEntry: Sendable {
    /// Whether the same request may succeed later; nil: only the error's `extensions.retryable` says it.
    public let retryable: Bool?
    /// The HTTP status if the whole request is refused; nil for errors of single fields.
    public let httpStatus: Int?
    public let meaning: String
    public let meaningKo: String
    /// What to tell the person who uses the app.
    public let advice: String
    public let adviceKo: String
    /// Konaplate's codes that lead to it.
    public let upstreamCodes: [String]
}

/// `ErrorCode(rawValue:)` of an `extensions.code` is nil for a code that this file does not know.
public enum ErrorCode: String, CaseIterable, Sendable {
%s

    public var entry: ErrorCatalogEntry {
        switch self {
%s
        }
    }
}
"""


def _entry(entry: CatalogEntry) -> dict[str, object]:
    """Return an entry with the names of the GraphQL schema, without its code."""
    names = ("retryable", "http_status", "meaning", "meaning_ko", "advice", "advice_ko", "upstream_codes")
    return {_camel(name): getattr(entry, name) for name in names}


def _camel(name: str) -> str:
    first, *others = name.lower().split("_")
    return first + "".join(map(str.title, others))


def _json(entries: Iterable[CatalogEntry]) -> str:
    listed = [{"code": entry.name, **_entry(entry)} for entry in entries]
    return msgspec.json.format(msgspec.json.encode(listed)).decode() + "\n"


def _typescript(entries: Iterable[CatalogEntry]) -> str:
    members = "\n".join(f"  {entry.name}: {_object(_entry(entry))}," for entry in entries)
    return f"{_MADE_BY}\n{_TYPESCRIPT}" % members


def _object(members: Mapping[str, object]) -> str:
    lines = (f"    {name}: {_literal(value)},\n" for name, value in members.items())
    return f"{{\n{''.join(lines)}  }}"


def _kotlin(entries: Iterable[CatalogEntry]) -> str:
    def value(each: object) -> str:
        # A dollar would insert a variable.
        literal = f"listOf({_literal(each)[1:-1]})" if isinstance(each, list) else _literal(each)
        return literal.replace("$", "\\$")

    members = (_call(entry, "    ", entry.name, "{0} = {1}", value) for entry in entries)
    return f"{_MADE_BY}\n{_KOTLIN}" % (",\n".join(members) + ";")


def _swift(entries: Iterable[CatalogEntry]) -> str:
    def value(each: object) -> str:
        return "nil" if each is None else _literal(each)

    entries = list(entries)
    cases = "\n".join(f'    case {_camel(entry.name)} = "{entry.name}"' for entry in entries)
    branches = "\n".join(
        f"        case .{_camel(entry.name)}:\n"
        + _call(entry, "            ", "return ErrorCatalogEntry", "{0}: {1}", value)
        for entry in entries
    )
    return f"{_MADE_BY}\n{_SWIFT}" % (cases, branches)


def _call(entry: CatalogEntry, indent: str, function: str, member: str, literal: Callable[[object], str]) -> str:
    """Return a call of a constructor with named arguments."""
    given = [f"{indent}    " + member.format(name, literal(value)) for name, value in _entry(entry).items()]
    return f"{indent}{function}(\n" + ",\n".join(given) + f"\n{indent})"


def _literal(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


FORMATS: Final[Mapping[str, Callable[[Iterable[CatalogEntry]], str]]] = {
    "json": _json,
    "ts": _typescript,
    "kotlin": _kotlin,
    "swift": _swift,
}


def export(form: str) -> str:
    """Return the catalogue in one of the formats, ending in a line break."""
    return FORMATS[form](catalog_of(ENDPOINTS))
