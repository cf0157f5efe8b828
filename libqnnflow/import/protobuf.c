/* SPDX-License-Identifier: MIT */
/*
 * protobuf.c - see protobuf.h. The walk over fields serves to recognise a file by what stands at its top, which must also
 * work on one that was cut off: its own reader then says so.
 */
#include "protobuf.h"

#include <stdlib.h>

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

static void *budget_alloc(void *data, size_t size)
{
  QfBudget *budget = data;
  if (size > budget->left) {
    budget->spent = TRUE;
    return NULL;
  }
  budget->left -= size;
  return malloc(size);
}

/* What is freed while unpacking is not given back: the budget bounds all that was ever asked for. */
static void budget_free(void *data, void *pointer)
{
  (void)data;
  free(pointer);
}

void qf_budget_init(QfBudget *budget, size_t size, size_t times)
{
  *budget = (QfBudget){.allocator = {budget_alloc, budget_free, budget}};
  budget->left = (size < SIZE_MAX / times ? size * times : SIZE_MAX - (1 << 20)) + (1 << 20);
}

static gboolean read_varint(const uint8_t **data, size_t *size, uint64_t *value)
{
  *value = 0;
  for (int shift = 0; *size && shift < 64; shift += 7) {
    uint8_t byte = **data;
    ++*data;
    --*size;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return TRUE;
  }
  return FALSE;
}

gboolean qf_protobuf_next(const uint8_t **data, size_t *size, QfProtobufField *field)
{
  uint64_t tag;
  if (!*size || !read_varint(data, size, &tag) || tag >> 3 == 0 || tag >> 3 > G_MAXINT32)
    return FALSE;
  *field = (QfProtobufField){.number = (uint32_t)(tag >> 3), .wire = (uint32_t)(tag & 7)};
  if (field->wire == WIRE_VARINT)
    return read_varint(data, size, &field->value);
  if (field->wire == WIRE_BYTES && !read_varint(data, size, &field->value))
    return FALSE;
  if (field->wire != WIRE_BYTES && field->wire != WIRE_32 && field->wire != WIRE_64)
    return FALSE;
  if (field->wire != WIRE_BYTES)
    field->value = field->wire == WIRE_32 ? 4 : 8;
  field->payload = *data;
  field->payload_size = (size_t)MIN(field->value, *size);
  *data += field->payload_size;
  *size -= field->payload_size;
  return TRUE;
}

gboolean qf_protobuf_scan(const uint8_t *data, size_t size, const uint8_t *allowed, uint32_t n)
{
  QfProtobufField field;
  gboolean any = FALSE;
  while (size) {
    if (!qf_protobuf_next(&data, &size, &field))
      return any && !size; /* cut off in the middle of a tag or a length */
    if (field.number >= n || !(allowed[field.number] >> field.wire & 1))
      return FALSE;
    any = TRUE;
  }
  return any;
}
