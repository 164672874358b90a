from clusters.cli import main

raise SystemExit(main())
