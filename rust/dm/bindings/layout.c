// SPDX-License-Identifier: GPL-2.0

#include "../../layout.h"
#include "bindings_helper.h"

void layout(void);
void layout(void)
{
	SIZE(bio_integrity_payload);
	AT(bio_integrity_payload, bip_iter);
}
