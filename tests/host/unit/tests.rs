// SPDX-License-Identifier: GPL-2.0

//! The tests, one file a module.
