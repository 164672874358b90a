"""Load: profiles as data, and the engine that sends them.

    profiles/*.toml     what is sent, how fast, over which connections, for how long, and what it is for
    profile.py          those files, read and checked
    manifests/          the backend that answers, as a user could apply it
    backend.py          puts the backend on a cluster and finds where a profile's target and vantage are
    boundary.py         which addresses load may go to
    carrier.py          starts Locust inside the vantage's network namespace, reads what it measured
    grid.py             where a master waits for workers, when one process is too little
    worker.py           a worker on another machine: takes part in every load of a master
    pods/               workers as pods: their image, and putting them on a cluster
    record.py           figures with intervals, as the stream's `reports.model.Load`
    engine/             one process's load: schedule, loops, histograms; `locustfile.py` is what Locust runs

``python -m loadprofiles run|list|worker`` is the command line.
"""
