"""`python -m netbuilder`."""

import sys

from netbuilder.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
