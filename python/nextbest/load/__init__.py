"""The load generator as people use it: a run that can be followed and interrupted, and ramps of rates."""
