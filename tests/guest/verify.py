# SPDX-License-Identifier: GPL-2.0
"""Writes to a device so that it is known what each block must hold, and compares.

  verify.py run DEVICE SIZE STATE   random writes, one in four a read that is compared at once, until SIGINT;
                                    then keeps in the file STATE which write each block got last
  verify.py check DEVICE STATE      reads all of it back and compares

Each 16 bytes of a block name the run, the block, and the number of the write that they come from: an older write
that lands over a newer one, or in another place, shows. (fio compares a block's place and its checksum, which
an older write to the same block has right as well, and can describe its last pass only where no block is
written twice.)
"""

import argparse
import ctypes
import json
import mmap
import os
import random
import signal
import struct
import sys
import time

STAMP = struct.Struct("<QII")
# Blocks that `check` reads at once.
CHECK_BLOCKS = 16

# linux/aio_abi.h: data, key, rw_flags, opcode, priority, fd, buffer, bytes, offset, reserved, flags, resfd.
IOCB = struct.Struct("<QIIHhIQQqQII")
EVENT = struct.Struct("<QQqq")
PREAD, PWRITE = 0, 1
# asm/unistd_64.h
IO_SETUP, IO_GETEVENTS, IO_SUBMIT = 206, 208, 209
EINTR = 4


class Wrong(Exception):
    """The device does not hold what it must, or refuses."""


def size_in_bytes(text):
    """`32m`, `16k` or plain bytes."""
    unit = {"k": 1 << 10, "m": 1 << 20}.get(text[-1].lower())
    return int(text[:-1]) * unit if unit else int(text)


def contents(run, block, number, size):
    """What a block holds after this write."""
    return STAMP.pack(run, block, number) * (size // STAMP.size)


def compare(data, run, block, number, size):
    """Whether `data`, read from the block, are what the write `number` left there."""
    wanted = contents(run, block, number, size)
    if data == wanted:
        return
    at = next(at for at in range(0, size, STAMP.size)
              if data[at:at + STAMP.size] != wanted[:STAMP.size])
    run_found, block_found, number_found = STAMP.unpack_from(data, at)
    found = f"has write {number_found} to block {block_found}" if run_found == run else "has other data"
    raise Wrong(f"block {block}, byte {at} of {size}: {found}, must have write {number}")


class Aio:
    """Linux asynchronous I/O on one file, each request in a slot with a buffer of its own."""

    def __init__(self, path, depth, size):
        self.fd = os.open(path, os.O_RDWR | os.O_DIRECT)
        self.size = size
        self.memory = mmap.mmap(-1, depth * size)
        self.start_of_memory = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.depth = depth
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.context = ctypes.c_ulong(0)
        self._call(IO_SETUP, depth, ctypes.byref(self.context))
        self.iocbs = [ctypes.create_string_buffer(IOCB.size) for _ in range(depth)]
        self.events = ctypes.create_string_buffer(EVENT.size * depth)

    def _call(self, number, *args):
        """A system call; -EINTR is an answer."""
        result = self.libc.syscall(ctypes.c_long(number), *args)
        if result < 0 and ctypes.get_errno() != EINTR:
            raise Wrong(f"system call {number}: {os.strerror(ctypes.get_errno())}")
        return result

    def buffer(self, slot):
        """The bytes of a slot."""
        return self.memory[slot * self.size:(slot + 1) * self.size]

    def submit(self, slot, opcode, block, data=None):
        """Starts reading or writing a block."""
        if data is not None:
            self.memory[slot * self.size:(slot + 1) * self.size] = data
        iocb = self.iocbs[slot]
        IOCB.pack_into(iocb, 0, slot, 0, 0, opcode, 0, self.fd,
                       self.start_of_memory + slot * self.size, self.size, block * self.size, 0, 0, 0)
        pointer = ctypes.c_void_p(ctypes.addressof(iocb))
        while self._call(IO_SUBMIT, self.context, ctypes.c_long(1), ctypes.byref(pointer)) != 1:
            pass

    def wait(self):
        """(slot, result) of what has ended: at least one, unless a signal came."""
        count = self._call(IO_GETEVENTS, self.context, ctypes.c_long(1), ctypes.c_long(self.depth),
                           self.events, None)
        for number in range(max(count, 0)):
            slot, _, result, _ = EVENT.unpack_from(self.events, number * EVENT.size)
            yield slot, result


class Writer:
    """Random I/O with at most one request to a block at a time, so that each block's contents are known."""

    def __init__(self, args):
        self.size = size_in_bytes(args.block)
        self.blocks = size_in_bytes(args.size) // self.size
        self.rate = args.rate
        self.run_id = int.from_bytes(os.urandom(8), "little")
        self.random = random.Random(args.seed)
        # The write that each block got last; 0: none.
        self.last = [0] * self.blocks
        self.number = 0
        self.aio = Aio(args.device, args.depth, self.size)
        self.free = list(range(args.depth))
        # {slot: (opcode, block, number)}
        self.busy = {}
        self.stopped = False
        self.requests = 0

    def stop(self, *_):
        """No more requests."""
        self.stopped = True

    def start(self):
        """One more request."""
        taken = {block for _, block, _ in self.busy.values()}
        block = self.random.randrange(self.blocks)
        while block in taken:
            block = self.random.randrange(self.blocks)
        slot = self.free.pop()
        self.requests += 1
        if self.last[block] and self.random.randrange(4) == 0:
            self.busy[slot] = PREAD, block, self.last[block]
            self.aio.submit(slot, PREAD, block)
        else:
            self.number += 1
            self.busy[slot] = PWRITE, block, self.number
            self.aio.submit(slot, PWRITE, block, contents(self.run_id, block, self.number, self.size))

    def end(self, slot, result):
        """A request has ended."""
        opcode, block, number = self.busy.pop(slot)
        what = "read" if opcode == PREAD else "write"
        if result < 0:
            raise Wrong(f"block {block}: {what}: {os.strerror(-result)}")
        if result != self.size:
            raise Wrong(f"block {block}: {what}: {result} bytes of {self.size}")
        if opcode == PREAD:
            compare(self.aio.buffer(slot), self.run_id, block, number, self.size)
        else:
            self.last[block] = number
        self.free.append(slot)

    def run(self, state):
        """Until a signal says that it is enough."""
        signal.signal(signal.SIGINT, self.stop)
        signal.signal(signal.SIGTERM, self.stop)
        due = time.monotonic()
        while self.busy or not self.stopped:
            while self.free and not self.stopped and time.monotonic() >= due:
                self.start()
                if self.rate:
                    due = max(due + 1 / self.rate, time.monotonic() - 1)
            if self.busy:
                for slot, result in self.aio.wait():
                    self.end(slot, result)
            else:
                time.sleep(max(0.0, due - time.monotonic()))
        with open(state, "w", encoding="ascii") as out:
            json.dump({"run": self.run_id, "size": self.size, "last": self.last}, out)
        print(f"{self.requests} requests, {self.number} of them writes")


def check(device, state):
    """Reads all blocks, those that were never written as well: no write may have gone there."""
    with open(state, encoding="ascii") as kept:
        kept = json.load(kept)
    run, size, last = kept["run"], kept["size"], kept["last"]
    fd = os.open(device, os.O_RDONLY | os.O_DIRECT)
    memory = mmap.mmap(-1, CHECK_BLOCKS * size)
    wrong = []
    for first in range(0, len(last), CHECK_BLOCKS):
        count = min(CHECK_BLOCKS, len(last) - first)
        with memoryview(memory) as view, view[:count * size] as part:
            if os.preadv(fd, [part], first * size) != count * size:
                raise Wrong(f"block {first}: a short read")
        for number in range(count):
            block = first + number
            data = memory[number * size:(number + 1) * size]
            try:
                if last[block]:
                    compare(data, run, block, last[block], size)
                elif struct.pack("<Q", run) in data:
                    raise Wrong(f"block {block} was never written, and has data of this run")
            except Wrong as err:
                wrong.append(str(err))
    print(f"{len(last)} blocks compared, {sum(map(bool, last))} of them written: {len(wrong)} wrong")
    if wrong:
        raise Wrong("; ".join(wrong[:5]))


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("device")
    run.add_argument("size")
    run.add_argument("state")
    run.add_argument("--block", default="16k")
    run.add_argument("--depth", type=int, default=16)
    run.add_argument("--rate", type=int, default=0, help="requests in a second; 0: as many as it can")
    run.add_argument("--seed", type=int, default=1)
    checker = commands.add_parser("check")
    checker.add_argument("device")
    checker.add_argument("state")
    args = parser.parse_args()
    try:
        if args.command == "run":
            Writer(args).run(args.state)
        else:
            check(args.device, args.state)
    except (Wrong, OSError) as err:
        print(f"verify: {err}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
