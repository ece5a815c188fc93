"""Run the command: ``python -m limner``."""

import sys

from limner.cli import main

# Worker processes import this module again under another name.
if __name__ == "__main__":
    sys.exit(main())
