/* SPDX-License-Identifier: MIT */
/*
 * abi.h - what we call of libcdsprpc.so, by declarations of our own: functions as a list, constants, structures. The library is loaded
 * at run time (rpc.c); the simulator has the same functions (sim/). Plain C.
 */
#ifndef QF_HTP_ABI_H
#define QF_HTP_ABI_H

#include <stddef.h>
#include <stdint.h>

typedef struct QfRpcQueue QfRpcQueue;

/* A buffer or a handle of a remote call. */
typedef union {
  struct {
    void *memory;
    size_t size_bytes;
  } buffer;
  uint64_t handle;
} QfRpcArg;

/* A piece of memory that a queue's packet names; flags are QF_RPC_FLUSH_SENDER and so on. */
typedef struct {
  uint32_t fd, size_bytes, offset, flags;
  union {
    void *memory;
    uint64_t address;
  };
} QfRpcBuffer;

typedef void (*QfRpcCallback)(QfRpcQueue *queue, int error, void *context);

/* X(1: cannot do without it, result, name, parameters) */
#define QF_RPC_FUNCTIONS(X)                                                                                  \
  X(0, void, rpcmem_init, (void))                                                                            \
  X(0, void, rpcmem_deinit, (void))                                                                          \
  X(1, void *, rpcmem_alloc, (int heap, uint32_t flags, int size_bytes))                                     \
  X(0, void *, rpcmem_alloc2, (int heap, uint32_t flags, size_t size_bytes))                                 \
  X(1, void, rpcmem_free, (void *memory))                                                                    \
  X(1, int, rpcmem_to_fd, (void *memory))                                                                    \
  X(1, int, fastrpc_mmap, (int domain, int fd, void *memory, int offset, size_t size_bytes, int flags))      \
  X(1, int, fastrpc_munmap, (int domain, int fd, void *memory, size_t size_bytes))                           \
  X(1, int, remote_handle64_open, (const char *uri, uint64_t *handle))                                       \
  X(1, int, remote_handle64_invoke, (uint64_t handle, uint32_t scalars, QfRpcArg * args))                    \
  X(1, int, remote_handle64_close, (uint64_t handle))                                                        \
  X(0, int, remote_handle64_control, (uint64_t handle, uint32_t request, void *data, uint32_t size_bytes))   \
  X(0, int, remote_handle_control, (uint32_t request, void *data, uint32_t size_bytes))                      \
  X(1, int, remote_session_control, (uint32_t request, void *data, uint32_t size_bytes))                     \
  X(1, int, dspqueue_create,                                                                                 \
    (int domain, uint32_t flags, uint32_t request_bytes, uint32_t answer_bytes, QfRpcCallback on_packet,     \
     QfRpcCallback on_error, void *context, QfRpcQueue **queue))                                             \
  X(1, int, dspqueue_close, (QfRpcQueue * queue))                                                            \
  X(1, int, dspqueue_export, (QfRpcQueue * queue, uint64_t * id))                                            \
  X(1, int, dspqueue_write,                                                                                  \
    (QfRpcQueue * queue, uint32_t flags, uint32_t n_buffers, QfRpcBuffer * buffers, uint32_t size_bytes,     \
     const uint8_t *message, uint32_t timeout_us))                                                           \
  X(1, int, dspqueue_read,                                                                                   \
    (QfRpcQueue * queue, uint32_t * flags, uint32_t max_buffers, uint32_t * n_buffers,                       \
     QfRpcBuffer * buffers, uint32_t max_bytes, uint32_t * size_bytes, uint8_t * message,                    \
     uint32_t timeout_us))                                                                                   \
  X(0, const char *, qnnflow_htpsim_error, (void)) /* the simulator's own: why the last call failed */

enum {
  QF_RPC_CDSP = 3, /* a domain */
  QF_RPC_HEAP_SYSTEM = 25,
  QF_RPC_HEAP_CACHED = 1,
  QF_RPC_MAP_DELAYED = 3, /* mapped when the DSP asks: HAP_mmap() */
};

/* QfRpcBuffer.flags */
enum {
  QF_RPC_FLUSH_SENDER = 0x10,
  QF_RPC_INVALIDATE_SENDER = 0x20,
  QF_RPC_FLUSH_RECIPIENT = 0x40,
  QF_RPC_INVALIDATE_RECIPIENT = 0x80,
};

/* Requests of remote_session_control(). */
enum {
  QF_RPC_UNSIGNED_MODULE = 2, /* QfRpcUnsigned */
  QF_RPC_PROCESS_KILL = 6,    /* int: domain */
  QF_RPC_RESERVE_SESSION = 13,
  QF_RPC_GET_URI = 15,
};
enum { QF_RPC_CONTROL_LATENCY = 1 }; /* of remote_handle64_control(): QfRpcLatency */

typedef struct {
  int domain, enable;
} QfRpcUnsigned;

typedef struct {
  uint32_t enable, latency_us; /* 1: keeps the CPU awake */
} QfRpcLatency;

typedef struct {
  char *domain_name;
  uint32_t domain_name_bytes;
  char *session_name;
  uint32_t session_name_bytes;
  uint32_t effective_domain, session; /* answers */
} QfRpcReserve;

typedef struct {
  char *domain_name;
  uint32_t domain_name_bytes;
  uint32_t session;
  char *module_uri;
  uint32_t module_uri_bytes;
  char *uri; /* the answer goes there */
  uint32_t uri_bytes;
} QfRpcUri;

#define QF_RPC_SCALARS(method, n_in, n_out)                                                                  \
  ((uint32_t)(method) << 24 | (uint32_t)(n_in) << 16 | (uint32_t)(n_out) << 8)
#define QF_RPC_METHOD(scalars) ((scalars) >> 24 & 0x1f)

/* X(code, name, what it means) */
#define QF_RPC_ERRORS(X)                                                                                     \
  X(0x1, EFAILED, "general failure")                                                                         \
  X(0x2, ENOMEMORY, "out of memory")                                                                         \
  X(0x6, EUNABLETOLOAD, "the module cannot be loaded")                                                       \
  X(0xc, EEXPIRED, "timed out")                                                                              \
  X(0xd, EBADSTATE, "bad state")                                                                             \
  X(0xe, EBADPARM, "bad parameter")                                                                          \
  X(0x14, EUNSUPPORTED, "not supported")                                                                     \
  X(0x27, ENOSUCH, "no such thing")                                                                          \
  X(0x2c, EINVHANDLE, "invalid handle")                                                                      \
  X(0x2e, EINTERRUPTED, "interrupted")                                                                       \
  X(0x38, EINVALIDSIGNATURE, "the module is not signed, and unsigned ones are not allowed")                  \
  X(0x3b, EINVALIDDEVICE, "the device node cannot be opened")                                                \
  X(0x3e, ENOSUCHMOD, "there is no such module")                                                             \
  X(0x45, ENOSUCHFILE, "there is no such file")                                                              \
  X(0x48, ENOSUCHMAP, "the memory is not mapped")                                                            \
  X(0x65, EMMAP, "the memory cannot be mapped")                                                              \
  X(0x8a, ENOSESSION, "no session is free")                                                                  \
  X(104, ECONNRESET, "the program on the DSP has ended, or there is no memory that can be shared")           \
  X(0x72, ECONNREFUSED, "the DSP refuses the connection")                                                    \
  X(516, EWOULDBLOCK, "would have to wait")
#define QF_RPC_ERROR_CODE(code, name, text) QF_RPC_##name = code,
enum { QF_RPC_SUCCESS = 0, QF_RPC_ERRORS(QF_RPC_ERROR_CODE) };

#endif
