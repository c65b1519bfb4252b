"""Pushes a model: from files and an owner's description to a version in the registry."""
