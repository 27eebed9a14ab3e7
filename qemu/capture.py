# SPDX-License-Identifier: GPL-2.0
"""Makes the initramfs of the capture kernel: busybox, makedumpfile, the drivers, one script.

It is a plain archive of what a dump needs, without a distribution's init system: the real tools of
the guest image (makedumpfile with its libraries), the stock modules of a filesystem and of a SCSI
disk, the C driver, and the project's modules. The guest adds what its test chooses.
"""

import hashlib
import os
import re
import shutil
import subprocess

from initramfs import Archive, BUSYBOX

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
LOADER = "ld-linux-x86-64.so.2"
DUMPER = "makedumpfile"

# Inserted before any driver, with what they depend on.
BASE_MODULES = ("ext4", "sd_mod")
# There to be compared with, or to fail where the project's driver must not.
STOCK_DRIVERS = ("megaraid_sas",)
# The project's driver that writes the dump, unless the run says otherwise. Of its modules the archive holds
# those that this one needs, and what they need of the stock kernel.
DRIVER = "rmegasas"


class Tools:
    """makedumpfile and its libraries, out of the guest image: for the archive and for the host."""

    def __init__(self, image, cache):
        self.image = image
        self.folder = os.path.join(cache, "tools-" + os.path.basename(image).removesuffix(".ext4"))
        if not os.path.isdir(self.folder):
            self._extract()

    def names(self):
        """What there is: the program, its loader and its libraries."""
        return sorted(os.listdir(self.folder))

    def command(self, *args):
        """The command line that runs makedumpfile here, with the guest's own libraries."""
        return [self.path(LOADER), "--library-path", self.folder, self.path(DUMPER), *args]

    def path(self, name):
        """The path of one of `names`."""
        return os.path.join(self.folder, name)

    def _debugfs(self, request):
        return subprocess.run(["debugfs", "-R", request, self.image], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout.decode()

    def _take(self, path, target):
        link = re.search(r'Fast link dest: "(.*)"', self._debugfs(f"stat {path}"))
        if link:
            path = os.path.normpath(os.path.join(os.path.dirname(path), link[1]))
        # A folder of the root may itself be a link, as /lib is.
        self._debugfs(f"dump {path} {target}")
        if not os.path.isfile(target) or not os.path.getsize(target):
            raise FileNotFoundError(f"the guest image has no {path}")
        os.chmod(target, 0o755)

    def _extract(self):
        own = f"{self.folder}.{os.getpid()}.{os.urandom(4).hex()}"
        os.makedirs(own)
        self._take("/usr/bin/" + DUMPER, os.path.join(own, DUMPER))
        wanted = [LOADER, *needed(os.path.join(own, DUMPER))]
        while wanted:
            name = wanted.pop()
            target = os.path.join(own, name)
            if not os.path.exists(target):
                self._take(f"{LIBRARIES}/{name}", target)
                wanted += needed(target)
        try:
            os.rename(own, self.folder)
        except OSError:
            # Another guest that started at the same time was faster.
            shutil.rmtree(own)


def needed(path):
    """The libraries that an ELF file names."""
    said = subprocess.run(["readelf", "-d", path], check=True, stdout=subprocess.PIPE).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", said.decode())


def stripped(contents, folder):
    """A module without its debugging sections, as distributions ship theirs: memory is scarce."""
    path = os.path.join(folder, "strip.ko")
    with open(path, "wb") as module:
        module.write(contents)
    subprocess.run(["strip", "--strip-debug", path], check=True)
    with open(path, "rb") as module:
        return module.read()


def _base(kernel, tools, cache):
    """The cached part: busybox, makedumpfile, stock modules."""
    key = hashlib.sha256("\n".join([kernel.modules, tools.folder]).encode())
    for path in (__file__, BUSYBOX):
        with open(path, "rb") as contents:
            key.update(contents.read())
    path = os.path.join(cache, f"capture-{key.hexdigest()[:12]}.cpio")
    if os.path.exists(path):
        with open(path, "rb") as whole:
            return whole.read()
    archive = Archive()
    for folder in ("dev", "proc", "sys", "run", "tmp", "dump", "ironpath/modules"):
        archive.folder(folder)
    archive.tree("bin/busybox", BUSYBOX)
    archive.link("bin/sh", "busybox")
    for name in tools.names():
        place = {DUMPER: "bin", LOADER: "lib64"}.get(name, LIBRARIES[1:])
        archive.tree(f"{place}/{name}", tools.path(name))
    base = kernel.closure(BASE_MODULES)
    for name, contents in base.items():
        archive.file(f"modules/{name}.ko", contents)
    archive.file("modules/base.order", "".join(f"{name}\n" for name in base).encode())
    for driver in STOCK_DRIVERS:
        more = {name: contents for name, contents in kernel.closure([driver]).items()
                if name not in base}
        for name, contents in more.items():
            archive.file(f"modules/{name}.ko", contents)
        archive.file(f"modules/{driver}.order", "".join(f"{name}\n" for name in more).encode())
    data = archive.finish()
    own = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    with open(own, "wb") as out:
        out.write(data)
    os.replace(own, path)
    return data


def build(*, kernel, image, cache, modules, drivers, lib, work):
    """The archive; `drivers` are those of the project's `modules` that it is for, `work` is a folder for a while."""
    os.makedirs(cache, exist_ok=True)
    archive = Archive()
    archive.tree("init", os.path.join(HERE, "guest/capture"))
    archive.tree("ironpath/lib.sh", lib)
    base = kernel.closure(BASE_MODULES)
    there = set(base)
    for driver in drivers:
        if driver not in modules.paths:
            continue
        order = [name for name in modules.closure([driver], kernel) if name not in base]
        for name in order:
            if name not in there:
                there.add(name)
                contents = stripped(modules.read(name), work) if name in modules.paths else kernel.read(name)
                archive.file(f"modules/{name}.ko", contents)
        archive.file(f"modules/{driver}.order", "".join(f"{name}\n" for name in order).encode())
    return _base(kernel, Tools(image, cache), cache) + archive.finish()
