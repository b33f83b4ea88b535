"""What people are told beside the log, and how it reaches them. See README.md."""
