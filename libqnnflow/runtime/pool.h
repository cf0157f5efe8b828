/* SPDX-License-Identifier: MIT */
/*
 * pool.h - fork and join over a few threads.
 *
 * Workers spin while a run goes on and sleep between runs. One fork-join costs about 1 us, most of it the way between two cores
 * and back (tests/bench/pool). Belongs to one session, and so to one thread at a time.
 */
#ifndef QF_RUNTIME_POOL_H
#define QF_RUNTIME_POOL_H

#include <stdint.h>

typedef struct QfPool QfPool;
typedef void (*QfPoolFunc)(void *arg, uint32_t index, uint32_t thread);

/* @n_threads >= 1 counts the caller. Returns NULL when threads cannot be made. */
QfPool *qf_pool_new(uint32_t n_threads);
void qf_pool_free(QfPool *pool);
uint32_t qf_pool_n_threads(const QfPool *pool);

/* Calls fn(arg, i, thread) for every i in [0, n), thread in [0, n_threads), and returns when all are done. Thread t begins with
 * the t-th part of the indices in ascending order, and then helps others. With one thread, or n == 1, all calls are made right
 * here, without a lock or a system call. */
void qf_pool_run(QfPool *pool, uint32_t n, QfPoolFunc fn, void *arg);

/* Around a whole inference: between begin and end workers spin for the next qf_pool_run(), after end they sleep. */
void qf_pool_begin(QfPool *pool);
void qf_pool_end(QfPool *pool);

#endif
