"""The running process: listening, accepting, signals, draining, and several processes that share a port."""
