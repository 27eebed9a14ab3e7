# SPDX-License-Identifier: GPL-2.0
"""How many guests run at a time, and which topologies are added to those that must be named."""

import os
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
# pylint: disable=wrong-import-position
import run_guests  # noqa: E402

GUESTS = os.path.join(run_guests.TOP, "tests/guest")
LONG = run_guests.IDLE_SECONDS


class Room(unittest.TestCase):
    """Two processors, two guests; time passes by `run`."""

    def setUp(self):
        self.now = self.idle = 0.0
        self.room = self.new(2)

    def new(self, jobs):
        """A room on this machine."""
        return run_guests.Room(jobs, lambda: self.now, lambda: self.idle)

    def run_for(self, seconds, idle):
        """So many of the processors are idle for this time."""
        self.now += seconds
        self.idle += seconds * idle

    def test_as_many_as_were_asked_for(self):
        self.assertTrue(self.room.free(0))
        self.assertTrue(self.room.free(1))
        self.assertFalse(self.room.free(2))

    def test_one_more_beside_guests_that_wait(self):
        self.run_for(LONG, 1.2)
        self.assertTrue(self.room.free(2))

    def test_no_more_beside_guests_that_work(self):
        self.run_for(LONG, 0.9)
        self.assertFalse(self.room.free(2))

    def test_each_time_is_measured_by_itself(self):
        self.run_for(LONG, 0.0)
        self.assertFalse(self.room.free(2))
        self.run_for(LONG, 1.0)
        self.assertTrue(self.room.free(2))

    def test_the_last_guest_must_have_shown_what_it_takes(self):
        self.run_for(LONG, 2.0)
        self.room.started()
        self.run_for(LONG - 1, 2.0)
        self.assertFalse(self.room.free(2))

    def test_no_more_than_one_beside_them(self):
        self.run_for(LONG, 2.0)
        self.assertFalse(self.room.free(3))

    def test_one_at_a_time_is_one(self):
        room = self.new(1)
        self.run_for(LONG, 2.0)
        self.assertFalse(room.free(1))


class Rotated(unittest.TestCase):
    """tests/rotated."""

    def labels(self, text, named=True, wanted=()):
        """The labels of the jobs, with this file."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            with mock.patch.object(run_guests, "ROTATED", file.name):
                return [job.label for job in run_guests.find(GUESTS, wanted, named)]

    def test_each_script_of_a_group_once(self):
        labels = [label for label in self.labels("scsi | iommu=strict | why\n") if "iommu=" in label
                  and label.startswith("scsi/")]
        self.assertIn("scsi/io [gen2,iommu=strict]", labels)
        self.assertEqual(len(labels), len({label.split()[0] for label in labels}))

    def test_not_those_that_have_the_option(self):
        self.assertNotIn("scsi/iommu [gen2,iommu=strict,iommu=pt]",
                         self.labels("scsi | iommu=pt | why\n"))

    def test_not_those_that_are_excepted(self):
        labels = self.labels("scsi !scsi/io !scsi/fs | iommu=pt | why\n")
        self.assertNotIn("scsi/io [gen2,iommu=pt]", labels)
        self.assertNotIn("scsi/fs [gen2,iommu=pt]", labels)
        self.assertIn("scsi/sg [gen2,iommu=pt]", labels)

    def test_only_beside_those_to_be_named(self):
        self.assertNotIn("scsi/io [gen2,iommu=strict]",
                         self.labels("scsi | iommu=strict | why\n", named=False))
        self.assertNotIn("scsi/io [gen2,iommu=strict]",
                         self.labels("scsi | iommu=strict | why\n", wanted=["scsi/io"]))

    def test_group_without_a_script(self):
        with self.assertRaises(run_guests.ScriptError):
            self.labels("no-such-group | iommu=strict | why\n")

    def test_line_without_a_reason(self):
        with self.assertRaises(run_guests.ScriptError):
            self.labels("scsi | iommu=strict\n")


if __name__ == "__main__":
    unittest.main()
