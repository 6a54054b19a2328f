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
#else
static inline void hvbus_build_aml(Aml *table)
{
}
#endif

#endif /* VMBUS_MACHINE_H */
