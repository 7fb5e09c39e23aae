"""Artifacts: a Graph becomes a file that runtimes open."""
