/*
 * VMBus: what the board needs from it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VMBUS_MACHINE_H
#define VMBUS_MACHINE_H

#include CONFIG_DEVICES

#ifdef CONFIG_HVBUS
/* Append the bridge's ACPI device to @table; nothing if there is no bridge */
void hvbus_build_aml(Aml *table);
/* Add the bridge's windows below 4 GiB to the CrsRangeEntry that PCI leaves out */
void hvbus_reserve_windows(GPtrArray *ranges);
#else
static inline void hvbus_build_aml(Aml *table)
{
}

static inline void hvbus_reserve_windows(GPtrArray *ranges)
{
}
#endif

#endif /* VMBUS_MACHINE_H */
