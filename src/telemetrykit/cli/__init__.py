"""The command line. ``app`` holds the group; every command is a module of ``commands``, imported when it is used."""
