/*
 * What a test has on the host for a guest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "guest-host.h"

#define TIMEOUT_US          (30 * 1000 * 1000)
#define INCOMING_PREFIX     "-incoming unix:"

void guest_ram_map(GuestRam *ram, size_t bytes)
{
    g_autofree char *path = NULL;

    ram->bytes = bytes;
    ram->fd = g_file_open_tmp("guest-ram-XXXXXX", &path, NULL);
    g_assert_cmpint(ram->fd, >=, 0);
    unlink(path);
    g_assert_cmpint(ftruncate(ram->fd, bytes), ==, 0);
    g_assert_cmpint(fcntl(ram->fd, F_SETFD, 0), ==, 0);
    ram->ptr = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ram->fd, 0);
    g_assert(ram->ptr != MAP_FAILED);
}

void guest_ram_unmap(GuestRam *ram)
{
    munmap(ram->ptr, ram->bytes);
    close(ram->fd);
}

static void show_log(gpointer path)
{
    g_autofree char *text = NULL;

    if (g_file_get_contents(path, &text, NULL, NULL)) {
        fprintf(stderr, "--- QEMU's stderr:\n%.20000s---\n", text);
    }
}

char *guest_log_new(void)
{
    char *path;
    int fd = g_file_open_tmp("guest-log-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    qtest_add_abrt_handler(show_log, path);
    return path;
}

void guest_log_free(char *path)
{
    qtest_remove_abrt_handler(path);
    unlink(path);
    g_free(path);
}

char *guest_migrate_incoming(void)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("guest-mig-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    unlink(path);
    return g_strconcat(INCOMING_PREFIX, path, NULL);
}

static void wait_migration(QTestState *qts, const char *state)
{
    int64_t end = g_get_monotonic_time() + TIMEOUT_US;

    for (;;) {
        QDict *rsp = qtest_qmp_assert_success_ref(
            qts, "{ 'execute': 'query-migrate' }");
        const char *status = qdict_get_try_str(rsp, "status");
        bool done = !g_strcmp0(status, state);

        if (!g_strcmp0(status, "failed")) {
            g_error("migration failed: %s",
                    qdict_get_try_str(rsp, "error-desc") ?: "no reason given");
        }
        qobject_unref(rsp);
        if (done) {
            return;
        }
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        g_usleep(2000);
    }
}

void guest_migrate(QTestState *from, QTestState *to, char *incoming,
                   void (*before_switchover)(void *opaque), void *opaque)
{
    const char *uri = incoming + strlen(INCOMING_PREFIX) - strlen("unix:");

    /* the shorter, the less is left to be sent after the switchover */
    qtest_qmp_assert_success(from,
        "{ 'execute': 'migrate-set-parameters',"
        "  'arguments': { 'downtime-limit': %d } }",
        before_switchover ? 1 : 2000000);
    if (before_switchover) {
        qtest_qmp_assert_success(from,
            "{ 'execute': 'migrate-set-capabilities',"
            "  'arguments': { 'capabilities': ["
            "    { 'capability': 'pause-before-switchover',"
            "      'state': true } ] } }");
    }
    qtest_qmp_assert_success(from,
        "{ 'execute': 'migrate', 'arguments': { 'uri': %s } }", uri);
    if (before_switchover) {
        wait_migration(from, "pre-switchover");
        before_switchover(opaque);
        qtest_qmp_assert_success(from,
            "{ 'execute': 'migrate-continue',"
            "  'arguments': { 'state': 'pre-switchover' } }");
    }
    wait_migration(from, "completed");
    wait_migration(to, "completed");
    qtest_quit(from);
    unlink(uri + strlen("unix:"));
    g_free(incoming);
}
