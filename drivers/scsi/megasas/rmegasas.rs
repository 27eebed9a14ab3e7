// SPDX-License-Identifier: GPL-2.0

//! LSI MegaRAID SAS 1078 and 2108 host adapters, driven by MFI frames.
//!
//! | file | what it is |
//! | --- | --- |
//! | `adapter.rs` | one adapter: registers, memory, state |
//! | `submit.rs`, `reply.rs` | a command's way to the firmware and back |
//! | `firmware.rs` | queues, commands to the firmware itself |
//! | `reset.rs` | the way to READY, the interrupt's registers |
//! | `recovery.rs` | the steps of error handling |
//! | `regs.rs`, `frame.rs`, `dcmd.rs`, `payload.rs`, `sgl.rs` | what registers and memory look like |
//! | `model.rs`, `handshake.rs`, `cdb.rs`, `status.rs`, `reply_ring.rs` | pure decisions |
//!
//! Source: `drivers/scsi/megaraid/megaraid_sas.h`.

use core::num::NonZero;
use core::sync::atomic::Ordering;
use kernel::device::{
    Bound,
    Core,
    Device, //
};
use kernel::driver;
use kernel::fmt;
use kernel::pci;
use kernel::prelude::*;
use kernel::str::CStr;
use kernel::sync::Arc;
use kernel::time::Delta;
use storage::dma::AddressWidth;
use storage::driver::File;
use storage::irq::Ladder;
use storage::param;
use storage_scsi::{
    self as scsi,
    Attribute,
    Command,
    DeviceAttribute,
    Discovery,
    Done,
    Geometry,
    Host,
    InFlight,
    Limits,
    LowLevelDriver,
    ProtectionCaps,
    Recovery,
    Rejected,
    Template,
    TimedOut,
    TimeoutAction, //
};

mod adapter;
mod cdb;
mod dcmd;
mod firmware;
mod frame;
mod handshake;
mod model;
mod params;
mod payload;
mod recovery;
mod regs;
mod reply;
mod reply_ring;
mod reset;
mod sgl;
mod status;
mod submit;

/// The pure modules find it here, as in the host tests.
mod generation {
    pub(crate) use storage::generation::Generation;
}

use adapter::Adapter;
use model::Model;
use reset::{
    Controller,
    Quiet,
    Way, //
};
use status::{
    TargetAddress,
    TargetKind, //
};

storage::pci_device_table!(
    PCI_TABLE,
    <MegaRaid as storage::pci::Driver>::IdInfo,
    [
        (
            pci::DeviceId::from_id(pci::Vendor::LSI_LOGIC, 0x0060),
            Model::Gen1
        ),
        (
            pci::DeviceId::from_id(pci::Vendor::LSI_LOGIC, 0x0079),
            Model::Gen2
        )
    ]
);

module! {
    type: Module,
    name: "rmegasas",
    authors: ["The Ironpath developers"],
    description: "LSI MegaRAID SAS 1078 and 2108 host adapters",
    license: "GPL",
    params: {
        max_sectors: u32 {
            default: 0,
            description: "Most 512-byte sectors of a command (8 to 65536; 0: as the firmware says)",
        },
        msix_disable: u32 {
            default: 0,
            description: "Do not use MSI-X (0 or 1)",
        },
        resetwaittime: u32 {
            default: 180,
            description: "Seconds that the firmware may stay in one state before READY (1 to 180)",
        },
        scmd_timeout: u32 {
            default: 90,
            description: "Seconds after which a command counts as timed out (1 to 90)",
        },
        poll_period: u32 {
            default: 250,
            description: "Microseconds between polls where there is no interrupt (50 to 10000)",
        },
        throttlequeuedepth: u32 {
            default: 16,
            description: "Queue depth of a device that had a timeout (1 to 256; 0: unchanged)",
        },
        enable_sdev_max_qd: u32 {
            default: 0,
            description: "Let a device have as many commands as the host (0 or 1)",
        },
    },
}

storage::word_parameter! {
    /// The rung of the interrupt ladder; below a chosen one there is only the timer.
    static IRQ_MODE: irq_mode = ["auto", "msix", "msi", "intx", "poll"],
        "Interrupt to use (auto, msix, msi, intx or poll)";
}

#[pin_data]
struct Module {
    #[pin]
    _driver: driver::Registration<storage::pci::Adapter<MegaRaid>>,
}

impl kernel::InPlaceModule for Module {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(move || {
            settings()?;
            let name = <Self as kernel::ModuleMetadata>::NAME;
            Ok(try_pin_init!(Self {
                _driver <- driver::Registration::new(name, module),
            }))
        })
    }
}

fn settings() -> Result<params::Settings> {
    params::Settings::new(params::Given {
        max_sectors: param::value(&module_parameters::max_sectors),
        msix_disable: param::value(&module_parameters::msix_disable),
        resetwaittime: param::value(&module_parameters::resetwaittime),
        scmd_timeout: param::value(&module_parameters::scmd_timeout),
        throttlequeuedepth: param::value(&module_parameters::throttlequeuedepth),
        poll_period: param::value(&module_parameters::poll_period),
        irq_mode: IRQ_MODE.word(),
        enable_sdev_max_qd: param::value(&module_parameters::enable_sdev_max_qd),
    })
}

/// Commands of one device at a time, unless `enable_sdev_max_qd` says otherwise.
const QUEUE_DEPTH: u32 = 256;

static TEMPLATE: Template<Adapter> = Template::new(storage::this_module!());

struct MegaRaid;

/// What a bound device has. The ladder is released before the registers and the adapter's memory; the device
/// is disabled last.
struct Bond {
    host: Arc<Host<Adapter>>,
    _ladder: Ladder,
    _enabled: storage::pci::Enabled,
}

impl Bond {
    /// The host goes first, so that its last commands are answered; then the firmware is stopped.
    fn stop(&self, dev: &Device<Bound>) {
        let adapter = self.host.adapter();
        if adapter.is_gone(dev) {
            // Pulled out: nothing will be answered any more.
            adapter.give_up(dev);
        }
        self.host.remove();
        adapter.stop(dev);
    }
}

impl storage::pci::Driver for MegaRaid {
    type IdInfo = Model;
    type Data<'bound> = Bond;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;
    const ADDRESS_WIDTH: AddressWidth = AddressWidth::Bits64;
    // The address of a frame is written to one register of 32 bits.
    const COHERENT_WIDTH: AddressWidth = AddressWidth::Bits32;
    const ATTRIBUTES: &'static [File] = &[
        File::of::<params::Version>(),
        File::of::<params::DebugLevel>(),
    ];

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        model: &'bound Self::IdInfo,
        width: AddressWidth,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        probe(pdev, *model, width)
    }

    fn unbind<'bound>(pdev: &'bound pci::Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) {
        this.stop(pdev.as_ref());
    }

    fn shutdown<'bound>(pdev: &'bound pci::Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) {
        this.host.adapter().stop(pdev.as_ref());
    }
}

fn probe(pdev: &pci::Device<Core<'_>>, model: Model, width: AddressWidth) -> Result<Bond> {
    let dev: &Device<Bound> = pdev.as_ref();
    let settings = settings()?;
    let enabled = storage::pci::Enabled::new(pdev)?;
    let bar = pdev.iomap_region_sized::<{ regs::SIZE }>(model.bar(), c"rmegasas")?;
    let bar = bar.into_devres()?;

    let quiet = Quiet::new();
    let registers = bar.access(dev)?;
    let controller = Controller {
        dev,
        bar: registers,
        model,
        quiet: &quiet,
    };
    let timeout = Delta::from_secs(i64::from(settings.reset_wait));
    match controller.make_ready(Way::Handshake, timeout) {
        Ok(()) => {}
        Err(ENODEV) => return Err(ENODEV),
        Err(_) => controller.make_ready(Way::AdapterReset, timeout)?,
    }
    // Not before: the device may still have commands of whoever used it last, such as one that a host reset has
    // left, and write to memory that is in other use by now. Firmware that is READY has none.
    pdev.set_master();
    let limits = adapter::FirmwareLimits::read(registers, width)?;
    let adapter = Arc::new(Adapter::new(dev, bar, model, limits, settings)?, GFP_KERNEL)?;

    // The firmware uses one vector, whatever it has.
    let ladder = Ladder::climb(
        pdev,
        settings.rungs,
        NonZero::<u32>::MIN,
        c"rmegasas",
        &adapter,
    )?;
    dev_info!(dev, "interrupt: {}\n", adapter::Interrupt(&adapter.poller));
    let started = start(dev, &adapter, &ladder);
    if started.is_err() {
        adapter.stop(dev);
    }
    let host = started?;
    Ok(Bond {
        host,
        _ladder: ladder,
        _enabled: enabled,
    })
}

fn start(
    dev: &Device<Bound>,
    adapter: &Arc<Adapter>,
    ladder: &Ladder,
) -> Result<Arc<Host<Adapter>>> {
    let info = adapter.bring_up(dev, Way::Handshake, adapter.state_timeout())?;
    adapter.set_operational();
    let info = info.ok_or(EIO)?;
    adapter.find_targets(dev)?;
    let (logical, physical) = adapter.present.lock().counts();
    dev_info!(
        dev,
        "controller type {}: {}, firmware package {}, JBOD {}, online reset {}\n",
        adapter.model.name(),
        info.product.as_str(),
        info.package.as_str(),
        if info.jbod_enabled() { "on" } else { "off" },
        if info.online_reset_disabled() {
            "not announced"
        } else {
            "announced"
        }
    );
    dev_info!(
        dev,
        "Max firmware commands: {}, scatter list {} entries ({:?}), interrupt {}, {} logical and {} physical drives\n",
        adapter.limits.commands.get(),
        adapter.limits.sges.get(),
        adapter.limits.format,
        ladder.name(),
        logical,
        physical
    );
    dev_info!(
        dev,
        "{} commands{}, {} KiB of memory\n",
        adapter.tags,
        match adapter.settings.capture_kernel {
            true => " (capture kernel)",
            false => "",
        },
        adapter.memory().div_ceil(1024)
    );
    let by_firmware = info.max_sectors(u32::from(adapter.limits.sges.get()));
    let max_sectors = match adapter.settings.max_sectors {
        0 => by_firmware,
        asked => asked.min(by_firmware),
    };
    let discovery = Discovery {
        limits: Limits {
            can_queue: adapter.tags,
            cmd_per_lun: QUEUE_DEPTH as u16,
            sg_tablesize: u16::from(adapter.limits.sges.get()),
            max_sectors,
            max_segment_size: u32::MAX,
            dma_boundary: u32::MAX as usize,
            max_cdb: 16,
            max_channel: TargetAddress::CHANNELS - 1,
            max_id: TargetAddress::IDS_PER_CHANNEL,
            max_lun: u64::from(TargetAddress::MAX_LUN),
            hardware_queues: 1,
        },
        protection: ProtectionCaps::none(),
    };
    let host = scsi::Builder::new(&TEMPLATE, discovery)?.register(dev, adapter.clone())?;
    host.scan();
    Ok(host)
}

#[vtable]
impl LowLevelDriver for Adapter {
    type CommandData = ();

    const NAME: &'static CStr = c"rmegasas";
    // The firmware is READY, and its devices with it.
    const SETTLE_AFTER_RESET: bool = false;

    const ATTRIBUTES: &'static [Attribute<Self>] = &[
        Attribute {
            name: c"fw_cmds_outstanding",
            show: show_outstanding,
        },
        Attribute {
            name: c"fw_resets",
            show: |adapter, _, out| writeln!(out, "{}", adapter.resets.load(Ordering::Relaxed)),
        },
        Attribute {
            name: c"fw_stray_replies",
            show: |adapter, _, out| writeln!(out, "{}", adapter.strays.load(Ordering::Relaxed)),
        },
        Attribute {
            name: c"irq_mode",
            show: |adapter, _, out| writeln!(out, "{}", adapter.poller.mode()),
        },
        Attribute {
            name: c"irq_refused",
            show: |adapter, _, out| {
                adapter.poller.write_refused(out)?;
                writeln!(out)
            },
        },
        Attribute {
            name: c"dump_system_regs",
            show: Adapter::show_registers,
        },
    ];

    const DEVICE_ATTRIBUTES: &'static [DeviceAttribute<Self>] = &[DeviceAttribute {
        name: c"fw_target",
        show: show_target,
    }];

    fn queue<'c>(
        &self,
        dev: &Device<Bound>,
        command: Command<'c, Self>,
    ) -> Result<Done<'c>, Rejected<'c>> {
        self.start(dev, command)
    }

    fn in_flight(&self) -> &InFlight<Self> {
        &self.in_flight
    }

    fn timed_out(&self, dev: &Device<Bound>, command: &TimedOut<'_, Self>) -> TimeoutAction {
        self.on_timeout(dev, command)
    }

    fn abort(&self, dev: &Device<Bound>, command: &TimedOut<'_, Self>) -> Recovery {
        self.on_abort(dev, command)
    }

    fn reset_device(&self, dev: &Device<Bound>, command: &TimedOut<'_, Self>) -> Recovery {
        self.on_device_reset(dev, command)
    }

    fn reset_host(&self, dev: &Device<Bound>, _command: &TimedOut<'_, Self>) -> Recovery {
        self.on_host_reset(dev)
    }

    fn dma_stopped(&self, dev: &Device<Bound>) {
        self.on_dma_stopped(dev);
    }

    fn is_present(&self, at: scsi::Address) -> bool {
        let Some(target) = TargetAddress::from_scsi(at.channel, at.id, at.lun) else {
            return false;
        };
        self.present.lock().has(target)
    }

    fn rescan(&self, dev: &Device<Bound>) -> Result {
        if self.find_targets(dev)? {
            let (logical, physical) = self.present.lock().counts();
            dev_info!(
                dev,
                "{} logical and {} physical drives now\n",
                logical,
                physical
            );
        }
        Ok(())
    }

    fn configure_device(&self, device: &scsi::Device) -> Result {
        device.set_command_timeout(Delta::from_secs(i64::from(self.settings.command_timeout)));
        device.set_queue_depth(match self.settings.max_depth {
            true => self.tags,
            false => self.tags.min(QUEUE_DEPTH),
        });
        Ok(())
    }

    fn geometry(sectors: u64) -> Geometry {
        /// From this size on (1 GiB) the larger geometry is told.
        const LARGE: u64 = 0x20_0000;
        if sectors < LARGE {
            Geometry {
                heads: 64,
                sectors: 32,
            }
        } else {
            Geometry {
                heads: 255,
                sectors: 63,
            }
        }
    }
}

/// What the firmware calls a logical unit.
fn show_target(_: &Adapter, device: &scsi::Device, out: &mut dyn fmt::Write) -> fmt::Result {
    let at = device.address();
    match TargetAddress::from_scsi(at.channel, at.id, at.lun) {
        Some(target) => {
            let kind = match target.kind() {
                TargetKind::Logical => "logical",
                TargetKind::Physical => "physical",
            };
            writeln!(out, "{kind} {}", target.target())
        }
        None => writeln!(out, "none"),
    }
}

fn show_outstanding(adapter: &Adapter, _: &Device<Bound>, out: &mut dyn fmt::Write) -> fmt::Result {
    writeln!(out, "{}", adapter.in_flight.len())
}
