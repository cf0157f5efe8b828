/* SPDX-License-Identifier: MIT */
/*
 * text.h - protobuf's text format (a .prototxt) into the records that protobuf-c makes of the binary one, led by the same
 * descriptors. Fields that a descriptor does not have are skipped, as they are in binary.
 */
#ifndef QF_IMPORT_CAFFE_TEXT_H
#define QF_IMPORT_CAFFE_TEXT_H

#include "../protobuf.h"

/*
 * Parses @text (need not end with NUL) as a message of @type. Free the result with protobuf_c_message_free_unpacked() and
 * the budget's allocator. NULL with QF_ERROR_FORMAT (file and line) or QF_ERROR_LIMIT.
 */
ProtobufCMessage *qf_caffe_text_parse(const ProtobufCMessageDescriptor *type, const char *text, size_t size,
                                      const char *file, QfBudget *budget, GError **error);

/* Whether @text begins, after blanks and comments, with a field of @type, written as text. */
gboolean qf_caffe_text_probe(const ProtobufCMessageDescriptor *type, const char *text, size_t size);

#endif
