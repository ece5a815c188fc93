"""Symbols to bits and back: integer tables, the range coder, adaptive binary models. No torch."""
