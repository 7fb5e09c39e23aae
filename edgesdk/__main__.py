"""`python -m edgesdk` is the command `edgesdk`."""

from __future__ import annotations

import sys

from edgesdk.cli import main

sys.exit(main())
