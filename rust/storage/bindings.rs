// SPDX-License-Identifier: GPL-2.0

//! Raw bindings of what the kernel crate does not bind; private to the crate. Each crate has bindings of its own,
//! and the macros here for what they have in common.

/// The modules `raw`, what bindgen makes of `bindings/bindings_helper.h`, and `layout`, what the C compiler makes of
/// `bindings/layout.c`, of the crate in a folder of `rust/`.
#[doc(hidden)]
#[macro_export]
macro_rules! generated_bindings {
    ($folder:literal) => {
        #[allow(
            clippy::all,
            clippy::as_ptr_cast_mut,
            clippy::as_underscore,
            clippy::cast_lossless,
            clippy::ptr_as_ptr,
            clippy::ref_as_ptr,
            clippy::undocumented_unsafe_blocks,
            dead_code,
            missing_docs,
            non_camel_case_types,
            non_snake_case,
            non_upper_case_globals,
            improper_ctypes,
            unreachable_pub,
            unsafe_op_in_unsafe_fn,
            unused_imports
        )]
        mod raw {
            use kernel::ffi;
            use pin_init::{
                MaybeZeroable,
                Zeroable, //
            };

            include!(concat!(
                env!("IRONPATH_OBJ"),
                "/rust/",
                $folder,
                "/bindings/bindings_generated.rs"
            ));
        }

        // Uses in an unnamed constant do not count as uses.
        #[allow(dead_code, non_upper_case_globals)]
        mod layout {
            include!(concat!(
                env!("IRONPATH_OBJ"),
                "/rust/",
                $folder,
                "/bindings/layout_generated.rs"
            ));
        }
    };
}

/// Asserts that the C compiler gives a structure the size, and members the offsets, that bindgen does. It stands
/// beside [`generated_bindings!`](crate::generated_bindings).
#[doc(hidden)]
#[macro_export]
macro_rules! same_layout {
    ($($name:ident { $($member:ident: $at:ident),* $(,)? } $size:ident),* $(,)?) => {
        const _: () = {
            $(
                assert!(size_of::<$name>() == layout::$size);
                $(assert!(core::mem::offset_of!($name, $member) == layout::$at);)*
            )*
        };
    };
}

generated_bindings!("storage");

pub(crate) use raw::*;

use kernel::bindings::completion;

same_layout! {
    completion {} SIZE_completion,
}
