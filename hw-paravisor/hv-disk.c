/*
 * hv-disk: a SCSI disk whose blocks are NVMe namespaces of the paravisor's
 *
 * It is a scsi-hd that finds its own block node: one namespace, or several that
 * are striped.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qapi/qapi-builtin-visit.h"
#include "qemu/cutils.h"
#include "qemu/module.h"
#include "qemu/units.h"
#include "hw/pci/pci_device.h"
#include "hw/qdev-properties.h"
#include "hw/sysbus.h"
#include "system/block-backend.h"
#include "system/replay.h"
#include "nvme-drv.h"
#include "storvsp-internal.h"

#define TYPE_HV_DISK "hv-disk"
#define TYPE_HV_DISK_VOLUME "hv-disk-volume"
OBJECT_DECLARE_SIMPLE_TYPE(HvDiskVolume, HV_DISK_VOLUME)

#define HV_DISK_MAX_MEMBERS     16
#define HV_DISK_STRIPE_BYTES    (64 * KiB)

/* What an hv-disk has beyond a scsi-hd, whose struct is private to QEMU */
struct HvDiskVolume {
    Object parent_obj;

    /* properties */
    strList *nvme;                      /* controllers, with :nsid if several */
    uint32_t nsid;                      /* 0: not given */
    uint64_t stripe_bytes;              /* 0: not given */
};

static HvDiskVolume *hv_disk_volume(SCSIDevice *dev)
{
    return HV_DISK_VOLUME(object_resolve_path_component(OBJECT(dev),
                                                        "volume"));
}

/* The controller named in @ref, and the namespace: after a colon, or nsid= */
static PCIDevice *hv_disk_find(HvDiskVolume *v, const char *ref,
                               uint32_t *nsid, Error **errp)
{
    const char *colon = strchr(ref, ':');
    g_autofree char *id = g_strndup(ref, colon ? colon - ref : strlen(ref));
    DeviceState *dev = qdev_find_recursive(sysbus_get_default(), id);
    unsigned int val = v->nsid;

    if (colon && (v->nsid || qemu_strtoui(colon + 1, NULL, 10, &val) < 0)) {
        error_setg(errp, v->nsid ? "'nvme=%s' has the namespace, leave out nsid="
                   : "'nvme=%s' must be of the form ID:NSID", ref);
        return NULL;
    }
    if (!val || val == UINT32_MAX) {
        error_setg(errp, "which namespace of '%s'? Set nsid=1 or the like", id);
        return NULL;
    }
    if (!dev) {
        error_setg(errp, "there is no device '%s'; put '-device nvme,id=%s,"
                   "bus=vtl2.0,...' before the disk", id, id);
        return NULL;
    }
    if (!object_dynamic_cast(OBJECT(dev), TYPE_PCI_DEVICE)) {
        error_setg(errp, "'%s' is a %s, no NVMe controller", id,
                   object_get_typename(OBJECT(dev)));
        return NULL;
    }
    *nsid = val;
    return PCI_DEVICE(dev);
}

/* The caller owns a reference */
static BlockDriverState *hv_disk_open(HvDiskVolume *v, Error **errp)
{
    BlockDriverState *members[HV_DISK_MAX_MEMBERS];
    BlockDriverState *bs = NULL;
    unsigned int count = 0;
    bool ok = true;

    for (strList *l = v->nvme; l && ok; l = l->next) {
        PCIDevice *dev;
        uint32_t nsid;

        if (count == HV_DISK_MAX_MEMBERS) {
            error_setg(errp, "'nvme' may name %u namespaces at most",
                       HV_DISK_MAX_MEMBERS);
            ok = false;
            break;
        }
        dev = hv_disk_find(v, l->value, &nsid, errp);
        members[count] = dev ? nvme_drv_open_namespace(dev, nsid, errp) : NULL;
        ok = members[count];
        count += ok;
    }
    if (ok && count == 1) {
        return members[0];
    }
    if (ok) {
        bs = nvme_stripe_open(members, count,
                              v->stripe_bytes ?: HV_DISK_STRIPE_BYTES, errp);
    }
    while (count) {
        bdrv_unref(members[--count]);
    }
    return bs;
}

static bool hv_disk_check(SCSIDevice *dev, HvDiskVolume *v, Error **errp)
{
    DeviceState *parent = qdev_get_parent_bus(DEVICE(dev))->parent;
    HvScsi *s = (HvScsi *)object_dynamic_cast(OBJECT(parent), TYPE_HV_SCSI);

    if (!s) {
        error_setg(errp, "hv-disk is a disk of hv-scsi, not of %s; use scsi-hd "
                   "there", object_get_typename(OBJECT(parent)));
        return false;
    }
    if (s->iothread || s->iothread_map) {
        error_setg(errp, "the NVMe driver of hv-disk works in the main loop, "
                   "its hv-scsi has an IOThread; leave out iothread= and "
                   "iothread-vq-mapping=");
        return false;
    }
    if (dev->conf.blk) {
        error_setg(errp, "hv-disk takes nvme=, not drive=; use scsi-hd for a "
                   "drive");
        return false;
    }
    if (!v->nvme) {
        error_setg(errp, "hv-disk needs nvme=, the id of an nvme device on "
                   "vtl2.0");
        return false;
    }
    if (v->stripe_bytes && !v->nvme->next) {
        error_setg(errp, "'stripe' is for several namespaces, nvme= names one");
        return false;
    }
    return true;
}

/* Let go of the node now, not when the device is freed, maybe elsewhere */
static void hv_disk_close(SCSIDevice *dev)
{
    if (dev->conf.blk && blk_bs(dev->conf.blk)) {
        blk_remove_bs(dev->conf.blk);
    }
}

static SCSIDeviceClass *hv_disk_parent(void)
{
    return SCSI_DEVICE_CLASS(object_class_by_name("scsi-hd"));
}

static void hv_disk_realize(SCSIDevice *dev, Error **errp)
{
    ERRP_GUARD();
    HvDiskVolume *v = hv_disk_volume(dev);
    BlockDriverState *bs;

    if (replay_mode != REPLAY_MODE_NONE) {
        /* QEMU's nvme completes at an instruction that is in no log */
        error_setg(errp, "hv-disk does not work with record and replay; use a "
                   "scsi-hd");
        return;
    }
    if (!hv_disk_check(dev, v, errp)) {
        return;
    }
    bs = hv_disk_open(v, errp);
    if (!bs) {
        return;
    }
    if (object_property_set_str(OBJECT(dev), "drive", bdrv_get_node_name(bs),
                                errp)) {
        hv_disk_parent()->realize(dev, errp);
    }
    bdrv_unref(bs);
    if (*errp) {
        hv_disk_close(dev);
    }
}

static void hv_disk_unrealize(SCSIDevice *dev)
{
    hv_disk_parent()->unrealize(dev);
    hv_disk_close(dev);
}

static void hv_disk_instance_init(Object *obj)
{
    Object *v = object_new(TYPE_HV_DISK_VOLUME);

    object_property_add_child(obj, "volume", v);
    object_unref(v);
    object_property_add_alias(obj, "nvme", v, "nvme");
    object_property_add_alias(obj, "nsid", v, "nsid");
    object_property_add_alias(obj, "stripe", v, "stripe");
}

static void hv_disk_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    SCSIDeviceClass *sc = SCSI_DEVICE_CLASS(klass);

    dc->desc = "SCSI disk on NVMe namespaces of the paravisor";
    sc->realize = hv_disk_realize;
    sc->unrealize = hv_disk_unrealize;
}

static void hv_disk_volume_get_nvme(Object *obj, Visitor *visitor,
                                    const char *name, void *opaque,
                                    Error **errp)
{
    HvDiskVolume *v = HV_DISK_VOLUME(obj);

    visit_type_strList(visitor, name, &v->nvme, errp);
}

/* A list, or a string of one or several with + between */
static void hv_disk_volume_set_nvme(Object *obj, Visitor *visitor,
                                    const char *name, void *opaque,
                                    Error **errp)
{
    HvDiskVolume *v = HV_DISK_VOLUME(obj);
    GenericAlternate *alt = NULL;
    strList *list = NULL;
    char *str = NULL;
    QType type;

    if (!visit_start_alternate(visitor, name, &alt, sizeof(*alt), errp)) {
        return;
    }
    type = alt->type;
    if (type == QTYPE_QLIST) {
        visit_type_strList(visitor, name, &list, errp);
    } else if (visit_type_str(visitor, name, &str, errp)) {
        g_auto(GStrv) parts = g_strsplit(str, "+", -1);
        strList **tail = &list;

        for (char **p = parts; *p; p++) {
            QAPI_LIST_APPEND(tail, g_strdup(*p));
        }
        g_free(str);
    }
    visit_end_alternate(visitor, (void **)&alt);
    g_free(alt);
    qapi_free_strList(v->nvme);
    v->nvme = list;
}

static void hv_disk_volume_get_stripe(Object *obj, Visitor *visitor,
                                      const char *name, void *opaque,
                                      Error **errp)
{
    visit_type_size(visitor, name, &HV_DISK_VOLUME(obj)->stripe_bytes, errp);
}

static void hv_disk_volume_set_stripe(Object *obj, Visitor *visitor,
                                      const char *name, void *opaque,
                                      Error **errp)
{
    uint64_t val;

    if (!visit_type_size(visitor, name, &val, errp)) {
        return;
    }
    if (!is_power_of_2(val) || val < 4 * KiB || val > 16 * MiB) {
        error_setg(errp, "'stripe' must be a power of two from 4K to 16M");
        return;
    }
    HV_DISK_VOLUME(obj)->stripe_bytes = val;
}

static void hv_disk_volume_finalize(Object *obj)
{
    qapi_free_strList(HV_DISK_VOLUME(obj)->nvme);
}

static void hv_disk_volume_init(Object *obj)
{
    HvDiskVolume *v = HV_DISK_VOLUME(obj);

    object_property_add_uint32_ptr(obj, "nsid", &v->nsid,
                                   OBJ_PROP_FLAG_READWRITE);
    object_property_set_description(obj, "nsid",
        "Namespace of the controller");
}

static void hv_disk_volume_class_init(ObjectClass *klass, void *data)
{
    object_class_property_add(klass, "nvme", "str or list of str",
                              hv_disk_volume_get_nvme, hv_disk_volume_set_nvme,
                              NULL, NULL);
    object_class_property_set_description(klass, "nvme",
        "NVMe controller on vtl2.0; ID:NSID+ID:NSID... to stripe");
    object_class_property_add(klass, "stripe", "size",
                              hv_disk_volume_get_stripe,
                              hv_disk_volume_set_stripe, NULL, NULL);
    object_class_property_set_description(klass, "stripe",
        "Bytes on one namespace before the next (default: 64K)");
}

static const TypeInfo hv_disk_types[] = {
    {
        .name = TYPE_HV_DISK_VOLUME,
        .parent = TYPE_OBJECT,
        .instance_size = sizeof(HvDiskVolume),
        .instance_init = hv_disk_volume_init,
        .instance_finalize = hv_disk_volume_finalize,
        .class_init = hv_disk_volume_class_init,
    },
    {
        .name = TYPE_HV_DISK,
        .parent = "scsi-hd",
        .instance_init = hv_disk_instance_init,
        .class_init = hv_disk_class_init,
    },
};

DEFINE_TYPES(hv_disk_types)
