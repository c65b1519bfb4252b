"""The serving process: its control port, its state, its log, its end."""
