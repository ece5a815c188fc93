"""Systems over pictures: every file decoded under a seal, every outcome a record.

    pictures -> encoder -> file -> decoder in a fresh process -> picture -> measures -> rows.jsonl
"""
