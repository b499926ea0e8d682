"""What tests share: towns and people, the running service, handsets, gateways and operators that answer as told."""
