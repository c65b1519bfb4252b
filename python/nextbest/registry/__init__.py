"""A folder of immutable versions, the aliases that name them, and what happened to them since their push."""
