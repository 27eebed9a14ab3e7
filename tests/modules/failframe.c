// SPDX-License-Identifier: GPL-2.0
/*
 * Makes the emulated controller refuse or lose frames of a MegaRAID driver in Rust:
 *
 *   insmod failframe.ko command=5 opcode=0x03010100 how=refuse
 *
 * makes it answer each such frame with an error: what the frame asks for becomes something that the
 * firmware does not know, just before the doorbell rings. With how=lose the doorbell does not ring: the
 * frame is never answered. The parameter `hits` counts these frames, also with how=count, which leaves
 * them as they are.
 *
 * The doorbell is the register at 0x40; it is given the frame's bus address, whose low bits are not part of
 * it. Where an IOMMU translates that, it does so for the only controller that there may be.
 */

#include <linux/atomic.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/ptrace.h>
#include <linux/string.h>

#define DOORBELL	0x40
#define FRAME_COMMAND	0x00
#define FRAME_OPCODE	0x18
#define UNKNOWN		0x7f

static unsigned int command;
module_param(command, uint, 0444);
MODULE_PARM_DESC(command, "the first byte of the frames");

static unsigned int opcode;
module_param(opcode, uint, 0444);
MODULE_PARM_DESC(opcode, "the opcode of the frames, if they have one (0: any)");

static unsigned int at = 1;
module_param(at, uint, 0444);
MODULE_PARM_DESC(at, "which of them is the first to fail, from 1");

static unsigned int until = UINT_MAX;
module_param(until, uint, 0444);
MODULE_PARM_DESC(until, "and which the last");

static char *how = "refuse";
module_param(how, charp, 0444);
MODULE_PARM_DESC(how, "refuse, lose or count");

static unsigned int hits;
module_param(hits, uint, 0444);
MODULE_PARM_DESC(hits, "how many such frames there were");

static atomic_t count = ATOMIC_INIT(0);

static struct pci_dev *controller;
/* What translates the controller's addresses; none where they are physical. */
static struct iommu_domain *domain;

/* In place of the register's write. */
static noinline void not_written(void)
{
}

/* rust_helper_writel(value, address) */
static int entered(struct kprobe *probe, struct pt_regs *regs)
{
	dma_addr_t bus = regs->di & ~0x1fUL & U32_MAX;
	unsigned int number;
	phys_addr_t phys;
	u8 *frame;

	if (offset_in_page(regs->si) != DOORBELL)
		return 0;
	phys = domain ? iommu_iova_to_phys(domain, bus) : bus;
	if (!phys || !pfn_valid(PHYS_PFN(phys)))
		return 0;
	frame = phys_to_virt(phys);
	if (frame[FRAME_COMMAND] != command)
		return 0;
	if (opcode && *(u32 *)(frame + FRAME_OPCODE) != opcode)
		return 0;
	number = atomic_inc_return(&count);
	WRITE_ONCE(hits, number);
	if (number < at || number > until)
		return 0;
	if (!strcmp(how, "refuse"))
		frame[FRAME_COMMAND] = UNKNOWN;
	if (strcmp(how, "lose"))
		return 0;
	instruction_pointer_set(regs, (unsigned long)not_written);
	return 1;
}
NOKPROBE_SYMBOL(entered);

static struct kprobe probe = {
	.symbol_name = "rust_helper_writel",
	.pre_handler = entered,
};

static int __init failframe_init(void)
{
	struct pci_dev *other;
	int err;

	if (strcmp(how, "refuse") && strcmp(how, "lose") && strcmp(how, "count"))
		return -EINVAL;
	controller = pci_get_device(PCI_VENDOR_ID_LSI_LOGIC, PCI_ANY_ID, NULL);
	if (!controller)
		return -ENODEV;
	domain = iommu_get_domain_for_dev(&controller->dev);
	if (domain) {
		/* The search drops the reference that it begins with. */
		other = pci_get_device(PCI_VENDOR_ID_LSI_LOGIC, PCI_ANY_ID, pci_dev_get(controller));
		if (other) {
			pci_dev_put(other);
			pci_dev_put(controller);
			return -EOPNOTSUPP;
		}
	}
	err = register_kprobe(&probe);
	if (err)
		pci_dev_put(controller);
	return err;
}

static void __exit failframe_exit(void)
{
	unregister_kprobe(&probe);
	pci_dev_put(controller);
}

module_init(failframe_init);
module_exit(failframe_exit);

MODULE_DESCRIPTION("Makes the emulated controller refuse or lose frames, for tests");
MODULE_AUTHOR("The Ironpath developers");
MODULE_LICENSE("GPL");
