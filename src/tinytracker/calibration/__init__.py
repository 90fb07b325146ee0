"""A person's own numbers: calibration, its honest figure, re-centring, profiles; events and data quality."""
