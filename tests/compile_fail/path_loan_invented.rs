// SPDX-License-Identifier: GPL-2.0
// error: E0451 field `index` of struct

//! A selector picks a path by its number, whether the path has failed or not.

#[path = "common/multipath.rs"]
mod multipath;

use multipath::core_of::map::{
    Loan,
    Usable, //
};

fn pick(usable: &Usable) -> Option<Loan<'_>> {
    #[cfg(not(mistake))]
    return usable.lend(0);
    #[cfg(mistake)]
    Some(Loan {
        index: 0,
        _group: core::marker::PhantomData,
    })
}
