"""A mistyped reference to an attribute -> the one that was most likely meant."""

from nextbest.diagnostics.suggestion import did_you_mean, nearest, suggest
from nextbest.expression.schema import ROOT_NAMES, Schema


def suggest_reference(written: str, schema: Schema) -> str:
    """Words a remedy.

    Args:
        written: With or without a root: `customer.agee`, `custmer.age`, `age`.
        schema: What there is.

    Returns:
        "did you mean `customer.age`?"; empty when nothing is alike.
    """
    root, _, name = written.rpartition(".")
    exact = next((attribute.reference for attribute in schema if attribute.name == name), None)
    meant = root if root in ROOT_NAMES else nearest(root, ROOT_NAMES) if root else None
    known = {a.name: a.reference for a in schema if meant is None or a.root == meant}
    best = known.get(name, exact)
    if best is None:
        alike = nearest(name, known)
        best = known[alike] if alike is not None else None
    if best is not None:
        return did_you_mean(best)
    return suggest(written, list(known.values())) if root in ROOT_NAMES and len(known) <= 5 else ""
