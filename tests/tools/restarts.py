# SPDX-License-Identifier: GPL-2.0
"""Guests whose stock kernel does not boot start anew: once each, counted, and no more than the run allows."""

import contextlib
import io
import os
import sys
import tempfile
import types
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
# pylint: disable=wrong-import-position
import run_guests  # noqa: E402

SILENT = ["the guest did not boot: silent for 45 s"]
SLOW = ["the guest did not boot in 240 s"]
GOOD = []


class Restarts(unittest.TestCase):
    """`ends` are the problems of each guest that is started, in this order."""

    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.enterContext(mock.patch.object(run_guests, "LOGS", folder))
        self.enterContext(mock.patch.object(run_guests, "Guest", self.guest))
        self.ends = []
        self.args = types.SimpleNamespace(env=[], kernel="", image="", start=0.0, stop_after=None)
        self.skips = run_guests.Skips(run_guests.SKIPS, [])
        self.restarts = run_guests.Restarts(run_guests.RESTARTS)
        self.report = run_guests.Report(verbose=False)
        self.said = ""

    def guest(self, *_, log, **__):
        """In the place of a guest."""
        with open(log, "w", encoding="utf-8"):
            pass
        problems = self.ends.pop(0)
        booted = None if problems else 5.0
        ktap = ["1..1", "ok 1 point"] if booted else []
        return types.SimpleNamespace(run=lambda: not problems, problems=problems, booted=booted,
                                     ktap=ktap, figures=[], seconds=1.0,
                                     processor_seconds=1.0)

    def job(self, *ends):
        """Runs one job; its problems."""
        self.ends = list(ends)
        script = types.SimpleNamespace(path="tests/guest/scsi/io.sh", tests=1)
        job = run_guests.Job("tests/guest", script.path, script, "gen2")
        job.run(self.args, self.skips, self.restarts)
        self.assertEqual(self.ends, [])
        with contextlib.redirect_stdout(io.StringIO()) as said:
            self.report.guest(job)
        self.said = said.getvalue()
        return job.problems

    def test_second_guest_is_good(self):
        self.assertEqual(self.job(SILENT, GOOD), [])
        self.assertEqual(self.restarts.count, 1)

    def test_second_guest_fails_as_well(self):
        self.assertIn(SILENT[0], self.job(SILENT, SILENT))
        self.assertEqual(self.restarts.count, 1)

    def test_no_more_than_the_run_allows(self):
        for _ in range(run_guests.RESTARTS):
            self.assertEqual(self.job(SILENT, GOOD), [])
        self.assertIn(SILENT[0], self.job(SILENT))
        self.assertEqual(self.restarts.count, run_guests.RESTARTS)

    def test_report_says_which_and_how_many(self):
        self.job(GOOD)
        self.assertNotIn("did not boot", self.said)
        self.assertEqual(self.report.last_line(self.restarts), "1 passed, 0 failed")
        self.job(SILENT, GOOD)
        self.assertIn(f"its first guest did not boot: {SILENT[0]}", self.said)
        self.assertEqual(self.report.last_line(self.restarts), "2 passed, 0 failed, 1 started anew")

    def test_slow_guest_is_a_failure(self):
        self.assertIn(SLOW[0], self.job(SLOW))
        self.assertEqual(self.restarts.count, 0)


if __name__ == "__main__":
    unittest.main()
