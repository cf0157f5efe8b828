/* SPDX-License-Identifier: MIT */
/*
 * sum.c - the checksum of .qnnf files: 64 bits, eight bytes a step, so that gigabytes of constants take a fraction of a second.
 */
#include "native.h"

#include <string.h>

uint64_t qf_native_sum(uint64_t sum, const void *data, size_t size)
{
  const uint8_t *at = data;
  for (size_t i = 0; i + 8 <= size; i += 8) {
    uint64_t word;
    memcpy(&word, at + i, 8);
    sum = (sum ^ GUINT64_FROM_LE(word)) * UINT64_C(0x9e3779b97f4a7c15);
    sum ^= sum >> 29;
  }
  return sum;
}

uint64_t qf_native_structure_sum(const void *file, size_t structure_size)
{
  uint64_t head = qf_native_sum(0, file, offsetof(QfNativeHeader, sum));
  return qf_native_sum(head, (const uint8_t *)file + sizeof(QfNativeHeader), structure_size);
}

QfNativeKind qf_native_kind(const QfAttrDef *def)
{
  static const uint8_t kinds[] = {
      [QF_ATTR_INT] = QF_NATIVE_INT,       [QF_ATTR_FLOAT] = QF_NATIVE_FLOAT, [QF_ATTR_BOOL] = QF_NATIVE_INT,
      [QF_ATTR_ENUM] = QF_NATIVE_NAME,     [QF_ATTR_DTYPE] = QF_NATIVE_NAME,  [QF_ATTR_INTS] = QF_NATIVE_LIST,
      [QF_ATTR_AXIS] = QF_NATIVE_INT,      [QF_ATTR_AXES] = QF_NATIVE_LIST,   [QF_ATTR_PERM] = QF_NATIVE_LIST,
      [QF_ATTR_PER_AXIS] = QF_NATIVE_LIST,
  };
  return def->kind == QF_ATTR_ENUM && !def->enum_names ? QF_NATIVE_INT : kinds[def->kind];
}
