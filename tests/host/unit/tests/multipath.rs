// SPDX-License-Identifier: GPL-2.0

//! The multipath target's core, and what its tests share.

mod block_status;
mod choice;
mod cpumask;
mod fitting;
mod held;
mod initialise;
mod malformed;
mod message;
mod outage;
mod own_features;
mod queueing;
mod reference;
mod sequences;
mod stats;
mod status;
mod table;
mod tree;
mod usable;

use crate::multipath::args::TableError;
use crate::multipath::errno::Errno;
use crate::multipath::features::Features;
use crate::multipath::handler::{Attached, Handler};
use crate::multipath::map::{Group, GroupId, InFlight, Map, PathId, Pick, State, Suspension};
use crate::multipath::memory::{Memory, OutOfMemory, Vector};
use crate::multipath::selector::Env;
use crate::multipath::status::{write_info, write_table};
use crate::multipath::table::{Builder, Device, Notice};
use std::cell::Cell;

/// The memory of the host.
#[derive(Debug)]
pub(crate) struct Host;

impl Memory for Host {
    type Vec<T> = Vec<T>;
}

impl<T> Vector<T> for Vec<T> {
    fn empty() -> Self {
        Self::new()
    }

    fn append(&mut self, value: T) -> Result<(), OutOfMemory> {
        self.push(value);
        Ok(())
    }
}

/// CPUs of the system under test, two nodes of half of them each.
const CPUS: u32 = 64;

/// A system whose CPU and clock the test sets.
#[derive(Default)]
struct System {
    cpu: Cell<u32>,
    now: Cell<u64>,
}

impl Env for System {
    fn cpu(&self) -> u32 {
        self.cpu.get()
    }

    fn same_node(&self, cpu: u32, other: u32) -> bool {
        cpu / (CPUS / 2) == other / (CPUS / 2)
    }

    fn now(&self) -> u64 {
        self.now.get()
    }
}

/// A mapped device that is, or is not, being suspended without a flush.
struct Suspending(bool);

impl Suspension for Suspending {
    fn is_without_flush(&self) -> bool {
        self.0
    }
}

/// A device, known by what the table calls it.
#[derive(Debug)]
struct Disk {
    name: String,
    wwid: Option<Vec<u8>>,
}

impl Device for Disk {
    fn name(&self) -> &str {
        &self.name
    }

    fn wwid(&self) -> Option<&[u8]> {
        self.wwid.as_deref()
    }
}

/// Every device exists but those of major number 99. Of major number 7 the devices are no SCSI
/// devices, those of 66 have a handler attached. `8:0=x` is a device with the WWID `x`.
#[derive(Default)]
struct Bench {
    opened: Vec<String>,
    notices: Vec<String>,
    /// The WWID of devices whose word names none.
    wwid: Option<Vec<u8>>,
}

impl Builder<Host> for Bench {
    type Device = Disk;

    fn device(
        &mut self,
        word: &[u8],
        _features: &Features,
        handler: &mut Handler<Host>,
    ) -> Result<Disk, TableError> {
        let word = String::from_utf8_lossy(word).into_owned();
        if word.starts_with("99:") {
            return Err(TableError::new("error getting device", Errno::from_i32(-6)));
        }
        if word.starts_with("7:") {
            handler.attached(Attached::NotScsi)?;
        } else if word.starts_with("66:") {
            handler.attached(Attached::Handler(b"emc"))?;
        }
        self.opened.push(word.clone());
        let (name, wwid) = match word.split_once('=') {
            Some((name, wwid)) => (name.to_string(), Some(wwid.as_bytes().to_vec())),
            None => (word, self.wwid.clone()),
        };
        Ok(Disk { name, wwid })
    }

    fn notice(&mut self, notice: Notice<'_>) {
        self.notices.push(notice.to_string());
    }
}

type TestMap = Map<Host, Disk>;
type TestState = State<Host>;

fn parse_with(line: &str, bench: &mut Bench) -> Result<(TestMap, TestState), TableError> {
    let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
    crate::multipath::table::parse::<Host, _>(&words, CPUS, bench)
}

fn parse(line: &str) -> Result<(TestMap, TestState), TableError> {
    parse_with(line, &mut Bench::default())
}

/// The map of a table that is known to be good.
fn map(line: &str) -> (TestMap, TestState) {
    match parse(line) {
        Ok(map) => map,
        Err(error) => panic!("{line}: {error:?}"),
    }
}

/// One group of paths, each with these arguments.
fn group(selector: &str, paths: &[&str]) -> String {
    let count = paths
        .first()
        .map_or(0, |args| args.split_whitespace().count());
    let words: Vec<String> = (0..)
        .zip(paths)
        .map(|(index, args)| format!("8:{index} {args}"))
        .collect();
    format!("{selector} {} {count} {}", paths.len(), words.join(" "))
}

fn info(map: &TestMap, state: &TestState) -> String {
    let mut text = String::new();
    write_info(map, state, &mut text).unwrap();
    text
}

fn table_of(map: &TestMap, state: &TestState) -> String {
    let mut text = String::new();
    write_table(map, state, &mut text).unwrap();
    text
}

fn path(map: &TestMap, index: usize) -> PathId {
    map.paths().nth(index).expect("a path").0
}

fn group_of(map: &TestMap, path: PathId) -> GroupId {
    let has_path = |group: &Group<Host>| group.path_ids().any(|other| other == path);
    let mut groups = map.groups().filter(|(_, group)| has_path(group));
    groups.next().expect("a group").0
}

fn index_of(map: &TestMap, path: PathId) -> usize {
    map.paths()
        .position(|(other, _)| other == path)
        .expect("a path")
}

/// Sends an I/O as a target would; [`None`] if it has to wait or there is no path.
fn send(map: &TestMap, state: &mut TestState, system: &System, bytes: u32) -> Option<InFlight> {
    if let Some(lent) = map.lend(system, bytes) {
        return Some(lent.send());
    }
    match state.lend(map, system, bytes) {
        Pick::Lent(lent) => Some(lent.send()),
        Pick::Wait(_) | Pick::NoPath => None,
    }
}
