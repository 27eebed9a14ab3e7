#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Adds the project's modules to the rust-project.json that the kernel's build writes: it finds root files by the
Makefile beside them, and here one Kbuild is for all. Called by scripts/build.

usage: rust_project.py TOP OBJECTS     the folder of the project, that of the build with its rust-project.json
"""

import json
import os
import sys

# What Kbuild passes to each module outside the kernel.
CRATES = ("core", "pin_init", "kernel", "zerocopy", "zerocopy_derive")


def modules(top):
    """The entries of scripts/modules: path of the root file without its suffix, crates that it uses."""
    with open(os.path.join(top, "scripts/modules"), encoding="utf-8") as lines:
        return [line.split() for line in lines if not line.startswith("#")]


def main():
    top, objects = sys.argv[1:]
    path = os.path.join(objects, "rust-project.json")
    with open(path, encoding="utf-8") as file:
        project = json.load(file)
    crates = project["crates"]
    index = {crate["display_name"]: number for number, crate in enumerate(crates)}
    cfg = crates[index["kernel"]]["cfg"]
    for root, *uses in modules(top):
        name = os.path.basename(root)
        index[name] = len(crates)
        crates.append({
            "display_name": name,
            "root_module": os.path.join(top, root + ".rs"),
            "is_workspace_member": True,
            "deps": [{"crate": index[used], "name": used} for used in (*CRATES, *uses)],
            "cfg": cfg,
            "edition": "2021",
            "env": {"IRONPATH_OBJ": objects, "RUST_MODFILE": name},
            # With the generated bindings.
            "source": {"include_dirs": [os.path.join(top, os.path.dirname(root)),
                                        os.path.join(objects, os.path.dirname(root))],
                       "exclude_dirs": []},
        })
    with open(path, "w", encoding="utf-8") as file:
        json.dump(project, file, sort_keys=True, indent=4)


if __name__ == "__main__":
    main()
