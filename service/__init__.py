"""What web and worker stand on: the HTTP server and its limits, the pool of connections, the clock, metrics, logs."""
