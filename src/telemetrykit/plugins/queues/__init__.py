"""The queues that ship: in this process, and in a SQLite file."""
