"""`main.py doctor`: what would keep accounts from being guarded, looked at before anything is armed."""

from actors.ops.doctor.examine import examine
from actors.ops.doctor.finding import Examination, Finding, Level
from actors.ops.doctor.report import print_examination

__all__ = ["Examination", "Finding", "Level", "examine", "print_examination"]
