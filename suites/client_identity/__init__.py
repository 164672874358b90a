"""Client identity: what a backend behind a controller learns of the client, by Ingress and by Gateway."""
