"""What is covered where and for how much: services, co-payments, ceilings, agreements with facilities, prices."""
