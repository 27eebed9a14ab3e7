// SPDX-License-Identifier: GPL-2.0
/*
 * Device-mapper targets that send everything to one device after the other and know nothing of them:
 * what is left of a map's cost when a target's own is taken away, by requests and by bios.
 *
 *   0 SECTORS floor-rq MAJ:MIN...
 *   0 SECTORS floor-bio MAJ:MIN...
 *
 * They do what dm-multipath does to a request or bio that has its path, in the same order.
 */

#include <linux/bio.h>
#include <linux/blk-mq.h>
#include <linux/device-mapper.h>
#include <linux/module.h>
#include <linux/slab.h>

/* As much as dm-multipath keeps with an I/O. */
struct per_io {
	void *path;
	size_t bytes;
	u64 start;
};

struct devices {
	unsigned int next, count;
	struct dm_dev *dev[];
};

static void floor_dtr(struct dm_target *ti)
{
	struct devices *devices = ti->private;

	while (devices->count)
		dm_put_device(ti, devices->dev[--devices->count]);
	kfree(devices);
}

static int floor_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct devices *devices;
	int error;

	if (!argc)
		return -EINVAL;
	devices = kzalloc(struct_size(devices, dev, argc), GFP_KERNEL);
	if (!devices)
		return -ENOMEM;
	ti->private = devices;
	for (; devices->count < argc; devices->count++) {
		error = dm_get_device(ti, argv[devices->count], dm_table_get_mode(ti->table),
				      &devices->dev[devices->count]);
		if (error) {
			floor_dtr(ti);
			return error;
		}
	}
	ti->per_io_data_size = sizeof(struct per_io);
	return 0;
}

/* Benchmarks have one processor: who comes between loses a turn, no more. */
static struct block_device *floor_next(struct dm_target *ti)
{
	struct devices *devices = ti->private;
	unsigned int next = READ_ONCE(devices->next);

	WRITE_ONCE(devices->next, next + 1 < devices->count ? next + 1 : 0);
	return devices->dev[next]->bdev;
}

static int floor_clone_and_map_rq(struct dm_target *ti, struct request *rq,
				  union map_info *info, struct request **into)
{
	struct request *clone;

	clone = blk_mq_alloc_request(bdev_get_queue(floor_next(ti)), rq->cmd_flags | REQ_NOMERGE,
				     BLK_MQ_REQ_NOWAIT);
	if (IS_ERR(clone))
		return DM_MAPIO_REQUEUE;
	clone->bio = clone->biotail = NULL;
	clone->cmd_flags |= REQ_FAILFAST_TRANSPORT;
	*into = clone;
	return DM_MAPIO_REMAPPED;
}

static void floor_release_clone_rq(struct request *clone, union map_info *info)
{
	blk_mq_free_request(clone);
}

static int floor_map(struct dm_target *ti, struct bio *bio)
{
	bio->bi_status = 0;
	bio_set_dev(bio, floor_next(ti));
	bio->bi_opf |= REQ_FAILFAST_TRANSPORT;
	return DM_MAPIO_REMAPPED;
}

static int floor_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn callout,
				 void *data)
{
	struct devices *devices = ti->private;
	unsigned int i;
	int answer = 0;

	for (i = 0; i < devices->count && !answer; i++)
		answer = callout(ti, devices->dev[i], 0, ti->len, data);
	return answer;
}

static struct target_type by_requests = {
	.name = "floor-rq",
	.version = {1, 0, 0},
	.features = DM_TARGET_SINGLETON | DM_TARGET_IMMUTABLE,
	.module = THIS_MODULE,
	.ctr = floor_ctr,
	.dtr = floor_dtr,
	.clone_and_map_rq = floor_clone_and_map_rq,
	.release_clone_rq = floor_release_clone_rq,
	.iterate_devices = floor_iterate_devices,
};

static struct target_type by_bios = {
	.name = "floor-bio",
	.version = {1, 0, 0},
	.features = DM_TARGET_SINGLETON,
	.module = THIS_MODULE,
	.ctr = floor_ctr,
	.dtr = floor_dtr,
	.map = floor_map,
	.iterate_devices = floor_iterate_devices,
};

static int __init floor_init(void)
{
	int error = dm_register_target(&by_requests);

	if (error)
		return error;
	error = dm_register_target(&by_bios);
	if (error)
		dm_unregister_target(&by_requests);
	return error;
}

static void __exit floor_exit(void)
{
	dm_unregister_target(&by_bios);
	dm_unregister_target(&by_requests);
}

module_init(floor_init);
module_exit(floor_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Device-mapper targets that decide nothing, for benchmarks");
