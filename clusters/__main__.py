"""``python -m clusters``: clusters by hand."""

from .cli import main

raise SystemExit(main())
