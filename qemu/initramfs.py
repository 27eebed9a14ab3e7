# SPDX-License-Identifier: GPL-2.0
"""Makes the guest's initramfs: a cached archive of busybox and stock modules, and one for each run.

The kernel unpacks archives that follow each other as one: the first holds what seldom changes, the
second the project's modules, the test script and its library.
"""

import functools
import hashlib
import lzma
import os
import re
import shutil
import stat
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
BUSYBOX = "/bin/busybox"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
APPLETS = ("sh", "mount", "umount", "mkdir", "insmod", "cp", "echo", "switch_root", "usleep")

# Inserted by init, with what they depend on: the root image, the SCSI mid-layer, device-mapper.
BOOT_MODULES = ("virtio_blk", "ext4", "overlay", "sd_mod", "sg", "dm_mod")
# There for modprobe: the C drivers to compare with. Scripts name more in their header: each module
# costs time in every guest.
MORE_MODULES = ("megaraid_sas", "virtio_scsi", "null_blk")


class StockKernel:
    """The unpacked packages of the stock kernel, by the folder that `scripts/kernel dir` prints."""

    def __init__(self, folder):
        with open(os.path.join(folder, "release"), encoding="utf-8") as release:
            self.release = release.read().strip()
        places = [os.path.join(folder, "stock", place, "modules", self.release)
                  for place in ("usr/lib", "lib")]
        self.modules = next(place for place in places if os.path.isdir(place + "/kernel"))
        images = [os.path.join(folder, "stock/boot/vmlinuz-" + self.release),
                  os.path.join(self.modules, "vmlinuz")]
        self.image = next(image for image in images if os.path.isfile(image))

    @functools.cached_property
    def _paths(self):
        """Path below the module folder (without compression suffix) by module name."""
        with open(os.path.join(self.modules, "modules.order"), encoding="utf-8") as order:
            return {module_name(line.strip()): line.strip() for line in order}

    def path(self, name):
        """`kernel/fs/ext4/ext4.ko`, or nothing when the kernel has no such module."""
        return self._paths.get(module_name(name))

    def check(self, path):
        """Refuses a module that is built for another kernel."""
        with open(path, "rb") as module:
            built_for = re.search(rb"\bvermagic=(\S+) ", module.read())
        if not built_for or built_for[1].decode() != self.release:
            found = built_for[1].decode() if built_for else "no kernel"
            raise OSError(f"{path} is built for {found}, this guest's kernel is {self.release}:"
                          " build for it (make; scripts/build test-modules), or choose the other"
                          " by KERNEL=SERIES")

    def read(self, name):
        """The module's contents, decompressed."""
        path = os.path.join(self.modules, self.path(name))
        if os.path.exists(path + ".xz"):
            with lzma.open(path + ".xz") as module:
                return module.read()
        if os.path.exists(path + ".zst"):
            return subprocess.run(["zstd", "-dcq", path + ".zst"], check=True,
                                  stdout=subprocess.PIPE).stdout
        with open(path, "rb") as module:
            return module.read()

    def closure(self, names):
        """{name: contents} of the modules and all that they need, in the order of insertion."""
        loaded = {}

        def add(name):
            name = module_name(name)
            # What a module depends on is never built in: the build leaves that out.
            if name in loaded or not self.path(name):
                return
            contents = self.read(name)
            for needed in dependencies(contents):
                add(needed)
            loaded[name] = contents

        for name in names:
            if not self.path(name):
                raise FileNotFoundError(f"the stock kernel {self.release} has no module {name}")
            add(name)
        return loaded


def module_name(path):
    """`kernel/fs/ext4/ext4.ko` and `dm-mod` as the kernel calls them."""
    return re.sub(r"\.ko.*$", "", os.path.basename(path)).replace("-", "_")


def dependencies(contents):
    """The modules that a module's own information names."""
    names = []
    for value in re.findall(rb"\0depends=([^\0]+)\0", contents):
        names += value.decode().split(",")
    for value in re.findall(rb"\0softdep=pre: ([^\0]+)\0", contents):
        names += value.decode().split()
    return names


class OwnModules:
    """The project's modules and those of its tests, in folders; what they need of each other."""

    def __init__(self, *folders):
        self.paths = {module_name(file): os.path.join(folder, file)
                      for folder in folders if os.path.isdir(folder)
                      for file in sorted(os.listdir(folder)) if file.endswith(".ko")}

    def read(self, name):
        """The module's contents."""
        with open(self.paths[name], "rb") as module:
            return module.read()

    def closure(self, names, kernel=None):
        """The modules and all that they need, in the order of insertion: with `kernel` also of its modules."""
        order = []

        def add(name):
            name = module_name(name)
            if name in order:
                return
            if name in self.paths:
                for needed in dependencies(self.read(name)):
                    add(needed)
                order.append(name)
            elif kernel:
                order.extend(more for more in kernel.closure([name]) if more not in order)

        for name in names:
            add(name)
        return order


def inner_image(kernel, cache):
    """The path of the cached ELF image that the stock vmlinuz carries, or of the vmlinuz itself."""
    path = os.path.join(cache, f"vmlinux-{kernel.release}")
    if os.path.exists(path) and os.path.getmtime(path) >= os.path.getmtime(kernel.image):
        return path
    with open(kernel.image, "rb") as image:
        data = image.read()
    start = data.find(ZSTD_MAGIC)
    # What follows the compressed kernel is not zstd: an exit status of 1 is expected.
    inner = subprocess.run(["zstd", "-dcq"], input=data[start:], check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    if start < 0 or not inner.startswith(b"\x7fELF"):
        return kernel.image
    os.makedirs(cache, exist_ok=True)
    own = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    with open(own, "wb") as out:
        out.write(inner)
    os.replace(own, path)
    return path


class Archive:
    """A cpio archive in the newc format that the kernel unpacks."""

    def __init__(self):
        self._parts = []
        self._folders = set()
        self._inode = 0

    def _entry(self, name, mode, data=b""):
        self._inode += 1
        encoded = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        header = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
        self._parts += [header, bytes(-len(header) % 4), data, bytes(-len(data) % 4)]

    def folder(self, name):
        """A folder and those above it."""
        if name and name not in self._folders:
            self.folder(os.path.dirname(name))
            self._folders.add(name)
            self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        """A file with its contents."""
        self.folder(os.path.dirname(name))
        self._entry(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        """A symbolic link."""
        self.folder(os.path.dirname(name))
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def tree(self, name, path):
        """A file or folder of the host, as `name`."""
        if os.path.isdir(path):
            self.folder(name)
            for entry in sorted(os.listdir(path)):
                self.tree(os.path.join(name, entry), os.path.join(path, entry))
        else:
            with open(path, "rb") as contents:
                self.file(name, contents.read(), 0o755 if os.access(path, os.X_OK) else 0o644)

    def finish(self):
        """The whole archive."""
        self._entry("TRAILER!!!", 0)
        data = b"".join(self._parts)
        # The next archive must start on a boundary of 4 bytes; whole blocks are customary.
        return data + bytes(-len(data) % 512)


def base_archive(kernel, modules, cache):
    """The path of the cached archive of busybox, init and the stock modules."""
    wanted = list(MORE_MODULES) + list(modules)
    key = hashlib.sha256()
    for path in (__file__, os.path.join(HERE, "guest/init"), BUSYBOX):
        with open(path, "rb") as contents:
            key.update(contents.read())
    key.update("\n".join([kernel.modules, *sorted(wanted)]).encode())
    path = os.path.join(cache, f"initramfs-{key.hexdigest()[:12]}.cpio")
    if os.path.exists(path):
        return path
    boot = kernel.closure(BOOT_MODULES)
    contents = {**boot, **kernel.closure(wanted)}
    own = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    stage = own + ".stage"
    top = os.path.join(stage, "usr/lib/modules", kernel.release)
    for name, data in contents.items():
        target = os.path.join(top, kernel.path(name))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as module:
            module.write(data)
    for index in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        shutil.copy(os.path.join(kernel.modules, index), top)
    subprocess.run(["depmod", "-b", os.path.join(stage, "usr"), kernel.release], check=True)
    archive = Archive()
    for folder in ("dev", "proc", "sys", "lower", "upper", "newroot"):
        archive.folder(folder)
    archive.tree("bin/busybox", BUSYBOX)
    for applet in APPLETS:
        archive.link("bin/" + applet, "busybox")
    archive.tree("init", os.path.join(HERE, "guest/init"))
    archive.tree("modules", os.path.join(stage, "usr/lib/modules"))
    order = "".join(f"/modules/{kernel.release}/{kernel.path(name)}\n" for name in boot)
    archive.file("boot-modules", order.encode())
    with open(own, "wb") as out:
        out.write(archive.finish())
    shutil.rmtree(stage)
    # Guests start in parallel: whoever comes last replaces the same with the same.
    os.replace(own, path)
    return path


def build(out, *, kernel, modules, cache, files):
    """Writes the initramfs `out`; `files` maps guest names below /ironpath to host paths or bytes."""
    os.makedirs(cache, exist_ok=True)
    archive = Archive()
    archive.folder("ironpath/modules")
    for name, source in files.items():
        if isinstance(source, bytes):
            archive.file("ironpath/" + name, source)
        else:
            archive.tree("ironpath/" + name, source)
    with open(out, "wb") as whole:
        with open(base_archive(kernel, modules, cache), "rb") as base:
            shutil.copyfileobj(base, whole)
        whole.write(archive.finish())
