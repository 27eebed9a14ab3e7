// SPDX-License-Identifier: GPL-2.0
// error: E0382 use of moved value: `in_flight`

//! An I/O counts as ended twice: the path would seem to have less to do than it has.

#[path = "common/multipath.rs"]
mod multipath;

use multipath::core_of::map::{
    Ended,
    InFlight,
    Map, //
};
use multipath::core_of::memory::Memory;
use multipath::core_of::selector::Env;

fn end<M: Memory, D, E: Env>(map: &Map<M, D>, in_flight: InFlight, env: &E, ended: Ended) {
    map.end_io(in_flight, env, ended);
    #[cfg(mistake)]
    map.take_back(in_flight);
}
