# SPDX-License-Identifier: GPL-2.0
"""Checks the crash dumps on disk0, from outside the guest (qemu/outside.py says what it reads).

Notes of the guest: `mark TEXT`, `panic TEXT` and the parts of `trace PART|PART...` must stand in
the crashed kernel's log in this order, `pattern COUNT SEED` tells the pages that a process held,
`sum MD5` the memory once the driver was there,
`recover DISK...` the disks whose filesystem was in use at the crash.
"""

import hashlib
import json
import mmap
import os
import re
import struct
import subprocess
import sys

PAGE = 4096
# Of the kdump-compressed format's header: size of a block, of the second header in blocks, of both
# bitmaps in blocks, and the number of page frames. A page descriptor: place, size, flags, page flags.
KDUMP_SIZES = (428, "<iiII")
KDUMP_PAGE = "<QIIQ"
# The kdump-compressed format, and an ELF core file of 64 bits for x86-64.
KDUMP_SIGNATURE = b"KDUMP   "
ELF_CORE = (b"\x7fELF\x02\x01", 4, 62)


PT_LOAD = 1
# The pages of a kernel alone are more.
PAGES_AT_LEAST = 5000


class Failed(Exception):
    """A point that does not hold, with the reason."""


def run(*command, wanted=(0,)):
    """The output of a command; any other exit status than `wanted` is a failure."""
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode("utf-8", "replace")
    print(f"$ {' '.join(command)}\n{text}".rstrip())
    if done.returncode not in wanted:
        last = (text.strip().splitlines() or ["nothing said"])[-1]
        raise Failed(f"exit status {done.returncode}: {last}")
    return text


def kdump_pages(dump):
    """(page frame number, contents) of a kdump file whose pages are not compressed."""
    where, form = KDUMP_SIZES
    dump.seek(where)
    block, second, bitmaps, frames = struct.unpack(form, dump.read(struct.calcsize(form)))
    # The second bitmap tells which pages were dumped; their descriptors follow it in this order.
    dump.seek((1 + second) * block + bitmaps * block // 2)
    bitmap = dump.read(bitmaps * block // 2)
    dumped = [frame for frame in range(frames) if bitmap[frame >> 3] >> (frame & 7) & 1]
    dump.seek((1 + second + bitmaps) * block)
    table = dump.read(struct.calcsize(KDUMP_PAGE) * len(dumped))
    for frame, (place, size, flags, _) in zip(dumped, struct.iter_unpack(KDUMP_PAGE, table)):
        if size != PAGE or flags:
            raise Failed(f"page frame {frame:#x} is {size} bytes, flags {flags}")
        dump.seek(place)
        yield frame, dump.read(PAGE)


class Dump:
    """What the guest left on the disk for the dump."""

    def __init__(self, facts):
        self.image = facts["images"]["disk0"]
        self.images = facts["images"]
        self.notes = facts["notes"]
        self.dumper = facts["dumper"]
        self.work = facts["work"]
        self.level31 = os.path.join(self.work, "level31")
        self.whole = os.path.join(self.work, "whole")

    def note(self, key):
        """A note that must be there."""
        if key not in self.notes:
            raise Failed(f"the guest did not note '{key}'")
        return self.notes[key]

    def filesystem(self):
        """Unmounted in order, clean without repair; the files come out of it."""
        features = re.search(r"^Filesystem features:.*", run("dumpe2fs", "-h", self.image), re.M)
        if not features or "needs_recovery" in features[0]:
            raise Failed("it was not unmounted")
        run("e2fsck", "-f", "-n", self.image)
        for path in (self.level31, self.whole):
            run("debugfs", "-R", f"dump /{os.path.basename(path)} {path}", self.image)
            if not os.path.isfile(path) or not os.path.getsize(path):
                raise Failed(f"no {os.path.basename(path)} on the disk")

    def header31(self):
        """The dump of level 31 has the format's signature."""
        with open(self.level31, "rb") as dump:
            found = dump.read(len(KDUMP_SIGNATURE))
        if found != KDUMP_SIGNATURE:
            raise Failed(f"it begins with {found!r}")

    def whole31(self):
        """Each page of it can be unpacked, and is the page that the whole copy has there.

        makedumpfile unpacks: it filters the dump once more, into one without compression.
        """
        again = os.path.join(self.work, "again")
        run(*self.dumper, "-d", "31", self.level31, again)
        parts = [(address, place, length) for place, address, length in self._parts()]
        count = 0
        with open(again, "rb") as dump, open(self.whole, "rb") as core:
            for frame, page in kdump_pages(dump):
                address = frame * PAGE
                for start, place, length in parts:
                    if start <= address and address + PAGE <= start + length:
                        core.seek(place + address - start)
                        if core.read(PAGE) != page:
                            raise Failed(f"the page at {address:#x} is not that of the whole copy")
                        count += 1
                        break
        print(f"{count} pages are those of the whole copy")
        if count < PAGES_AT_LEAST:
            raise Failed(f"only {count} pages to compare")

    def _parts(self):
        """(place in the file, physical address, length) of the memory in the whole copy."""
        with open(self.whole, "rb") as core:
            head = core.read(64)
            (table,) = struct.unpack_from("<Q", head, 32)
            (each, count) = struct.unpack_from("<HH", head, 54)
            core.seek(table)
            entries = core.read(each * count)
        for number in range(count):
            kind, = struct.unpack_from("<I", entries, number * each)
            place, _, address, length = struct.unpack_from("<QQQQ", entries, number * each + 8)
            if kind == PT_LOAD:
                yield place, address, length

    def log31(self):
        """The crashed kernel's log, out of the dump of level 31."""
        text = os.path.join(self.work, "dmesg")
        run(*self.dumper, "--dump-dmesg", self.level31, text)
        with open(text, encoding="utf-8", errors="replace") as lines:
            log = lines.read()
        wanted = [self.note("mark"), f"Kernel panic - not syncing: {self.note('panic')}"]
        wanted += self.notes["trace"].split("|") if "trace" in self.notes else []
        place = 0
        for part in wanted:
            place = log.find(part, place)
            if place < 0:
                raise Failed(f"the log has no '{part}' where it belongs")

    def header_whole(self):
        """The whole copy is an ELF core file, and no shorter than its headers say."""
        size = os.path.getsize(self.whole)
        with open(self.whole, "rb") as core:
            head = core.read(64)
            magic, kind, machine = ELF_CORE
            if not head.startswith(magic) or struct.unpack_from("<HH", head, 16) != (kind, machine):
                raise Failed(f"it begins with {head[:20]!r}")
        parts = list(self._parts())
        end = max((place + length for place, _, length in parts), default=0)
        if not parts or size < end:
            raise Failed(f"{len(parts)} parts, {size} bytes, the headers tell of {end}")

    def pattern(self):
        """All pages that the process held are in the whole copy, byte for byte."""
        count, seed = self.note("pattern").split()
        wanted = {}
        for number in range(int(count)):
            block = hashlib.shake_256(bytes.fromhex(seed) + number.to_bytes(4, "little"))
            wanted[block.digest(PAGE)[:32]] = block.digest(PAGE)
        found = set()
        with open(self.whole, "rb") as core, \
                mmap.mmap(core.fileno(), 0, prot=mmap.PROT_READ) as memory:
            for place in range(0, len(memory), PAGE):
                page = wanted.get(memory[place:place + 32])
                if page is not None and memory[place:place + PAGE] == page:
                    found.add(page[:32])
        print(f"{len(found)} of {count} pages of the pattern")
        if len(found) != int(count):
            raise Failed(f"{len(found)} of {count} pages were found")

    def untouched(self):
        """Nothing has written to the crashed kernel's memory once the driver was there."""
        total = hashlib.md5()
        with open(self.whole, "rb") as core:
            while block := core.read(1 << 20):
                total.update(block)
        if total.hexdigest() != self.note("sum"):
            raise Failed(f"{self.note('sum')} with the driver there, {total.hexdigest()} in the copy")

    def recover(self, disk):
        """The filesystem that was in use at the crash: its journal is replayed, then it is right."""
        # 1: something was corrected, the replay of the journal among it.
        run("e2fsck", "-f", "-p", self.images[disk], wanted=(0, 1))
        run("e2fsck", "-f", "-n", self.images[disk])
        kept = os.path.join(self.work, "kept")
        run("debugfs", "-R", f"dump /kept {kept}", self.images[disk])
        with open(kept, "rb") as file:
            found = hashlib.sha256(file.read()).hexdigest()
        if found != self.note("kept"):
            raise Failed("the file that was synced before the crash has changed")


def point(name, method, *args):
    """One point for the runner."""
    try:
        method(*args)
    except (Failed, OSError, ValueError, struct.error) as err:
        print(f"not ok {name} # {err or type(err).__name__}")
    else:
        print(f"ok {name}")


def main():
    """Reads the facts, prints the points."""
    dump = Dump(json.load(sys.stdin))
    point("outside: the filesystem is clean and holds both dumps", dump.filesystem)
    point("outside: the level 31 dump has a kdump header", dump.header31)
    point("outside: every page of it is that of the whole copy", dump.whole31)
    point("outside: its kernel log ends in this panic", dump.log31)
    point("outside: the whole copy is an ELF core, complete", dump.header_whole)
    point("outside: the pages that a process held are in it", dump.pattern)
    if "sum" in dump.notes:
        point("outside: the crashed kernel's memory was written no more", dump.untouched)
    for disk in dump.notes.get("recover", "").split():
        point(f"outside: the filesystem of {disk} recovers", dump.recover, disk)


if __name__ == "__main__":
    main()
