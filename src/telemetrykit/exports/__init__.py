"""Exports: what is asked for, made by a job, kept as a file."""
