"""Kill loops: a whole building under load, its hub and broker killed again and again, and what is stored compared with
what the devices said and were told. `make chaos`."""
