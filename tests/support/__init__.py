"""What tests share: towns and people, the running service, handsets, scripted gateways and operators."""
