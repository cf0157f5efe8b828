/* SPDX-License-Identifier: MIT */
/*
 * line.h - running launch lines in tests: to the end, to an error, never beyond a timeout, and with nothing left over.
 */
#ifndef TEST_LINE_H
#define TEST_LINE_H

#include <gst/gst.h>

/* What became of a line. */
typedef struct {
  gboolean eos;
  gchar *error;        /* text of the first error of an element of ours, else of the first; NULL: none */
  gchar *warning;      /* text of the first warning; NULL: none */
  gchar *info;         /* text and details of the first information of an element; NULL: none */
  guint n_buffers;     /* buffers that reached the element named "sink" */
  guint n_same_memory; /* of these, with the very memory that left the element named "source" */
  guint n_latency;     /* LATENCY messages */
  GPtrArray *results;  /* JSON texts of qnndecode's messages */
} LineResult;

/* GStreamer, the elements under test and the leaks tracer. Call it first. */
void line_init(int *argc, char ***argv);

/* A folder for files of the test; removed with its files by line_exit(). */
const gchar *line_dir(void);

/* Makes the pipeline of a launch line; fails the test when it does not parse. */
GstElement *line_parse(const gchar *line);

/* Called for each buffer at the element named "sink". */
typedef void (*LineBufferFunc)(GstBuffer *buffer, gpointer data);

/* Runs @pipeline until EOS or an error, at most 20 s (then the test fails), and stops it. Does not unref it. */
LineResult *line_run(GstElement *pipeline, LineBufferFunc func, gpointer data);

/* Parses, runs, unrefs, and fails the test when an object of GStreamer is left. */
LineResult *line_run_text(const gchar *line, LineBufferFunc func, gpointer data);

void line_result_free(LineResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LineResult, line_result_free)

/* How many objects of GStreamer are alive that were not there at line_init(); @tell: name them. */
guint line_count_leaks(gboolean tell);
void line_assert_no_leaks(void);

/* Removes the folder and returns @status. */
int line_exit(int status);

#endif
