/* SPDX-License-Identifier: MIT */
/*
 * sim.h - what the simulator and the program in it share: a page of settings and two queues in one piece of memory, and the little of
 * an operating system that the program needs, which is Linux under qemu-hexagon (port_linux.c) or the host itself (port_host.c).
 *
 * Each queue has one writer and one reader. The writer moves `written`, then wakes; the reader moves `read`, then wakes: so nobody
 * sleeps on what has happened, whatever the order of stores that an emulator keeps.
 */
#ifndef QF_HTP_DSP_SIM_H
#define QF_HTP_DSP_SIM_H

#include "msg.h"

#define QF_SIM_MAGIC 0x4d495351u
#define QF_SIM_QUEUE_BYTES 32768u

typedef struct {
  uint32_t written; /* bytes, ever; wraps */
  uint32_t pad0[31];
  uint32_t read;
  uint32_t pad1[31];
  uint8_t data[QF_SIM_QUEUE_BYTES];
} QfSimQueue;

/* What goes wrong on purpose, for tests. */
typedef enum {
  QF_SIM_NO_FAULT = 0,
  QF_SIM_DIE,     /* in the middle of a run */
  QF_SIM_CRASH,   /* the same, by a bad access */
  QF_SIM_HANG,    /* a run never ends */
  QF_SIM_NO_MAP,  /* memory cannot be mapped */
  QF_SIM_VERSION, /* another version of the protocol */
  QF_SIM_FULL,    /* the queue has no room */
  QF_SIM_GARBAGE, /* answers are noise */
} QfSimFault;

typedef struct {
  uint32_t magic, version; /* QF_WIRE_VERSION */
  uint32_t host_pid;       /* whose file descriptors packets name */
  uint32_t vtcm_bytes, n_threads;
  uint32_t spins;                /* looks at a queue before sleeping */
  uint32_t fault, fault_after;   /* QfSimFault, after so many runs */
  uint32_t quit, dead, finished; /* the program is to end; it has ended unasked; it has ended */
  uint32_t pad[21];
  QfSimQueue request, answer;
} QfSimShared;

/* One packet into the queue, of which @limit bytes are used; 0: there is no room. */
uint32_t qf_sim_queue_put(QfSimQueue *queue, const void *packet, uint32_t size_bytes, uint32_t limit);
/* One packet out; 0: there is none. A packet of more than @max_bytes, or a queue that makes no sense, is UINT32_MAX. */
uint32_t qf_sim_queue_get(QfSimQueue *queue, void *packet, uint32_t max_bytes);

/* Sleeps while *@word is @value, at most @timeout_us; may wake without a reason. */
void qf_sim_os_wait(uint32_t *word, uint32_t value, uint32_t timeout_us);
void qf_sim_os_wake(uint32_t *word);
uint64_t qf_sim_os_now_us(void);
/* The host's memory behind @fd; NULL: cannot. */
void *qf_sim_os_map(uint32_t host_pid, int32_t fd, uint32_t size_bytes);
void qf_sim_os_unmap(void *memory, uint32_t size_bytes);
/* Zeroed, aligned to QF_DSP_ALIGNMENT. NULL: there is no more. */
void *qf_sim_os_alloc(uint32_t size_bytes);
void qf_sim_os_free(void *memory, uint32_t size_bytes);
/* A thread that runs @fn(@arg). 0: cannot; else for join, which returns when it has ended. */
uintptr_t qf_sim_os_thread(void (*fn)(void *arg), void *arg);
void qf_sim_os_join(uintptr_t thread);
/* Packets of instructions of this thread, modulo 2^32; 0 where nothing counts. */
uint32_t qf_sim_os_packets(void);

/* A port over these. NULL: no memory. */
QfDspPort *qf_sim_port_new(QfSimShared *shared);
void qf_sim_port_free(QfDspPort *port);
/* The program: answers until it is told to quit. Nonzero: it ended by a fault. */
int qf_sim_serve(QfSimShared *shared, uint32_t arch);

#endif
