"""What is measured: each runs in a process of its own, a peer in a venv of its own, and obeys JSON lines."""
