/* What capture asks of DPDK, in types that Rust can repeat: nothing of DPDK's own structures is known beyond shim.c.
 * shim.rs declares the same; a static assertion on both sides holds the sizes together. */
#ifndef CONNTRACK_DPDK_SHIM_H
#define CONNTRACK_DPDK_SHIM_H

#include <stdint.h>

struct rte_mbuf;

/* Set in `flags` of a frame. */
#define CTD_VLAN 1u   /* `vlan` is the tag that the device took out of the frame */
#define CTD_STAMP 2u  /* `stamp` holds what the device says of the time */

/* A frame in its buffer. */
struct ctd_frame {
    const uint8_t *bytes; /* the first segment of the buffer: it has all headers */
    uint64_t stamp;       /* in the device's own unit */
    uint32_t captured;    /* bytes there */
    uint32_t len;         /* bytes of all segments */
    uint16_t vlan;        /* the tag's control information (TCI) */
    uint16_t flags;
    uint32_t padding;
};

/* What a port can do. */
struct ctd_port {
    char driver[32];        /* name of its driver, ends with a zero */
    uint16_t queues;        /* receive queues, at most */
    uint16_t counts_queues; /* 1: the driver counts frames by queue */
    uint16_t hashes;        /* 1: it divides flows among its queues by a hash with a key of ours */
    uint16_t padding;
};

/* How a port is to receive, and, after the start, how it does. */
struct ctd_setup {
    uint32_t buffers;     /* of each queue */
    uint16_t queues;
    uint16_t descriptors; /* of each queue */
    uint16_t promiscuous;
    uint16_t mtu;
};

/* What a port has counted since it was started. */
struct ctd_counts {
    uint64_t received;       /* frames given to the program, all queues */
    uint64_t queue_received; /* the same of one queue; only where the driver counts by queue */
    uint64_t missed;         /* frames that found no descriptor */
    uint64_t errors;         /* damaged frames */
    uint64_t no_buffer;      /* times that there was no buffer to give to the device */
};

/* Each returns 0, or an errno. */
int ctd_start_eal(int count, char **arguments);
int ctd_attach(const char *device, uint16_t *port);
int ctd_describe(uint16_t port, struct ctd_port *out);
int ctd_start(uint16_t port, struct ctd_setup *setup);
int ctd_counts(uint16_t port, uint16_t queue, struct ctd_counts *out);

/* Stops a port and gives it back, with the memory of its queues. Their buffers must have been freed. */
void ctd_detach(uint16_t port, uint16_t queues);

/* 1: somebody is at the other end. */
int ctd_has_link(uint16_t port);

/* Registers the calling thread, so that it has a cache of buffers of its own. 1: it has one now. */
int ctd_enter_thread(void);
void ctd_leave_thread(void);

/* Takes at most `most` frames; each buffer goes back by ctd_free. */
uint16_t ctd_receive(uint16_t port, uint16_t queue, struct rte_mbuf **buffers, struct ctd_frame *frames, uint16_t most);
void ctd_free(struct rte_mbuf **buffers, uint16_t count);

#endif
