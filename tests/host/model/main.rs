// SPDX-License-Identifier: GPL-2.0

//! Model checks of the modules that have atomics.

#![cfg(test)]
