// SPDX-License-Identifier: GPL-2.0
/*
 * The sizes that C sees of the structures that Rust reads and writes. Rust asserts the same numbers at
 * compile time from its bindings (rust/bindings.rs); both refer to layout.h, so a disagreement does not
 * build.
 */

#include <linux/build_bug.h>
#include <linux/stddef.h>

#include "helpers.h"
#include "layout.h"

#define SAME_SIZE(type, size) static_assert(sizeof(struct type) == (size))

SAME_SIZE(Scsi_Host, LAYOUT_SCSI_HOST);
