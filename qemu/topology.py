# SPDX-License-Identifier: GPL-2.0
"""Reads topology files and turns them into QEMU arguments.

A topology is chosen as NAME[,option=value...]: NAME is a file in qemu/topologies/, the options
change it (`gen2,msix=off,smp=1`). The format of the files is described in qemu/topologies/README.
"""

import json
import os
import re

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "topologies")

# Options that are properties of every controller of the topology (or of one: `hba1.msix=off`).
HBA_OPTIONS = ("msix", "msi", "use_jbod", "max_cmds", "max_sge", "hba_serial", "sas_address",
               "num_queues")
# Options of the machine, with their defaults; `mem` is in MiB.
MACHINE_OPTIONS = {"smp": "2", "mem": "1024", "accel": "auto", "machine": "pc",
                   "boot": "inner", "iommu": "off"}
# What the kernel is told where there is an IOMMU: every device's DMA is translated, and a mapping ends
# where it is unmapped, or each device sees memory as the processor does.
IOMMU_WORDS = {"strict": ("intel_iommu=on", "iommu=nopt", "iommu.strict=1"),
               "pt": ("intel_iommu=on", "iommu=pt")}


class TopologyError(Exception):
    """A topology file or option that cannot be used."""


def size_in_bytes(text):
    """`512M` or `1G` or plain bytes."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not match:
        raise TopologyError(f"not a size: {text}")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


class Topology:
    """One topology with its options applied."""

    def __init__(self, spec):
        self.spec = spec
        self.name, *options = spec.split(",")
        self.machine = dict(MACHINE_OPTIONS)
        self.nodes = []
        self.hbas = {}
        self.disks = []
        self.devices = []
        self.args = []
        path = os.path.join(FOLDER, self.name)
        if not re.fullmatch(r"[a-z0-9-]+", self.name) or not os.path.isfile(path):
            raise TopologyError(f"no topology '{self.name}' (there are: {', '.join(names())})")
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                words = line.split("#")[0].split()
                if words:
                    try:
                        self._directive(*words)
                    except (TypeError, KeyError, TopologyError) as err:
                        raise TopologyError(f"{path}:{number}: {err}") from err
        for option in options:
            self._option(option)

    def _directive(self, kind, *words):
        if kind == "image":
            node, size, *flags = words
            if set(flags) - {"debug"}:
                raise TopologyError(f"unknown flags: {flags}")
            self.nodes.append((node, size_in_bytes(size), "debug" if flags else "plain"))
        elif kind == "null":
            node, size = words
            self.nodes.append((node, size_in_bytes(size), "null"))
        elif kind == "hba":
            name, device, *props = words
            self.hbas[name] = [device, dict(prop.split("=", 1) for prop in props)]
        elif kind == "disk":
            name, hba, target, node, *props = words
            if hba not in self.hbas or node not in [known[0] for known in self.nodes]:
                raise TopologyError(f"disk {name}: {hba} and {node} must be declared before it")
            self.disks.append((name, hba, int(target), node, props))
        elif kind == "device":
            self.devices.append(" ".join(words))
        elif kind == "arg":
            self.args.extend(words)
        elif kind == "set":
            for word in words:
                self._option(word)
        else:
            raise TopologyError(f"unknown directive: {kind}")

    def _option(self, option):
        key, equals, value = option.partition("=")
        if not equals or not value:
            raise TopologyError(f"an option is key=value: {option}")
        if key in MACHINE_OPTIONS:
            self.machine[key] = value
            if key == "iommu" and value != "off":
                if value not in IOMMU_WORDS:
                    raise TopologyError(f"iommu is off, {' or '.join(IOMMU_WORDS)}: {option}")
                # The other machine has none.
                self.machine["machine"] = "q35"
            if key == "accel" and value == "icount":
                # Instruction counting gives each instruction to one virtual clock.
                self.machine["smp"] = "1"
            return
        hba, dot, prop = key.rpartition(".")
        if prop not in HBA_OPTIONS or (dot and hba not in self.hbas):
            raise TopologyError(f"unknown option: {option}")
        if not self.hbas:
            raise TopologyError(f"{option}: the topology has no controller")
        for name, (_, props) in self.hbas.items():
            if not dot or name == hba:
                props[prop] = value

    def node_args(self, folder):
        """Makes the images in `folder`; the -blockdev arguments of all nodes."""
        args = []
        for node, size, kind in self.nodes:
            if kind == "null":
                stack = [{"driver": "null-co", "node-name": node, "size": size,
                          "read-zeroes": True}]
            else:
                path = os.path.join(folder, node + ".raw")
                with open(path, "wb") as image:
                    image.truncate(size)
                stack = [{"driver": "file", "node-name": node + "-file", "filename": path,
                          "discard": "unmap"}]
                if kind == "debug":
                    stack.append({"driver": "blkdebug", "node-name": node + "-debug",
                                  "image": node + "-file", "discard": "unmap"})
                # The raw layer raises the read_aio and write_aio events that blkdebug acts on.
                stack.append({"driver": "raw", "node-name": node, "discard": "unmap",
                              "file": stack[-1]["node-name"]})
            for entry in stack:
                args += ["-blockdev", json.dumps(entry)]
        return args

    def append(self):
        """What the topology adds to the kernel's command line."""
        return list(IOMMU_WORDS.get(self.machine["iommu"], ()))

    def device_args(self):
        """The -device arguments: controllers, their disks, others."""
        args = []
        if self.append():
            # Before the devices whose addresses it translates.
            args += ["-device", "intel-iommu,intremap=off"]
        for number, (name, (device, props)) in enumerate(self.hbas.items()):
            properties = "".join(f",{key}={value}" for key, value in props.items())
            if self.machine["machine"] == "q35":
                # The root bus of q35 cannot be unplugged from; a root port can.
                args += ["-device", f"pcie-root-port,id={name}-port,chassis={number + 1}"]
                properties += f",bus={name}-port"
            args += ["-device", f"{device},id={name}{properties}"]
        for name, hba, target, node, props in self.disks:
            args += ["-device", ",".join(
                [f"scsi-hd,id={name},bus={hba}.0,scsi-id={target},drive={node}",
                 # Errors are the guest's to see; none may stop the machine.
                 "rerror=report,werror=report", *props])]
        for device in self.devices:
            args += ["-device", device]
        return args + self.args


def names():
    """The topologies that there are."""
    return sorted(name for name in os.listdir(FOLDER) if name != "README")
