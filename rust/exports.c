// SPDX-License-Identifier: GPL-2.0
/* Exports the Rust symbols of storage.ko to the driver modules; the list is generated from the object. */

#include <linux/export.h>
#include <linux/module.h>

#define EXPORT_SYMBOL_STORAGE(sym) extern int sym; EXPORT_SYMBOL_GPL(sym)

#include "exports_generated.h"
