"""Reports from records alone: no picture is coded, no metric computed, no model opened.

    rows.jsonl -> series -> curves -> plots (SVG, PNG)
                    |          +---> bd
                    +-----> tables -> Markdown, CSV, LaTeX
                    +-----> page   -> one HTML file, with the pictures that were kept
    reported.toml -> reported -> tables of their own
"""
