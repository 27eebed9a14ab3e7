// SPDX-License-Identifier: GPL-2.0

//! A driver for an invented host adapter: see README.md beside it. `make test` builds it.

use core::num::NonZero;
use core::sync::atomic::{AtomicU32, Ordering::*};
use kernel::device::{Bound, Core, Device};
use kernel::io::{poll::read_poll_timeout, register, Io};
use kernel::{
    pci,
    prelude::*,
    str::CStr,
    sync::{new_mutex, Arc, Mutex},
    time::Delta,
};
use storage::dma::{read_barrier, AddressWidth, Pool, Slot};
use storage::irq::{Handler, Ladder, Line, Look, Poller, Rungs};
use storage::{doorbell::Posting, rcu};
use storage_scsi::{
    self as scsi, Command, Done, Flight, HostByte, InFlight, Recovery, Rejected, Status,
};

register! {
    STATUS(u32) @ 0x00 { 0:0 ready => bool; 1:1 interrupt => bool; }
    DOORBELL(u32) @ 0x04 { 31:0 command; }
    /// Writing zero acknowledges an interrupt.
    CONTROL(u32) @ 0x08 { 0:0 reset => bool; }
}
const TAGS: u32 = 63;
/// A command: generation, target, number of segments; the CDB at 16; status and generation, which
/// the adapter writes in this order, at 32 and 36; 12 bytes per segment at 64.
const COMMAND_BYTES: usize = 256;
const SEGMENTS: u16 = 16;
const RESET_TIMEOUT: Delta = Delta::from_secs(10);
/// States of the adapter.
const RUNNING: u32 = 0;
const RESETTING: u32 = 1;
const DEAD: u32 = 2;

struct Adapter {
    bar: storage::pci::DevresBar<0x10>,
    commands: Pool,
    in_flight: InFlight<Adapter>,
    state: AtomicU32,
    /// Resets come from error handling and from user space.
    resetting: Pin<KBox<Mutex<()>>>,
    completed: AtomicU32,
    poller: Pin<KBox<Poller>>,
}

impl Adapter {
    fn write(slot: &Slot<'_>, command: &mut Command<'_, Self>, flight: Flight) -> Result {
        slot.write_bytes(16, command.cdb())?;
        let target = command.device().address().id;
        let mut count = 0;
        for segment in command.map_data()? {
            let (low, high) = (segment.address as u32, (segment.address >> 32) as u32);
            slot.write(64 + 12 * count, [low, high, segment.length].map(u32::to_le))?;
            count += 1;
        }
        slot.write(
            0,
            [flight.generation.as_u32(), target, count as u32].map(u32::to_le),
        )
    }

    fn ring_doorbell(&self, bar: &pci::Bar<'_, 0x10>, slot: &Slot<'_>, _posting: Posting<'_>) {
        bar.write_reg(DOORBELL::from(slot.address() as u32));
        self.poller.kick();
    }

    /// The command of a tag, if the adapter has ended it: an answer to an earlier use is none.
    fn ended(&self, tag: u32) -> Option<(Flight, Slot<'_>)> {
        let (flight, slot) = (self.in_flight.flight(tag)?, self.commands.slot(tag)?);
        let ended = slot.read(36).ok()? == [flight.generation.as_u32().to_le()];
        ended.then_some((flight, slot))
    }

    fn drain(&self, section: rcu::ReadSide<'_>) {
        for (flight, slot) in (0..TAGS).filter_map(|tag| self.ended(tag)) {
            read_barrier();
            let status = match slot.read(32) {
                Ok([0]) => Status::GOOD,
                _ => Status::host(HostByte::Error),
            };
            self.in_flight.land(section, flight, |command| {
                self.completed.fetch_add(1, Relaxed);
                command.complete_here(section, status)
            });
        }
    }

    fn reset(&self, dev: &Device<Bound>) -> Result {
        let (bar, period) = (self.bar.access(dev)?, Delta::from_millis(10));
        bar.write_reg(CONTROL::zeroed().with_reset(true));
        read_poll_timeout(
            || Ok(bar.read(STATUS)),
            |s| s.ready(),
            period,
            RESET_TIMEOUT,
        )?;
        Ok(())
    }
}

impl Handler for Adapter {
    fn message(&self, _: &Device<Bound>, section: rcu::ReadSide<'_>, _vector: u32) {
        self.drain(section);
    }

    fn line(&self, dev: &Device<Bound>, section: rcu::ReadSide<'_>) -> Line {
        match self.bar.access(dev) {
            Ok(bar) if bar.read(STATUS).interrupt() => bar.write_reg(CONTROL::zeroed()),
            _ => return Line::NotOurs,
        }
        self.drain(section);
        Line::Ours
    }

    fn poll(&self, _: &Device<Bound>, section: rcu::ReadSide<'_>) {
        self.drain(section);
    }

    fn look(&self) -> Look {
        let waiting = (0..TAGS).any(|tag| self.ended(tag).is_some());
        Look {
            outstanding: !self.in_flight.is_empty(),
            answered: waiting.then(|| self.completed.load(Relaxed)),
        }
    }

    fn poller(&self) -> &Poller {
        &self.poller
    }
}

static TEMPLATE: scsi::Template<Adapter> = scsi::Template::new(storage::this_module!());

#[vtable]
impl scsi::LowLevelDriver for Adapter {
    type CommandData = ();

    const NAME: &'static CStr = c"example";

    fn queue<'c>(
        &self,
        dev: &Device<Bound>,
        command: Command<'c, Self>,
    ) -> Result<Done<'c>, Rejected<'c>> {
        match self.state.load(Acquire) {
            RUNNING => {}
            RESETTING => return Err(command.reject_host_busy()),
            _ => return Ok(command.complete(Status::host(HostByte::NoConnect))),
        }
        let mut reserved = match self.in_flight.reserve(command) {
            Ok(reserved) => reserved,
            Err(command) => return Err(command.reject_host_busy()),
        };
        let flight = reserved.flight();
        let (Some(slot), Ok(bar)) = (self.commands.slot(flight.tag), self.bar.access(dev)) else {
            return Ok(reserved
                .cancel()
                .complete(Status::host(HostByte::NoConnect)));
        };
        match Self::write(&slot, reserved.command_mut(), flight) {
            Ok(()) => Ok(reserved.post(|posting| self.ring_doorbell(bar, &slot, posting))),
            Err(ENOMEM) => Err(reserved.cancel().reject_host_busy()),
            Err(_) => Ok(reserved.cancel().complete(Status::host(HostByte::Error))),
        }
    }

    fn in_flight(&self) -> &InFlight<Self> {
        &self.in_flight
    }

    fn dma_stopped(&self, _: &Device<Bound>) {
        self.state.store(DEAD, Release);
        rcu::synchronize();
        self.in_flight
            .sweep(|command| command.complete(Status::host(HostByte::NoConnect)));
    }

    fn reset_host(&self, dev: &Device<Bound>, _: &scsi::TimedOut<'_, Self>) -> Recovery {
        let _resetting = self.resetting.lock();
        let alive = self
            .state
            .compare_exchange(RUNNING, RESETTING, AcqRel, Acquire)
            .is_ok();
        rcu::synchronize(); // Whoever saw RUNNING has rung the doorbell.
        let outcome = if alive { self.reset(dev) } else { Err(ENODEV) };
        if outcome.is_err() {
            // The memory of the commands is given back below.
            let _ = storage::pci::stop_dma(dev);
        }
        let byte = outcome.map_or(HostByte::NoConnect, |()| HostByte::Reset);
        self.in_flight
            .sweep(|command| command.complete(Status::host(byte)));
        let next = outcome.map_or(DEAD, |()| RUNNING);
        match self
            .state
            .compare_exchange(RESETTING, next, AcqRel, Acquire)
        {
            Ok(_) if next == RUNNING => Recovery::Success,
            _ => Recovery::Failed,
        }
    }
}

/// What a bound device has, dropped in this order.
struct Example {
    host: Arc<scsi::Host<Adapter>>,
    _interrupts: Ladder,
    _enabled: storage::pci::Enabled,
}

fn probe(pdev: &pci::Device<Core<'_>>) -> Result<Example> {
    let dev: &Device<Bound> = pdev.as_ref();
    let _enabled = storage::pci::Enabled::new(pdev)?;
    let adapter = Arc::new(
        Adapter {
            bar: pdev.iomap_region_sized(0, c"example")?.into_devres()?,
            commands: Pool::new(dev, TAGS, COMMAND_BYTES, 0)?,
            in_flight: InFlight::new(TAGS)?,
            state: AtomicU32::new(RUNNING),
            resetting: KBox::pin_init(new_mutex!(()), GFP_KERNEL)?,
            completed: AtomicU32::new(0),
            poller: Poller::new(Delta::from_micros(250))?,
        },
        GFP_KERNEL,
    )?;
    adapter.reset(dev)?;
    pdev.set_master(); // Not before: until it is reset it may write to memory of an earlier user.
    let one = NonZero::<u32>::MIN;
    let _interrupts = Ladder::climb(pdev, Rungs::ALL, one, c"example", &adapter)?;
    let limits = scsi::Limits {
        can_queue: TAGS,
        cmd_per_lun: 32,
        sg_tablesize: SEGMENTS,
        max_sectors: 256,
        max_segment_size: u32::MAX,
        dma_boundary: u32::MAX as usize,
        max_cdb: 16,
        max_channel: 0,
        max_id: 16,
        max_lun: 1,
        hardware_queues: 1,
    };
    let protection = scsi::ProtectionCaps::none();
    let builder = scsi::Builder::new(&TEMPLATE, scsi::Discovery { limits, protection })?;
    let host = builder.register(dev, adapter)?;
    host.scan();
    Ok(Example {
        host,
        _interrupts,
        _enabled,
    })
}

impl storage::pci::Driver for Example {
    type IdInfo = ();
    type Data<'bound> = Self;
    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;
    const ADDRESS_WIDTH: AddressWidth = AddressWidth::Bits64;
    const COHERENT_WIDTH: AddressWidth = AddressWidth::Bits32;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        (): &'bound (),
        _: AddressWidth,
    ) -> impl PinInit<Self, Error> + 'bound {
        probe(pdev)
    }

    fn unbind<'bound>(_: &'bound pci::Device<Core<'_>>, this: Pin<&Self>) {
        this.host.remove();
    }

    fn shutdown<'bound>(_: &'bound pci::Device<Core<'_>>, _: Pin<&Self>) {}
}

storage::pci_device_table!(
    PCI_TABLE,
    (),
    [(pci::DeviceId::from_id(pci::Vendor::REDHAT, 0x7fff), ())],
);

kernel::module_driver!(<T>, storage::pci::Adapter<T>, {
    type: Example,
    name: "example",
    authors: ["The Ironpath developers"],
    description: "An invented host adapter",
    license: "GPL",
});
