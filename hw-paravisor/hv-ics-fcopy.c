/*
 * hv-ic-fcopy: copy files of the host into the guest
 *
 * Linux up to 6.9 serves it in hv_utils with hv_fcopy_daemon, later ones by
 * hv_fcopy_uio_daemon alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-hyperv.h"
#include "qemu/bswap.h"
#include "qemu/module.h"
#include "ics-internal.h"
#include "ics-kvp-core.h"

#define HV_IC_FCOPY_TIMEOUT_S   60

OBJECT_DECLARE_SIMPLE_TYPE(HvIcFcopy, HV_IC_FCOPY)

struct HvIcFcopy {
    HvIc parent_obj;
};

static const HvIcProtocol hv_ic_fcopy_protocol = {
    .msg_type = HV_IC_MSG_FCOPY,
    .framework_count = 1,
    .frameworks = { { 3, 0 } },
    .message_count = 1,
    .messages = { { 1, 1 } },
};

/* The monitor waits for a command: a slow guest must not hold it part by part */
static bool coroutine_fn hv_ic_fcopy_call(HvIc *ic, const char *what,
                                          const void *body,
                                          uint32_t body_bytes,
                                          int64_t deadline_ms,
                                          HvIcAnswer *answer, Error **errp)
{
    int64_t left_ms = deadline_ms - qemu_clock_get_ms(QEMU_CLOCK_REALTIME);

    return hv_ic_call_ok(ic, what, body, body_bytes, MAX(left_ms, 0), answer,
                         errp);
}

static bool coroutine_fn hv_ic_fcopy_start(HvIc *ic, const char *directory,
                                           const char *name, uint32_t flags,
                                           uint64_t file_bytes,
                                           int64_t deadline_ms,
                                           HvIcAnswer *answer, Error **errp)
{
    HvIcFcopyStartWire wire = {
        .hdr.operation = cpu_to_le32(HV_IC_FCOPY_START),
        .flags = cpu_to_le32(flags),
        .file_bytes = cpu_to_le64(file_bytes),
    };

    /* Linux's daemon makes the folders that end in a slash */
    g_autofree char *path = *directory == '/' && !g_str_has_suffix(directory,
                                                                   "/")
        ? g_strconcat(directory, "/", NULL) : g_strdup(directory);

    if (hv_ic_utf16_put(wire.file_name, sizeof(wire.file_name), name) <= 2 ||
        hv_ic_utf16_put(wire.path_name, sizeof(wire.path_name), path) <= 2) {
        error_setg(errp, "name or directory is empty, too long, or not UTF-8");
        return false;
    }
    return hv_ic_fcopy_call(ic, "the file", &wire, sizeof(wire), deadline_ms,
                            answer, errp);
}

/* The file's bytes, in order; false and @errp set at the first that fail */
static bool coroutine_fn hv_ic_fcopy_data(HvIc *ic, int fd,
                                          uint64_t file_bytes,
                                          int64_t deadline_ms,
                                          HvIcAnswer *answer, Error **errp)
{
    g_autofree HvIcFcopyWriteWire *wire = g_new0(HvIcFcopyWriteWire, 1);
    uint64_t done_bytes = 0;

    wire->hdr.operation = cpu_to_le32(HV_IC_FCOPY_WRITE);
    while (done_bytes < file_bytes) {
        size_t want = MIN(file_bytes - done_bytes, sizeof(wire->data));
        ssize_t got = RETRY_ON_EINTR(read(fd, wire->data, want));

        if (got <= 0) {
            error_setg(errp, "cannot read the file: %s",
                       got ? strerror(errno) : "it became shorter");
            return false;
        }
        wire->offset_bytes = cpu_to_le64(done_bytes);
        wire->data_bytes = cpu_to_le32(got);
        if (!hv_ic_fcopy_call(ic, "a part of the file", wire,
                              HV_IC_FCOPY_WRITE_BYTES, deadline_ms, answer,
                              errp)) {
            return false;
        }
        done_bytes += got;
    }
    return true;
}

static bool coroutine_fn hv_ic_fcopy_end(HvIc *ic, uint32_t operation,
                                         int64_t deadline_ms,
                                         HvIcAnswer *answer, Error **errp)
{
    HvIcFcopyWire wire = { .operation = cpu_to_le32(operation) };

    return hv_ic_fcopy_call(ic, "the end of the file", &wire, sizeof(wire),
                            deadline_ms, answer, errp);
}

void coroutine_fn qmp_hv_copy_file(const char *source, const char *directory,
                                   const char *name, bool has_overwrite,
                                   bool overwrite, bool has_create_directory,
                                   bool create_directory, bool has_timeout,
                                   uint32_t timeout, Error **errp)
{
    g_autofree HvIcAnswer *answer = g_new(HvIcAnswer, 1);
    g_autofree char *base = g_path_get_basename(source);
    HvIc *ic = hv_ic_find(TYPE_HV_IC_FCOPY, errp);
    int64_t deadline_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) +
        (has_timeout ? timeout : HV_IC_FCOPY_TIMEOUT_S) * 1000LL;
    uint32_t flags = (overwrite ? HV_IC_FCOPY_OVERWRITE : 0) |
                     (create_directory ? HV_IC_FCOPY_CREATE_PATH : 0);
    struct stat st;
    int fd;

    if (!ic) {
        return;
    }
    /* not waiting for the writer of a FIFO */
    fd = qemu_open(source, O_RDONLY | O_BINARY | O_NONBLOCK, errp);
    if (fd < 0) {
        return;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        error_setg(errp, "'%s' is not a regular file", source);
        qemu_close(fd);
        return;
    }
    object_ref(OBJECT(ic));
    if (hv_ic_fcopy_start(ic, directory, name ? name : base, flags, st.st_size,
                          deadline_ms, answer, errp)) {
        if (!hv_ic_fcopy_data(ic, fd, st.st_size, deadline_ms, answer, errp)) {
            hv_ic_fcopy_end(ic, HV_IC_FCOPY_CANCEL, deadline_ms, answer, NULL);
        } else {
            hv_ic_fcopy_end(ic, HV_IC_FCOPY_COMPLETE, deadline_ms, answer,
                            errp);
        }
    }
    object_unref(OBJECT(ic));
    qemu_close(fd);
}

static const VMStateDescription vmstate_hv_ic_fcopy = {
    .name = TYPE_HV_IC_FCOPY,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_HV_IC(parent_obj, HvIcFcopy),
        VMSTATE_END_OF_LIST()
    }
};

static void hv_ic_fcopy_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    HvIcClass *k = HV_IC_CLASS(klass);

    dc->desc = "Hyper-V integration service: file copy";
    dc->vmsd = &vmstate_hv_ic_fcopy;
    HVBUS_DEVICE_CLASS(klass)->if_type = (QemuUUID) {
        .data = UUID(0x34d14be3, 0xdee4, 0x41c8, 0x9a, 0xe7,
                     0x6b, 0x17, 0x49, 0x77, 0xc1, 0x92)
    };
    k->instance_id = (QemuUUID) {
        .data = UUID(0xeb765408, 0x105f, 0x49b6, 0xb4, 0xaa,
                     0xc1, 0x23, 0xb6, 0x4d, 0x17, 0xd4)
    };
    k->protocol = &hv_ic_fcopy_protocol;
}

static const TypeInfo hv_ic_fcopy_types[] = {
    {
        .name = TYPE_HV_IC_FCOPY,
        .parent = TYPE_HV_IC,
        .instance_size = sizeof(HvIcFcopy),
        .class_init = hv_ic_fcopy_class_init,
    },
};

DEFINE_TYPES(hv_ic_fcopy_types)
