"""A mistyped reference to an attribute -> the one that was most likely meant."""

from nextbest.diagnostics.suggestion import LISTED_AT_MOST, all_of, did_you_mean, nearest
from nextbest.expression.schema import ROOT_NAMES, Schema


def suggest_reference(written: str, schema: Schema) -> str:
    """Words a remedy.

    Args:
        written: With or without a root: `customer.agee`, `custmer.age`, `age`.
        schema: The known attributes.

    Returns:
        "did you mean `customer.age`?"; the known attributes if none is similar and there are few; else empty.
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
    if root not in ROOT_NAMES or not name.isidentifier() or not 0 < len(known) <= LISTED_AT_MOST:
        return ""
    return f"there is {all_of(known.values())}; or declare it in schema.yaml, under `{root}`"
