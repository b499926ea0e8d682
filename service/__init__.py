"""What web and worker share: the HTTP server and its limits, the connection pool, the clock, metrics, logs."""
