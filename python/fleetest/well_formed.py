"""Texts for a message: what others read has to be UTF-8."""

from __future__ import annotations


def well_formed(text: str) -> str:
    """The text with question marks for lone surrogates, which stand for bytes of paths."""
    return text.encode("utf-8", "replace").decode("utf-8")
