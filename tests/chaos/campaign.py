"""A campaign: schedules in process, kill and fault rounds over the wire, on several processes."""

import logging
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count

import structlog

from tests.chaos.fault_results import FaultRound
from tests.chaos.fault_rounds import play_fault_round
from tests.chaos.rounds import Round, play_round
from tests.chaos.schedule import Result, play

_ROUND_EVERY = 40
"""One schedule over the wire for so many in process."""
_FAULTS_EVERY = 10
"""Likewise one fault round."""

type Played = Result | Round | FaultRound


def one(seed: str, index: int) -> Played:
    """Play one schedule, quietly; runs in a worker process."""
    quiet()
    if index % _ROUND_EVERY == _ROUND_EVERY - 1:
        return play_round(seed, index)
    if index % _FAULTS_EVERY == 0:
        return play_fault_round(seed, index // _FAULTS_EVERY)  # counted on, so that decks are whole
    return play(seed, index)


def quiet() -> None:
    """Log nothing: what counts is what is left behind."""
    structlog.configure(logger_factory=lambda *_: structlog.ReturnLogger())
    logging.disable(logging.CRITICAL)


def played(seed: str, minutes: float, jobs: int) -> Iterator[Played]:
    """Play until the time is up."""
    end, indices = time.monotonic() + minutes * 60, count()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        running: dict[Future[Played], int] = {}
        while running or time.monotonic() < end:
            while len(running) < jobs and time.monotonic() < end:
                index = next(indices)
                running[pool.submit(one, seed, index)] = index
            for each in wait(running, return_when=FIRST_COMPLETED).done:
                yield _result(each, seed, running.pop(each))


def _result(played: Future[Played], seed: str, index: int) -> Played:
    try:
        return played.result()
    except Exception as error:
        error.add_note(f"it was schedule {index} of seed {seed}")
        raise
