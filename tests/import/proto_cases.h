/* SPDX-License-Identifier: MIT */
/*
 * proto_cases.h - cases for the importers whose files are protobuf messages, written as protobuf text: a net, what it gives for
 * fixed numbers, or what is wrong with it. The same text, packed, is a binary file.
 */
#ifndef QF_TESTS_PROTO_CASES_H
#define QF_TESTS_PROTO_CASES_H

#include <qnnflow/qnnflow.h>
#include <protobuf-c/protobuf-c.h>

#define PROTO_MAX_OUT 32

/* Element i of input k is ((7 i + 3 k) mod 11 - 5) / 2, cast to the input's type. */
typedef struct {
  const char *name;
  const char *text;
  const char *dims;         /* of output 0, "1x2x3"; NULL: it cannot be loaded */
  float out[PROTO_MAX_OUT]; /* its first elements; given by the peer, or by hand */
  int error;                /* QF_ERROR_... when dims is NULL */
  const char *words;        /* that the message has */
} ProtoCase;

extern const ProtoCase caffe_cases[], tensorflow_cases[]; /* end with name NULL */

/* The message that the text means, packed. */
GBytes *proto_pack(const ProtobufCMessageDescriptor *type, const char *text);

/* Loads, runs and compares, on a backend. */
void proto_check(GBytes *bytes, const ProtoCase *c, const char *backend);

/* Every truncation and many flipped bits of @bytes: a model or an error, nothing else. */
void proto_damage(GBytes *bytes);

#endif
