"""Findings -> pictures. The one door to matplotlib, which is optional: commands look for it first."""
