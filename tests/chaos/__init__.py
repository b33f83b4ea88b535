"""Kills and random schedules, and the checker that judges what they leave behind; see README.md."""
