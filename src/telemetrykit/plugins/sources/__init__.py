"""What can be exported."""
