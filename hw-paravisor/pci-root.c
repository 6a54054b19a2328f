/*
 * What the PCI roots of hv-pci and the paravisor share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/rcu_queue.h"
#include "pci-root.h"

void pci_root_move_last(DeviceState *dev)
{
    BusState *bus = qdev_get_parent_bus(dev);
    BusChild *kid;

    WITH_RCU_READ_LOCK_GUARD() {
        QTAILQ_FOREACH_RCU(kid, &bus->children, sibling) {
            if (kid->child == dev) {
                break;
            }
        }
    }
    if (kid) {
        QTAILQ_REMOVE_RCU(&bus->children, kid, sibling);
        QTAILQ_INSERT_TAIL_RCU(&bus->children, kid, sibling);
    }
}
