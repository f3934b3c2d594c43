"""The command `sifa`: one file a subcommand."""
