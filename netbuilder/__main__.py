"""`python -m netbuilder`."""

import sys

from netbuilder.launch import main

if __name__ == "__main__":
    sys.exit(main())
