/*
 * mana: the Microsoft Azure Network Adapter, a PCI function
 *
 * Registers, PCI, properties, life cycle.  docs/specs/mana.rst describes what
 * the guest sees, and where that is known from.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/module.h"
#include "qapi/error.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "migration/vmstate.h"
#include "system/runstate.h"
#include "mana-internal.h"

#define MANA_PM_CAP_OFFSET      0x40
#define MANA_PCIE_CAP_OFFSET    0x80
#define MANA_BAR_REGS           0
#define MANA_BAR_MSIX           4

static uint32_t mana_reg_dword(Mana *s, hwaddr addr)
{
    switch (addr) {
    case GDMA_REG_VERSION:
        return 1 | 1u << 24;            /* 1.0.1 */
    case GDMA_REG_DB_ZONE_OFFSET:
        return MANA_DB_ZONE_OFFSET;
    case GDMA_REG_DB_PAGE_BYTES:
        return GDMA_PAGE_SIZE;
    case GDMA_REG_SHM_OFFSET:
        return MANA_SHM_OFFSET;
    case GDMA_REG_SHM_BYTES:
        return GDMA_SHM_BYTES;
    case MANA_SHM_OFFSET ... MANA_SHM_OFFSET + GDMA_SHM_BYTES - 1:
        return s->shm[(addr - MANA_SHM_OFFSET) / 4];
    default:
        return 0;
    }
}

static uint64_t mana_reg_read(void *opaque, hwaddr addr, unsigned size)
{
    Mana *s = opaque;
    hwaddr base = addr & ~3ull;
    uint64_t val = mana_reg_dword(s, base) |
                   (uint64_t)mana_reg_dword(s, base + 4) << 32;

    val = extract64(val, (addr & 3) * 8, MIN(size * 8, 64 - (addr & 3) * 8));
    trace_mana_reg_read(addr, size, val);
    return val;
}

static void mana_reg_write(void *opaque, hwaddr addr, uint64_t val,
                           unsigned size)
{
    Mana *s = opaque;

    trace_mana_reg_write(addr, size, val);
    if (addr % 4 || size < 4 || addr < MANA_SHM_OFFSET ||
        addr + size > MANA_SHM_OFFSET + GDMA_SHM_BYTES) {
        mana_guest_error(s, "write of %u bytes at 0x%" HWADDR_PRIx, size,
                         addr);
        return;
    }
    for (unsigned i = 0; i < size; i += 4) {
        gdma_shm_write(s, (addr - MANA_SHM_OFFSET + i) / 4, val >> (i * 8));
    }
}

static const MemoryRegionOps mana_reg_ops = {
    .read = mana_reg_read,
    .write = mana_reg_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};

static void mana_mod_timeout(void *opaque)
{
    gdma_release_held(opaque, false);
}

static void mana_late_timeout(void *opaque)
{
    Mana *s = opaque;

    for (uint32_t v = 0; v < s->vectors; v++) {
        if (test_and_clear_bit(v, s->late_vectors)) {
            msix_notify(&s->parent_obj, v);
        }
    }
}

/* Leave nothing under way that migration would have to carry */
static void mana_settle(Mana *s)
{
    gdma_take_doorbells(s);
    mana_rx_flush_all(s);
    gdma_release_held(s, true);
    mana_late_timeout(s);
}

static void mana_vm_state_change(void *opaque, bool running, RunState state)
{
    Mana *s = opaque;

    s->is_stopped = !running;
    if (s->is_loading) {
        /* a stream broke off, and the VM goes on all the same */
        gdma_hwc_destroy(s);
    }
    if (running) {
        s->rx_resume = true;
        mana_tx_wake(s);
        mana_link_update(s);
    } else {
        mana_settle(s);
    }
}

/*
 * A virtual function keeps its place in memory over an FLR: that is its physical
 * function's affair.  Linux' driver presumes it: after pcie_flr() it goes on
 * without a word to the PCI core, and its next probe finds the BARs as they were.
 */
static void mana_write_config(PCIDevice *dev, uint32_t addr, uint32_t val,
                              int len)
{
    uint32_t bars[MANA_BAR_MSIX + 1];
    uint16_t command;

    pci_default_write_config(dev, addr, val, len);
    if (!dev->exp.exp_cap ||
        !(pci_get_word(dev->config + dev->exp.exp_cap + PCI_EXP_DEVCTL) &
          PCI_EXP_DEVCTL_BCR_FLR)) {
        return;
    }
    memcpy(bars, dev->config + PCI_BASE_ADDRESS_0, sizeof(bars));
    command = pci_get_word(dev->config + PCI_COMMAND) & PCI_COMMAND_MEMORY;
    pcie_cap_flr_write_config(dev, addr, val, len);
    memcpy(dev->config + PCI_BASE_ADDRESS_0, bars, sizeof(bars));
    pci_default_write_config(dev, PCI_COMMAND, command, sizeof(command));
}

/* The function that 'pf' names; it has no other one beside it */
static bool mana_find_pf(Mana *s, Error **errp)
{
    DeviceState *dev;

    if (!s->pf_id) {
        return true;
    }
    dev = qdev_find_recursive(sysbus_get_default(), s->pf_id);
    if (!dev || !object_dynamic_cast(OBJECT(dev), TYPE_MANA) ||
        !dev->realized || MANA(dev) == s) {
        error_setg(errp, "there is no mana device '%s'", s->pf_id);
        return false;
    }
    if (MANA(dev)->pf || MANA(dev)->vf) {
        error_setg(errp, "'%s' has a second function already", s->pf_id);
        return false;
    }
    s->pf = MANA(dev);
    return true;
}

/* The end of what two functions share; each can be the first to go */
static void mana_part(Mana *s)
{
    if (s->pf && s->pf->vf == s) {
        s->pf->vf = NULL;
        s->pf->rx_resume = true;
        mana_kick(s->pf);
    }
    s->pf = NULL;
    if (s->vf) {
        for (uint32_t v = 0; v < s->vf->vport_count; v++) {
            s->vf->vports[v].wire = NULL;
        }
        s->vf->pf = NULL;
        mana_link_update(s->vf);
        s->vf = NULL;
    }
}

static bool mana_check_properties(Mana *s, Error **errp)
{
    s->vport_count = s->pf ? s->pf->vport_count : 1;
    for (uint32_t i = 0; i < MANA_MAX_VPORTS; i++) {
        if (s->conf[i].peers.ncs[0]) {
            if (s->pf) {
                error_setg(errp, "the wires are those of '%s': 'pf' and "
                           "'netdev' exclude each other", s->pf_id);
                return false;
            }
            s->vport_count = i + 1;
        }
    }
    if (s->num_queues < 1 || s->num_queues > MANA_MAX_QUEUES) {
        error_setg(errp, "'queues' must be from 1 to %d", MANA_MAX_QUEUES);
        return false;
    }
    if (s->vectors < 2 || s->vectors > 1024) {
        error_setg(errp, "'vectors' must be from 2 to 1024");
        return false;
    }
    if (s->mtu < MANA_MIN_MTU || s->mtu > MANA_MAX_MTU) {
        error_setg(errp, "'mtu' must be from %d to %d", MANA_MIN_MTU,
                   MANA_MAX_MTU);
        return false;
    }
    if (!is_power_of_2(s->indirection) ||
        s->indirection > MANA_MAX_INDIRECTION) {
        error_setg(errp, "'indirection-entries' must be a power of two, at "
                   "most %d", MANA_MAX_INDIRECTION);
        return false;
    }
    return true;
}

static bool mana_init_pci(Mana *s, Error **errp)
{
    PCIDevice *dev = &s->parent_obj;
    int ret;

    ret = pci_pm_init(dev, MANA_PM_CAP_OFFSET, errp);
    if (ret < 0) {
        return false;
    }
    pci_set_word(dev->config + ret + PCI_PM_PMC, PCI_PM_CAP_VER_1_2);
    pci_set_word(dev->config + ret + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
    pci_set_word(dev->wmask + ret + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);
    if (pci_bus_is_express(pci_get_bus(dev))) {
        ret = pcie_endpoint_cap_init(dev, MANA_PCIE_CAP_OFFSET);
        if (ret < 0) {
            error_setg(errp, "no room for the PCI Express capability");
            return false;
        }
        pcie_cap_flr_init(dev);
    }

    memory_region_init(&s->bar, OBJECT(s), "mana-bar", MANA_BAR_BYTES);
    memory_region_init_io(&s->regs, OBJECT(s), &mana_reg_ops, s, "mana-regs",
                          MANA_DB_ZONE_OFFSET);
    memory_region_add_subregion(&s->bar, 0, &s->regs);
    gdma_doorbells_map(s);
    pci_register_bar(dev, MANA_BAR_REGS, PCI_BASE_ADDRESS_SPACE_MEMORY |
                     PCI_BASE_ADDRESS_MEM_TYPE_64, &s->bar);

    if (msix_init_exclusive_bar(dev, s->vectors, MANA_BAR_MSIX, errp)) {
        return false;
    }
    for (uint32_t v = 0; v < s->vectors; v++) {
        msix_vector_use(dev, v);
    }
    return true;
}

static bool mana_init_vports(Mana *s, Error **errp)
{
    s->vports = g_new0(ManaVport, s->vport_count);
    for (uint32_t v = 0; v < s->vport_count; v++) {
        s->vports[v].s = s;
        s->vports[v].idx = v;
        mana_vport_reset(&s->vports[v]);
    }
    for (uint32_t v = 0; v < s->vport_count; v++) {
        if (!mana_net_init(&s->vports[v], errp)) {
            return false;
        }
    }
    return true;
}

static void mana_exit(PCIDevice *dev)
{
    Mana *s = MANA(dev);

    if (s->vm_state_entry) {
        qemu_del_vm_change_state_handler(s->vm_state_entry);
    }
    mana_part(s);
    if (s->vports) {
        gdma_hwc_destroy(s);
        for (uint32_t v = 0; v < s->vport_count; v++) {
            mana_net_free(&s->vports[v]);
        }
        g_clear_pointer(&s->vports, g_free);
    }
    gdma_queues_free(s);
    g_clear_pointer(&s->tx, g_free);
    g_clear_pointer(&s->rx_cut_buf, g_free);
    g_clear_pointer(&s->mod_timer, timer_free);
    g_clear_pointer(&s->late_timer, timer_free);
    g_clear_pointer(&s->flap_timer, timer_free);
    if (msix_present(dev)) {
        msix_uninit_exclusive_bar(dev);
    }
    /* each holds a reference to the device */
    if (memory_region_is_mapped(&s->regs)) {
        memory_region_del_subregion(&s->bar, &s->regs);
        memory_region_del_subregion(&s->bar, &s->doorbells);
    }
}

static void mana_realize(PCIDevice *dev, Error **errp)
{
    Mana *s = MANA(dev);

    if (!mana_find_pf(s, errp)) {
        return;
    }
    if (!mana_check_properties(s, errp)) {
        s->pf = NULL;
        return;
    }
    dev->config_write = mana_write_config;
    s->as = pci_get_address_space(dev);
    s->is_stopped = !runstate_is_running();
    s->mod_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, mana_mod_timeout, s);
    s->late_timer = timer_new_ms(QEMU_CLOCK_VIRTUAL, mana_late_timeout, s);
    s->flap_timer = timer_new_ms(QEMU_CLOCK_VIRTUAL, mana_link_unflap, s);
    gdma_queues_init(s);
    gdma_doorbells_init(s);
    s->next_handle = 1;
    if (!mana_init_pci(s, errp) || !mana_init_vports(s, errp)) {
        mana_exit(dev);
        return;
    }
    gdma_hwc_destroy(s);
    if (s->pf) {
        s->pf->vf = s;
    }
    s->vm_state_entry = qdev_add_vm_change_state_handler(DEVICE(s),
                                                         mana_vm_state_change,
                                                         s);
}

static void mana_reset_hold(Object *obj, ResetType type)
{
    Mana *s = MANA(obj);

    trace_mana_reset();
    gdma_hwc_destroy(s);
    /* the errors that a test asked for were meant for the driver before */
    s->inject = (ManaInject) { .flapping = s->inject.flapping };
    memset(s->shm, 0, sizeof(s->shm));
    for (uint32_t v = 0; v < s->vport_count; v++) {
        memset(s->vports[v].stat, 0, sizeof(s->vports[v].stat));
    }
}

static void mana_instance_init(Object *obj)
{
    Mana *s = MANA(obj);

    QTAILQ_INIT(&s->regions);
    /* 4 KB of configuration space; on a conventional bus the rest is unused */
    s->parent_obj.cap_present |= QEMU_PCI_CAP_EXPRESS;
}

static void mana_instance_finalize(Object *obj)
{
    gdma_doorbells_free(MANA(obj));
}

static const Property mana_properties[] = {
    DEFINE_NIC_PROPERTIES(Mana, conf[0]),
    DEFINE_PROP_MACADDR("mac1", Mana, conf[1].macaddr),
    DEFINE_PROP_NETDEV("netdev1", Mana, conf[1].peers),
    DEFINE_PROP_MACADDR("mac2", Mana, conf[2].macaddr),
    DEFINE_PROP_NETDEV("netdev2", Mana, conf[2].peers),
    DEFINE_PROP_MACADDR("mac3", Mana, conf[3].macaddr),
    DEFINE_PROP_NETDEV("netdev3", Mana, conf[3].peers),
    DEFINE_PROP_MACADDR("mac4", Mana, conf[4].macaddr),
    DEFINE_PROP_NETDEV("netdev4", Mana, conf[4].peers),
    DEFINE_PROP_MACADDR("mac5", Mana, conf[5].macaddr),
    DEFINE_PROP_NETDEV("netdev5", Mana, conf[5].peers),
    DEFINE_PROP_MACADDR("mac6", Mana, conf[6].macaddr),
    DEFINE_PROP_NETDEV("netdev6", Mana, conf[6].peers),
    DEFINE_PROP_MACADDR("mac7", Mana, conf[7].macaddr),
    DEFINE_PROP_NETDEV("netdev7", Mana, conf[7].peers),
    DEFINE_PROP_MACADDR("mac8", Mana, conf[8].macaddr),
    DEFINE_PROP_NETDEV("netdev8", Mana, conf[8].peers),
    DEFINE_PROP_MACADDR("mac9", Mana, conf[9].macaddr),
    DEFINE_PROP_NETDEV("netdev9", Mana, conf[9].peers),
    DEFINE_PROP_MACADDR("mac10", Mana, conf[10].macaddr),
    DEFINE_PROP_NETDEV("netdev10", Mana, conf[10].peers),
    DEFINE_PROP_MACADDR("mac11", Mana, conf[11].macaddr),
    DEFINE_PROP_NETDEV("netdev11", Mana, conf[11].peers),
    DEFINE_PROP_MACADDR("mac12", Mana, conf[12].macaddr),
    DEFINE_PROP_NETDEV("netdev12", Mana, conf[12].peers),
    DEFINE_PROP_MACADDR("mac13", Mana, conf[13].macaddr),
    DEFINE_PROP_NETDEV("netdev13", Mana, conf[13].peers),
    DEFINE_PROP_MACADDR("mac14", Mana, conf[14].macaddr),
    DEFINE_PROP_NETDEV("netdev14", Mana, conf[14].peers),
    DEFINE_PROP_MACADDR("mac15", Mana, conf[15].macaddr),
    DEFINE_PROP_NETDEV("netdev15", Mana, conf[15].peers),
    DEFINE_PROP_STRING("pf", Mana, pf_id),
    DEFINE_PROP_UINT32("queues", Mana, num_queues, MANA_MAX_QUEUES),
    DEFINE_PROP_UINT32("vectors", Mana, vectors, MANA_MAX_QUEUES + 1),
    DEFINE_PROP_UINT32("mtu", Mana, mtu, MANA_MAX_MTU),
    DEFINE_PROP_UINT32("indirection-entries", Mana, indirection,
                       MANA_DEFAULT_INDIRECTION),
    DEFINE_PROP_UINT32("link-speed-mbps", Mana, speed_mbps, 200000),
};
QEMU_BUILD_BUG_ON(MANA_MAX_VPORTS != 16);

static void mana_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    pc->realize = mana_realize;
    pc->exit = mana_exit;
    pc->vendor_id = GDMA_PCI_VENDOR_ID;
    pc->device_id = GDMA_PCI_DEVICE_ID_VF;
    pc->subsystem_vendor_id = GDMA_PCI_VENDOR_ID;
    pc->subsystem_id = GDMA_PCI_DEVICE_ID_PF;
    pc->revision = 1;
    pc->class_id = PCI_CLASS_NETWORK_ETHERNET;
    dc->desc = "Microsoft Azure Network Adapter";
    dc->vmsd = &vmstate_mana;
    set_bit(DEVICE_CATEGORY_NETWORK, dc->categories);
    device_class_set_props(dc, mana_properties);
    rc->phases.hold = mana_reset_hold;

    object_class_property_set_description(klass, "pf",
        "Another mana device: this is a second function on its wires");
    object_class_property_set_description(klass, "queues",
        "Pairs of SQ and RQ of each vport");
    object_class_property_set_description(klass, "vectors",
        "MSI-X vectors");
    object_class_property_set_description(klass, "mtu",
        "Longest MTU the driver may set");
    object_class_property_set_description(klass, "indirection-entries",
        "Length of the RSS table the driver is told to use");
    object_class_property_set_description(klass, "link-speed-mbps",
        "Speed the driver is told");
}

static const TypeInfo mana_types[] = {
    {
        .name = TYPE_MANA,
        .parent = TYPE_PCI_DEVICE,
        .instance_size = sizeof(Mana),
        .instance_init = mana_instance_init,
        .instance_finalize = mana_instance_finalize,
        .class_init = mana_class_init,
        .interfaces = (InterfaceInfo[]) {
            { INTERFACE_PCIE_DEVICE },
            { INTERFACE_CONVENTIONAL_PCI_DEVICE },
            { }
        },
    },
};

DEFINE_TYPES(mana_types)
