"""PostgreSQL and Valkey for those who bring none, and the processes of `make run`."""
