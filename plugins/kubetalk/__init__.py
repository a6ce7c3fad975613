"""Bilingual Kubernetes talks and posts from Markdown whose console output is real.

The map of the rooms is in CONTRIBUTING.md.
"""

__version__ = "0.1.0"
