/* The part of the DPDK source that only C can say: most of what runs for each frame is static inline in DPDK's headers, and the layout of its
 * structures changes from release to release. Built against DPDK 21.11 or later (capture/build.rs). */
#include "shim.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

static_assert(sizeof(struct ctd_frame) == 32, "as in shim.rs");
static_assert(sizeof(struct ctd_port) == 40, "as in shim.rs");
static_assert(sizeof(struct ctd_setup) == 12, "as in shim.rs");
static_assert(sizeof(struct ctd_counts) == 40, "as in shim.rs");

/* Buffers that a thread keeps for itself. */
#define CACHE 256

/* Longest packet asked for, where the device can put one into several buffers: jumbo frames. */
#define JUMBO_MTU 9000

/* Longest key of a hash: that of the cards of today. */
#define LONGEST_KEY 64

/* A Toeplitz hash gives both directions of a flow the same value when every 16 bits of its key are the same: S. Woo and K. Park, "Scalable
 * TCP Session Monitoring with Symmetric Receive-side Scaling", KAIST, 2012. */
static const uint8_t SYMMETRIC[2] = {0x6d, 0x5a};

/* Where drivers put their timestamps in a buffer, and the flag that says so; the offset is negative where none does. */
static int stamp_offset = -1;
static uint64_t stamp_flag;

/* DPDK returns a negative errno here and leaves one in rte_errno there. */
static int failure(int result) {
    if (result < -1)
        return -result;
    return rte_errno > 0 ? rte_errno : EIO;
}

int ctd_start_eal(int count, char **arguments) {
    int result = rte_eal_init(count, arguments);
    return result < 0 ? failure(-1) : 0;
}

int ctd_attach(const char *device, uint16_t *port) {
    uint8_t before[RTE_MAX_ETHPORTS] = {0};
    uint16_t number;
    RTE_ETH_FOREACH_DEV(number)
        before[number] = 1;
    int result = rte_dev_probe(device);
    if (result < 0)
        return failure(result);
    RTE_ETH_FOREACH_DEV(number) {
        if (!before[number]) {
            *port = number;
            return 0;
        }
    }
    return ENODEV;
}

int ctd_describe(uint16_t port, struct ctd_port *out) {
    struct rte_eth_dev_info info;
    int result = rte_eth_dev_info_get(port, &info);
    if (result < 0)
        return failure(result);
    memset(out, 0, sizeof *out);
    snprintf(out->driver, sizeof out->driver, "%s", info.driver_name);
    out->queues = info.max_rx_queues;
    out->counts_queues = (*info.dev_flags & RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS) != 0;
    out->hashes = info.flow_type_rss_offloads != 0;
    return 0;
}

static int configure(uint16_t port, const struct rte_eth_dev_info *info, uint16_t queues, uint16_t mtu) {
    static uint8_t key[LONGEST_KEY];
    struct rte_eth_conf conf;
    memset(&conf, 0, sizeof conf);
    conf.rxmode.mtu = mtu;
    if (mtu > RTE_ETHER_MTU)
        conf.rxmode.offloads = RTE_ETH_RX_OFFLOAD_SCATTER;
    uint64_t kinds = (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP) & info->flow_type_rss_offloads;
    if (queues > 1 && kinds != 0) {
        uint8_t length = info->hash_key_size != 0 ? info->hash_key_size : 40;
        if (length > LONGEST_KEY)
            return -EINVAL;
        for (uint8_t at = 0; at < length; at++)
            key[at] = SYMMETRIC[at % 2];
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_key = key;
        conf.rx_adv_conf.rss_conf.rss_key_len = length;
        conf.rx_adv_conf.rss_conf.rss_hf = kinds;
    }
    return rte_eth_dev_configure(port, queues, 0, &conf);
}

static void name_pool(char name[RTE_MEMPOOL_NAMESIZE], uint16_t port, uint16_t queue) {
    snprintf(name, RTE_MEMPOOL_NAMESIZE, "conntrack_%u_%u", port, queue);
}

static int set_up_queues(uint16_t port, const struct ctd_setup *setup) {
    /* SOCKET_ID_ANY where the device is as near to one processor as to another. */
    int socket = rte_eth_dev_socket_id(port);
    for (uint16_t queue = 0; queue < setup->queues; queue++) {
        char name[RTE_MEMPOOL_NAMESIZE];
        name_pool(name, port, queue);
        struct rte_mempool *pool =
            rte_pktmbuf_pool_create(name, setup->buffers, CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, socket);
        if (pool == NULL)
            return failure(-1);
        int result = rte_eth_rx_queue_setup(port, queue, setup->descriptors, (unsigned int)socket, NULL, pool);
        if (result < 0)
            return failure(result);
    }
    return 0;
}

int ctd_start(uint16_t port, struct ctd_setup *setup) {
    struct rte_eth_dev_info info;
    int result = rte_eth_dev_info_get(port, &info);
    if (result < 0)
        return failure(result);
    uint16_t mtu = 0;
    result = rte_eth_dev_get_mtu(port, &mtu);
    if (result < 0)
        return failure(result);
    result = -ENOTSUP;
    if ((info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0 && info.max_mtu >= JUMBO_MTU && mtu < JUMBO_MTU)
        result = configure(port, &info, setup->queues, JUMBO_MTU);
    if (result == 0)
        mtu = JUMBO_MTU;
    else
        result = configure(port, &info, setup->queues, mtu);
    if (result < 0)
        return failure(result);
    uint16_t to_send = 0;
    result = rte_eth_dev_adjust_nb_rx_tx_desc(port, &setup->descriptors, &to_send);
    if (result < 0)
        return failure(result);
    result = set_up_queues(port, setup);
    if (result != 0)
        return result;
    result = rte_eth_dev_start(port);
    if (result < 0)
        return failure(result);
    if (setup->promiscuous) {
        result = rte_eth_promiscuous_enable(port);
        /* A device that filters nothing has no such mode. */
        if (result < 0 && result != -ENOTSUP)
            return failure(result);
    }
    setup->mtu = mtu;
    stamp_offset = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, NULL);
    int bit = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, NULL);
    stamp_flag = bit < 0 ? 0 : RTE_BIT64(bit);
    result = rte_eth_stats_reset(port);
    return result < 0 && result != -ENOTSUP ? failure(result) : 0;
}

int ctd_counts(uint16_t port, uint16_t queue, struct ctd_counts *out) {
    struct rte_eth_stats stats;
    int result = rte_eth_stats_get(port, &stats);
    if (result < 0)
        return failure(result);
    out->received = stats.ipackets;
    out->queue_received = queue < RTE_ETHDEV_QUEUE_STAT_CNTRS ? stats.q_ipackets[queue] : 0;
    out->missed = stats.imissed;
    out->errors = stats.ierrors;
    out->no_buffer = stats.rx_nombuf;
    return 0;
}

void ctd_detach(uint16_t port, uint16_t queues) {
    struct rte_eth_dev_info info;
    int known = rte_eth_dev_info_get(port, &info);
    /* What fails here leaves something to the end of the process. */
    (void)rte_eth_dev_stop(port);
    (void)rte_eth_dev_close(port);
    if (known == 0)
        (void)rte_dev_remove(info.device);
    for (uint16_t queue = 0; queue < queues; queue++) {
        char name[RTE_MEMPOOL_NAMESIZE];
        name_pool(name, port, queue);
        rte_mempool_free(rte_mempool_lookup(name));
    }
}

int ctd_has_link(uint16_t port) {
    struct rte_eth_link link;
    return rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

int ctd_enter_thread(void) {
    return rte_lcore_id() == LCORE_ID_ANY && rte_thread_register() == 0;
}

void ctd_leave_thread(void) {
    rte_thread_unregister();
}

uint16_t ctd_receive(uint16_t port, uint16_t queue, struct rte_mbuf **buffers, struct ctd_frame *frames, uint16_t most) {
    uint16_t count = rte_eth_rx_burst(port, queue, buffers, most);
    for (uint16_t at = 0; at < count; at++) {
        const struct rte_mbuf *buffer = buffers[at];
        struct ctd_frame *frame = &frames[at];
        frame->bytes = rte_pktmbuf_mtod(buffer, const uint8_t *);
        frame->captured = rte_pktmbuf_data_len(buffer);
        frame->len = rte_pktmbuf_pkt_len(buffer);
        frame->flags = 0;
        if (buffer->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) {
            frame->vlan = buffer->vlan_tci;
            frame->flags |= CTD_VLAN;
        }
        if (buffer->ol_flags & stamp_flag) {
            frame->stamp = *RTE_MBUF_DYNFIELD(buffer, stamp_offset, const rte_mbuf_timestamp_t *);
            frame->flags |= CTD_STAMP;
        }
    }
    return count;
}

void ctd_free(struct rte_mbuf **buffers, uint16_t count) {
    rte_pktmbuf_free_bulk(buffers, count);
}
