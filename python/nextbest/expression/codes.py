"""Codes of findings about expressions, with the titles of their chapters in the reference."""

from types import MappingProxyType

CODES = MappingProxyType(
    {
        "NB401": "the expression cannot be read",
        "NB402": "unknown attribute",
        "NB403": "unknown name",
        "NB404": "unknown function",
        "NB405": "types that do not go together",
        "NB406": "wrong type of result",
        "NB407": "outside the supported part of CEL",
        "NB408": "invalid pattern",
        "NB409": "unknown time zone",
        "NB410": "expression too large",
        "NB411": "an expression without a result",
        "NB412": "action attribute where there is no action",
        "NB413": "derived attribute that depends on itself",
        "NB414": "macro written wrongly",
        "NB415": "not a reference to an attribute",
        "NB501": "condition that never holds",
        "NB502": "condition that always holds",
        "NB503": "conditions that exclude each other",
        "NB504": "value that the attribute never has",
        "NB505": "value in different case",
        "NB506": "value out of the attribute's range",
        "NB507": "negation of an attribute that may be missing",
        "NB508": "attribute that the action does not have",
    }
)
