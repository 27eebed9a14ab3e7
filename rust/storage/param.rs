// SPDX-License-Identifier: GPL-2.0

//! Module parameters that the kernel crate's `module!` lacks: one of a few words, and a number that root
//! may change while the module is loaded. Both are shown in `/sys/module/MODULE/parameters/`.
//!
//! C header: [`include/linux/moduleparam.h`](srctree/include/linux/moduleparam.h)
//!
//! # Examples
//!
//! ```ignore
//! storage::word_parameter! {
//!     /// Which interrupt to use.
//!     static IRQ_MODE: irq_mode = ["auto", "msix", "intx"], "Interrupt (auto, msix or intx)";
//! }
//! storage::number_parameter! {
//!     /// How long to wait.
//!     static WAIT: wait_secs = 0, "Seconds to wait (0: without end)";
//! }
//! match IRQ_MODE.word() {
//!     "msix" => ..
//! }
//! ```

use crate::compat;
use core::sync::atomic::{
    AtomicU64,
    AtomicUsize,
    Ordering, //
};
use kernel::bindings;
use kernel::fmt;
use kernel::module_param::ModuleParamAccess;
use kernel::prelude::*;
use kernel::str::parse_int::ParseInt;
use kernel::str::{
    BStr,
    CStr, //
};

/// The value of a parameter that [`module!`](kernel::prelude::module) declares. Any context.
#[inline]
pub fn value<T: Copy>(parameter: &ModuleParamAccess<T>) -> T {
    compat::parameter_value(parameter)
}

/// What the kernel does with a parameter, at any time and from any task.
#[doc(hidden)]
pub trait Parameter: Sync + 'static {
    /// Who may read and write its file, as in `chmod`.
    const PERMISSIONS: u16;

    /// Takes a value.
    fn set(&self, text: &str) -> Result;

    /// Shows it.
    fn show(&self, out: &mut dyn fmt::Write) -> fmt::Result;
}

/// A parameter whose value is one of a few words; the first is the default.
pub struct Word {
    name: &'static str,
    words: &'static [&'static str],
    index: AtomicUsize,
}

impl Word {
    #[doc(hidden)]
    pub const fn new(name: &'static str, words: &'static [&'static str]) -> Self {
        Self {
            name,
            words,
            index: AtomicUsize::new(0),
        }
    }

    /// The word that was chosen. Any context.
    pub fn word(&self) -> &'static str {
        self.words
            .get(self.index.load(Ordering::Relaxed))
            .copied()
            .unwrap_or("")
    }
}

impl Parameter for Word {
    const PERMISSIONS: u16 = 0o444;

    fn set(&self, text: &str) -> Result {
        let found = self.words.iter().position(|word| *word == text);
        match found {
            Some(index) => self.index.store(index, Ordering::Relaxed),
            None => {
                pr_err!(
                    "parameter {}={}: must be {}\n",
                    self.name,
                    text,
                    List(self.words)
                );
                return Err(EINVAL);
            }
        }
        Ok(())
    }

    fn show(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(out, "{}", self.word())
    }
}

/// A parameter that is a number, which root may change at any time.
pub struct Number(AtomicU64);

impl Number {
    #[doc(hidden)]
    pub const fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    /// What it is now. Any context.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Parameter for Number {
    const PERMISSIONS: u16 = 0o644;

    fn set(&self, text: &str) -> Result {
        let value = u64::from_str(BStr::from_bytes(text.as_bytes()))?;
        self.0.store(value, Ordering::Relaxed);
        Ok(())
    }

    fn show(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(out, "{}", self.value())
    }
}

/// Words as a sentence has them.
struct List(&'static [&'static str]);

impl fmt::Display for List {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.0.iter().enumerate() {
            let before = match index {
                0 => "",
                _ if index + 1 == self.0.len() => " or ",
                _ => ", ",
            };
            write!(out, "{before}{word}")?;
        }
        Ok(())
    }
}

/// The kernel's view of a parameter.
#[doc(hidden)]
#[repr(transparent)]
pub struct Raw(bindings::kernel_param);

// SAFETY: neither the kernel, which keeps a list of pointers to it, nor this crate writes to it, and what it points
// to, a name, the operations and a `Parameter`, is `Sync`.
unsafe impl Sync for Raw {}

impl Raw {
    #[doc(hidden)]
    pub const fn new<P: Parameter>(
        name: &'static CStr,
        module: &'static kernel::ThisModule,
        parameter: &'static P,
    ) -> Self {
        let mut raw: bindings::kernel_param = pin_init::zeroed();
        raw.name = kernel::str::as_char_ptr_in_const_context(name);
        raw.mod_ = module.as_ptr();
        raw.ops = &raw const *Callbacks::<P>::OPS;
        raw.perm = P::PERMISSIONS;
        raw.level = -1;
        raw.__bindgen_anon_1 = bindings::kernel_param__bindgen_ty_1 {
            arg: core::ptr::from_ref(parameter).cast_mut().cast(),
        };
        Self(raw)
    }
}

/// What the kernel calls for parameters of a type.
struct Callbacks<P>(core::marker::PhantomData<P>);

impl<P: Parameter> Callbacks<P> {
    const OPS: &'static bindings::kernel_param_ops = &bindings::kernel_param_ops {
        flags: 0,
        set: Some(Self::set),
        get: Some(Self::get),
        free: None,
    };

    /// # Safety
    ///
    /// Called with a [`Raw`] of a `P` and the text of its value, which does not change meanwhile, or null.
    unsafe extern "C" fn set(text: *const c_char, raw: *const bindings::kernel_param) -> c_int {
        if text.is_null() {
            return EINVAL.to_errno();
        }
        // SAFETY: the kernel calls this for parameters with these operations only, which `Raw::new::<P>` made: `arg`
        // is a `&'static P`.
        let parameter = unsafe { &*(*raw).__bindgen_anon_1.arg.cast::<P>() };
        // SAFETY: the kernel passes a string, which it keeps until this returns, or null, which was handled above.
        let text = unsafe { CStr::from_char_ptr(text) };
        // A value that is written to the file has the line's end.
        let taken = text
            .to_str()
            .map_err(|_| EINVAL)
            .and_then(|text| parameter.set(text.strip_suffix('\n').unwrap_or(text)));
        match taken {
            Ok(()) => 0,
            Err(error) => error.to_errno(),
        }
    }

    /// # Safety
    ///
    /// Called with a [`Raw`] of a `P` and a page of initialised room, which nobody else touches meanwhile.
    unsafe extern "C" fn get(page: *mut c_char, raw: *const bindings::kernel_param) -> c_int {
        // SAFETY: the kernel calls this for parameters with these operations only, which `Raw::new::<P>` made: `arg`
        // is a `&'static P`.
        let parameter = unsafe { &*(*raw).__bindgen_anon_1.arg.cast::<P>() };
        // SAFETY: the kernel passes the page of a file in sysfs, which is allocated and zeroed for this call.
        let length = unsafe { crate::sysfs::fill(page, |out| parameter.show(out)) };
        // CAST: a page's length, or an errno.
        length as c_int
    }
}

/// Declares a module parameter that is one of a few words, the first being the default; see [`param`].
///
/// [`param`]: crate::param
#[macro_export]
macro_rules! word_parameter {
    ($(#[$doc:meta])* static $static:ident: $name:ident = [$($word:literal),+ $(,)?], $text:literal;) => {
        $(#[$doc])*
        static $static: $crate::param::Word = $crate::param::Word::new(stringify!($name), &[$($word),+]);
        $crate::declare_parameter!($static, $name, $text, "charp");
    };
}

/// Declares a module parameter that is a number, and may be changed in sysfs; see [`param`].
///
/// [`param`]: crate::param
#[macro_export]
macro_rules! number_parameter {
    ($(#[$doc:meta])* static $static:ident: $name:ident = $default:literal, $text:literal;) => {
        $(#[$doc])*
        static $static: $crate::param::Number = $crate::param::Number::new($default);
        $crate::declare_parameter!($static, $name, $text, "ulong");
    };
}

/// Tells the module loader, and modinfo, of a parameter.
#[doc(hidden)]
#[macro_export]
macro_rules! declare_parameter {
    ($static:ident, $name:ident, $text:literal, $type:literal) => {
        const _: () = {
            #[link_section = "__param"]
            #[used(compiler)]
            static RAW: $crate::param::Raw = $crate::param::Raw::new(
                $crate::param::c_string(concat!(stringify!($name), "\0")),
                $crate::this_module!(),
                &$static,
            );

            const PARM: &str = concat!("parm=", stringify!($name), ":", $text, "\0");
            const TYPE: &str = concat!("parmtype=", stringify!($name), ":", $type, "\0");
            #[link_section = ".modinfo"]
            #[used(compiler)]
            static PARM_BYTES: [u8; PARM.len()] = $crate::param::bytes(PARM);
            #[link_section = ".modinfo"]
            #[used(compiler)]
            static TYPE_BYTES: [u8; TYPE.len()] = $crate::param::bytes(TYPE);
        };
    };
}

/// A string with its end as a C string.
#[doc(hidden)]
pub const fn c_string(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => c"",
    }
}

/// A string as an array.
#[doc(hidden)]
pub const fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let mut array = [0; N];
    let mut index = 0;
    while index < N {
        array[index] = text.as_bytes()[index];
        index += 1;
    }
    array
}
