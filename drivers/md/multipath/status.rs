// SPDX-License-Identifier: GPL-2.0

//! What a map says of itself, to the letter as the C target does.
//!
//! The caller's writer takes what fits and drops the rest, as device-mapper's buffer does. To be
//! called under the target's lock.
//!
//! Source: `multipath_status` in `drivers/md/dm-mpath.c`.

use core::fmt;

use super::features::Features;
use super::map::{
    GroupId,
    Map,
    PathId,
    State, //
};
use super::memory::Memory;
use super::table::Device;

/// Name and version of the target, for [`write_ima`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: &'static str,
    /// Major, minor and patch level.
    pub(crate) version: [u32; 3],
}

/// The group that I/O goes to, or will go to; zero if there are none.
fn group_number<M: Memory, D>(map: &Map<M, D>, state: &State<M>) -> u32 {
    state
        .current()
        .or(state.next())
        .map(GroupId::number)
        .unwrap_or(map.nr_groups().min(1))
}

/// Whether a group is disabled, active or enabled.
fn group_state<M: Memory>(state: &State<M>, group: GroupId) -> char {
    if state.is_bypassed(group) {
        'D'
    } else if state.current() == Some(group) {
        'A'
    } else {
        'E'
    }
}

fn path_state<M: Memory, D>(map: &Map<M, D>, path: PathId) -> char {
    if map.is_usable(path) {
        'A'
    } else {
        'F'
    }
}

/// Writes the status that `dmsetup status` shows (`STATUSTYPE_INFO`).
///
/// # Errors
///
/// Those of `out`.
pub(crate) fn write_info<M: Memory, D: Device>(
    map: &Map<M, D>,
    state: &State<M>,
    out: &mut impl fmt::Write,
) -> fmt::Result {
    write!(
        out,
        "2 {} {} 0 {} {} ",
        u32::from(state.queues_io()),
        state.pg_init_count(),
        map.nr_groups(),
        group_number(map, state)
    )?;
    for (id, group) in map.groups() {
        let selector = group.selector();
        write!(out, "{} ", group_state(state, id))?;
        selector.write_group(out)?;
        write!(out, "{} {} ", group.paths(), selector.kind().info_args())?;
        for path_id in group.path_ids() {
            let Some(path) = map.path(path_id) else {
                continue;
            };
            write!(
                out,
                "{} {} {} ",
                path.device().name(),
                path_state(map, path_id),
                state.fail_count(path_id)
            )?;
            selector.write_path_info(path.index_in_group(), out)?;
        }
    }
    Ok(())
}

/// Writes a table that makes the same map (`STATUSTYPE_TABLE`).
///
/// # Errors
///
/// Those of `out`.
pub(crate) fn write_table<M: Memory, D: Device>(
    map: &Map<M, D>,
    state: &State<M>,
    out: &mut impl fmt::Write,
) -> fmt::Result {
    let features = Features {
        queue_if_no_path: state.queues_if_no_path(),
        ..*map.features()
    };
    features.write(out)?;
    map.handler().write(out)?;
    write!(out, "{} {} ", map.nr_groups(), group_number(map, state))?;
    for (_, group) in map.groups() {
        let selector = group.selector();
        write!(out, "{} ", selector.kind().name())?;
        selector.write_group(out)?;
        write!(out, "{} {} ", group.paths(), selector.kind().table_args())?;
        for path in group.path_ids().filter_map(|path| map.path(path)) {
            write!(out, "{} ", path.device().name())?;
            selector.write_path_table(path.index_in_group(), out)?;
        }
    }
    Ok(())
}

/// Writes what the integrity measurement records (`STATUSTYPE_IMA`).
///
/// # Errors
///
/// Those of `out`.
pub(crate) fn write_ima<M: Memory, D: Device>(
    map: &Map<M, D>,
    state: &State<M>,
    target: Target,
    out: &mut impl fmt::Write,
) -> fmt::Result {
    let [major, minor, patch] = target.version;
    write!(
        out,
        "target_name={},target_version={major}.{minor}.{patch},nr_priority_groups={}",
        target.name,
        map.nr_groups()
    )?;
    for (g, (id, group)) in map.groups().enumerate() {
        let group_state = group_state(state, id);
        write!(out, ",pg_state_{g}={group_state}")?;
        write!(out, ",nr_pgpaths_{g}={}", group.paths())?;
        let name = group.selector().kind().name();
        write!(out, ",path_selector_name_{g}={name}")?;
        for (p, path_id) in group.path_ids().enumerate() {
            let Some(path) = map.path(path_id) else {
                continue;
            };
            let (name, path_state) = (path.device().name(), path_state(map, path_id));
            write!(
                out,
                ",path_name_{g}_{p}={name},is_active_{g}_{p}={path_state}"
            )?;
            write!(out, ",fail_count_{g}_{p}={}", state.fail_count(path_id))?;
            // No selector says more here.
            write!(out, ",path_selector_status_{g}_{p}=")?;
        }
    }
    out.write_char(';')
}

/// Writes the answer to the message `stats`: a line for each path, `prefix` in front of it.
///
/// # Errors
///
/// Those of `out`.
pub(crate) fn write_stats<M: Memory, D: Device>(
    map: &Map<M, D>,
    prefix: impl fmt::Display,
    out: &mut impl fmt::Write,
) -> fmt::Result {
    for (id, path) in map.paths() {
        let state = path_state(map, id);
        let name = path.device().name();
        writeln!(out, "{prefix}{name} {state} {}", path.stats())?;
    }
    Ok(())
}
