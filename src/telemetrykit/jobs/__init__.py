"""Jobs: claimed, done, settled, and brought back when whoever did them died."""
