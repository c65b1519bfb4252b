"""The part of cel-spec's CheckedExpr that the compiler reads, generated from `checked.proto` in this
folder."""
