/*
 * Integration services: key-value pairs and network configurations on the wire
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ICS_KVP_CORE_H
#define ICS_KVP_CORE_H

#include "ics-defs.h"

/*
 * @text (UTF-8) as UTF-16 with its NUL, the rest of @buf zero.  Returns its bytes
 * with the NUL, or 0: not UTF-8, or too long.
 */
uint32_t hv_ic_utf16_put(uint8_t *buf, uint32_t buf_bytes, const char *text);

/*
 * UTF-8 of the UTF-16 text in the first @bytes of @buf, which end it if no NUL
 * does.  NULL if it is not well-formed.
 */
char *hv_ic_utf16_get(const uint8_t *buf, uint32_t bytes);

typedef struct HvIcKvpItem {
    uint32_t type;                      /* HV_IC_KVP_STRING, _U32, _U64 */
    char *key;
    char *value;                        /* numbers in decimal */
} HvIcKvpItem;

void hv_ic_kvp_item_clear(HvIcKvpItem *item);

/* The builders set the whole @wire.  False, with the reason in @why, for what
 * cannot be sent */
bool hv_ic_kvp_build_set(HvIcKvpWire *wire, uint8_t pool,
                         const HvIcKvpItem *item, const char **why);
bool hv_ic_kvp_build_delete(HvIcKvpWire *wire, uint8_t pool, const char *key,
                            const char **why);
void hv_ic_kvp_build_enumerate(HvIcKvpWire *wire, uint8_t pool, uint32_t idx);

/* Answer to ENUMERATE; @item is to be cleared if this is true */
bool hv_ic_kvp_parse_item(const uint8_t *body, uint32_t body_bytes,
                          HvIcKvpItem *item, const char **why);

/* Lists are NULL-terminated */
typedef struct HvIcIpConfig {
    uint8_t family;                     /* HV_IC_IP_FAMILY_* */
    bool dhcp;
    char **addresses;
    char **subnets;
    char **gateways;
    char **dns_servers;
} HvIcIpConfig;

void hv_ic_ip_config_clear(HvIcIpConfig *config);

bool hv_ic_kvp_build_get_ip(HvIcKvpIpWire *wire, const char *adapter,
                            const char **why);
bool hv_ic_kvp_build_set_ip(HvIcKvpIpWire *wire, const char *adapter,
                            const HvIcIpConfig *config, const char **why);
/* Answer to GET_IP; @config is to be cleared if this is true */
bool hv_ic_kvp_parse_ip(const uint8_t *body, uint32_t body_bytes,
                        HvIcIpConfig *config, const char **why);

#endif /* ICS_KVP_CORE_H */
