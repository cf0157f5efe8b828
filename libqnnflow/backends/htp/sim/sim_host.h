/* SPDX-License-Identifier: MIT */
/*
 * sim_host.h - the parts of the simulator, a library that has libcdsprpc's functions: memory and handles (cdsprpc.c), queues (queue.c),
 * and the program behind a queue (program.c), in qemu-hexagon or in a thread. Plain C: applications load it in place of the vendor's.
 */
#ifndef QF_HTP_SIM_HOST_H
#define QF_HTP_SIM_HOST_H

#include "../abi.h"
#include "../dsp/sim.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#define QF_SIM_EXPORT __attribute__((visibility("default")))

#define QF_SIM_DECLARE(needed, result, name, parameters) QF_SIM_EXPORT result name parameters;
QF_RPC_FUNCTIONS(QF_SIM_DECLARE)

struct QfRpcQueue {
  QfRpcQueue *next; /* of all */
  uint64_t id;
  int domain;
  int fd; /* of shared */
  QfSimShared *shared;
  uint32_t request_bytes; /* of the request queue that are used */
  bool full;              /* a fault: there is no room for runs */
  pthread_mutex_t write, read;
  /* The program. */
  bool started, closing;
  pid_t pid;        /* 0: a thread */
  int life;         /* the pipe that ends it when it closes */
  uintptr_t thread; /* that runs it, or waits for the process */
};

/* Remembers why a call fails, for qnnflow_htpsim_error(); gives @code. */
int qf_sim_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Whether the domain's memory behind @fd is mapped, with so many bytes. */
bool qf_sim_is_mapped(int domain, int fd, uint64_t end);

/* A queue's shared memory, with the settings of the environment. QF_RPC_SUCCESS or an error. */
int qf_sim_program_prepare(QfRpcQueue *queue);
/* Starts the program; a fault "open" fails here. */
int qf_sim_program_start(QfRpcQueue *queue);
/* Ends it, and frees the shared memory. */
void qf_sim_program_end(QfRpcQueue *queue);
/* Ends the programs of a domain at once. */
void qf_sim_program_kill(QfRpcQueue *queue);
/* Whether a program can be started; else why not. */
int qf_sim_program_find(char *path, size_t size);

QfRpcQueue *qf_sim_queue_by_id(uint64_t id);
void qf_sim_queues_kill(int domain);

#endif
