/* SPDX-License-Identifier: MIT */
/*
 * scene.h - the generated world of the embedded detector: shapes that move over changing backgrounds, as NV12.
 *
 * Frame n of a seed is a pure function of (seed, n, size, shot length): frames may be asked for in any order, and
 * have the same bytes on every machine (no libm, no uninitialised state, no threads). Colours are BT.709, limited
 * range, chroma sited at the centre of its 2x2 block. Plain C without GLib, so that training loads it through ctypes.
 */
#ifndef QNNFLOW_SCENE_H
#define QNNFLOW_SCENE_H

#include <stdint.h>

#if defined(__GNUC__)
#define QF_SCENE_API __attribute__((visibility("default")))
#else
#define QF_SCENE_API
#endif

#define QF_SCENE_N_CLASSES 5
#define QF_SCENE_N_BACKGROUNDS 5
#define QF_SCENE_MAX_OBJECTS 8
#define QF_SCENE_MIN_SIZE 64   /* least width and height of a frame, pixels */
#define QF_SCENE_MAX_SIZE 8192 /* largest width and height of a frame, pixels */
#define QF_SCENE_SHOT_LENGTH 75

/* One object of a frame. */
typedef struct {
  int32_t class_id; /* index for qf_scene_label() */
  int32_t x, y, width,
      height;               /* the whole shape, hidden parts included, cut off at the frame; frame pixels */
  int32_t visible_permille; /* of the whole shape: neither behind another object nor outside the frame */
} QfSceneObject;

typedef struct QfScene QfScene;

/*
 * Makes a world. Every @shot_length frames (0: QF_SCENE_SHOT_LENGTH) the background and all objects change.
 * NULL when a size is outside QF_SCENE_MIN_SIZE .. QF_SCENE_MAX_SIZE or memory is short. Free with qf_scene_free().
 */
QF_SCENE_API QfScene *qf_scene_new(uint64_t seed, int32_t width, int32_t height, uint32_t shot_length);
QF_SCENE_API void qf_scene_free(QfScene *scene); /* NULL is fine */

/*
 * Renders frame @n. @luma holds height rows, @chroma (height + 1) / 2 rows of (width + 1) / 2 CbCr pairs; strides are
 * in bytes. A scene belongs to one thread at a time.
 */
QF_SCENE_API void qf_scene_render(QfScene *scene, uint64_t n, uint8_t *luma, int32_t luma_stride,
                                  uint8_t *chroma, int32_t chroma_stride);

/* What the frame rendered last holds, back to front. Returns the number; owned by the scene, until the next render. */
QF_SCENE_API uint32_t qf_scene_objects(const QfScene *scene, const QfSceneObject **objects);

/* Index of the background of the frame rendered last. */
QF_SCENE_API uint32_t qf_scene_background(const QfScene *scene);

/* Names, static; NULL outside the range. */
QF_SCENE_API const char *qf_scene_label(uint32_t class_id);
QF_SCENE_API const char *qf_scene_background_name(uint32_t background);

/*
 * The truth of the frame rendered last as one line of JSON (no newline) into @text; returns the length that the
 * whole line has, as snprintf() does. QF_SCENE_TRUTH_BYTES are always enough.
 */
#define QF_SCENE_TRUTH_BYTES 2048
QF_SCENE_API int32_t qf_scene_truth(const QfScene *scene, char *text, int32_t size);

#endif
