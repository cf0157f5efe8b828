/* SPDX-License-Identifier: MIT */
/*
 * protobuf.h - unpacking a message within a budget. A few bytes can ask for a large struct each (an empty submessage is two
 * bytes), so what protobuf-c may allocate is bounded to a multiple of the file's size.
 */
#ifndef QF_IMPORT_PROTOBUF_H
#define QF_IMPORT_PROTOBUF_H

#include <glib.h>
#include <protobuf-c/protobuf-c.h>

/* An allocator that fails once @left is used up. Blocks are from malloc and may be freed by free(). */
typedef struct {
  ProtobufCAllocator allocator; /* first: hand &budget.allocator to protobuf-c */
  size_t left;                  /* bytes */
  gboolean spent;               /* it has failed */
} QfBudget;

/* A budget of @times the @size of the file, and a megabyte. */
void qf_budget_init(QfBudget *budget, size_t size, size_t times);

/* Whether the fields at the top of @data are all of @allowed, "number:wire type" as bits: allowed[number] is a mask of wire
 * types, [n] numbers. The last field may be cut off. @first gets the number of the first field and its payload. */
gboolean qf_protobuf_scan(const uint8_t *data, size_t size, const uint8_t *allowed, uint32_t n);

/* One field. FALSE at the end or on damage. @payload of a length-delimited one lies in @data, cut to what is there. */
typedef struct {
  uint32_t number, wire;
  uint64_t value; /* of a varint, or the payload's full length */
  const uint8_t *payload;
  size_t payload_size;
} QfProtobufField;
gboolean qf_protobuf_next(const uint8_t **data, size_t *size, QfProtobufField *field);

#endif
