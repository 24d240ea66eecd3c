"""A long mixed load against one gateway process, and whether the process stays as it was."""
