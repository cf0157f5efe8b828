/* SPDX-License-Identifier: MIT */
/*
 * abi.h - as much of the QNN C interface (core 2.x, LP64) as this backend calls: our own declarations of published facts. Only names of
 * fields, their order and width count; the offsets are asserted below. Functions are slots of a table that newer releases append to.
 */
#ifndef QF_BACKENDS_QNN_ABI_H
#define QF_BACKENDS_QNN_ABI_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t QfQnnError; /* 0: success; the low 16 bits are the code */
typedef void *QfQnnHandle;

/* Data types: the class in the high byte, the width in the digits of the low one. */
enum {
  QF_QNN_INT8 = 0x0008,
  QF_QNN_INT16 = 0x0016,
  QF_QNN_INT32 = 0x0032,
  QF_QNN_INT64 = 0x0064,
  QF_QNN_UINT8 = 0x0108,
  QF_QNN_UINT16 = 0x0116,
  QF_QNN_UINT32 = 0x0132,
  QF_QNN_UINT64 = 0x0164,
  QF_QNN_FLOAT16 = 0x0216,
  QF_QNN_FLOAT32 = 0x0232,
  QF_QNN_SFIXED8 = 0x0308,
  QF_QNN_SFIXED16 = 0x0316,
  QF_QNN_SFIXED32 = 0x0332,
  QF_QNN_UFIXED8 = 0x0408,
  QF_QNN_UFIXED16 = 0x0416,
  QF_QNN_BOOL8 = 0x0508,
};

enum { QF_QNN_WRITE = 0, QF_QNN_READ = 1, QF_QNN_NATIVE = 3, QF_QNN_STATIC = 4 }; /* whose a tensor is */
enum { QF_QNN_UNDEFINED = 0x7FFFFFFF };
enum { QF_QNN_SCALE_OFFSET = 0, QF_QNN_AXIS_SCALE_OFFSET = 1 };

typedef struct {
  float scale;
  int32_t offset;
} QfQnnScaleOffset;

typedef struct {
  uint32_t defined; /* 1, or QF_QNN_UNDEFINED */
  uint32_t kind;
  union {
    QfQnnScaleOffset one;
    struct {
      int32_t axis;
      uint32_t count;
      QfQnnScaleOffset *entries;
    } axis;
    uint64_t space[4];
  } u;
} QfQnnQuantize;

typedef struct {
  uint32_t type;
  union {
    float f32;
    uint32_t u32;
    uint8_t bool8;
    uint64_t space;
  } u;
} QfQnnScalar;

typedef struct {
  uint32_t version; /* 1 */
  uint32_t pad0;
  uint32_t id; /* given by tensorCreate, the only key when a graph runs */
  uint32_t pad1;
  const char *name;
  uint32_t type, format, dtype, pad2;
  QfQnnQuantize quantize;
  uint32_t rank, pad3;
  uint32_t *dims;
  uint32_t memory, pad4; /* 0: at u.client, 1: u.handle */
  union {
    struct {
      void *data;
      uint32_t size;
    } client;
    QfQnnHandle handle;
  } u;
  uint64_t version2[3];
} QfQnnTensor;

typedef struct {
  uint32_t kind; /* 0 scalar, 1 tensor */
  const char *name;
  union {
    QfQnnScalar scalar;
    QfQnnTensor tensor;
  } u;
} QfQnnParam;

typedef struct {
  uint32_t version; /* 1 */
  const char *name, *package, *type;
  uint32_t n_params;
  QfQnnParam *params;
  uint32_t n_inputs;
  QfQnnTensor *inputs;
  uint32_t n_outputs;
  QfQnnTensor *outputs;
} QfQnnOp; /* passed by value */

typedef struct {
  uint32_t option; /* 0: a backend's own, behind u.custom */
  union {
    const void *custom;
    uint32_t u32;
    uint64_t u64;
  } u;
} QfQnnConfig;

/* A backend's own options, with room for the largest. */
typedef struct {
  uint32_t option, pad;
  union {
    uint32_t u32[2];
    struct {
      uint32_t type;
      float value;
    } level;
    uint64_t space[8];
  } u;
} QfQnnCustom;

typedef struct {
  uint32_t major, minor, patch;
} QfQnnVersion;

/* Slots of the function table. */
enum {
  QF_QNN_propertyHasCapability = 0,
  QF_QNN_backendCreate = 1,
  QF_QNN_backendGetBuildId = 4,
  QF_QNN_backendValidateOpConfig = 7,
  QF_QNN_backendFree = 8,
  QF_QNN_contextCreate = 9,
  QF_QNN_contextGetBinarySize = 11,
  QF_QNN_contextGetBinary = 12,
  QF_QNN_contextCreateFromBinary = 13,
  QF_QNN_contextFree = 14,
  QF_QNN_graphCreate = 15,
  QF_QNN_graphAddNode = 18,
  QF_QNN_graphFinalize = 19,
  QF_QNN_graphRetrieve = 20,
  QF_QNN_graphExecute = 21,
  QF_QNN_tensorCreateGraphTensor = 24,
  QF_QNN_logCreate = 25,
  QF_QNN_logFree = 27,
  QF_QNN_profileCreate = 28,
  QF_QNN_profileGetEvents = 30,
  QF_QNN_profileGetSubEvents = 31,
  QF_QNN_profileGetEventData = 32,
  QF_QNN_profileFree = 34,
  QF_QNN_memRegister = 35,
  QF_QNN_memDeRegister = 36,
  QF_QNN_deviceGetPlatformInfo = 37,
  QF_QNN_deviceFreePlatformInfo = 38,
  QF_QNN_deviceGetInfrastructure = 39,
  QF_QNN_deviceCreate = 40,
  QF_QNN_deviceFree = 43,
  QF_QNN_errorGetMessage = 48,
  QF_QNN_SLOTS = 71, /* core 2.32; later releases have more behind them */
};

typedef struct {
  uint32_t backend_id; /* 6: HTP */
  const char *name;
  QfQnnVersion core, backend;
  void (*slots[QF_QNN_SLOTS])(void);
} QfQnnInterface;

typedef void (*QfQnnLog)(const char *format, uint32_t level, uint64_t timestamp, va_list args);

enum { QF_QNN_HTP = 6 };

_Static_assert(sizeof(QfQnnScalar) == 16 && sizeof(QfQnnQuantize) == 40, "layout");
_Static_assert(offsetof(QfQnnTensor, name) == 16 && offsetof(QfQnnTensor, quantize) == 40, "layout");
_Static_assert(offsetof(QfQnnTensor, rank) == 80 && offsetof(QfQnnTensor, dims) == 88, "layout");
_Static_assert(offsetof(QfQnnTensor, memory) == 96 && offsetof(QfQnnTensor, u) == 104, "layout");
_Static_assert(sizeof(QfQnnTensor) == 144 && sizeof(QfQnnParam) == 160 && sizeof(QfQnnOp) == 80, "layout");
_Static_assert(offsetof(QfQnnInterface, slots) == 40 && offsetof(QfQnnConfig, u) == 8, "layout");

#endif
