# SPDX-License-Identifier: GPL-2.0
"""The QMP client takes the answer that has its command's id, and no other."""

import json
import os
import socket
import sys
import threading
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../qemu"))
# pylint: disable=wrong-import-position
import qmp  # noqa: E402


class Emulator(threading.Thread):
    """Answers as QEMU does, `say` decides what."""

    def __init__(self, say):
        super().__init__(daemon=True)
        self.client, self.sock = socket.socketpair()
        self.say = say
        self.send({"QMP": {}})
        self.start()

    def send(self, message):
        """One message to the client."""
        self.sock.sendall(json.dumps(message).encode() + b"\n")

    def run(self):
        for line in self.sock.makefile("rb"):
            command = json.loads(line)
            if command["execute"] == "qmp_capabilities":
                self.send({"return": {}, "id": command["id"]})
            else:
                self.say(self, command)


class Answers(unittest.TestCase):
    """What becomes of an answer."""

    def client(self, say):
        """A client whose emulator answers by `say`."""
        emulator = Emulator(say)
        self.addCleanup(emulator.sock.close)
        self.addCleanup(emulator.client.close)
        return qmp.Qmp(emulator.client)

    def test_late_answer_is_not_the_next_commands(self):
        unanswered = []

        def say(emulator, command):
            if command["execute"] == "slow":
                unanswered.append(command["id"])
                return
            emulator.send({"return": "late", "id": unanswered.pop()})
            emulator.send({"event": "STOP"})
            emulator.send({"return": "own", "id": command["id"]})

        client = self.client(say)
        with mock.patch.object(qmp, "ANSWER_SECONDS", 0.2), self.assertRaisesRegex(qmp.QmpError, "no answer"):
            client.command("slow")
        self.assertEqual(client.command("quick"), "own")
        self.assertEqual(client.events, [{"event": "STOP"}])

    def test_late_error_is_not_the_next_commands(self):
        def say(emulator, command):
            emulator.send({"error": {"desc": "late"}, "id": command["id"] - 1})
            emulator.send({"return": "own", "id": command["id"]})

        self.assertEqual(self.client(say).command("quick"), "own")

    def test_error_without_an_id_ends_the_command(self):
        client = self.client(lambda emulator, _: emulator.send({"error": {"desc": "not JSON"}}))
        with self.assertRaisesRegex(qmp.QmpError, "not JSON"):
            client.command("broken")

    def test_ids_differ(self):
        seen = []

        def say(emulator, command):
            seen.append(command["id"])
            emulator.send({"return": {}, "id": command["id"]})

        client = self.client(say)
        for _ in range(3):
            client.execute({"execute": "query-status", "id": 1})
        self.assertEqual(len(set(seen)), 3)


if __name__ == "__main__":
    unittest.main()
