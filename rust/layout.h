/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the file bindings/layout.c of each crate: the sizes and offsets that the C compiler sees of what Rust reads
 * and writes. It is compiled to assembly only; layout_generated.rs is made from that, and the crate's bindings.rs
 * asserts that bindgen sees the same: a disagreement does not build.
 */

#include <linux/kbuild.h>

#define SIZE(type) DEFINE(SIZE_##type, sizeof(struct type))
#define AT(type, member) DEFINE(AT_##type##_##member, offsetof(struct type, member))
