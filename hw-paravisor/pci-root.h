/*
 * What the PCI roots of hv-pci and the paravisor share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef PCI_ROOT_H
#define PCI_ROOT_H

#include "hw/qdev-core.h"

/*
 * Put the host bridge @dev behind the others of its bus.  A -device that names no
 * bus gets the first that fits, and that is to be the board's.  BQL
 */
void pci_root_move_last(DeviceState *dev);

#endif /* PCI_ROOT_H */
