"""``python -m f1lib`` is the command ``f1``."""

import sys

from f1lib.cli.main import main

sys.exit(main())
