/* SPDX-License-Identifier: MIT */
/*
 * wire.h - packets between the host and the Hexagon program: little-endian, fixed sizes, numbers of buffers and graphs instead of
 * addresses. The program believes nothing in them; msg.c checks every field. Each request has one answer with its sequence number.
 *
 * A change of any structure is a change of QF_WIRE_VERSION.
 */
#ifndef QF_HTP_DSP_WIRE_H
#define QF_HTP_DSP_WIRE_H

#include <stdint.h>

#define QF_WIRE_MAGIC 0x50574651u /* "QFWP" */
#define QF_WIRE_VERSION 2u
#define QF_WIRE_MAX_BORDERS 60u /* a queue's packet names 64 pieces of memory at most */
#define QF_WIRE_MAX_BUFFERS 256u
#define QF_WIRE_MAX_GRAPHS 64u

typedef enum {
  QF_WIRE_HELLO = 1, /* the first: versions, sizes */
  QF_WIRE_PING,
  QF_WIRE_MAP,
  QF_WIRE_UNMAP,
  QF_WIRE_LOAD,
  QF_WIRE_DROP,
  QF_WIRE_RUN,
  QF_WIRE_N_KINDS,
  QF_WIRE_LOG = 100, /* from the program, at any time: a QfWireLog */
} QfWireKind;

typedef struct {
  uint32_t magic, version;
  uint32_t kind;       /* QfWireKind; an answer has its request's */
  uint32_t size_bytes; /* of the packet with this head */
  uint32_t seq;        /* the host's choice; the answer has it */
  uint32_t reserved;   /* 0 */
} QfWireHead;

/* A part of a buffer. */
typedef struct {
  uint32_t buffer; /* number given by MAP */
  uint32_t offset, size_bytes;
  uint32_t output; /* 0, or 1: the program writes it */
} QfWireSpan;

typedef struct {
  QfWireHead head;
  uint32_t vtcm_bytes; /* at least so many, and no more are used; 0: what there is */
  uint32_t n_threads;  /* at most so many; 0: what there are */
} QfWireHello;

typedef struct {
  QfWireHead head;
  uint32_t buffer; /* the host's choice, below QF_WIRE_MAX_BUFFERS, not taken */
  int32_t fd;      /* as the host's process knows it */
  uint32_t size_bytes;
  uint32_t reserved;
} QfWireMap;

/* UNMAP: number of a buffer. DROP: number of a graph. */
typedef struct {
  QfWireHead head;
  uint32_t number;
  uint32_t reserved;
} QfWireDrop;

/* The blob stays where it is, unchanged, until the graph is dropped. */
typedef struct {
  QfWireHead head;
  uint32_t graph; /* the host's choice, below QF_WIRE_MAX_GRAPHS, not taken */
  uint32_t reserved;
  QfWireSpan blob; /* offset a multiple of QF_DSP_ALIGNMENT */
} QfWireLoad;

typedef struct {
  QfWireHead head;
  uint32_t graph;
  uint32_t n_borders;
  QfWireSpan
      events; /* where QfDspEvents go (net.h), offset a multiple of 8, output; size 0: nothing is measured */
  QfWireSpan borders[QF_WIRE_MAX_BORDERS]; /* n_borders of them are sent */
} QfWireRun;

#define QF_WIRE_RUN_BYTES(n_borders)                                                                         \
  (sizeof(QfWireRun) - (QF_WIRE_MAX_BORDERS - (n_borders)) * sizeof(QfWireSpan))
#define QF_WIRE_MAX_PACKET sizeof(QfWireRun)

typedef struct {
  QfWireHead head;
  uint32_t status; /* QfDspStatus */
  uint32_t detail; /* of an error: the border in question */
  union {
    struct {
      uint32_t arch, vtcm_bytes, n_threads, simulated;
    } hello;
    struct {
      uint32_t n_borders, n_steps, scratch_bytes, reserved;
    } load;
    struct {
      uint32_t n_events, reserved[3];
    } run;
  };
  uint64_t time_us; /* from the packet read to the answer made */
  uint64_t packets; /* of instructions */
} QfWireAnswer;

/* Not packets: methods of the module on a DSP, by FastRPC, which begin and end the reading of a queue. 0 and 1 are FastRPC's own. */
enum { QF_WIRE_METHOD_START = 2, QF_WIRE_METHOD_STOP = 3 };
typedef struct {
  uint64_t queue;                 /* of dspqueue_export() */
  uint32_t vtcm_bytes, n_threads; /* as in QfWireHello */
} QfWireStart;

#define QF_WIRE_LOG_BYTES 104
typedef struct {
  QfWireHead head;
  uint32_t level;
  uint32_t reserved;
  char text[QF_WIRE_LOG_BYTES]; /* ends with 0 */
} QfWireLog;

#endif
