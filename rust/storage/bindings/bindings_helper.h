/* SPDX-License-Identifier: GPL-2.0 */
/* The C headers that the kernel crate does not bind: here only what has no binding as it is a static inline or a macro. */

#include "../helpers/helpers.h"
