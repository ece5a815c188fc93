"""Measurement: rows in, tables out. Nothing in the package imports this folder."""
